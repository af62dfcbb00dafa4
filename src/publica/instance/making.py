"""Making an instance in an empty folder: all of it or nothing, whatever interrupts.

A folder is an instance once it has its settings, which are written last. Until then a file says that it is
being made, where its state is, and by which mark its tables there are known. Whoever makes an instance there
after a crash first takes away what is left of the earlier try, in the folder and in the database.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from sqlalchemy import Connection

from publica.instance.published import FOLDER, PUBLIC_KEY
from publica.instance.settings import FILE, KEYS, STATE
from publica.kernel import backends, schema
from publica.kernel.database import Database
from publica.kernel.errors import BadInput
from publica.kernel.files import PUBLIC, UNFINISHED, sync, write_whole

MARKER = "making"
DATA, TABLES = "data", "state"
OURS = frozenset({FILE, KEYS, DATA, TABLES, FOLDER, PUBLIC_KEY, STATE, f"{STATE}-wal", f"{STATE}-shm"})
"""All that is ever put into a folder while an instance is made in it."""


class Making:
    """One try to make an instance in `folder`, with its state at `url`."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.filled = False
        self._mark = f"made by {secrets.token_hex(16)}"

    def fill(self, work: Callable[[Connection], None]) -> None:
        """Make the tables in one transaction, marked as this try's. Raises BadInput unless there are none."""

        def marked(connection: Connection) -> None:
            schema.require_empty(connection)
            self.filled = True
            work(connection)
            if backends.is_postgres(connection):
                backends.mark(connection, schema.version.name, self._mark)

        with closing(Database(self.url)) as database:
            database.administer(marked)

    def finish(self, settings: str) -> None:
        """Now it is an instance."""
        write_whole(self.folder / FILE, settings.encode(), PUBLIC)

    @property
    def said(self) -> str:
        """What the marker says."""
        return json.dumps({"state": self.url, "mark": self._mark}) + "\n"


@contextmanager
def making(folder: Path, url: str) -> Iterator[Making]:
    """Make an instance in `folder` within this block, ended by `finish`; otherwise all is taken away again.

    Raises BadInput when the folder holds anything, or another process makes one there.
    """
    existed = folder.exists()
    require_empty(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = Making(folder, url)
    try:
        with _alone(folder) as marker:
            _take_away(folder, marker)
            folder.chmod(0o700)
            marker.write(made.said)
            marker.flush()
            os.fsync(marker.fileno())
            sync(folder)
            try:
                yield made
            finally:
                _settle(made, marker)
    finally:
        if not existed and not any(folder.iterdir()):
            folder.rmdir()


def _settle(made: Making, marker: IO[str]) -> None:
    """What was made stays if it was finished, else it goes."""
    if not (made.folder / FILE).exists():
        if not made.filled:  # then any tables there are another's
            marker.truncate(0)
        _take_away(made.folder, marker)
    (made.folder / MARKER).unlink()


def cut_short(folder: Path) -> bool:
    """Whether the folder holds nothing but what is left of a try that was interrupted."""
    names = {path.name for path in folder.iterdir()}
    return MARKER in names and FILE not in names and all(name == MARKER or _ours(name) for name in names)


def _ours(name: str) -> bool:
    return name in OURS or name.startswith(UNFINISHED)


def require_empty(folder: Path) -> None:
    """Raises BadInput when the folder holds anything of value."""
    if folder.exists() and any(folder.iterdir()) and not cut_short(folder):
        raise BadInput(f"{folder} is not empty.", do="Choose a new folder; an instance starts in its own.")


@contextmanager
def _alone(folder: Path) -> Iterator[IO[str]]:
    """The marker, held by nobody else."""
    with (folder / MARKER).open("a+", encoding="utf-8") as marker:
        try:
            fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput(f"An instance is just being made in {folder}.", do="Wait for it.") from None
        require_empty(folder)  # it may have been finished meanwhile
        yield marker


def _take_away(folder: Path, marker: IO[str]) -> None:
    """Remove what a try left, and the tables that bear its mark; the marker is empty then."""
    marker.seek(0)
    try:
        said = json.loads(marker.read())
        state, mark = str(said["state"]), str(said["mark"])
    except (ValueError, KeyError, TypeError):
        state, mark = "", ""  # nothing was made before the marker was whole
    if state and backends.is_server(state):
        _drop(state, mark)
    for path in [path for path in folder.iterdir() if _ours(path.name)]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    marker.truncate(0)


def _drop(url: str, mark: str) -> None:
    def work(connection: Connection) -> None:
        if backends.marked(connection, schema.version.name) == mark:
            schema.drop(connection)

    with closing(Database(url)) as database:
        database.administer(work)
