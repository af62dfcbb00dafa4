"""Keys: one file per kind, made once, readable by the owner alone.

| kind      | for                                                 | lost means                               |
|-----------|-----------------------------------------------------|------------------------------------------|
| ledger    | signs checkpoints (Ed25519)                         | a new key from the next checkpoint on    |
| sealing   | encrypts originals of commitments and subject sets  | originals unreadable; commitments stand  |
| pseudonym | makes pseudonyms, per recipient and activity        | new pseudonyms, not linkable to old ones |
| directory | draws positions, their salts, the noise of totals   | no new proofs of old positions           |
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from publica.kernel.errors import IntegrityBroken, Unavailable
from publica.kernel.files import sync

KINDS = ("ledger", "sealing", "pseudonym", "directory")
SIZE, NONCE = 32, 12
LOST = "{kind}.lost"
"""The file that says when a new key was drawn for a lost one."""


@dataclass(frozen=True)
class Keys:
    """The secrets of one instance, 32 bytes each. `repr` shows none of them."""

    ledger: bytes
    sealing: bytes
    pseudonym: bytes
    directory: bytes
    sealing_before: tuple[bytes, ...] = ()
    """Sealing keys that were replaced: what they sealed is still opened."""
    sealing_lost: str | None = None
    """When a new sealing key was drawn for a lost one: what was sealed before cannot be opened."""
    directory_lost: str | None = None
    """The same of the directory's key: what was committed to before cannot be committed to again."""

    def __repr__(self) -> str:
        return "Keys(…)"

    @cached_property
    def signer(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.ledger)

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """AES-256-GCM under the sealing key, bound to `context`: nonce (12 bytes) || ciphertext || tag."""
        nonce = secrets.token_bytes(NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, context)

    def unseal(self, sealed: bytes, context: bytes) -> bytes:
        """What `seal` was given. Raises IntegrityBroken when altered, moved, or sealed otherwise."""
        for cipher in self._ciphers:
            with suppress(InvalidTag, ValueError):
                return cipher.decrypt(sealed[:NONCE], sealed[NONCE:], context)
        raise IntegrityBroken(
            "A sealed value was altered, or the key that sealed it is not here.",
            do="If a sealing key was lost, see docs/operations.md, “Keys”.",
        )

    def lost(self, sealed: bytes, context: bytes) -> bool:
        """Whether the key that sealed this was lost, so that nobody can say what it holds."""
        if not self.sealing_lost:
            return False
        try:
            self.unseal(sealed, context)
        except IntegrityBroken:
            return True
        return False

    def derive(self, kind: str, label: str) -> bytes:
        """A 32-byte key for one job: HMAC-SHA-256(key of that kind, label)."""
        return _derive(getattr(self, kind), label)

    def derive_each(self, label: str) -> tuple[bytes, ...]:
        """The same of the sealing key and of those that it replaced: by these, older rows are found."""
        return tuple(_derive(key, label) for key in (self.sealing, *self.sealing_before))

    @property
    def _cipher(self) -> AESGCM:
        return self._ciphers[0]

    @cached_property
    def _ciphers(self) -> tuple[AESGCM, ...]:
        return tuple(AESGCM(key) for key in (self.sealing, *self.sealing_before))


def _derive(key: bytes, label: str) -> bytes:
    return hmac.new(key, label.encode(), hashlib.sha256).digest()


def create(folder: Path) -> None:
    """Draw every key that is not there yet; never replaces one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for kind in KINDS:
        if not (folder / f"{kind}.key").exists():
            write(folder / f"{kind}.key", secrets.token_bytes(SIZE))


def write(path: Path, key: bytes) -> None:
    """Keep a key in a file of its own, durably, readable by the owner alone; never over another."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    sync(path.parent)


def load(folder: Path) -> Keys:
    """The keys of an instance. Raises Unavailable when one is missing or unreadable."""
    old = tuple(read(path) for path in sorted(replaced(folder, "sealing")))
    now = {kind: read(folder / f"{kind}.key") for kind in KINDS}
    return Keys(
        ledger=now["ledger"],
        sealing=now["sealing"],
        pseudonym=now["pseudonym"],
        directory=now["directory"],
        sealing_before=old,
        sealing_lost=_lost(folder, "sealing"),
        directory_lost=_lost(folder, "directory"),
    )


def _lost(folder: Path, kind: str) -> str | None:
    path = folder / LOST.format(kind=kind)
    return path.read_text("ascii").strip() if path.exists() else None


def replaced(folder: Path, kind: str) -> list[Path]:
    """The files of the keys of a kind that were in use before; of the ledger's, only the public ones."""
    return list((folder / f"{kind}.old").glob("*.pub" if kind == "ledger" else "*.key"))


def retired(folder: Path) -> tuple[str, ...]:
    """The public keys (C2SP) under which the ledger's earlier checkpoints were signed."""
    return tuple(path.read_text("ascii").strip() for path in sorted(replaced(folder, "ledger")))


def read(path: Path) -> bytes:
    """One key. Raises Unavailable when it is missing or damaged."""
    try:
        key = bytes.fromhex(path.read_text())
    except (OSError, ValueError):
        key = b""
    if len(key) != SIZE:
        raise Unavailable(
            f"The key {path.name} is missing or damaged.",
            do="Restore it from your key backup; if it is lost, see docs/operations.md, “Keys”.",
        )
    return key
