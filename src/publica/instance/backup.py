"""A backup: one file with everything an instance is, taken while it serves.

The file is a plain tar (what is in it is compressed): `state/TABLE.arrow` of one snapshot,
`data/…` (the files that this snapshot's manifest names, which never change), settings, public keys, the
latest checkpoint, the secret keys if asked for; last, `backup.json`: the schema's number, and the digest of
every file.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from publica import __version__
from publica.data.manifest import published
from publica.instance.instance import Instance
from publica.instance.making import DATA, TABLES
from publica.instance.published import FOLDER, LATEST, PUBLIC_KEY
from publica.instance.settings import FILE, KEYS
from publica.kernel import clock, dump, keys, schema
from publica.kernel.errors import BadInput, Unavailable
from publica.kernel.files import sync
from publica.kernel.ledger.checkpoint import latest

FORMAT, MANIFEST = "publica-backup-1", "backup.json"
HELD = frozenset({TABLES, DATA, FOLDER, FILE, PUBLIC_KEY, KEYS})
"""What is in a backup besides: the first part of every name."""


@dataclass
class Backup:
    """What was written: the digest of each file in it, the rows of each table."""

    files: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    schema: str | None = None
    size: int = 0
    keys: bool = False

    def manifest(self) -> dict[str, Any]:
        made = {"format": FORMAT, "made": clock.text(clock.now()), "publica": __version__}
        return {**made, "schema": self.schema, "rows": self.rows, "files": self.files}


def back_up(instance: Instance, file: Path, *, with_keys: bool = False) -> Backup:
    """Write a backup to a new file, whole or not at all.

    Raises BadInput when the file is there, Unavailable when it cannot be written.
    """
    if file.exists():
        raise BadInput(f"{file} is there already.", do="Choose another name; a backup never replaces one.")
    part = file.with_name(f"{file.name}.part")
    done = Backup(keys=with_keys)
    try:
        with part.open("wb") as out:
            os.fchmod(out.fileno(), 0o600)
            with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
                _everything(instance, tar, done)
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
        sync(file.parent)
    except OSError as error:
        raise Unavailable(
            f"The backup could not be written: {error.strerror}.", do="Free some disk."
        ) from error
    finally:
        part.unlink(missing_ok=True)
    done.size = file.stat().st_size
    return done


def _everything(instance: Instance, tar: tarfile.TarFile, done: Backup) -> None:
    with (
        instance.db.read() as connection,
        tempfile.TemporaryDirectory(prefix="publica-") as room,
    ):
        done.schema = schema.present(connection)
        for table in dump.tables():
            path = Path(room, f"{table.name}.arrow")
            done.rows[table.name] = dump.write(connection, table, path)
            _add(tar, done, f"{TABLES}/{path.name}", path)
            path.unlink()
        paths = published(connection)
        signed = latest(connection)
    for name in sorted(paths):
        _add(tar, done, f"{DATA}/{name}", instance.data / name)
    if signed is not None:  # of this moment: the one in the folder may be newer by now
        _add_text(tar, done, f"{FOLDER}/{LATEST}", signed.note.encode())
    for name in _others(instance.folder, with_keys=done.keys):
        _add(tar, done, name, instance.folder / name)
    text = json.dumps(done.manifest(), indent=1).encode()
    tar.addfile(_entry(MANIFEST, len(text)), io.BytesIO(text))


def _others(folder: Path, *, with_keys: bool) -> Iterator[str]:
    """Settings and public keys; the secret keys if asked for."""
    found = [folder / FILE, folder / PUBLIC_KEY]
    found += keys.replaced(folder / KEYS, "ledger")
    if with_keys:
        found += (folder / KEYS).rglob("*.key")
    return (path.relative_to(folder).as_posix() for path in found if path.is_file())


def _add(tar: tarfile.TarFile, done: Backup, name: str, path: Path) -> None:
    with path.open("rb") as file:
        hashing = _Hashing(file)
        tar.addfile(_entry(name, path.stat().st_size), hashing)
    done.files[name] = hashing.sha256.hexdigest()


def _add_text(tar: tarfile.TarFile, done: Backup, name: str, text: bytes) -> None:
    tar.addfile(_entry(name, len(text)), io.BytesIO(text))
    done.files[name] = hashlib.sha256(text).hexdigest()


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o600, int(clock.now().timestamp())
    return entry


class _Hashing:
    """A file that is hashed as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.sha256 = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.sha256.update(data)
        return data
