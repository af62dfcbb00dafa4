"""Migrations of the state database, one module each in `versions`; Alembic is imported here and nowhere else.

A change of the tables adds a module there and raises `schema.HEAD`; a released one is never changed.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from publica.kernel import schema


def upgrade(connection: Connection, to: str = "head") -> None:
    """Bring the schema to a number, in the transaction of `connection`; a database without any gets one."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    if schema.present(connection) == schema.UNNUMBERED and not schema.numbered(connection):
        command.stamp(config, schema.UNNUMBERED)
    command.upgrade(config, to)
