"""The door's parts and what passes through it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Generic, TypeVar

import pyarrow as pa

from publica.data.engines.duckdb import Engine
from publica.gateway.spool import Spool
from publica.kernel.actor import Actor
from publica.kernel.database import Database
from publica.kernel.decision import Decision
from publica.kernel.errors import BadInput
from publica.kernel.keys import Keys
from publica.kernel.records import Kind
from publica.trust.privacy import Parameters

V = TypeVar("V")
Margins = dict[int, list[float | None]]


class Recent(Generic[V]):
    """A thread-safe cache that forgets what was used longest ago, once all of it weighs more than `most`."""

    def __init__(self, most: int, weigh: Callable[[V], int] = lambda _: 1) -> None:
        self._kept: OrderedDict[Hashable, V] = OrderedDict()
        self._lock, self._most, self._weigh, self._weight = Lock(), most, weigh, 0

    def get(self, key: Hashable) -> V | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Hashable, value: V) -> None:
        with self._lock:
            if key in self._kept:
                self._weight -= self._weigh(self._kept.pop(key))
            self._kept[key] = value
            self._weight += self._weigh(value)
            while self._weight > self._most:
                self._weight -= self._weigh(self._kept.popitem(last=False)[1])


class Crowd:
    """How many uses compute at this moment."""

    def __init__(self) -> None:
        self.size, self._lock = 0, Lock()

    @contextmanager
    def joined(self) -> Iterator[None]:
        """While this lasts, one more."""
        with self._lock:
            self.size += 1
        try:
            yield
        finally:
            with self._lock:
                self.size -= 1


TURN_SECONDS = 2.0
"""How long an attempt waits for its turn before it goes on beside the others."""


@dataclass(frozen=True)
class Limits:
    """What one use may take: seconds, rows and bytes of its answer."""

    seconds: float = 60
    rows: int = 1_000_000
    bytes: int = 1_000_000_000


@dataclass(frozen=True)
class Door:
    """What the one door needs; made once per process by the instance."""

    db: Database
    keys: Keys
    kinds: tuple[Kind, ...]
    engine: Engine
    folder: Path
    limits: Limits
    answers: Recent[Any]  # small ones that were given (`kept`)
    statements: Recent[Any] = field(default_factory=lambda: Recent(256))
    plans: Recent[Any] = field(default_factory=lambda: Recent(256))
    granted: Recent[Any] = field(default_factory=lambda: Recent(64))
    masks: Recent[Any] = field(default_factory=lambda: Recent(16))
    parts: Recent[Any] = field(default_factory=lambda: Recent(16))
    turn: Lock = field(default_factory=Lock)
    crowd: Crowd = field(default_factory=Crowd)

    @contextmanager
    def in_turn(self, attempt: int) -> Iterator[None]:
        """Uses that start again go one at a time: alone, one is quick enough to end between two choices."""
        waits = attempt > 0 and self.turn.acquire(timeout=TURN_SECONDS)
        try:
            yield
        finally:
            if waits:
                self.turn.release()


@dataclass(frozen=True)
class Request:
    """A question: who asks, under which activity, in which words.

    `roles`: of the roles that the actor holds, those that count now; None for all.
    """

    actor: Actor
    activity: str
    sql: str
    params: Mapping[str, Any] = field(default_factory=dict)
    roles: frozenset[str] | None = None

    def __post_init__(self) -> None:
        """Raises BadInput for half a character: no receipt could hold it."""
        texts = (self.actor.id, self.activity, self.sql, *self.params, *self.params.values())
        try:
            "".join(text for text in texts if isinstance(text, str)).encode()
        except UnicodeEncodeError:
            raise BadInput("The request is not Unicode text.", do="Give it as UTF-8.") from None


@dataclass(frozen=True)
class Answer:
    """What leaves: the receipt's id (None only under open-access), the decision, and the rows.

    Of totals also how they were protected, and `margins`: half the 95 % interval of every value of those
    columns (by position) that show protected values as they are.
    """

    receipt: str | None
    decision: Decision
    spool: Spool
    protected: Parameters | None = None
    margins: Margins = field(default_factory=dict)

    @property
    def schema(self) -> pa.Schema:
        return self.spool.schema

    @property
    def rows(self) -> int:
        return self.spool.rows

    def batches(self) -> Iterator[pa.RecordBatch]:
        return self.spool.batches()

    def table(self) -> pa.Table:
        return pa.Table.from_batches(self.batches(), self.schema)


@dataclass(frozen=True)
class Explanation:
    """What would be decided and run; nothing was."""

    decision: Decision
    sql: str | None
    protection: str | None
