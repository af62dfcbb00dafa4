"""Putting a new key in the place of one that is replaced or lost; a crash leaves the one or the other.

1. The new key is kept as `KIND.new`. 2. The ledger says that it is the key from now on. 3. What the old one
is still needed for is kept, and the new one takes its place. Whoever opens the instance after a crash goes on
from 2, or takes 1 back where the ledger says nothing of it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from publica.instance.published import FOLDER, LATEST, PUBLIC_KEY, Published
from publica.instance.settings import KEYS, Settings
from publica.kernel import clock, keys
from publica.kernel.actor import Actor
from publica.kernel.database import Database
from publica.kernel.errors import Unavailable
from publica.kernel.files import PUBLIC, sync, write_whole
from publica.kernel.ledger.canonical import commit, new_salt
from publica.kernel.ledger.checkpoint import checkpoint
from publica.kernel.ledger.note import verifier
from publica.kernel.ledger.store import entries

ENTRY, LOCK = "key", ".lock"
ROTATED, LOST = "rotated", "lost"
MARKED = ("sealing", "directory")
"""Keys whose loss is remembered: what was made with the lost one cannot be checked any more."""


def fingerprint(key: bytes) -> str:
    """By which a key is named: says nothing of it."""
    return hashlib.sha256(b"publica-key" + key).hexdigest()[:16]


class Rotation:
    """The change of one key in the folder of one instance. `held` by one process at a time."""

    def __init__(self, folder: Path, settings: Settings, kind: str) -> None:
        self.folder, self.settings, self.kind = folder, settings, kind
        self.path = folder / KEYS / f"{kind}.key"
        self.fresh = folder / KEYS / f"{kind}.new"

    def draw(self) -> bytes:
        """A new key, kept beside the present one."""
        self.fresh.unlink(missing_ok=True)
        new = os.urandom(keys.SIZE)
        keys.write(self.fresh, new)
        return new

    def enter(self, database: Database, what: str, old: bytes | None, actor: Actor) -> None:
        """Say in the ledger that the key that was drawn is the key from now on."""
        new = keys.read(self.fresh)
        fields: dict[str, Any] = {
            "key": self.kind,
            "what": what,
            "old": old and fingerprint(old),
            "new": fingerprint(new),
            "actor": commit(new_salt(), actor.canonical),
        }
        if self.kind == "ledger":
            fields["vkey"] = self._vkey(new)
        database.write(lambda change: change.enter(ENTRY, fields))

    def settle(self, database: Database) -> bool:
        """Put the key that was drawn in place if the ledger says so; else take it back."""
        said = self._said(database)
        if said is None:
            self.fresh.unlink(missing_ok=True)
        elif said == ROTATED:
            self._keep_old(database)
        else:
            self._mark_lost()
        if said is not None:
            self._put_in_place()
        return said is not None

    def _said(self, database: Database) -> str | None:
        """What the ledger says of the key that was drawn."""
        try:
            drawn = fingerprint(keys.read(self.fresh))
        except Unavailable:
            return None  # the crash came while it was written
        with database.read() as connection:
            bodies = connection.scalars(select(entries.c.body).where(entries.c.kind == ENTRY)).all()
        said = [json.loads(body) for body in bodies]
        return next((str(each["what"]) for each in said if each["new"] == drawn), None)

    def _keep_old(self, database: Database) -> None:
        """Of the ledger's key its public half, once it has vouched for the new one; else the key itself."""
        if self.kind == "ledger":
            origin, place = self.settings.ledger.origin, self.folder / FOLDER / LATEST
            signed = checkpoint(database, keys.load(self.folder / KEYS), origin, place)
            Published(self.folder, self.settings.ledger).publish(signed)
            self._retire(self._vkey(keys.read(self.path)))
            return
        old = keys.read(self.path)
        kept = self._older() / f"{fingerprint(old)}.key"
        if not kept.exists():
            write_whole(kept, f"{old.hex()}\n".encode())

    def _mark_lost(self) -> None:
        present = self.folder / PUBLIC_KEY
        if self.kind == "ledger" and present.exists():
            self._retire(present.read_text("ascii").strip())
        if self.kind in MARKED:
            marker = self.folder / KEYS / keys.LOST.format(kind=self.kind)
            write_whole(marker, f"{clock.text(clock.now())}\n".encode())

    def _retire(self, public: str) -> None:
        """Keep a public key: earlier checkpoints are verified with it."""
        if public != self._vkey(keys.read(self.fresh)):  # or else the new one is there already
            write_whole(self._older() / f"{public.split('+')[1]}.pub", f"{public}\n".encode(), PUBLIC)

    def _put_in_place(self) -> None:
        if self.kind == "ledger":
            public = f"{self._vkey(keys.read(self.fresh))}\n"
            write_whole(self.folder / PUBLIC_KEY, public.encode(), PUBLIC)
        self.fresh.replace(self.path)
        sync(self.path.parent)

    def _older(self) -> Path:
        folder = self.folder / KEYS / f"{self.kind}.old"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def _vkey(self, key: bytes) -> str:
        """The public key of a ledger key, as it is published."""
        return str(verifier(Ed25519PrivateKey.from_private_bytes(key), self.settings.ledger.origin))


def pending(folder: Path) -> list[str]:
    """The kinds whose change was begun and not finished."""
    return [kind for kind in keys.KINDS if (folder / KEYS / f"{kind}.new").exists()]


def settle(folder: Path, settings: Settings, database: Database) -> bool:
    """Finish, or take back, what a crash left; whether any key is another one now.

    What another process is just doing is left to it.
    """
    with alone(folder, wait=False) as held:
        kinds = pending(folder) if held else []
        changed = [kind for kind in kinds if Rotation(folder, settings, kind).settle(database)]
    return bool(changed)


@contextmanager
def alone(folder: Path, *, wait: bool = True) -> Iterator[bool]:
    """Whether no other process changes keys of this folder within the block; `wait` until none does."""
    (folder / KEYS).mkdir(mode=0o700, exist_ok=True)
    with (folder / KEYS / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            held = True
        except BlockingIOError:
            held = False
        yield held
