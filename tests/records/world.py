"""A small valid set of records, and a fresh state database to apply it to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import states

from publica.governance.activities import ACTIVITY
from publica.governance.agreements import AGREEMENT
from publica.governance.datasets import DATASET
from publica.governance.identity import OFFICIAL, ORGANISATION, ROLE
from publica.governance.rules import LAW
from publica.kernel import clock
from publica.kernel.actor import Actor
from publica.kernel.database import Database
from publica.kernel.documents import Reading, read
from publica.kernel.records import Book, Difference, apply, book
from publica.kernel.records.rules import typed

KINDS = (ORGANISATION, OFFICIAL, ROLE, LAW, DATASET, ACTIVITY, AGREEMENT)
CARLA = Actor("carla", "operator", "test")

WORLD: dict[str, str] = {
    "organisation:registry": "{name: Civil registry, type: public body}",
    "organisation:social": "{name: Social services, type: public body}",
    "official:sam": "{name: Sam, organisation: registry}",
    "official:ana": "{name: Ana, organisation: social}",
    "role:sam-steward": "{official: sam, role: steward, organisation: registry, valid_from: 2020-01-01}",
    "role:ana-analyst": "{official: ana, role: analyst, organisation: social, valid_from: 2020-01-01}",
    "law:grant-act": "{title: Grant Act, eli: eli/xx/act/2020/1, valid_from: 2020-01-01}",
    "dataset:population": """
  title: Population
  description: Who lives here.
  holder: registry
  access: personal
  columns:
    - {name: person_id, type: string, role: subject key, required: true}
    - {name: birth_date, type: date, role: attribute}
    - {name: region, type: string, role: dimension, codes: [NO, SE]}
    - {name: income, type: decimal, precision: 12, scale: 2, role: measure, unit: EUR}""",
    "activity:grant": """
  title: Grant
  organisation: social
  purpose: dpv:ServiceProvision
  basis: {kind: law, law: grant-act}
  datasets:
    - {dataset: population, columns: [person_id, income]}
  roles: [analyst]
  protection: rows
  retention: P2Y
  valid_from: 2021-01-01""",
    "agreement:registry-social": """
  holder: registry
  recipient: social
  purposes: [dpv:ServiceProvision]
  datasets:
    - dataset: population
      columns: {person_id: as is, income: as is, birth_date: year, region: region prefix 1}
      rows: [{column: region, in: [NO]}]
  protection: rows
  valid_from: 2021-01-01
  signatures:
    - {official: sam, organisation: registry, date: 2020-12-01}
    - {official: ana, organisation: social, date: 2020-12-02}""",
}


def document(name: str, spec: str | None = None) -> str:
    """The YAML document of a record of the world, or of a spec of one's own."""
    kind, record_id = name.split(":")
    return f"kind: {kind}\nid: {record_id}\nspec: {WORLD[name] if spec is None else spec}\n"


def changed(name: str, *replacements: tuple[str, str]) -> str:
    """The document of a record of the world with some text replaced."""
    text = document(name)
    for before, after in replacements:
        assert before in text, before
        text = text.replace(before, after)
    return text


def everything(**other: str) -> str:
    """All documents; `other` replaces some by kind_id (`dataset_population="kind: …"`)."""
    return "---\n".join(other.get(name.replace(":", "_").replace("-", "_"), document(name)) for name in WORLD)


@contextmanager
def database(folder: Path, name: str = "state.db") -> Iterator[Database]:
    opened = states.database(folder, name)
    try:
        yield opened
    finally:
        opened.close()


def give(db: Database, folder: Path, text: str, **options: Any) -> tuple[Difference, ...]:
    """Apply a text as the file `given.yaml`."""
    file = folder / "given.yaml"
    file.write_text(text, "utf-8")
    return apply(db, KINDS, [file], options.pop("actor", CARLA), **options)


def current(db: Database) -> Book:
    with db.read() as connection:
        return book(connection, KINDS)


def reading(folder: Path, text: str | bytes) -> Reading:
    """What `read` makes of one file."""
    file = folder / "given.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read([file])


def lines(error: BaseException) -> list[str]:
    """The lines of a message, with the folder left out."""
    return [line.partition("given.yaml:")[2] for line in str(error).splitlines()]


def in_memory(folder: Path, text: str) -> Book:
    """A book of documents, without a database; they must fit their models."""
    given = typed(reading(folder, text).documents, {kind.name: kind for kind in KINDS})
    assert not given.problems, given.problems
    empty = Book(KINDS, {})
    return empty.revised(given.specs, clock.now(), "test")
