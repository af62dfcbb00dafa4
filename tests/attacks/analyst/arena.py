"""The field: a fresh demo, its people as the register shows them, and who of them is easiest to find."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
from sqlalchemy import delete

from publica.demo.material import CHOICES, build
from publica.demo.prepare import prepare
from publica.gateway.again import answers
from publica.gateway.aggregate import run
from publica.gateway.door import Request
from publica.instance import Instance
from publica.kernel.actor import Actor
from publica.trust.privacy import store
from publica.trust.privacy.rules import Parameters

ACTIVITY, YEARS = "labour_statistics", (2023, 2024, 2025)
OBJECTING = CHOICES[ACTIVITY][1] / 20
CITIZEN, OFFICIAL = Actor("operator", "operator", "citizen"), Actor("stella", "operator", "analyst")
NAKED = Parameters(k=1, dominance=1.0, noise=0)
SILENT = Parameters(noise=0)
"""Thresholds and history, and no noise."""
LIMITS = tuple(round(4_000 * 1.22**step) for step in range(20))
"""At which incomes may be cut, where the record says so: as many as may be, each a fifth above the last."""

Cell = tuple[str | None, str | None, str | None]
"""Municipality, sex and age band; None for all."""


@dataclass(frozen=True)
class Person:
    """What the register says of a person, and (which the analyst does not know) their incomes."""

    key: str
    cell: Cell
    adult: bool
    incomes: tuple[int, ...]

    @property
    def band(self) -> int:
        return int((self.cell[2] or "0-").partition("-")[0])

    @property
    def where(self) -> str:
        town, sex, band = self.cell
        return f"(p.municipality = '{town}' AND p.sex = '{sex}' AND p.birth_date = '{band}')"


@dataclass
class Arena:
    """An instance, everybody in it, and the easiest targets: adults alone in their town, sex and age band."""

    instance: Instance
    people: list[Person]
    files: dict[str, Path]
    folder: Path
    draw: random.Random
    inside: dict[str, bool]
    counts: Counter[Cell] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.counts = Counter(person.cell for person in self.people)
        self.alone = [p for p in self.people if p.adult and self.counts[p.cell] == 1]
        self.crowd = [p for p in self.people if p.adult and self.counts[p.cell] > 1]
        self.towns = sorted({person.cell[0] or "" for person in self.people})

    def choose(self, wanted: dict[str, bool]) -> None:
        """Some object, some come back: in one batch."""
        moving = {key: inside for key, inside in wanted.items() if self.inside[key] != inside}
        if moving:
            file = self.folder / "choices.csv"
            lines = [f"{key},{'withdraw' if inside else 'object'}" for key, inside in moving.items()]
            file.write_text("\n".join(["person_key,action", *lines]) + "\n", "utf-8")
            self.instance.choose_many(file, ACTIVITY, CITIZEN)
            self.inside.update(moving)

    def alter(self, few: float, keep: Sequence[Person] = ()) -> None:
        """This share of the others chooses anew, as people choose."""
        kept = {person.key for person in keep}
        some = self.draw.sample(self.people, int(few * len(self.people)))
        self.choose({p.key: self.draw.random() >= OBJECTING for p in some if p.key not in kept})

    def toss(self, targets: Sequence[Person]) -> None:
        """A coin says of each target whether they are in."""
        self.choose({person.key: self.draw.random() < 0.5 for person in targets})

    def targets(self, others: int) -> list[Person]:
        """Everybody who is alone, and some of the crowd."""
        return [*self.alone, *self.draw.sample(self.crowd, others)]

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Incomes that may be cut at LIMITS."""
        records = self.folder / "material" / "records"
        plain = next(file for file in records.iterdir() if "incomes" in file.name)
        cut = self.folder / "limits.yaml"
        text = plain.read_text("utf-8")
        cut.write_text(text.replace("role: measure,", f"role: measure, limits: {list(LIMITS)},"), "utf-8")
        self.instance.apply([cut], CITIZEN)
        try:
            yield
        finally:
            self.instance.apply([plain], CITIZEN)

    @contextmanager
    def office(self, secret: bytes = b"") -> Iterator[Analyst]:
        """An analyst of an office that has no history, and noise and answers of its own."""
        self.instance._door = replace(self.instance.door, answers=answers(1))
        self.instance.db.maintain(lambda change: change.connection.execute(delete(store.released)))
        secret = secret or self.draw.randbytes(32)
        with mock.patch.object(run, "noise_secret", lambda keys, activity: secret):
            yield Analyst(self)


@dataclass
class Analyst:
    """Asks under the activity, and counts the questions: each table or condition is one."""

    arena: Arena
    asked: int = 0

    def ask(self, parts: Sequence[str]) -> list[dict[str, Any]]:
        """The rows of several questions in one statement; `q` says of which."""
        return self.protected(parts)[0]

    def protected(
        self, parts: Sequence[str], of: str = ""
    ) -> tuple[list[dict[str, Any]], Sequence[float | None]]:
        """The same, and the margins of a column."""
        self.asked += len(parts)
        request = Request(OFFICIAL, ACTIVITY, " UNION ALL ".join(parts), {})
        answer = self.arena.instance.use(request)
        table = answer.table()
        rows: list[dict[str, Any]] = table.to_pylist()
        at = table.column_names.index(of) if of else -1
        return rows, answer.margins.get(at) or [None] * len(rows)


@contextmanager
def arena(persons: int, seed: int = 1) -> Iterator[Arena]:
    """A fresh demo of so many people; its keys are drawn from the seed, so that games are the same again."""
    root = Path(tempfile.mkdtemp(prefix="publica-differencing-"))
    with mock.patch("secrets.token_bytes", random.Random(seed).randbytes):
        stage = prepare(root / "demo", persons, lambda *_: None)
    try:
        material = build(root / "material", persons)
        files = {load.dataset: load.files[0] for load in material.loads}
        objecting = duckdb.connect().execute(f"SELECT person_key FROM '{dict(material.choices)[ACTIVITY]}'")
        out = {row[0] for row in objecting.fetchall()}
        everybody = [
            Person(key, (town, sex, band), bool(incomes), tuple(incomes or ()))
            for key, town, sex, band, incomes in _register(files)
        ]
        inside = {person.key: person.key not in out for person in everybody}
        yield Arena(stage.instance, everybody, files, root, random.Random(seed), inside)
    finally:
        stage.instance.close()
        shutil.rmtree(root, ignore_errors=True)


def _register(files: dict[str, Path]) -> list[Any]:
    return duckdb.connect().execute(_EVERYBODY.format(**files)).fetchall()


_EVERYBODY = """
WITH people AS (
    SELECT person_id, municipality, sex, date_diff('year', birth_date::DATE, current_date) // 10 * 10 AS age
    FROM read_csv('{population}', all_varchar = true)),
earned AS (
    SELECT person_id, list(income::BIGINT ORDER BY year) AS incomes
    FROM read_csv('{incomes}', all_varchar = true) GROUP BY person_id)
SELECT person_id, municipality, sex, age || '-' || (age + 9), incomes
FROM people LEFT JOIN earned USING (person_id) ORDER BY 1"""


@contextmanager
def protection(parameters: Parameters, *, history: bool, states: bool = True) -> Iterator[None]:
    """The activity's parameters; whether releases are remembered; whether with the state they came out at."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(run, "parameters", lambda facts: parameters))
        if not history:
            admit_all: Any = lambda wanted, known, k: [True for _ in wanted]  # noqa: E731
            stack.enter_context(mock.patch.object(run, "admit", admit_all))
        if not states:
            stack.enter_context(mock.patch.object(run, "_state", lambda snapshot, held: b""))
        yield
