"""The work folder of one load, and what dead loads left behind.

A load writes under `work/<id>/`, holding a lock there that the system lets go when the process ends, however
it ends. Its files get their final places, named by the same id, before it publishes. So a file that no
manifest names, and whose load holds no lock, belongs to a load that died: it goes.
"""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from publica.kernel.files import sync
from publica.kernel.ids import draw

WORK, VERSIONS, SUBJECTS = "work", "versions", "subjects"
JUST_MADE = 60
"""Seconds for which a work folder may still lack its lock."""


@contextmanager
def working(data: Path) -> Iterator[Path]:
    """A work folder of one's own, locked; removed at the end. Its name is the id of the load."""
    folder = data / WORK / draw("load")
    make_folder(folder)
    with (folder / "unlocked").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (folder / "unlocked").rename(folder / "lock")  # nobody sees a lock that is not held yet
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def clean(data: Path, published: Callable[[], set[str]]) -> None:
    """Remove what dead loads left. `published` reads the manifest: paths relative to `data`.

    The order matters: what is there, then who lives, then what is published.
    """
    found = [path for kind in (VERSIONS, SUBJECTS) for path in (data / kind).glob("**/*") if path.is_file()]
    folders = list((data / WORK).glob("load_*"))
    alive = {folder.name for folder in folders if _locked(folder)}
    kept = published()
    for path in found:
        owner = path.name.partition(".")[0]
        if owner not in alive and path.relative_to(data).as_posix() not in kept:
            path.unlink(missing_ok=True)
    for folder in folders:
        if folder.name not in alive:
            shutil.rmtree(folder, ignore_errors=True)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, durably."""
    missing = [folder, *folder.parents]
    missing = missing[: next(i for i, path in enumerate(missing) if path.exists())]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        sync(path.parent)


def settle(source: Path, target: Path) -> None:
    """Move a finished file to its final place, durably: its bytes first, then its name."""
    make_folder(target.parent)
    sync(source)
    source.rename(target)
    sync(target.parent)


def _locked(folder: Path) -> bool:
    """Whether a living load holds the folder. One without a lock file yet is just being made."""
    try:
        with (folder / "lock").open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return _is_young(folder)
    return False


def _is_young(folder: Path) -> bool:
    try:
        made = folder.stat().st_mtime
    except FileNotFoundError:
        return False
    return abs(time.time() - made) < JUST_MADE
