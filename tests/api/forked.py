"""`publica` in processes that start at once: forks of one that has imported all of it, and opened nothing.

Importing is most of what it takes to start a server. That it starts from nothing has a test of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing.connection import Connection
from pathlib import Path

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "publica.cli.main",
        "publica.cli.serve",
        "publica.api.app",
        "publica.web",
        "publica.http.server",
        "publica.http.telemetry",
        "publica.instance.worker",
    ]
)


class Forked:
    """A command that runs, with what a test needs of `subprocess.Popen`."""

    def __init__(self, words: list[str], log: Path) -> None:
        reader, writer = FORKS.Pipe(duplex=False)
        self._process = FORKS.Process(target=_run, args=(words, writer, str(log)))
        self._process.start()
        writer.close()
        self.stdout = os.fdopen(os.dup(reader.fileno()), "r")
        reader.close()

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, sign: int) -> None:
        if self.poll() is None and self._process.pid is not None:
            os.kill(self._process.pid, sign)

    def kill(self) -> None:
        self._process.kill()

    def wait(self, seconds: float) -> int:
        self._process.join(seconds)
        assert self._process.exitcode is not None, "it goes on"
        return self._process.exitcode


def _run(words: list[str], out: Connection, log: str) -> None:
    """In the fork: as the command would, with its streams."""
    os.dup2(out.fileno(), 1)
    out.close()
    told = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(told, 2)
    os.close(told)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.argv = ["publica", *words]
    from publica.cli.main import main

    main()
