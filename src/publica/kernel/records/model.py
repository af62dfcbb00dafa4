"""Records: typed governance documents with revisions, and one consistent set of them, a book."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Generic,
    Protocol,
    Self,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from publica.kernel.actor import Actor
    from publica.kernel.backends import Lock
    from publica.kernel.database import Change

Path = tuple[str | int, ...]
"""Where in a spec: field names and list positions."""

Key = tuple[str, str]
"""A record's kind and id."""


class Spec(BaseModel):
    """What a record says. Frozen; fields it does not know are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    @property
    def json_value(self) -> dict[str, Any]:
        """The spec as a JSON value, defaults included: what is stored and committed to."""
        return self.model_dump(mode="json")

    def said_in(self, language: str) -> Self:
        """The spec with the texts of its `translations` in a language: for showing, not for deciding."""
        said = getattr(self, "translations", {}).get(language)
        return self if said is None else self.model_copy(update=said.model_dump(exclude_none=True))


S = TypeVar("S", bound=Spec)


@dataclass(frozen=True)
class Ref:
    """Marks a text field as the id of a record: `Annotated[str, Ref("organisation")]`."""

    kind: str


@dataclass(frozen=True)
class Reference:
    """One reference of a spec: where it stands, and the record it names."""

    path: Path
    kind: str
    id: str


@dataclass(frozen=True)
class Problem:
    """What is wrong at a place of a spec, and what to do."""

    path: Path
    what: str
    do: str


@dataclass(frozen=True)
class Record(Generic[S]):
    """One revision of a record. `entry` is the leaf hash of its ledger entry."""

    kind: str
    id: str
    revision: int
    spec: S
    recorded_at: datetime
    actor: str
    entry: bytes = field(default=b"", repr=False)

    @property
    def name(self) -> str:
        """How decisions and the ledger name it, e.g. `dataset:population`."""
        return f"{self.kind}:{self.id}"


class Follows(Protocol):
    """What follows from a change of records, in the same transaction."""

    def locks(self, before: Book, after: Book) -> Iterable[Lock]:
        """What must stand still meanwhile."""

    def __call__(self, change: Change, before: Book, after: Book, actor: Actor) -> None:
        """Do it."""


def _accepts(_id: str, _spec: Any, _book: Book) -> Iterable[Problem]:
    return ()


@dataclass(frozen=True)
class Kind:
    """One kind of record: its name, its model, and the checks that need other records.

    `check(id, spec, book)` yields what is wrong, given the book as it would be. `follows`: what a change of
    any record leads to for records of this kind.
    """

    name: str
    model: type[Spec]
    check: Callable[[str, Any, Book], Iterable[Problem]] = _accepts
    follows: Follows | None = None

    @cached_property
    def _plan(self) -> tuple[tuple[tuple[str | None, ...], str], ...]:
        return tuple(_plan(self.model))

    def references(self, spec: Spec) -> tuple[Reference, ...]:
        """Every reference of a spec, in the order of its fields."""
        return tuple(
            Reference(path, kind, found)
            for steps, kind in self._plan
            for path, found in _follow(spec, steps, ())
        )


def _plan(annotation: Any, metadata: Iterable[Any] = ()) -> Iterator[tuple[tuple[str | None, ...], str]]:
    """The ways through a type that end at a `Ref`; None stands for each item of a list."""
    for mark in metadata:
        if isinstance(mark, Ref):
            yield (), mark.kind
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _plan(args[0], args[1:])
    elif origin in (Union, UnionType):
        for arg in args:
            yield from _plan(arg)
    elif origin in (tuple, list):
        for steps, kind in _plan(args[0]):
            yield (None, *steps), kind
    elif isinstance(annotation, type) and issubclass(annotation, Spec):
        for name, info in annotation.model_fields.items():
            for steps, kind in _plan(info.annotation, info.metadata):
                yield (name, *steps), kind


def _follow(value: Any, steps: tuple[str | None, ...], at: Path) -> Iterator[tuple[Path, str]]:
    if value is None:
        return
    if not steps:
        yield at, value
    elif steps[0] is None:
        for position, item in enumerate(value):
            yield from _follow(item, steps[1:], (*at, position))
    else:
        yield from _follow(getattr(value, steps[0]), steps[1:], (*at, steps[0]))


class Book:
    """One consistent set of records. `generation` grows with every revision; 0 is the empty book."""

    def __init__(
        self, kinds: Iterable[Kind], records: Mapping[Key, Record[Any]], generation: int = 0
    ) -> None:
        self.kinds = {kind.name: kind for kind in kinds}
        self.generation = generation
        self._records = dict(records)

    def get(self, kind: str, record_id: str) -> Record[Any] | None:
        """The record of that kind and id, or None."""
        return self._records.get((kind, record_id))

    def all(self, kind: str) -> tuple[Record[Any], ...]:
        """All records of a kind, by id."""
        return self._by_kind.get(kind, ())

    def referring(self, kind: str, record_id: str, by: str | None = None) -> tuple[Record[Any], ...]:
        """The records (of kind `by`, if one is given) that refer to the one named, by kind and id."""
        found = self._referring.get((kind, record_id), {})
        if by is not None:
            return found.get(by, ())
        return tuple(record for records in found.values() for record in records)

    def revised(
        self, specs: Mapping[Key, Spec], at: datetime, actor: str, without: Collection[Key] = ()
    ) -> Book:
        """The book as it would be with these specs as new revisions, and without some records."""
        records = {key: record for key, record in self._records.items() if key not in without}
        for (kind, record_id), spec in specs.items():
            before = records.get((kind, record_id))
            revision = before.revision + 1 if before else 1
            records[kind, record_id] = Record(kind, record_id, revision, spec, at, actor)
        return Book(self.kinds.values(), records, self.generation)

    @property
    def records(self) -> Mapping[Key, Record[Any]]:
        """Every record, by kind and id. Not to be changed."""
        return self._records

    @cached_property
    def _by_kind(self) -> dict[str, tuple[Record[Any], ...]]:
        found: dict[str, list[Record[Any]]] = defaultdict(list)
        for key in sorted(self._records):
            found[key[0]].append(self._records[key])
        return {kind: tuple(records) for kind, records in found.items()}

    @cached_property
    def _referring(self) -> dict[Key, dict[str, tuple[Record[Any], ...]]]:
        found: dict[Key, dict[str, dict[str, Record[Any]]]] = defaultdict(lambda: defaultdict(dict))
        for kind, record_id in sorted(self._records):
            record = self._records[kind, record_id]
            for reference in self.kinds[kind].references(record.spec):
                found[reference.kind, reference.id][kind][record_id] = record
        return {
            target: {kind: tuple(records.values()) for kind, records in by_kind.items()}
            for target, by_kind in found.items()
        }


@dataclass(frozen=True)
class FieldChange:
    """One value of a spec that changes, by its path (`columns[3].type`); None means that there is none."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Difference:
    """What applying does to one record: `what` is "added", "changed" or "unchanged"."""

    kind: str
    id: str
    what: str
    changes: tuple[FieldChange, ...] = ()
