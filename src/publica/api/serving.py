"""What one server serves with: the instance, its queue of uses, its metrics, and whether it is stopping."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from publica.gateway.door import Answer, Explanation
from publica.gateway.door import Request as Question
from publica.http import forms
from publica.http.fair import Gone, Queue
from publica.http.metrics import Metrics
from publica.instance import Instance
from publica.kernel.errors import PublicaError, Refused

T = TypeVar("T")
SMALL = 256 * 1024
"""Bytes of an answer that is made whole at once, instead of piece by piece."""
ASIDE = 256 * 1024 * 1024
"""Bytes of answers on their way that may stand in memory; further ones wait on disk."""


@dataclass(frozen=True)
class Made:
    """An answer, and its body where that is small."""

    answer: Answer
    body: bytes | None


class Serving:
    """One server's share of the work. `ready` is false from the moment it is told to stop."""

    def __init__(self, instance: Instance) -> None:
        given = instance.settings.queue
        running = given.running or (os.cpu_count() or 1) + 2
        self.instance, self.metrics = instance, Metrics()
        self.queue = Queue(
            running=running, waiting=given.waiting, seconds=given.wait_seconds, share=given.share
        )
        self.reader_seconds = given.reader_seconds
        self.door = instance.door  # opened before there are several threads
        self.ready = True
        self._pool = ThreadPoolExecutor(running, "publica-use")
        self.watch = ThreadPoolExecutor(1, "publica-watch")
        """The thread of whoever asks whether the server is ready: no request can take it."""
        self._on_the_way, self._lock = 0, threading.Lock()
        self.metrics.watch("publica_uses_running", "Uses that run.", lambda: self.queue.running)
        self.metrics.watch("publica_uses_waiting", "Uses that wait.", lambda: self.queue.waiting)

    async def use(self, question: Question, form: str, gone: Gone) -> Made:
        """Answer a question in its turn. Raises what the door raises, and what the queue does."""
        return await self.in_turn(question.actor.id, gone, lambda: self._use(question, form))

    async def explain(self, question: Question, gone: Gone) -> Explanation:
        """What would be decided, in its turn: reading a statement takes as much of the machine as a use."""
        return await self.in_turn(question.actor.id, gone, lambda: self.instance.explain(question))

    async def in_turn(self, actor: str, gone: Gone, work: Callable[[], T]) -> T:
        """Do what takes long in a place of the queue. Raises what it does, and what the queue does."""
        async with self.queue.place(actor, gone):
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def stop(self) -> None:
        """Let nobody in any more; who waits is sent away, what runs goes on."""
        self.ready = False
        self.queue.stop()

    def cut_short(self) -> None:
        """End what still runs: it fails as if its time were up, and leaves the receipt of a failure."""
        self.door.engine.cut_short()

    def close(self) -> None:
        """Wait for what runs, and let go of the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self.watch.shutdown(wait=True, cancel_futures=True)

    def _use(self, question: Question, form: str) -> Made:
        try:
            answer = self.instance.use(question)
        except Refused:
            self.metrics.uses.labels("refused").inc()
            raise
        except PublicaError:
            self.metrics.uses.labels("failed").inc()
            raise
        self.metrics.uses.labels("released").inc()
        self.metrics.rows.inc(answer.rows)
        if answer.spool.size > SMALL:
            return Made(answer, None)
        body = b"".join(forms.chunks(answer, form))
        answer.spool.drop()
        return Made(answer, body)

    async def pieces(self, answer: Answer, form: str) -> AsyncGenerator[bytes]:
        """The answer, piece by piece, each made when the one before was taken; then it is forgotten."""
        loop, size = asyncio.get_running_loop(), answer.spool.size
        with self._lock:
            self._on_the_way += size
            full = self._on_the_way > ASIDE
        try:
            if full:
                await loop.run_in_executor(None, answer.spool.put_aside)
            made = forms.chunks(answer, form)
            while piece := await loop.run_in_executor(None, _next, made):
                yield piece
        finally:
            with self._lock:
                self._on_the_way -= size
            answer.spool.drop()


def _next(made: Iterator[bytes]) -> bytes:
    """The next piece that is not empty; b"" at the end."""
    return next((piece for piece in made if piece), b"")


async def _serving(request: Request) -> Serving:
    found: Serving = request.app.state.serving
    return found


Served = Annotated[Serving, Depends(_serving)]
"""The server that answers."""
