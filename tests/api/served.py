"""A real server on loopback, with the application as it is served; and clients of it."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

LEDGER = "/api/v1/ledger/"


@dataclass(frozen=True)
class Reply:
    """An answer, read to its end; headers by their names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Served:
    """An application that is served, and how to ask it."""

    host: str
    port: int
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Reply:
        return self.ask("GET", path, **headers)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """One request; `Accept_Encoding="gzip"` is the header Accept-Encoding."""
        connection = HTTPConnection(self.host, self.port, timeout=120)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, {**self.headers, **named})
            return reply(connection.getresponse())
        finally:
            connection.close()

    def log(self, path: str) -> bytes:
        """`get(path)` of the ledger, as a verifier wants it."""
        found = self.get(LEDGER + path)
        if found.status in (404, 410):
            raise LookupError(path)
        assert found.status == 200, (path, found.status, found.body[:200])
        return found.body


def reply(response: HTTPResponse) -> Reply:
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, headers, response.read())


@contextmanager
def serving(app: FastAPI, **headers: str) -> Iterator[Served]:
    """Serve the application on a free port until the block ends."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config: Any = uvicorn.Config(app, log_config=None, lifespan="on", timeout_graceful_shutdown=30)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.005)
    assert thread.is_alive(), "the server did not start"
    try:
        yield Served("127.0.0.1", listening.getsockname()[1], dict(headers))
    finally:
        server.should_exit = True
        thread.join(60)
        listening.close()


@contextmanager
def process(command: Sequence[str], log: Path) -> Iterator[tuple[Served, subprocess.Popen[bytes]]]:
    """A server in a process of its own, which says its address when it listens."""
    with log.open("wb") as out:
        started = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        while not (found := re.search(rb"http://127\.0\.0\.1:(\d+)", log.read_bytes())):
            assert started.poll() is None, log.read_text("utf-8", "replace")
            time.sleep(0.02)
        yield Served("127.0.0.1", int(found[1])), started
    finally:
        started.kill()
        started.wait()
