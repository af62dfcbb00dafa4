"""Clocks, medians, peaks; and sides: each thing that is compared runs in a process of its own."""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

Work = Callable[[], Any]


def seconds(work: Work) -> float:
    """How long one run takes; garbage of earlier runs is not counted in."""
    gc.collect()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


def own_peak() -> float:
    """Peak resident memory of this process so far, MiB.

    From Linux itself where it tells: a child's `ru_maxrss` begins with what its parent had.
    """
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


class Side:
    """One of the things compared, in a fresh process: `make(*arguments)` there gives its works by name.

    Works may return a number of seconds measured by themselves; else the whole call is timed.
    """

    def __init__(self, name: str, make: Callable[..., Mapping[str, Work]], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self.name, self.peak = name, 0.0
        self._pipe, far = context.Pipe()
        self._process = context.Process(target=_serve, args=(far, make, arguments), daemon=True)
        self._process.start()
        far.close()
        self._receive()

    def run(self, work: str) -> float:
        """Run one work there; its seconds."""
        self._pipe.send(work)
        return float(self._receive())

    def close(self) -> None:
        """End the process, keeping its peak memory."""
        self._pipe.send(None)
        self.peak = float(self._receive())
        self._process.join()

    def _receive(self) -> Any:
        try:
            good, value = self._pipe.recv()
        except EOFError:
            self._process.join()
            raise SystemExit(f"{self.name}: its process ended ({self._process.exitcode})") from None
        if not good:
            raise SystemExit(f"{self.name}: {value}")
        return value


def _serve(pipe: Connection, make: Callable[..., Mapping[str, Work]], arguments: Sequence[Any]) -> None:
    try:
        works = make(*arguments)
        pipe.send((True, 0.0))
        while (name := pipe.recv()) is not None:
            own: list[Any] = []
            spent = seconds(lambda name=name, own=own: own.append(works[name]()))
            pipe.send((True, own[0] if isinstance(own[0], float) else spent))
        pipe.send((True, own_peak()))
        pipe.close()
        os._exit(0)  # what the works hold needs no farewell; without it DuckDB's binding lists all of it
    except Exception as error:  # noqa: BLE001 (the other process raises it)
        import traceback

        traceback.print_exc()
        pipe.send((False, f"{type(error).__name__}: {error}"))


def alternate(
    sides: Sequence[Side], works: Sequence[str], runs: int, warm: int = 1
) -> dict[str, dict[str, float]]:
    """Median seconds by work and side. The sides take turns, so that a disturbance meets all alike."""
    medians: dict[str, dict[str, float]] = {}
    for work in works:
        for side in sides:
            for _ in range(warm):
                side.run(work)
        spent: dict[str, list[float]] = {side.name: [] for side in sides}
        for turn in range(runs):
            for side in sides if turn % 2 == 0 else tuple(reversed(sides)):
                spent[side.name].append(side.run(work))
        medians[work] = {name: statistics.median(values) for name, values in spent.items()}
    return medians
