"""Restoring a backup: a new folder and an empty database become the instance that it was; or nothing does."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import Connection

from publica.instance import settings
from publica.instance.backup import FORMAT, HELD, MANIFEST
from publica.instance.making import DATA, TABLES, making
from publica.instance.published import Published
from publica.instance.recovery import recover
from publica.instance.settings import DataSettings, StateSettings
from publica.kernel import dump, schema
from publica.kernel.actor import Actor
from publica.kernel.database import Database
from publica.kernel.errors import BadInput, IntegrityBroken, PublicaError, Unavailable
from publica.kernel.keys import KINDS

CHUNK = 1 << 20


def restore(
    file: Path, folder: Path, actor: Actor, *, state: str | None = None, accept_loss: bool = False
) -> dict[str, Any]:
    """Make the instance of a backup in a new folder, its state in SQLite or in the empty database `state`.

    Raises BadInput when the folder or database holds something or the file is no backup; IntegrityBroken when
    the backup is damaged, or behind a published checkpoint (unless `accept_loss`: then that is ledgered, as
    soon as the keys are there).
    """
    url = state or f"sqlite:///{folder / settings.STATE}"
    with making(folder, url) as made:
        # 1. Every file out of the archive, each as its digest says; the settings are put aside.
        manifest, kept = _unpack(file, folder, state)
        # 2. The state, in one transaction.
        made.fill(lambda connection: _fill(connection, folder, manifest))
        shutil.rmtree(folder / TABLES)
        # 3. It must not be behind what was published since.
        behind = _behind(folder, kept, url)
        if behind is not None and not accept_loss:
            raise behind
        # 4. From here on it is an instance.
        made.finish(settings.text(kept))
    keys = all((folder / settings.KEYS / f"{kind}.key").exists() for kind in KINDS)
    return {
        "rows": sum(manifest["rows"].values()),
        "files": len(manifest["files"]),
        "keys": keys,
        "behind": behind is not None,
        "lost": recover(folder, actor) if behind is not None and keys else None,
    }


def _unpack(file: Path, folder: Path, state: str | None) -> tuple[dict[str, Any], settings.Settings]:
    """Write every file of the archive into `folder`; the manifest, which they all agree with.

    Not so the settings, which are given: with this folder's data and this state, wherever those of the
    original were.
    """
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
                elif name.parts[0] in HELD:
                    digests[entry.name] = _copy(source, folder / _place(name))
                else:
                    raise _no_backup(file)
    except (tarfile.TarError, ValueError, EOFError):
        raise _no_backup(file) from None
    except OSError as error:
        raise Unavailable(f"The backup could not be read or unpacked: {error.strerror}.") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise _no_backup(file)
    _require_same(digests, manifest["files"])
    (folder / DATA).mkdir(mode=0o700, exist_ok=True)
    if state is None:
        (folder / settings.STATE).touch(mode=0o600)
    given = settings.read(folder / TABLES)
    return manifest, given.model_copy(update={"data": DataSettings(), "state": StateSettings(url=state)})


def _place(name: PurePosixPath) -> PurePosixPath:
    """Where a file goes: the settings beside the tables, for with them the folder would be an instance."""
    return PurePosixPath(TABLES) / name if str(name) == settings.FILE else name


def _require_same(digests: dict[str, str], stated: dict[str, str]) -> None:
    if digests != stated:
        wrong = sorted(n for n in {**digests, **stated} if digests.get(n) != stated.get(n))
        raise IntegrityBroken(
            f"The backup is damaged: {wrong[0]} is not what was backed up.", do="Use another backup."
        )


def _copy(source: Any, target: Path) -> str:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = hashlib.sha256()
    with target.open("xb") as out:
        target.chmod(0o600)
        while data := source.read(CHUNK):
            found.update(data)
            out.write(data)
        out.flush()
        os.fsync(out.fileno())
    return found.hexdigest()


def _no_backup(file: Path) -> BadInput:
    return BadInput(f"{file} is no backup, or only the beginning of one.", do="Use a whole one.")


def _fill(connection: Connection, folder: Path, manifest: dict[str, Any]) -> None:
    """All tables, at this version's schema, whatever the one was under which the backup was made."""
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
        if dump.read(connection, folder / TABLES / f"{name}.arrow", tables[name]) != rows:
            raise IntegrityBroken(f"The backup's table {name} is not whole.", do="Use another backup.")
    if number != schema.HEAD:
        migrations.upgrade(connection)


def _behind(folder: Path, kept: settings.Settings, url: str) -> PublicaError | None:
    try:
        with closing(Database(url)) as database:
            Published(folder, kept.ledger).check(database)
    except IntegrityBroken as error:
        return error
    return None
