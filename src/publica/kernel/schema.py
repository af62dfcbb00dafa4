"""Which schema a state database has: numbered, so that none is used that this Publica does not know."""

from __future__ import annotations

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, inspect, select

from publica.kernel.errors import BadInput, Unavailable
from publica.kernel.ledger.store import entries, metadata

HEAD = "0001"
"""The newest migration in `migrations/versions`; raise it with each that is added."""
UNNUMBERED = "0001"
"""What a database has that was made before schemas were numbered (0.1.0)."""

version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""One row, kept by the migrations."""


def create(connection: Connection) -> None:
    """Make every table, at `HEAD`. Raises BadInput when the database holds some already."""
    if present(connection):
        raise BadInput("The state database is in use already.", do="Name an empty one.")
    metadata.create_all(connection)
    version.create(connection)
    connection.execute(version.insert().values(version_num=HEAD))


def present(connection: Connection) -> str | None:
    """The number of the schema that is there; None when there is none."""
    if numbered(connection):
        number: str | None = connection.execute(select(version.c.version_num)).scalar()
        return number
    return UNNUMBERED if inspect(connection).has_table(entries.name) else None


def numbered(connection: Connection) -> bool:
    """Whether the database says its number."""
    return inspect(connection).has_table(version.name)


def check(connection: Connection) -> None:
    """Raises Unavailable unless the schema is the one of this version of Publica."""
    number = present(connection)
    if number is None:
        raise Unavailable(
            "The state database holds no instance.", do="Restore a backup into it, or make a new instance."
        )
    if number < HEAD or not numbered(connection):
        raise Unavailable(
            f"The state database was made by an older version of Publica (schema {number}; now {HEAD}).",
            do="Make a backup, then run: publica upgrade",
        )
    if number > HEAD:
        raise Unavailable(
            f"The state database has schema {number}, made by a newer version of Publica than this.",
            do="Run that version.",
        )
