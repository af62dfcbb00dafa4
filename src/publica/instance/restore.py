"""Restoring a backup: a new folder and an empty database become the instance that it was; or nothing does."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import Connection

from publica.instance import settings
from publica.instance.backup import FORMAT, MANIFEST, STATE
from publica.instance.published import Published
from publica.instance.recovery import recover
from publica.instance.settings import DataSettings, StateSettings
from publica.kernel import dump, schema
from publica.kernel.actor import Actor
from publica.kernel.database import Database
from publica.kernel.errors import BadInput, IntegrityBroken, PublicaError, Unavailable

CHUNK = 1 << 20


def restore(
    file: Path, folder: Path, actor: Actor, *, state: str | None = None, accept_loss: bool = False
) -> dict[str, Any]:
    """Make the instance of a backup in a new folder, its state in SQLite or in the empty database `state`.

    Raises BadInput when the folder or database holds something or the file is no backup; IntegrityBroken when
    the backup is damaged, or behind a published checkpoint (unless `accept_loss`: then that is ledgered).
    """
    if folder.exists() and any(folder.iterdir()):
        raise BadInput(f"{folder} is not empty.", do="Restore into a new folder.")
    with _room(folder) as room:
        # 1. Every file out of the archive, each as its digest says.
        manifest = _unpack(file, room)
        # 2. Settings: this folder's data and this state, wherever those of the original were.
        _settle(room, state)
        # 3. The state, in one transaction that is committed when all the rest is in place.
        with closing(Database(settings.state_url(room, settings.read(room)))) as database:
            _fill(database, room, manifest)
            shutil.rmtree(room / STATE)
            behind = _behind(room, database)
            if behind is not None and not accept_loss:
                _empty(database)
                raise behind
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists():
            folder.rmdir()
        room.rename(folder)
    lost = recover(folder, actor) if behind is not None else None
    keys = all((folder / settings.KEYS / f"{kind}.key").exists() for kind in ("ledger", "sealing"))
    return {
        "rows": sum(manifest["rows"].values()),
        "files": len(manifest["files"]),
        "keys": keys,
        "lost": lost,
    }


@contextmanager
def _room(folder: Path) -> Iterator[Path]:
    """A folder beside the new one, on the same disk; removed unless it became it."""
    room = folder.with_name(f".{folder.resolve().name}.restoring")
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir(mode=0o700, parents=True)
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _unpack(file: Path, room: Path) -> dict[str, Any]:
    """Write every file of the archive into `room`; the manifest, which they all agree with."""
    digests: dict[str, str] = {}
    manifest: dict[str, Any] = {}
    try:
        with tarfile.open(file, "r|") as tar:
            for entry in tar:
                source = tar.extractfile(entry)
                name = PurePosixPath(entry.name)
                if source is None or name.is_absolute() or ".." in name.parts:
                    raise _no_backup(file)
                if entry.name == MANIFEST:
                    manifest = json.load(source)
                else:
                    digests[entry.name] = _copy(source, room / name)
    except (tarfile.TarError, ValueError, EOFError):
        raise _no_backup(file) from None
    except OSError as error:
        raise Unavailable(f"The backup could not be read or unpacked: {error.strerror}.") from error
    if manifest.get("format") != FORMAT:
        raise _no_backup(file)
    if digests != manifest["files"]:
        wrong = sorted(
            n for n in {**digests, **manifest["files"]} if digests.get(n) != manifest["files"].get(n)
        )
        raise IntegrityBroken(
            f"The backup is damaged: {wrong[0]} is not what was backed up.", do="Use another backup."
        )
    return manifest


def _copy(source: Any, target: Path) -> str:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = hashlib.sha256()
    with target.open("xb") as out:
        target.chmod(0o600)
        while data := source.read(CHUNK):
            found.update(data)
            out.write(data)
    return found.hexdigest()


def _no_backup(file: Path) -> BadInput:
    return BadInput(f"{file} is no backup, or only the beginning of one.", do="Use a whole one.")


def _settle(room: Path, state: str | None) -> None:
    given = settings.read(room)
    kept = given.model_copy(update={"data": DataSettings(), "state": StateSettings(url=state)})
    (room / settings.FILE).write_text(settings.text(kept), "utf-8")
    (room / "data").mkdir(mode=0o700, exist_ok=True)
    if state is None:
        (room / settings.STATE).touch(mode=0o600)


def _fill(database: Database, room: Path, manifest: dict[str, Any]) -> None:
    """All tables, at this version's schema, whatever the one was under which the backup was made."""

    def work(connection: Connection) -> None:
        number = manifest["schema"]
        if number > schema.HEAD:
            raise Unavailable(
                f"The backup is of a newer version of Publica (schema {number}).", do="Use that version."
            )
        if number == schema.HEAD:
            schema.create(connection)
            tables = {table.name: table for table in dump.tables()}
        else:
            from publica.kernel import migrations

            migrations.upgrade(connection, number)
            tables = dict(dump.there(connection).tables)
        for name, rows in manifest["rows"].items():
            if dump.read(connection, room / STATE / f"{name}.arrow", tables[name]) != rows:
                raise IntegrityBroken(f"The backup's table {name} is not whole.", do="Use another backup.")
        if number != schema.HEAD:
            migrations.upgrade(connection)

    database.administer(work)


def _behind(room: Path, database: Database) -> PublicaError | None:
    try:
        Published(room, settings.read(room).ledger).check(database)
    except IntegrityBroken as error:
        return error
    return None


def _empty(database: Database) -> None:
    """Take away what was filled in."""
    database.administer(lambda connection: dump.there(connection).drop_all(connection))
