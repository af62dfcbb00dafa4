"""Time limits: one thread per engine that interrupts whatever has run for too long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_AGAIN_SECONDS = 0.02


class Deadline:
    """One time limit. Once `expired`, `interrupt` is called again and again, as work may start in between."""

    __slots__ = ("due", "expired", "interrupt")

    def __init__(self, due: float, interrupt: Callable[[], None]) -> None:
        self.due, self.interrupt = due, interrupt
        self.expired = False


class Watch:
    """The deadlines of one engine and the thread that keeps them."""

    def __init__(self) -> None:
        self._deadlines: set[Deadline] = set()
        self._changed = threading.Condition()
        self._wakes = float("inf")
        self._open, self._over = True, False
        threading.Thread(target=self._keep, name="publica-deadlines", daemon=True).start()

    @contextmanager
    def limit(self, seconds: float, interrupt: Callable[[], None]) -> Iterator[Deadline]:
        """Within this, `interrupt` is called from `seconds` on; never after it has ended."""
        with self._changed:
            deadline = Deadline(0.0 if self._over else time.monotonic() + seconds, interrupt)
            self._deadlines.add(deadline)
            if deadline.due < self._wakes:
                self._changed.notify()
        try:
            yield deadline
        finally:
            with self._changed:
                self._deadlines.discard(deadline)

    def expire(self) -> None:
        """Everything's time is up now, and that of whatever begins later."""
        with self._changed:
            self._over = True
            for deadline in self._deadlines:
                deadline.due = 0.0
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._open = False
            self._changed.notify()

    def _keep(self) -> None:
        with self._changed:
            while self._open:
                now = time.monotonic()
                for deadline in self._deadlines:
                    if deadline.due <= now:
                        deadline.expired = True
                        deadline.interrupt()
                        deadline.due = now + _AGAIN_SECONDS
                self._wakes = min((deadline.due for deadline in self._deadlines), default=float("inf"))
                self._changed.wait(None if self._wakes == float("inf") else self._wakes - now)
