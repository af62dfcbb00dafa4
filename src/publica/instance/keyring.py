"""The keys of an instance: listed, replaced, and drawn anew when one was lost. Each change is ledgered."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from publica.instance import settings
from publica.instance.instance import Instance
from publica.instance.published import PUBLIC_KEY
from publica.instance.settings import KEYS
from publica.kernel import clock, keys
from publica.kernel.actor import Actor
from publica.kernel.errors import BadInput
from publica.kernel.keys import KINDS
from publica.kernel.ledger.canonical import commit, new_salt
from publica.kernel.ledger.note import verifier

ENTRY = "key"
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
    opened = Instance.open(folder)
    try:
        old, new = getattr(opened.keys, kind), os.urandom(keys.SIZE)
        _enter(opened, kind, "rotated", old, new, actor)
        opened.checkpoint()  # the old ledger key vouches for the new one, which stands in the entry
    finally:
        opened.close()
    _replace(folder, opened, kind, old, new)
    return {"key": kind, "old": fingerprint(old), "new": fingerprint(new)}


def create(folder: Path, kind: str, actor: Actor) -> dict[str, str]:
    """Draw a key in place of one that was lost.

    Raises BadInput when it is there, and for the directory key of an instance that has subjects.
    """
    path = folder / KEYS / f"{kind}.key"
    if path.exists():
        raise BadInput(f"The {kind} key is there.", do=f"To replace it: publica keys rotate {kind}")
    new = os.urandom(keys.SIZE)
    present = folder / PUBLIC_KEY
    if kind == "ledger" and present.exists():
        _retire(folder, present.read_text("ascii").strip())
    keys.write(path, new)
    if kind == "ledger":
        present.write_text(_vkey(folder, new) + "\n", "ascii")
    try:
        opened = Instance.open(folder)
    except BaseException:
        path.unlink()
        raise
    try:
        _enter(opened, kind, "lost", None, new, actor)
    finally:
        opened.close()
    if kind in ("sealing", "directory"):
        marker = folder / KEYS / keys.LOST.format(kind=kind)
        marker.write_text(clock.text(clock.now()) + "\n", "ascii")
    return {"key": kind, "new": fingerprint(new)}


def fingerprint(key: bytes) -> str:
    """By which a key is named: says nothing of it."""
    return hashlib.sha256(b"publica-key" + key).hexdigest()[:16]


def _enter(opened: Instance, kind: str, what: str, old: bytes | None, new: bytes, actor: Actor) -> None:
    fields: dict[str, Any] = {
        "key": kind,
        "what": what,
        "old": old and fingerprint(old),
        "new": fingerprint(new),
        "actor": commit(new_salt(), actor.canonical),
    }
    if kind == "ledger":
        fields["vkey"] = _vkey(opened.folder, new)
    opened.db.write(lambda change: change.enter(ENTRY, fields))


def _vkey(folder: Path, key: bytes) -> str:
    """The public key of a ledger key, as it is published."""
    signer = Ed25519PrivateKey.from_private_bytes(key)
    return str(verifier(signer, settings.read(folder).ledger.origin))


def _replace(folder: Path, opened: Instance, kind: str, old: bytes, new: bytes) -> None:
    """Put the new key in the place of the old one, which is kept first: a crash in between loses nothing."""
    path, kept = folder / KEYS / f"{kind}.key", folder / KEYS / f"{kind}.old"
    if kind == "ledger":
        _retire(folder, opened.verifier_key)
        (folder / PUBLIC_KEY).write_text(_vkey(folder, new) + "\n", "ascii")
    elif not (kept / f"{fingerprint(old)}.key").exists():
        kept.mkdir(mode=0o700, exist_ok=True)
        keys.write(kept / f"{fingerprint(old)}.key", old)
    fresh = path.with_name(f"{kind}.new")
    fresh.unlink(missing_ok=True)
    keys.write(fresh, new)
    fresh.replace(path)


def _retire(folder: Path, public: str) -> None:
    """Keep a public key: earlier checkpoints are verified with it."""
    kept = folder / KEYS / "ledger.old"
    kept.mkdir(mode=0o700, exist_ok=True)
    (kept / f"{public.split('+')[1]}.pub").write_text(public + "\n", "ascii")


def _shown(path: Path) -> str:
    if path.suffix == ".pub":
        return path.stem
    return fingerprint(keys.read(path)) if path.exists() else ""


def _mode(path: Path) -> str:
    if not path.exists():
        return ""
    return "open to others!" if path.suffix == ".key" and path.stat().st_mode & 0o077 else "ok"
