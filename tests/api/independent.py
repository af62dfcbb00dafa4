"""A verifier of tiled transparency logs, written from these texts alone, before reading this project's code.

https://c2sp.org/tlog-tiles, https://c2sp.org/tlog-checkpoint, https://c2sp.org/signed-note, RFC 6962 section
2.1 (Merkle trees and proofs), RFC 9162 sections 2.1.3.2 and 2.1.4.2 (verifying proofs). It shares no code
with the project. As a program: `python independent.py https://example.org/log/ "$VKEY"`.
"""

import base64
import hashlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from urllib.error import HTTPError
from urllib.request import urlopen

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

WIDTH, HASH = 256, 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def largest(n: int) -> int:
    """The largest power of two smaller than n (n > 1)."""
    return 1 << ((n - 1).bit_length() - 1)


class Rejected(Exception):
    """What the log served is not what its signed root says, or is not a log at all."""


def need(condition: bool, why: str) -> None:
    if not condition:
        raise Rejected(why)


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def fold(hashes: list[bytes]) -> bytes:
    """The root over 1, 2, 4 … hashes that are all the roots of complete trees of one height."""
    while len(hashes) > 1:
        hashes = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes that come one by one: only the complete subtrees so far are kept."""
    peaks: list[tuple[int, bytes]] = []
    for node in leaves:
        height = 0
        while peaks and peaks[-1][0] == height:
            height, node = height + 1, node_hash(peaks.pop()[1], node)
        peaks.append((height, node))
    nodes = [node for _, node in reversed(peaks)]
    return reduce(lambda right, left: node_hash(left, right), nodes) if nodes else EMPTY_ROOT


def verify_inclusion(leaf: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> None:
    need(0 <= index < size and len(leaf) == HASH, f"leaf {index} is not one of a tree of {size}")
    fn, sn, r = index, size - 1, leaf
    for p in proof:
        need(sn != 0, "the inclusion proof is too long")
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "the inclusion proof is too short")
    need(r == root, "the inclusion proof leads to another root")


def verify_consistency(first: int, second: int, root1: bytes, root2: bytes, proof: list[bytes]) -> None:
    need(0 < first <= second, f"no consistency proof from {first} to {second}")
    if first == second:
        need(not proof and root1 == root2, "two roots, or a proof, at one size: the log is forked")
        return
    need(bool(proof), "the consistency proof is empty")
    path = [root1, *proof] if first & (first - 1) == 0 else list(proof)
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        need(sn != 0, "the consistency proof is too long")
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "the consistency proof is too short")
    need(fr == root1, "the consistency proof does not lead to the first root")
    need(sr == root2, "the consistency proof does not lead to the second root")


def unbase64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raw = b""
    need(base64.b64encode(raw).decode() == text, f"not canonical base64: {text[:80]!r}")
    return raw


@dataclass(frozen=True)
class Key:
    """A verifier key as text: name+id in hex+base64 of the type byte and the public key."""

    name: str
    id: bytes
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> "Key":
        parts = vkey.split("+", 2)
        need(len(parts) == 3 and re.fullmatch(r"\S+", parts[0]) is not None, "a verifier key is name+id+key")
        name, hexid, raw = parts[0], parts[1], unbase64(parts[2])
        need(len(raw) == 1 + HASH and raw[0] == 1, "not an Ed25519 verifier key")
        keyid = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        need(hexid == keyid.hex(), "the verifier key's id is not of this key")
        return cls(name, keyid, raw[1:])


SIGNATURE = re.compile("\u2014 ([^\\s+]+) ([A-Za-z0-9+/]+={0,2})")


def open_note(note: bytes, key: Key) -> str:
    """The text of a signed note, once a signature of this key over it is verified."""
    need(len(note) <= 1 << 20, "the note is too long")
    try:
        text = note.decode("utf-8")
    except UnicodeDecodeError as e:
        raise Rejected("the note is not UTF-8") from e
    need(not any(c < " " and c != "\n" for c in text), "the note has a control character")
    body, blank, signatures = text.rpartition("\n\n")
    need(blank != "" and signatures.endswith("\n"), "the note has no signatures")
    body, verified = body + "\n", False
    for line in signatures[:-1].split("\n"):
        if not (match := SIGNATURE.fullmatch(line)):
            raise Rejected("a signature line is malformed")
        raw = unbase64(match[2])
        need(len(raw) > 4, "a signature is too short")
        if match[1] != key.name or raw[:4] != key.id:
            continue  # of an unknown key: ignored, even where the name or the id is a known key's
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(raw[4:], body.encode())
        except InvalidSignature as e:
            raise Rejected("the signature is not of this key over this text") from e
        verified = True
    need(verified, "no signature of the known key")
    return body


@dataclass(frozen=True)
class Checkpoint:
    origin: str
    size: int
    root: bytes


def open_checkpoint(note: bytes, key: Key, origin: str = "") -> Checkpoint:
    lines = open_note(note, key)[:-1].split("\n")
    need(len(lines) >= 3 and all(lines), "a checkpoint has three lines or more, none empty")
    need(lines[0] == (origin or key.name), f"the checkpoint is of another log: {lines[0]!r}")
    need(re.fullmatch("0|[1-9][0-9]{0,18}", lines[1]) is not None, "the tree size is not a plain number")
    size, root = int(lines[1]), unbase64(lines[2])
    need(len(root) == HASH, "the root is not of 32 bytes")
    need(size > 0 or root == EMPTY_ROOT, "the root of the empty tree is not of nothing")
    return Checkpoint(lines[0], size, root)


def tile_path(level: int | str, index: int, width: int) -> str:
    path = f"{index % 1000:03d}" + (f".p/{width}" if width < WIDTH else "")
    while index := index // 1000:
        path = f"x{index % 1000:03d}/{path}"
    return f"tile/{level}/{path}"


class Log:
    """A log at a signed checkpoint, over get(path) -> bytes; LookupError is for what is not there."""

    def __init__(self, get: Callable[[str], bytes], vkey: str, origin: str = "", note: bytes = b""):
        self.get = get
        self.head = open_checkpoint(note or get("checkpoint"), Key.parse(vkey), origin)
        self.cache: dict[tuple[int, int], list[bytes]] = {}

    def fetch(self, kind: int | str, index: int) -> tuple[bytes, int, int]:
        """A tile's bytes, how wide these should be, and how much of that is in the tree."""
        level = 0 if kind == "entries" else int(kind)
        width = min(WIDTH, (self.head.size >> (8 * level)) - index * WIDTH)
        need(width > 0, f"tile {kind}/{index} is not in a tree of {self.head.size}")
        for served in (width, WIDTH):  # a partial tile may be gone once the full one is there
            with suppress(LookupError):
                return self.get(tile_path(kind, index, served)), served, width
        raise Rejected(f"missing: {tile_path(kind, index, width)}")

    def tile(self, level: int, index: int) -> list[bytes]:
        if (level, index) not in self.cache:
            raw, served, width = self.fetch(level, index)
            need(len(raw) == served * HASH, f"tile {level}/{index} has {len(raw)} bytes for {served} hashes")
            self.cache[level, index] = [raw[i : i + HASH] for i in range(0, width * HASH, HASH)]
        return self.cache[level, index]

    def mth(self, start: int, end: int) -> bytes:
        """MTH(D[start:end]) of RFC 6962 from the tiles, for the ranges that a tree's nodes cover."""
        if (n := end - start) == 0:
            return EMPTY_ROOT
        if n & (n - 1) == 0 and start % n == 0:  # a complete subtree: inside one tile
            level, inside = divmod(n.bit_length() - 1, 8)
            index, offset = divmod(start >> (8 * level), WIDTH)
            return fold(self.tile(level, index)[offset : offset + (1 << inside)])
        k = start + largest(n)
        return node_hash(self.mth(start, k), self.mth(k, end))

    def inclusion(self, index: int) -> list[bytes]:
        """PATH(index, D[n]) of RFC 6962 section 2.1.1."""
        need(0 <= index < self.head.size, f"no entry {index}")
        start, end, path = 0, self.head.size, list[bytes]()
        while end - start > 1:
            k = start + largest(end - start)
            path = [self.mth(k, end) if index < k else self.mth(start, k), *path]
            start, end = (start, k) if index < k else (k, end)
        return path

    def consistency(self, first: int) -> list[bytes]:
        """PROOF(first, D[n]) of RFC 6962 section 2.1.2."""
        need(0 < first <= self.head.size, f"no proof from {first}")
        start, end, whole, path = 0, self.head.size, True, list[bytes]()
        while first != end - start:
            k = start + largest(end - start)
            if start + first <= k:
                path, end = [self.mth(k, end), *path], k
            else:
                path, first, start, whole = [self.mth(start, k), *path], first - (k - start), k, False
        return path if whole else [self.mth(start, end), *path]

    def bundle(self, index: int) -> list[bytes]:
        (raw, served, width), at, entries = self.fetch("entries", index), 0, list[bytes]()
        while at < len(raw):
            end = at + 2 + int.from_bytes(raw[at : at + 2], "big")
            need(at + 2 <= end <= len(raw), f"bundle {index} is cut")
            entries.append(raw[at + 2 : end])
            at = end
        need(len(entries) == served, f"bundle {index} has {len(entries)} entries for {served}")
        return entries[:width]

    def entries(self) -> Iterator[bytes]:
        return (entry for index in range(-(-self.head.size // WIDTH)) for entry in self.bundle(index))

    def follows(self, old: Checkpoint) -> None:
        """This checkpoint is of the same log as an earlier one, with nothing taken out or changed."""
        need(old.origin == self.head.origin, "a checkpoint of another log")
        need(self.head.size >= old.size, f"the log was rolled back from {old.size} to {self.head.size}")
        if old.size:
            verify_consistency(old.size, self.head.size, old.root, self.head.root, self.consistency(old.size))

    def includes(self, index: int, entry: bytes) -> None:
        verify_inclusion(leaf_hash(entry), index, self.head.size, self.inclusion(index), self.head.root)

    def audit(self) -> int:
        """All of it: every entry, every tile and both roots; how many entries there are."""
        for index, entry in enumerate(self.entries()):
            here = self.tile(0, index // WIDTH)[index % WIDTH]
            need(here == leaf_hash(entry), f"entry {index} is not in its tile")
        need(root_of(map(leaf_hash, self.entries())) == self.head.root, "the entries do not hash to the root")
        need(self.mth(0, self.head.size) == self.head.root, "the tiles do not hash to the root")
        for level in range(1, 8):
            for index in range(self.head.size >> (8 * level)):
                need(
                    self.tile(level, index // WIDTH)[index % WIDTH] == fold(self.tile(level - 1, index)),
                    f"hash {index} of level {level} is not of the tile under it",
                )
        return self.head.size


def over_http(url: str) -> bytes:
    try:
        with urlopen(url, timeout=60) as answer:
            return bytes(answer.read())
    except HTTPError as e:
        raise (LookupError(url) if e.code in (404, 410) else e) from e


if __name__ == "__main__":
    prefix = sys.argv[1].rstrip("/") + "/"
    sys.stdout.write(f"{Log(lambda path: over_http(prefix + path), sys.argv[2]).audit()} entries: sound\n")
