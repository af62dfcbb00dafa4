"""Checking a proof: with the file and the ledger's public key, and nothing else.

The steps are those of docs/verify.md, where a second program does the same and shares no code with this one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from publica.data import bindings
from publica.kernel import clock
from publica.kernel.errors import BadInput, IntegrityBroken
from publica.kernel.ledger import merkle
from publica.kernel.ledger.canonical import canonical, leaf_hash, unb64
from publica.kernel.ledger.note import Checkpoint, Verifier, open_checkpoint
from publica.trust.transparency.model import Verdict
from publica.trust.transparency.sets import BLOCK, BLOCK_BYTES, Opening, leaf

FORMAT = "publica-proof/1"

_PARTS = {"format", "checkpoint", "receipt", "directory", "subject", "touched", "released", "says"}
_ENTRY = {"entry", "position", "path"}
_SUBJECT = {"concept", "key", "position", "salt", "block", "path"}
_OPENING = {"salt", "bits", "path"}


def verify_proof(proof: Mapping[str, Any], vkey: str) -> Verdict:
    """What the proof proves about one person and one use.

    Raises IntegrityBroken, naming the step that fails; BadInput when it is no proof file at all.
    """
    if not isinstance(proof, Mapping) or proof.get("format") != FORMAT:
        raise BadInput("This is not a proof file.", do=f"One says `{FORMAT}` as its format.")
    try:
        return _verify(_fields(proof, _PARTS, "format"), Verifier.parse(vkey))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _broken("receipt", "an entry does not have the fields it should have") from error


def _verify(proof: Mapping[str, Any], verifier: Verifier) -> Verdict:
    # 1. The ledger's state, signed.
    checkpoint = open_checkpoint(_text(proof["checkpoint"], "checkpoint"), verifier)
    # 2. The receipt and the directory's segment are entries of that ledger.
    receipt = _entry(proof["receipt"], checkpoint, "receipt")
    segment = _entry(proof["directory"], checkpoint, "directory")
    # 3. The directory binds this person's key to a position.
    subject = _fields(proof["subject"], _SUBJECT, "subject")
    position = _bound(subject, segment)
    # 4. The receipt's sets, opened at that position.
    touched = _member(proof["touched"], receipt.get("touched"), position, "touched")
    released = _member(proof["released"], receipt.get("released"), position, "released")
    # 5. What the file says is what follows.
    verdict = _verdict(receipt, subject, touched, released)
    says = {"use": verdict.use, "touched": verdict.touched, "released": verdict.released}
    if _typed(proof["says"]) != _typed(says):
        raise _broken("says", "it says something else than what it proves")
    return verdict


def _verdict(
    receipt: Mapping[str, Any], subject: Mapping[str, Any], touched: bool, released: bool
) -> Verdict:
    sure = not released or receipt["released"].get("exact") is True
    shown: bool | Literal["at most"] = released if sure else "at most"
    return Verdict(
        use=receipt["id"],
        at=clock.parse(receipt["at"]),
        organisation=receipt["organisation"],
        activity=receipt["activity"],
        concept=subject["concept"],
        key=subject["key"],
        touched=touched,
        released=shown,
        form=receipt["form"],
    )


def _entry(given: Any, checkpoint: Checkpoint, kind: str) -> Mapping[str, Any]:
    """The ledger entry of this kind, shown to be in the tree that the checkpoint signs."""
    part = _fields(given, _ENTRY, kind)
    text = _text(part["entry"], kind)
    hashed = leaf_hash(text.encode())
    position, path = _number(part["position"], kind), _path(part["path"], kind)
    if not merkle.includes(hashed, position, checkpoint.size, path, checkpoint.root):
        raise _broken(kind, "its entry is not in the ledger")
    entry = json.loads(text)
    if not isinstance(entry, dict) or canonical(entry) != text.encode() or entry.get("kind") != kind:
        raise _broken(kind, f"the entry is not one of kind {kind}")
    return entry


def _bound(subject: Mapping[str, Any], segment: Mapping[str, Any]) -> int:
    """The position that the segment binds this key to."""
    position, block = _number(subject["position"], "subject"), _bytes(subject["block"], "subject")
    salt = _bytes(subject["salt"], "subject", 16)
    concept, key = _text(subject["concept"], "subject"), _text(subject["key"], "subject")
    own = bindings.commitment(salt, concept, key, position)
    index, count = position - segment["first"], segment["count"]
    if not 0 <= index < count:
        raise _broken("subject", "the position is not in this part of the directory")
    number, offset = divmod(index, bindings.BLOCK)
    if block[32 * offset : 32 * offset + 32] != own:
        raise _broken("subject", "the directory does not bind this key to this position")
    path, blocks = _path(subject["path"], "subject"), -(-count // bindings.BLOCK)
    if not merkle.includes(leaf_hash(block), number, blocks, path, unb64(segment["root"])):
        raise _broken("subject", "this binding is not in the directory")
    return position


def _member(given: Any, committed: Any, position: int, name: str) -> bool:
    """Whether the position is in the set that the receipt commits to; with no such set, nobody is."""
    if committed is None or position >= committed["size"]:
        if given is not None:
            raise _broken(name, "nothing is to be opened")
        return False
    part = _fields(given, _OPENING, name)
    block, path = position // BLOCK, _path(part["path"], name)
    opened = Opening(block, _bytes(part["salt"], name, 16), _bytes(part["bits"], name, BLOCK_BYTES), path)
    blocks = -(-committed["size"] // BLOCK)
    hashed = leaf(opened.salt, opened.bits)
    if not merkle.includes(hashed, block, blocks, path, unb64(committed["root"])):
        raise _broken(name, "the opened block is not of the set in the receipt")
    return opened.contains(position)


def _fields(given: Any, names: set[str], step: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping) or set(given) != names:
        raise _broken(step, "its parts are not those of a proof")
    return given


def _text(given: Any, step: str) -> str:
    try:
        given.encode()  # a lone surrogate cannot be hashed
    except (AttributeError, UnicodeEncodeError):
        raise _broken(step, "a text is expected") from None
    return str(given)


def _number(given: Any, step: str) -> int:
    if type(given) is not int or not 0 <= given < 2**53:
        raise _broken(step, "a whole number is expected")
    return given


def _bytes(given: Any, step: str, size: int | None = None) -> bytes:
    try:
        data = unb64(_text(given, step))
    except ValueError:
        raise _broken(step, "base64 is expected") from None
    if size is not None and len(data) != size:
        raise _broken(step, f"{size} bytes are expected")
    return data


def _path(given: Any, step: str) -> tuple[bytes, ...]:
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise _broken(step, "a path of hashes is expected")
    return tuple(_bytes(each, step, 32) for each in given)


def _typed(value: Any) -> Any:
    """With its types, so that 1 is not taken for true."""
    if isinstance(value, Mapping):
        return {name: _typed(each) for name, each in value.items()}
    return type(value), value


def _broken(step: str, what: str) -> IntegrityBroken:
    return IntegrityBroken(
        f"The proof fails at `{step}`: {what}.", do="It was altered, or is not of this ledger."
    )
