"""The queue of uses: so many at once, in turn between actors, with an end to waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import anyio.to_thread
import pytest

from publica.http.fair import ClientGone, Queue
from publica.http.problems import HttpProblem

from .city import opened

FOREVER = 60.0


async def stays() -> None:
    """A client who waits for ever."""
    await asyncio.Event().wait()


class Uses:
    """Uses of a queue that run until they are let go."""

    def __init__(self, queue: Queue) -> None:
        self.queue, self.began, self.ended = queue, list[str](), list[str]()
        self._go: dict[str, asyncio.Event] = {}

    async def use(self, name: str, gone: Any = stays) -> None:
        self._go[name] = asyncio.Event()
        async with self.queue.place(name[0], gone):
            self.began.append(name)
            await self._go[name].wait()
        self.ended.append(name)

    def start(self, *names: str) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self.use(name)) for name in names]

    async def finish(self, name: str) -> None:
        self._go[name].set()
        await settled()


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def queue(**given: Any) -> Queue:
    return Queue(**{"running": 2, "waiting": 100, "seconds": FOREVER, "share": 1.0, **given})


def test_only_so_many_run_and_the_rest_come_in_turn_between_actors() -> None:
    async def work() -> None:
        uses = Uses(queue(running=1))
        tasks = uses.start("a1", "a2", "a3", "a4", "b1", "c1", "b2")
        await settled()
        assert (uses.began, uses.queue.running, uses.queue.waiting) == (["a1"], 1, 6)
        for name in ("a1", "a2", "b1", "c1", "a3", "b2", "a4"):
            assert uses.began[-1] == name
            await uses.finish(name)
        await asyncio.gather(*tasks)
        assert (uses.queue.running, uses.queue.waiting) == (0, 0)

    run(work())


def test_one_actor_never_has_every_place() -> None:
    async def work() -> None:
        uses = Uses(queue(running=4, share=0.75))
        uses.start(*(f"a{n}" for n in range(10)))
        await settled()
        assert len(uses.began) == 3
        uses.start("b1")
        await settled()
        assert uses.began[-1] == "b1"  # at once, though seven of the other's wait
        await uses.finish("a0")
        assert uses.began[-1] == "a3"

    run(work())


def test_a_full_queue_says_when_to_come_again() -> None:
    async def work() -> None:
        uses = Uses(queue(running=1, waiting=2))
        uses.start("a1", "b1", "c1")
        await settled()
        with pytest.raises(HttpProblem) as full:
            await uses.use("d1")
        assert full.value.kind.status == 503
        assert int(full.value.headers["Retry-After"]) >= 1

    run(work())


def test_an_actor_with_too_many_waiting_is_told_so_and_others_are_not() -> None:
    async def work() -> None:
        uses = Uses(queue(running=1, waiting=4, share=0.5))
        uses.start("a1", "a2", "a3")
        await settled()
        with pytest.raises(HttpProblem) as many:
            await uses.use("a4")
        assert many.value.kind.status == 429
        uses.start("b1")
        await settled()
        assert uses.queue.waiting == 3

    run(work())


def test_a_wait_ends() -> None:
    async def work() -> None:
        uses = Uses(queue(running=1, seconds=0.05))
        uses.start("a1")
        await settled()
        with pytest.raises(HttpProblem) as late:
            await uses.use("b1")
        assert late.value.kind.status == 503
        assert uses.queue.waiting == 0
        await uses.finish("a1")
        assert uses.queue.running == 0

    run(work())


def test_who_goes_away_leaves_the_line() -> None:
    async def work() -> None:
        uses, left = Uses(queue(running=1)), asyncio.Event()

        async def gone() -> None:
            await left.wait()

        uses.start("a1")
        await settled()
        going = asyncio.create_task(uses.use("b1", gone))
        uses.start("c1")
        await settled()
        left.set()
        with pytest.raises(ClientGone):
            await going
        assert uses.queue.waiting == 1
        await uses.finish("a1")
        assert uses.began == ["a1", "c1"]

    run(work())


def test_a_cancelled_wait_loses_no_place() -> None:
    """Also where it was cancelled in the moment in which it got its place."""

    async def work() -> None:
        uses = Uses(queue(running=1))
        first, second, third = uses.start("a1", "b1", "c1")
        await settled()
        uses._go["a1"].set()
        await asyncio.sleep(0)
        second.cancel()
        await settled()
        assert second.cancelled() or "b1" in uses.began
        await settled()
        assert uses.queue.running == 1
        assert uses.began[-1] == "c1"
        await uses.finish("c1")
        await asyncio.gather(first, third)
        assert (uses.queue.running, uses.queue.waiting) == (0, 0)

    run(work())


def test_a_failed_use_frees_its_place() -> None:
    async def work() -> None:
        q = queue(running=1)
        with pytest.raises(ZeroDivisionError):
            async with q.place("a", stays):
                raise ZeroDivisionError
        assert q.running == 0

    run(work())


def test_a_stopping_queue_sends_all_away_who_wait_and_lets_those_end_who_run() -> None:
    async def work() -> None:
        uses = Uses(queue(running=1))
        first, second = uses.start("a1", "b1")
        await settled()
        uses.queue.stop()
        with pytest.raises(HttpProblem, match="stopping"):
            await second
        with pytest.raises(HttpProblem, match="stopping"):
            await uses.use("c1")
        await uses.finish("a1")
        await first
        assert uses.ended == ["a1"]

    run(work())


def test_a_full_queue_over_http(tmp_path: Any) -> None:
    with opened(tmp_path, queue={"running": 1, "waiting": 0}) as city:
        q = city.app.state.serving.queue
        q._running["someone"] = 1
        answer = city.use("ana", "SELECT 1 AS n")
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert city.get("ana", "/uses").json()["items"] == []  # it was not begun
        explained = city.post("ana", "/uses/explain", {"sql": "SELECT 1 AS n", "activity": "care"})
        assert explained.status_code == 503, "reading a statement takes a place, too"
        assert city.get("P-021", "/me/data").status_code == 503, "so does reading one's own"
        del q._running["someone"]
        assert city.use("ana", "SELECT 1 AS n").status_code == 200
        q.stop()
        stopping = city.use("ana", "SELECT 1 AS n")
        assert (stopping.status_code, stopping.headers["Connection"]) == (503, "close")


def test_whether_it_is_alive_and_ready_needs_no_thread_of_the_others(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who sends requests elsewhere, or starts the server anew, must not take a busy one for a broken one."""

    async def none_free(*_given: Any, **_named: Any) -> Any:
        raise RuntimeError("all threads are taken")

    with opened(tmp_path) as city:
        monkeypatch.setattr(anyio.to_thread, "run_sync", none_free)
        assert city.http.get("/api/v1/session").status_code == 500, "the others need one"
        assert city.ask("anonymous", "GET", "/health").status_code == 200
        assert city.ask("anonymous", "GET", "/ready").status_code == 200
