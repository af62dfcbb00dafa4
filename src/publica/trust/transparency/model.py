"""What a use leaves behind, and what a citizen reads of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from publica.kernel import clock
from publica.kernel.actor import Actor
from publica.kernel.decision import Clause

Outcome = Literal["released", "refused", "failed"]
Form = Literal["rows", "total", "none"]
"""What left: rows of persons, totals over persons, or nothing about persons."""
How = Literal["left", "total", "looked through"]
"""What happened to one person's row: it left, it was counted in a total, or it was only looked through."""


@dataclass(frozen=True)
class Receipt:
    """The public account of one use. Ids only; nothing here may carry a person's value.

    `basis`: "law:<id>" or "consent". `clauses`: of a refusal, those that were missing; of a failure, why.
    `choice_state`: the choice counter of each activity when the answer was made. `digest`: SHA-256 of the
    result, hex; the ledger holds a salted commitment to it, since a short result could be guessed from it.
    `exact`: whether the released set is exact, or all that was touched. `counted`: whether the ledger says
    how many rows and bytes there were. Of one's own data it does not, since that tells of the person, once it
    is known who asked: there the two are sealed.
    """

    id: str
    organisation: str
    activity: str
    outcome: Outcome
    purpose: str
    basis: str | None
    authenticated: str
    agreements: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    clauses: tuple[Clause, ...] = ()
    rows: int = 0
    bytes: int = 0
    digest: str | None = None
    protection: str | None = None
    choice_state: Mapping[str, int] = field(default_factory=dict)
    form: Form = "none"
    exact: bool = True
    counted: bool = True


@dataclass(frozen=True)
class Private:
    """What the receipt only commits to: who asked, and the statement with its literals."""

    actor: str
    authenticated: str
    os_user: str | None
    sql: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def who(self) -> Actor:
        return Actor(self.actor, self.authenticated, self.os_user)


@dataclass(frozen=True)
class StoredSet:
    """A subject set that is in the state database already; `digest` is SHA-256 of its bits."""

    number: int
    root: str
    size: int
    digest: bytes = field(repr=False)


@dataclass(frozen=True)
class Written:
    """A receipt as `write` left it. Keep its sets for reuse only once it has committed."""

    use: str
    leaf: bytes
    touched: StoredSet | None
    released: StoredSet | None


class UseOfMe(NamedTuple):
    """One use as the person concerned reads it. `exact` false: their row left at most."""

    use: str
    at: datetime
    organisation: str
    activity: str
    purpose: str
    basis: str | None
    agreements: tuple[str, ...]
    datasets: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    protection: str | None
    outcome: str
    how: How
    exact: bool

    def as_json(self) -> dict[str, Any]:
        """The same for machines: RFC 3339 time, lists."""
        columns = {dataset: list(names) for dataset, names in self.columns.items()}
        return {**self._asdict(), "at": clock.text(self.at), "columns": columns}


@dataclass(frozen=True)
class Original:
    """The opened originals of one receipt, and the salts that show its commitments to be of them."""

    use: str
    private: Private
    digest: str | None
    salts: Mapping[str, str]


@dataclass(frozen=True)
class Verdict:
    """What a proof proves about one person and one use."""

    use: str
    at: datetime
    organisation: str
    activity: str
    concept: str
    key: str
    touched: bool
    released: bool | Literal["at most"]
    form: str
