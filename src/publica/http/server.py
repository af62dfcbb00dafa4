"""The server: one process, one event loop, and an end that loses nothing.

On SIGTERM or SIGINT `/ready` says no first, and after the time to drain no use is let in any more. What runs
ends, or is cut short when the time to stop is up: an answer leaves with its receipt written, or not at all.
"""

from __future__ import annotations

import asyncio
import errno
import math
import socket
import struct
import time
from types import FrameType
from typing import Any, Protocol

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from publica.http import logs
from publica.http.headers import MOST_BYTES
from publica.kernel.errors import BadInput, Unavailable

KEEP_ALIVE = 15
"""Seconds for which a connection without a request is kept."""
BACKLOG = 2048
LAST_WORDS = 5
"""Seconds for the answers of those whose uses were cut short."""
HURRY = 15.0
"""Longest time in which a reader may take nothing once the server stops, in seconds."""


class Stops(Protocol):
    """What the server tells that it ends."""

    ready: bool

    def stop(self) -> None:
        """Let nobody in any more."""

    def cut_short(self) -> None:
        """End what still runs."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises Unavailable when the address is taken, BadInput when it is none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror:
        raise BadInput(f"{host} is no address to listen on.", do="Correct [serve] host, or --host.") from None
    family, _, _, _, address = found[0]
    # The protocol must be named: asyncio turns Nagle's algorithm (40 ms for each answer) off only then.
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind(address)
        opened.listen(BACKLOG)
    except OSError as error:
        opened.close()
        raise _cannot_listen(error, host, port) from None
    return opened


def _cannot_listen(error: OSError, host: str, port: int) -> Exception:
    if error.errno == errno.EADDRINUSE:
        return Unavailable(
            f"Port {port} of {host} is taken by another program.",
            do="Stop that one, or name another: --port.",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return Unavailable(
            f"This user may not listen on port {port}.", do="Name a port above 1023, behind a proxy."
        )
    return Unavailable(f"Port {port} of {host} cannot be listened on ({error.strerror}).")


def address_of(listening: socket.socket) -> str:
    """The http:// URL of a listening socket."""
    host, port = listening.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (what it listens on already)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def run(
    app: ASGIApp,
    listening: socket.socket,
    stops: Stops,
    *,
    drain: float,
    stop: float,
    patience: float,
    reader: float,
) -> None:
    """Serve until told to stop.

    Seconds: to `drain`, to `stop`, to wait for a request's headers, and for a `reader` who takes nothing.
    """
    config = uvicorn.Config(
        app,
        http=_protocol(patience, reader),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=math.ceil(stop + LAST_WORDS),
        h11_max_incomplete_event_size=2 * MOST_BYTES,
    )
    Server(config, stops, drain, stop).run(sockets=[listening])


class Server(uvicorn.Server):
    """Ends in three steps: not ready, letting nobody in, cutting short."""

    def __init__(self, config: uvicorn.Config, stops: Stops, drain: float, stop: float) -> None:
        super().__init__(config)
        self.stops, self._drain, self._stop = stops, drain, stop
        self._ends: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal begins the end, a second one leaves out the time to drain."""
        del sig, frame
        self.stops.ready = False
        again = self._ends is not None
        self._ends = time.monotonic() + (0 if again else self._drain)

    async def on_tick(self, counter: int) -> bool:
        if self._ends is not None and time.monotonic() >= self._ends and not self.should_exit:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        logs.event("stopping")
        self.stops.stop()
        late = asyncio.get_running_loop().call_later(self._stop, self.stops.cut_short)
        await super().shutdown(sockets)
        late.cancel()
        logs.event("stopped")


def _protocol(patience: float, reader: float) -> type[H11Protocol]:
    """The protocol, closing connections on which no whole request arrives, or nothing is taken, in time."""
    return type("Patient", (Patient,), {"patience": patience, "reader": reader})


class Patient(H11Protocol):
    """HTTP/1.1 with an end to clients who never finish their headers, or never read an answer.

    Seconds: `patience` for a whole request, `reader` for an answer to be taken.
    """

    patience: float
    reader: float

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        inner = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope["state"]["abort"] = self.transport.abort
            await inner(scope, receive, send)

        self.app = app
        self._late: Any = None
        self._stuck: Any = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._wait()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._late is not None:
            self._late.cancel()
        self._taken()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._taken()

    def shutdown(self) -> None:
        super().shutdown()
        self.reader = min(self.reader, HURRY)
        if self.transport.get_write_buffer_size():
            self._taken()
            self._unread()

    def _wait(self) -> None:
        """Wait for headers while no request is under way."""
        busy = self._busy()
        if busy and self._late is not None:
            self._late.cancel()
            self._late = None
        elif not busy and self._late is None:
            self._late = self.loop.call_later(self.patience, self._give_up)

    def _give_up(self) -> None:
        self._late = None
        if self.transport.get_write_buffer_size():  # an answer is on its way still
            self._unread()
        else:
            self.transport.abort()

    def _busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _unread(self) -> None:
        """Wait for the client to take what was written."""
        if self._stuck is None:
            self._stuck = self.loop.call_later(self.reader, self._cut_off)

    def _taken(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def _cut_off(self) -> None:
        """A closing connection counts, too: it closes only when all was taken."""
        self._stuck = None
        if self.flow.write_paused or self.transport.is_closing() or not self._busy():
            logs.event("reader too slow")
            at_once = struct.pack("ii", 1, 0)  # otherwise the kernel goes on offering what is not taken
            opened = self.transport.get_extra_info("socket")
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            self.transport.abort()
