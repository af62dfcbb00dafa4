"""Signed notes and the checkpoints in them, with Ed25519.

Formats: https://c2sp.org/signed-note and https://c2sp.org/tlog-checkpoint.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from publica.kernel.errors import BadInput, IntegrityBroken
from publica.kernel.ledger.canonical import b64, unb64

ED25519 = b"\x01"
MOST_SIGNATURES = 100

_NAME = re.compile(r"[^\s+\x00-\x20]+")
_SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+=*)")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Verifier:
    """A public key with its name, read from (and written as) `name+keyid+base64`."""

    name: str
    key: bytes

    @property
    def id(self) -> bytes:
        """The four bytes by which a signature names its key."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{b64(ED25519 + self.key)}"

    @classmethod
    def parse(cls, vkey: str) -> Verifier:
        """Raises BadInput when the text is no Ed25519 verifier key, or its id is not its own."""
        name, _, rest = vkey.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        try:
            key = unb64(encoded)
            verifier = cls(name, key[1:])
            sound = key[:1] == ED25519 and len(key) == 33 and verifier.id == bytes.fromhex(key_id)
        except ValueError:
            sound = False
        if not sound or not _NAME.fullmatch(name):
            raise BadInput(
                "This is not a verifier key of a ledger.",
                do="It looks like `example.org/ledger+0a1b2c3d+AS…`; copy it whole.",
            )
        return verifier

    def signed(self, text: str, signature: bytes) -> bool:
        """Whether `signature` (64 bytes) over `text` is this key's."""
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint states: at `size` entries, the log `origin` has the root `root` (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def __str__(self) -> str:
        return f"{self.origin}\n{self.size}\n{b64(self.root)}\n"


def verifier(signer: Ed25519PrivateKey, name: str) -> Verifier:
    """The public side of a signing key under a name. Raises BadInput for a name that notes cannot carry."""
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"{name!r} cannot name a ledger.", do="Use a name such as example.org/ledger: no spaces, no `+`."
        )
    return Verifier(name, signer.public_key().public_bytes_raw())


def sign(text: str, signer: Ed25519PrivateKey, name: str) -> str:
    """The note: `text` (ending in a newline), a blank line, and one signature line."""
    signature = verifier(signer, name).id + signer.sign(text.encode())
    return f"{text}\n— {name} {b64(signature)}\n"


def open_note(note: str, verifier: Verifier) -> str:
    """The text of a note that `verifier` signed; signatures of keys unknown to us are passed over.

    Raises IntegrityBroken when the note is malformed, or that key's signature is absent or wrong.
    """
    text, signatures = _parts(note)
    found = [
        signature[4:]
        for name, signature in signatures
        if name == verifier.name and signature[:4] == verifier.id
    ]
    if not found:
        raise IntegrityBroken(f"The note is not signed by {verifier.name}.")
    if not all(verifier.signed(text, signature) for signature in found):
        raise IntegrityBroken(f"The note's signature of {verifier.name} is wrong: its text was altered.")
    return text


def open_checkpoint(note: str, verifier: Verifier) -> Checkpoint:
    """The checkpoint in a signed note. Raises IntegrityBroken as `open_note`, or when it is no checkpoint.

    Its origin must be the verifier's name: a key may sign for one log only.
    """
    checkpoint = parse_checkpoint(open_note(note, verifier))
    if checkpoint.origin != verifier.name:
        raise IntegrityBroken(f"The checkpoint is of {checkpoint.origin}, not of {verifier.name}.")
    return checkpoint


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint that a note's text states; extension lines are passed over."""
    lines = text.split("\n")
    try:
        if len(lines) < 4 or lines.pop() or not all(lines) or not _SIZE.fullmatch(lines[1]):
            raise ValueError
        root = unb64(lines[2])
        if len(root) != 32:
            raise ValueError
    except ValueError:
        raise IntegrityBroken("The note is not a checkpoint: origin, size and root are expected.") from None
    return Checkpoint(lines[0], int(lines[1]), root)


def _parts(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text, and the (key name, key id || signature) of every signature line."""
    head, blank, tail = note.rpartition("\n\n")
    lines = tail.split("\n")
    if not blank or lines.pop() or not lines or len(lines) > MOST_SIGNATURES or _control(note):
        raise IntegrityBroken("This is not a signed note.")
    return head + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    matched = _SIGNATURE.fullmatch(line)
    try:
        if matched and len(signature := unb64(matched[2])) > 4:
            return matched[1], signature
    except ValueError:
        pass
    raise IntegrityBroken("A signature line of the note is malformed.")


def _control(note: str) -> bool:
    return any(character < " " and character != "\n" for character in note)
