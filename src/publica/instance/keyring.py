"""The keys of an instance: listed, replaced, and drawn anew when one was lost. Each change is ledgered."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from publica.instance import rotation, settings
from publica.instance.instance import Instance
from publica.instance.rotation import Rotation, fingerprint
from publica.instance.settings import KEYS
from publica.kernel import keys
from publica.kernel.actor import Actor
from publica.kernel.database import Database
from publica.kernel.errors import BadInput, PublicaError
from publica.kernel.keys import KINDS

_DIRECTORY = (
    "The directory key cannot be replaced: the commitments in the ledger to who stands at which position are "
    "made with it, and would fit no other."
)


def listed(folder: Path) -> list[dict[str, Any]]:
    """Every key that is kept: its kind, its fingerprint, whether it is in use, and who may read its file."""
    found = []
    for kind in KINDS:
        path = folder / KEYS / f"{kind}.key"
        state = "in use" if path.exists() else "missing"
        for each, is_now in (
            (path, state),
            *((old, "replaced") for old in keys.replaced(folder / KEYS, kind)),
        ):
            found.append({"key": kind, "id": _shown(each), "state": is_now, "file": _mode(each)})
    return found


def rotate(folder: Path, kind: str, actor: Actor) -> dict[str, str]:
    """Replace a key that is there; what the old one is still needed for is kept.

    Raises BadInput for the directory key. Other servers take the new key when they are opened again.
    """
    if kind == "directory":
        raise BadInput(_DIRECTORY, do="Keep it safe: back it up with the others.")
    with closing(Instance.open(folder)) as opened, rotation.alone(folder):
        change = Rotation(folder, opened.settings, kind)
        change.settle(opened.db)  # what another process began, and did not live to finish
        old = keys.read(change.path)
        new = change.draw()
        change.enter(opened.db, rotation.ROTATED, old, actor)
        change.settle(opened.db)
    return {"key": kind, "old": fingerprint(old), "new": fingerprint(new)}


def create(folder: Path, kind: str, actor: Actor) -> dict[str, str]:
    """Draw a key in place of one that was lost. Raises BadInput when it is there.

    The others need not be; nor need the state hold all that was published: `recover` needs keys for that.
    """
    configured = settings.read(folder)
    change = Rotation(folder, configured, kind)
    url = settings.state_url(folder, configured)
    with closing(Database(url)) as database, rotation.alone(folder):
        database.check()
        if change.path.exists() or not change.settle(database):
            if change.path.exists():
                raise BadInput(f"The {kind} key is there.", do=f"To replace it: publica keys rotate {kind}")
            change.draw()
            change.enter(database, rotation.LOST, None, actor)
            change.settle(database)
    with suppress(PublicaError):  # as long as another key is missing, or the state is behind
        Instance.open(folder).close()  # signs that entry
    return {"key": kind, "new": fingerprint(keys.read(change.path))}


def _shown(path: Path) -> str:
    if path.suffix == ".pub":
        return path.stem
    return fingerprint(keys.read(path)) if path.exists() else ""


def _mode(path: Path) -> str:
    if not path.exists():
        return ""
    return "open to others!" if path.suffix == ".key" and path.stat().st_mode & 0o077 else "ok"
