"""The oracle: a statement is refused, or it is harmless, or it succeeded, and why.

Harmless is what is the same in every data variant (P1: answers, errors, reasons), shows nothing withheld
(P2), and leaves everything as it was but for its receipt (P3). Whatever would write, reach a file or the
network, change the session or show the catalogue must be refused (P4).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from publica.kernel.ledger.store import entries, metadata

from .world import BAIT, Arena, Outcome, Variant

TOLERANCE = 1e-9
"""Relative, of floating-point numbers, whose last digits depend on the order of adding."""

STANDS = frozenset(
    {
        "choice_change",
        "choice_counter",
        "choice_snapshot",
        "dataset_version",
        "record_revision",
        "subject_segment",
        "reading",
    }
)
"""Tables of the state that no use may add to."""
TO_REFUSE = frozenset({"write", "file", "network", "session", "metadata"})
"""Classes of attacks that must be refused whatever they would show."""


@dataclass(frozen=True)
class Attack:
    """A statement that should come to nothing. `kind`: what it is after (data, write, file, …)."""

    id: str
    category: str
    sql: str
    kind: str = "data"
    params: Mapping[str, Any] = field(default_factory=dict)
    canaries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """refused, harmless or succeeded; and what shows it."""

    attack: Attack
    outcome: str
    why: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    """What a refusal gave as its reasons, or an error as its text."""


Ask = Callable[[str, str, Mapping[str, Any]], Outcome]
"""(variant, statement, parameters) → outcome."""


@dataclass
class Judge:
    """Judges attacks by what comes of them in the variants that the oracle compares."""

    ask: Ask
    variants: Sequence[str]
    secrets: Secrets
    state: Callable[[], Mapping[str, Any]]
    stood: dict[str, Any] = field(default_factory=dict)
    """How everything stood after the last attack; judges of one arena share it."""

    def judge(self, attack: Attack) -> Verdict:
        """One variant after the other, until one shows that the attack succeeded."""
        before = self.stood or self.state()
        found: dict[str, Outcome] = {}
        why: list[str] = []
        for name in self.variants:
            found[name] = self.ask(name, attack.sql, attack.params)
            why += self._wrong(attack, name, found[name], found[self.variants[0]])
            if why:
                break
        after = self.state()
        why += changed(before, after)
        self.stood.update(after)
        refused = all(outcome.kind == "refused" for outcome in found.values())
        outcome = "succeeded" if why else "refused" if refused else "harmless"
        base = found[self.variants[0]]
        return Verdict(
            attack, outcome, tuple(why), base.reasons or ((base.text,) if base.kind == "failed" else ())
        )

    def _wrong(self, attack: Attack, name: str, outcome: Outcome, base: Outcome) -> Iterator[str]:
        if outcome.kind == "crashed":
            yield f"crashed: {outcome.text[:200]}"
        if not same(base, outcome):
            yield f"P1: {name} differs: {_short(base)} against {_short(outcome)}"
        seen = list(texts(outcome))
        told = chain(self.secrets.shown(seen), Secrets.of({*attack.canaries, BAIT}).shown(seen))
        told = (secret for secret in told if secret not in attack.sql)  # but what the statement itself says
        yield from (f"P2: {name} shows {secret}" for secret in islice(told, 1))
        if attack.kind in TO_REFUSE and outcome.kind != "refused":
            yield f"P4: {attack.kind} was not refused"


def same(one: Outcome, other: Outcome) -> bool:
    """Whether two outcomes cannot be told apart, but for the last digits of floating-point numbers."""
    heads = [(o.kind, o.columns, o.reasons, len(o.rows)) for o in (one, other)]
    if heads[0] != heads[1] or not equal(one.rows, other.rows):
        return False
    return (
        equal(json.loads(one.text), json.loads(other.text))
        if one.kind == "answered"
        else one.text == other.text
    )


def equal(one: Any, other: Any) -> bool:
    """Equal values, however they are nested; numbers of any kind by what they are worth."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, (float, Decimal)) or isinstance(other, (float, Decimal)):
        numbers = (int, float, Decimal)
        if not (isinstance(one, numbers) and isinstance(other, numbers)):
            return False
        return math.isclose(float(one), float(other), rel_tol=TOLERANCE, abs_tol=1e-12) or one is other
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def texts(outcome: Outcome) -> Iterator[str]:
    """Everything that an outcome says."""
    yield from (outcome.text, outcome.entry, *outcome.reasons)
    yield from (name for name, _ in outcome.columns)
    for row in outcome.rows:
        for value in row:
            yield from _values(value)


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, (list, tuple)):
        for inner in value:
            yield from _values(inner)
    elif isinstance(value, dict):
        for inner in (*value.keys(), *value.values()):
            yield from _values(inner)
    else:
        yield repr(value) if isinstance(value, float) else str(value)


_TOKEN = re.compile(r"[^\s'\",;()\[\]{}<>=|:]+")
_SINGLE = re.compile(r"[-\d.]+\Z")


@dataclass(frozen=True)
class Secrets:
    """Values that nothing may say: numbers and days as words of their own, all else anywhere in a text."""

    single: frozenset[str]
    texts: Mapping[str, tuple[str, ...]]  # by their first word

    @classmethod
    def of(cls, values: Iterable[str]) -> Secrets:
        texts: dict[str, tuple[str, ...]] = {}
        single = {value for value in values if _SINGLE.match(value)}
        for value in sorted(set(values) - single):
            first = _TOKEN.findall(value)[0]
            texts[first] = (*texts.get(first, ()), value)
        return cls(frozenset(single), texts)

    def shown(self, seen: Sequence[str]) -> Iterator[str]:
        """Which of them are said."""
        text = "\n".join(seen)
        words = {word.rstrip(".") for word in _TOKEN.findall(text)}
        yield from sorted(words & self.single)
        for word in sorted(words & self.texts.keys()):
            yield from (value for value in self.texts[word] if value in text)


# what must stay as it is


def state_of(arena: Arena, variant: Variant) -> dict[str, Any]:
    """All that an attack must not change: files, the engine's session and catalogue, tables of the state."""
    return {
        "files": {**files(arena.baits), **files(variant.instance.folder)},
        "here": sorted(path.name for path in Path().iterdir()),
        "session": session(variant),
        "sockets": sockets(),
        "state": rows_of_state(variant),
    }


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file, its size and time; the state database, which gets the receipts, by name alone."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.name.endswith(("-wal", "-shm", "-journal")):
            told = path.stat()
            moving = path.name.startswith("state.db")
            name = str(path.relative_to(folder.parent))
            found[name] = (0, 0) if moving else (told.st_size, told.st_mtime_ns)
    return found


SESSION = (
    "SELECT database_name, path FROM duckdb_databases() WHERE NOT internal",
    "SELECT schema_name, table_name FROM duckdb_tables()",
    "SELECT view_name FROM duckdb_views() WHERE NOT internal",
    "SELECT sequence_name FROM duckdb_sequences()",
    "SELECT * FROM duckdb_variables()",
    "SELECT name FROM duckdb_prepared_statements()",
)
SLOWER = (
    "SELECT schema_name FROM duckdb_schemas() WHERE NOT internal",
    "SELECT function_name, macro_definition FROM duckdb_functions() WHERE NOT internal",
    "SELECT type_name FROM duckdb_types() WHERE NOT internal AND NOT starts_with(type_name, '__codes ')",
    "SELECT name, value FROM duckdb_settings()",
)
"""Looked at once after all attacks, not after each."""


def session(variant: Variant, looks: Sequence[str] = SESSION) -> str:
    """What the engine's session and catalogue are; tables change with versions only."""
    copy = variant.instance.door.engine._copy
    with copy.cursor() as cursor:
        found = [sorted(map(repr, cursor.execute(sql).fetchall())) for sql in looks]
    return json.dumps(found)


def sockets() -> int:
    """How many sockets this process holds, where the system tells."""
    handles = Path("/proc/self/fd")
    if not handles.is_dir():
        return 0
    return sum(_is_socket(handle) for handle in handles.iterdir())


def _is_socket(handle: Path) -> bool:
    try:
        return str(handle.readlink()).startswith("socket:")
    except OSError:
        return False


def rows_of_state(variant: Variant) -> dict[str, Any]:
    """How many rows each table has that no use may touch, and how many entries are no receipts."""
    with variant.instance.db.read() as connection:
        found: dict[str, Any] = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
            if table.name in STANDS
        }
        others = select(func.count()).where(entries.c.kind != "receipt")
        found["entries but receipts"] = connection.execute(others).scalar_one()
    return found


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name, value in before.items():
        if after.get(name, value) != value:
            yield f"P3: {name} changed: {_difference(value, after[name])}"


def _difference(one: Any, other: Any) -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        return ", ".join(f"{key}" for key in sorted({*one, *other}) if one.get(key) != other.get(key))
    return f"{one!s:.80} → {other!s:.80}"


def _short(outcome: Outcome) -> str:
    told = str(outcome.rows[:3]) if outcome.kind == "answered" else outcome.text
    return f"{outcome.kind} {told[:160]!r}"


# Publica as the judged


def publica(arena: Arena, activity: str, actor: str | None = None) -> Judge:
    """The judge of statements under one activity, made once.

    D keeps what totals may tell, and no more: not for rows.
    """
    if (activity, actor) not in arena.judges:
        arena.judges[activity, actor] = _publica(arena, activity, actor)
    judge: Judge = arena.judges[activity, actor]
    return judge


def _publica(arena: Arena, activity: str, actor: str | None) -> Judge:
    others = list(arena.judges.values())
    totals = activity in ("statistics", "totals")
    for table in arena.policy.tables:  # an engine loads a table when it is first asked for
        for variant in arena.variants.values():
            variant.ask(activity, f"SELECT count(*) FROM {table.name}")
    return Judge(
        ask=lambda name, sql, params: arena.variants[name].ask(activity, sql, params, actor=actor),
        variants=[name for name in arena.variants if totals or name != "D"],
        secrets=others[0].secrets if others else Secrets.of(arena.base.world.secrets()),
        state=lambda: state_of(arena, arena.base),
        stood=others[0].stood if others else {},
    )
