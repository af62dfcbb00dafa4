"""Keys: one file per kind, made once, readable by the owner alone.

| kind      | for                                                 | lost means                               |
|-----------|-----------------------------------------------------|------------------------------------------|
| ledger    | signs checkpoints (Ed25519)                         | a new key from the next checkpoint on    |
| sealing   | encrypts originals of commitments and subject sets  | originals unreadable; commitments stand  |
| pseudonym | makes pseudonyms, per recipient and activity        | new pseudonyms, not linkable to old ones |
| directory | draws positions and salts of the subject directory  | no new proofs of old positions           |
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from publica.kernel.errors import IntegrityBroken, Unavailable

KINDS = ("ledger", "sealing", "pseudonym", "directory")
SIZE, NONCE = 32, 12


@dataclass(frozen=True)
class Keys:
    """The secrets of one instance, 32 bytes each. `repr` shows none of them."""

    ledger: bytes
    sealing: bytes
    pseudonym: bytes
    directory: bytes

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
        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], context)
        except (InvalidTag, ValueError) as error:
            raise IntegrityBroken("A sealed value was altered, or was sealed under another key.") from error

    def derive(self, kind: str, label: str) -> bytes:
        """A 32-byte key for one job: HMAC-SHA-256(key of that kind, label)."""
        return hmac.new(getattr(self, kind), label.encode(), hashlib.sha256).digest()

    @cached_property
    def _cipher(self) -> AESGCM:
        return AESGCM(self.sealing)


def create(folder: Path) -> None:
    """Draw every key that is not there yet; never replaces one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for kind in KINDS:
        if not (folder / f"{kind}.key").exists():
            handle = os.open(folder / f"{kind}.key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_hex(SIZE) + "\n")
                file.flush()
                os.fsync(file.fileno())


def load(folder: Path) -> Keys:
    """The keys of an instance. Raises Unavailable when one is missing or unreadable."""
    return Keys(**{kind: _read(folder / f"{kind}.key") for kind in KINDS})


def _read(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text())
    except (OSError, ValueError):
        key = b""
    if len(key) != SIZE:
        raise Unavailable(
            f"The key {path.name} is missing or damaged.", do="Restore it from your key backup."
        )
    return key
