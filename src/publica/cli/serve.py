"""`publica serve` and `publica worker`."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from publica.cli.common import instance

if TYPE_CHECKING:
    from publica.http.providers import Provider
    from publica.instance import Instance
    from publica.instance.worker import Worker
    from publica.kernel.errors import PublicaError
    from publica.web.cast import Member


@click.command()
@click.option("--host", help="Address to listen on; [serve] host when left out.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port; [serve] port when left out. 0: a free one."
)
@click.option("--no-worker", is_flag=True, help="Leave what runs beside serving to `publica worker`.")
@click.pass_obj
def serve(folder: str, host: str | None, port: int | None, no_worker: bool) -> None:
    """Serve the instance over HTTP until it is told to stop (SIGTERM, Ctrl-C).

    \b
    Example: publica serve --port 8000
    """
    with instance(folder) as opened:
        serve_instance(opened, host, port, worker=not no_worker)


def serve_instance(
    opened: Instance,
    host: str | None,
    port: int | None,
    *,
    worker: bool = True,
    providers: Mapping[str, Provider] | None = None,
    cast: Sequence[Member] | None = None,
) -> None:
    """Serve an instance in this process until it is told to stop.

    `providers`: where people sign in; those of the settings when left out. `cast`: of the demo, whom one can
    be.
    """
    from publica.api.app import create_app
    from publica.api.serving import Serving
    from publica.http import logs, server, telemetry
    from publica.http.who import Identity
    from publica.web import ROUTERS, error_page

    given = opened.settings
    listening = server.listen(host or given.serve.host, given.serve.port if port is None else port)
    address = server.address_of(listening)
    logs.start()
    serving = Serving(opened)
    origin = given.serve.origin or address
    who = Identity(opened, origin=origin, secrets=os.environ.get, providers=providers)
    made = create_app(opened, identity=who, serving=serving, routers=ROUTERS, error_page=error_page)
    made.state.cast = cast
    app = telemetry.traced(made, given.operations.telemetry)
    beside = _worker(opened, serving.metrics.job_done) if worker else None
    click.echo(
        f"Publica serves {opened.folder.resolve()} at {address} (the API: {address}/docs). Stop: Ctrl-C"
    )
    try:
        server.run(
            app,
            listening,
            serving,
            drain=given.operations.drain_seconds,
            stop=given.operations.stop_seconds,
            patience=given.serve.body_seconds,
            reader=given.queue.reader_seconds,
        )
    finally:
        serving.close()
        if beside is not None:
            beside.stop()


@click.command()
@click.pass_obj
def worker(folder: str) -> None:
    """Do what runs beside serving: position and publish the ledger's entries, remove what has expired.

    `publica serve` does it, too; run this alone where several servers are told not to (--no-worker).

    \b
    Example: publica worker
    """
    from publica.http import logs

    told = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: told.set())
    logs.start()
    with instance(folder) as opened:
        beside = _worker(opened, _nothing)
        click.echo(f"Publica works beside {opened.folder.resolve()}. Stop: Ctrl-C")
        told.wait()
        beside.stop()


def _worker(opened: Instance, count: Callable[[str, str], None]) -> Worker:
    """A worker that tells the log of what fails, and `count` of everything."""
    from publica.http import logs
    from publica.instance.worker import Worker

    def report(job: str, error: PublicaError | None) -> None:
        count(job, "failed" if error else "done")
        if error is not None:
            logs.event("job failed", job=job, said=error.what, do=error.do)

    beside = Worker(opened, report)
    beside.start()
    return beside


def _nothing(_job: str, _outcome: str) -> None:
    """Nothing counts the jobs of a worker that runs alone."""


COMMANDS = (serve, worker)
