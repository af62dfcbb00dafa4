"""A server in a process of its own, and clients that cost little: HTTP/1.1 over plain sockets, kept alive."""

from __future__ import annotations

import asyncio
import os
import random
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LASTING = range(20_000, 30_000)
START_SECONDS = 120
"""A loaded machine may take long to start a server."""
_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")


class Lost(Exception):
    """The connection ended before the answer did."""


@dataclass(frozen=True)
class Reply:
    """An answer. `body` is what was kept of it, `size` how much there was; `whole`: it came to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    size: int
    whole: bool = True


class Connection:
    """One client's connection, opened when it is needed and again when it was lost."""

    def __init__(self, port: int, headers: Mapping[str, str] | None = None) -> None:
        self.port = port
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(
        self, method: str, path: str, body: bytes = b"", accept: str = "*/*", keep: int = 1 << 20
    ) -> Reply:
        """One request. Raises Lost when no whole answer to it came; what came of it is in the exception."""
        try:
            if self._writer is None:
                self._reader, self._writer = await asyncio.open_connection(
                    "127.0.0.1", self.port, limit=1 << 18
                )
            sends = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
            head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAccept: {accept}\r\n"
            self._writer.write(f"{head}{self._headers}{sends}\r\n".encode() + body)
            reply = await self._answer(keep)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            self.close()
            raise Lost(type(error).__name__) from error
        if not reply.whole or reply.headers.get("connection", "").lower() == "close":
            self.close()
        return reply

    async def _answer(self, keep: int) -> Reply:
        reader = self._reader
        assert reader is not None
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ", 2)[1])
        pairs = (line.split(":", 1) for line in lines[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        kept, size = bytearray(), 0
        try:
            async for piece in _pieces(reader, headers):
                size += len(piece)
                kept += piece[: max(0, keep - len(kept))]
        except (OSError, asyncio.IncompleteReadError):
            return Reply(status, headers, bytes(kept), size, whole=False)
        return Reply(status, headers, bytes(kept), size)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


async def _pieces(reader: asyncio.StreamReader, headers: Mapping[str, str]):  # type: ignore[no-untyped-def]
    if headers.get("transfer-encoding") == "chunked":
        while length := int(await reader.readuntil(b"\r\n"), 16):
            yield await reader.readexactly(length)
            await reader.readexactly(2)
        await reader.readexactly(2)
        return
    left = int(headers.get("content-length", "0"))
    while left:
        piece = await reader.read(min(left, 1 << 18))
        if not piece:
            raise asyncio.IncompleteReadError(b"", left)
        left -= len(piece)
        yield piece


class Server:
    """A server process: `publica serve`, or another that says on which port of 127.0.0.1 it listens."""

    def __init__(self, command: Sequence[str], log: Path, port: int | None = None) -> None:
        many_files()
        self.command, self.log = list(command), log
        self.port = port or 0
        self._file = log.open("ab")
        self.process = self._start()

    @classmethod
    def publica(cls, folder: Path, log: Path, port: int = 0) -> Server:
        """`publica serve` of an instance, on a free port when none is named."""
        command = [sys.executable, "-m", "publica", "--instance", str(folder), "serve", "--port", str(port)]
        return cls(command, log)

    def _start(self) -> subprocess.Popen[bytes]:
        before = self.log.stat().st_size
        started = subprocess.Popen(
            self.command, stdout=self._file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and started.poll() is None:
            with self.log.open("rb") as said:
                said.seek(before)
                found = _ADDRESS.search(said.read().decode("utf-8", "replace"))
            if (port := self.port or (found and int(found[1]))) and listens(port):
                self.port = port
                return started
            time.sleep(0.02)
        started.kill()
        started.wait()
        raise SystemExit(f"The server did not start: {self.log.read_text('utf-8', 'replace')[-2000:]}")

    def kill(self) -> None:
        """End it at once, in the midst of whatever it does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def start_again(self) -> None:
        """Start the same once more, on the same port."""
        if "--port" in self.command:
            self.command[self.command.index("--port") + 1] = str(self.port)
        self.process = self._start()

    def stop(self) -> int:
        """Tell it to stop, and wait; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(180)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL
        finally:
            self._file.close()

    def memory(self) -> float:
        """Resident memory now, MiB."""
        return _status(self.process.pid, "VmRSS:")

    def spent(self) -> float:
        """Processor seconds so far, all threads."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak(self) -> float:
        """The most it had, MiB."""
        return _status(self.process.pid, "VmHWM:")


def listens(port: int) -> bool:
    """Whether something takes connections there."""
    with socket.socket() as trying:
        trying.settimeout(5)
        return trying.connect_ex(("127.0.0.1", port)) == 0


def lasting() -> int:
    """A free port that no system gives out by itself: it is free still when its server was killed."""
    return next(port for port in random.sample(LASTING, len(LASTING)) if not listens(port))


def many_files() -> None:
    """Raise this process's limit of open files, which those it starts inherit, to the most it may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _status(process: int, name: str) -> float:
    try:
        lines = Path(f"/proc/{process}/status").read_text("ascii").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name)), 0.0)
