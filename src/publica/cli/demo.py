"""`publica demo`: a fictional municipality to try everything on."""

from __future__ import annotations

from pathlib import Path

import click

from publica.cli.common import instance
from publica.cli.serve import serve_instance

PERSONS = 320_000
"""So many that published counts of 100 and more are 2 % off or less (the median), of incomes too."""


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default="demo-instance",
    show_default=True,
    help="Where to build it.",
)
@click.option(
    "--persons",
    type=click.IntRange(min=100),
    default=PERSONS,
    show_default=True,
    help="How many synthetic people.",
)
@click.option("--no-serve", is_flag=True, help="End after the tour.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to serve it on, on this machine alone; 0: a free one.",
)
def demo(folder: Path, persons: int, no_serve: bool, port: int) -> None:
    """Build a fictional municipality with synthetic people and walk through what Publica does.

    Then serve it, on this machine alone, for anybody to sign in as whomever they like.

    \b
    Example: publica demo --dir /tmp/town --persons 10000
    """
    from publica.demo.personas import cast, personas
    from publica.demo.tour import run

    citizens = run(folder, persons, click.echo, serve=not no_serve)
    if not no_serve:
        with instance(str(folder)) as opened:
            people = personas(opened, [citizen.key for citizen in citizens])
            serve_instance(opened, "127.0.0.1", port, providers=people, cast=cast(opened, citizens))


COMMANDS = (demo,)
