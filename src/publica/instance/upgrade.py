"""Bringing an instance's state database to the schema of this version."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection

from publica.instance import settings
from publica.kernel import schema
from publica.kernel.database import Database


def upgrade(folder: Path) -> tuple[str, str]:
    """Migrate, in one transaction; the schema's number before and after.

    Raises Unavailable when there is nothing to upgrade, or the schema is newer than this version's.
    """

    def work(connection: Connection) -> str:
        before = schema.require_known(schema.present(connection))
        from publica.kernel import migrations  # slow to import, and needed nowhere else

        migrations.upgrade(connection)
        return before

    with closing(Database(settings.state_url(folder, settings.read(folder)))) as database:
        return database.administer(work), schema.HEAD
