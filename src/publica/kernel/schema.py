"""Which schema a state database has: numbered, so that none is used that this Publica does not know."""

from __future__ import annotations

import re

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, inspect, select

from publica.kernel.backends import Lock, is_postgres
from publica.kernel.errors import BadInput, Unavailable
from publica.kernel.ledger.store import entries, metadata

HEAD = "0005"
"""The newest migration in `migrations/versions`; raise it with each that is added."""
UNNUMBERED = "0001"
"""What a database has that was made before schemas were numbered (0.1.0)."""

STANDS = Lock("schema", shared=True)
"""Held by every transaction that writes."""
CHANGES = Lock("schema")
"""Held by what makes or changes tables."""

NUMBER = "(SELECT version_num FROM alembic_version)"
"""The number of the schema, in SQL."""
_NUMBER = re.compile(r"\d{4}")
_SHOWN = 3

version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""One row, kept by the migrations."""


def create(connection: Connection) -> None:
    """Make every table, at `HEAD`. Raises BadInput as `require_empty` does."""
    require_empty(connection)
    metadata.create_all(connection)
    version.create(connection)
    connection.execute(version.insert().values(version_num=HEAD))


def drop(connection: Connection) -> None:
    """Take every table of Publica away, with all it holds."""
    metadata.drop_all(connection)
    version.drop(connection, checkfirst=True)


def require_empty(connection: Connection) -> None:
    """Raises BadInput when the database holds any table, whoever's, or cannot hold every text."""
    found = sorted(inspect(connection).get_table_names())
    if entries.name in found:
        raise BadInput(
            "The state database is in use already: it holds an instance of Publica.",
            do="Name an empty database; or open that instance, by its own folder.",
        )
    if found:
        more = ", …" if len(found) > _SHOWN else ""
        raise BadInput(
            f"The state database is in use already, by something else: {', '.join(found[:_SHOWN])}{more}.",
            do="Name an empty database that is Publica's alone: createdb NAME",
        )
    if is_postgres(connection):
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
        if encoding != "UTF8":
            raise BadInput(
                f"The state database has the encoding {encoding}.",
                do="Use one with UTF8: createdb -E UTF8 NAME",
            )


def present(connection: Connection) -> str | None:
    """The number of the schema that is there; None when there is none of Publica's."""
    found = inspect(connection)
    if not found.has_table(entries.name):
        return None
    if not found.has_table(version.name):
        return UNNUMBERED
    number: str | None = connection.execute(select(version.c.version_num)).scalar()
    return number


def numbered(connection: Connection) -> bool:
    """Whether the database says its number."""
    return inspect(connection).has_table(version.name)


def check(connection: Connection) -> None:
    """Raises Unavailable unless the schema is the one of this version of Publica."""
    number = present(connection)
    if number == UNNUMBERED and not numbered(connection):
        raise _older(number)
    require(number)


def require(number: str | None) -> None:
    """Raises Unavailable unless this is the number of this version's schema."""
    if require_known(number) != HEAD:
        raise _older(str(number))


def require_known(number: str | None) -> str:
    """The number, of this version's schema or of an older one. Raises Unavailable when it is of neither."""
    if number is None:
        raise Unavailable(
            "The state database holds no instance.",
            do="See that it is the right one; if its content is lost, restore a backup.",
        )
    if not _NUMBER.fullmatch(number):
        raise Unavailable(
            f"The state database has schema {number}, which is none of Publica's.",
            do="See whether another program uses it.",
        )
    if number > HEAD:
        raise _newer(number)
    return number


def _older(number: str) -> Unavailable:
    return Unavailable(
        f"The state database was made by an older version of Publica (schema {number}; now {HEAD}).",
        do="Stop every server, make a backup with that version, then run: publica upgrade",
    )


def _newer(number: str) -> Unavailable:
    return Unavailable(
        f"The state database has schema {number}, made by a newer version of Publica than this one "
        f"(schema {HEAD}).",
        do="Install that version on this server, too, and start it again.",
    )
