"""own-data: a person reads what is held about themselves.

Their rows are taken out of the working copy by a statement of ours, and the person's statement runs over
those rows alone: nobody else's can be felt, for they are not there. A row about several people is theirs too,
without who the others are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from publica.data.engines.snapshot import Snapshot
from publica.governance.activities.model import OWN_DATA
from publica.kernel.actor import CITIZEN, OPERATOR, Actor

if TYPE_CHECKING:
    from publica.data.model import TableSchema

NAME = "__own_"
"""Begins the names of relations that hold one person's rows."""
HERE = "__me"
PURPOSE, ORGANISATION = "eu-gdpr:A15", "own-data"
"""What the receipt says: the right of access (GDPR, Article 15); nobody's organisation."""
NOBODY = -1


@dataclass(frozen=True)
class Own:
    """Where one person's rows of a dataset come from: the statement that takes them, and their name."""

    name: str
    sql: str
    position: int


def person_of(actor: Actor, activity: str) -> str | None:
    """The key of the citizen who signed in and asks under own-data; None for everybody else."""
    vouched = actor.authenticated != OPERATOR and actor.id.startswith(CITIZEN)
    return actor.id.removeprefix(CITIZEN) if activity == OWN_DATA and vouched else None


def own(dataset: str, table: str, schema: TableSchema, position: int) -> Own:
    """How to take a person's rows of a table about people."""
    subjects = {column.name: column.hidden_name for column in schema.subject_columns}
    columns = [f'"{c.name}"' if c.name not in subjects else _mine(c.name) for c in schema.columns]
    columns += [f'"{hidden}"' for hidden in subjects.values()]
    where = " OR ".join(f'"{hidden}" = ${HERE}' for hidden in subjects.values())
    sql = f'SELECT {", ".join(columns)} FROM "main"."{table}" WHERE {where}'
    return Own(f"{NAME}{dataset}", sql, position)


def _mine(name: str) -> str:
    """A subject key, where it is the person's own."""
    return f'CASE WHEN "__subject_{name}" = ${HERE} THEN "{name}" END AS "{name}"'


@contextmanager
def given(snapshot: Snapshot, owns: Mapping[str, Own]) -> Iterator[None]:
    """The person's rows under their names, for the statements inside."""
    with ExitStack() as stack:
        for each in owns.values():
            rows = pa.Table.from_batches(snapshot.batches(each.sql, {HERE: each.position}))
            stack.enter_context(snapshot.relation(each.name, rows))
        yield
