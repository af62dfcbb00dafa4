"""The queue of uses: so many run at once, the rest wait, and the actors take turns.

It lives on one event loop, so it needs no locks. Whoever goes away while waiting leaves the queue; a use that
runs keeps its place until it has ended, whether or not anybody still waits for it.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from publica.http.problems import HttpProblem

Gone = Callable[[], Awaitable[None]]
"""Returns once the client has gone away."""
_MOST_RETRY = 60


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


class Queue:
    """Places for uses: `running` at once, `waiting` in line for `seconds` at most, in turn between actors.

    `share`: the largest part of either that one actor may have.
    """

    def __init__(self, *, running: int, waiting: int, seconds: float, share: float) -> None:
        self.places, self.room, self.seconds = running, waiting, seconds
        self._most_running = max(1, math.ceil(running * share))
        self._most_waiting = max(1, math.ceil(waiting * share))
        self._running: Counter[str] = Counter()
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._took = 0.05  # how long a use runs, in seconds, lately
        self._stopped = False

    @property
    def running(self) -> int:
        """How many uses run."""
        return self._running.total()

    @property
    def waiting(self) -> int:
        """How many uses wait."""
        return sum(len(line) for line in self._lines.values())

    @asynccontextmanager
    async def place(self, actor: str, gone: Gone) -> AsyncIterator[None]:
        """A place to run one use.

        Raises HttpProblem: 503 when the queue is full, the wait too long or the server stopping, 429 when the
        actor has too many waiting already. Raises ClientGone when the client went away meanwhile.
        """
        if self._stopped:
            raise stopping()
        if self._lines or not self._free(actor):
            await self._wait(actor, gone)
        else:
            self._running[actor] += 1
        started = time.monotonic()
        try:
            yield
        finally:
            self._took = 0.9 * self._took + 0.1 * (time.monotonic() - started)
            self._leave(actor)

    def stop(self) -> None:
        """Let nobody in any more, and send away all who wait."""
        self._stopped = True
        for line in self._lines.values():
            for turn in line:
                if not turn.done():
                    turn.set_exception(stopping())
        self._lines.clear()

    def _free(self, actor: str) -> bool:
        return self.running < self.places and self._running[actor] < self._most_running

    async def _wait(self, actor: str, gone: Gone) -> None:
        """Stand in line until it is the actor's turn; the place is taken then."""
        if self.waiting >= self.room:
            raise self._full("Too many uses wait already.")
        line = self._lines.setdefault(actor, deque())
        if len(line) >= self._most_waiting:
            raise HttpProblem(
                "too-many",
                "Too many of your own uses wait already.",
                do="Wait for their answers.",
                headers={"Retry-After": str(self._retry())},
            )
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(turn)
        self._serve()
        leaving = asyncio.ensure_future(gone())
        try:
            await asyncio.wait({turn, leaving}, timeout=self.seconds, return_when=asyncio.FIRST_COMPLETED)
            if turn.done():
                turn.result()
            elif leaving.done():
                raise ClientGone
            else:
                raise self._full("This use waited too long for its turn.")
        except BaseException:
            self._quit(actor, turn)
            raise
        finally:
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)

    def _quit(self, actor: str, turn: asyncio.Future[None]) -> None:
        """Leave the line; give the place back if it was given at that moment."""
        line = self._lines.get(actor)
        if turn.done() and not turn.cancelled() and turn.exception() is None:
            self._leave(actor)
        elif line is not None and turn in line:
            line.remove(turn)
            if not line:
                del self._lines[actor]
        turn.cancel()

    def _leave(self, actor: str) -> None:
        self._running[actor] -= 1
        if not self._running[actor]:
            del self._running[actor]
        self._serve()

    def _serve(self) -> None:
        """Give free places to those who wait: the next use of each actor in turn."""
        found = True
        while found and self.running < self.places:
            found = False
            for actor in list(self._lines):
                if self._free(actor):
                    self._call(actor)
                    found = True

    def _call(self, actor: str) -> None:
        line = self._lines.pop(actor)
        turn = line.popleft()
        if line:
            self._lines[actor] = line  # at the end: the others come first
        if not turn.done():
            self._running[actor] += 1
            turn.set_result(None)

    def _retry(self) -> int:
        """When there may be room, in seconds from now."""
        return min(_MOST_RETRY, max(1, math.ceil(self.waiting * self._took / self.places)))

    def _full(self, what: str) -> HttpProblem:
        headers = {"Retry-After": str(self._retry())}
        return HttpProblem("unavailable", what, do="Try again a little later.", headers=headers)


def stopping() -> HttpProblem:
    """What is said while the server stops."""
    return HttpProblem(
        "unavailable",
        "The server is stopping.",
        do="Ask again: another one, or the same when it is back.",
        headers={"Connection": "close"},
    )
