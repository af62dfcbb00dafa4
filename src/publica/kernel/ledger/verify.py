"""Verification from scratch: what the ledger should be, derived again from the entries alone.

A code path of its own: it shares nothing with the modules that build the tree, cut its tiles or sign it, so
an error there cannot hide here. One pass, in memory that does not grow with the ledger.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from publica.kernel.errors import BadInput
from publica.kernel.ledger.laws import ChoiceLaw, Law, Problem, Seen, far_before, told

MOST = 1000
"""Problems reported one by one; further ones are counted."""
WIDEST_GAP = 65536
"""Missing positions in a row that are still taken for lost entries, not for a falsified position."""

_LOST = b""
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
_RESTORE = "Restore the database from a backup, and find out who could write to it."
_UNSURE = re.compile(rb"[0-9]{16}|[\xf0-\xff]")  # where Python's JSON and RFC 8785 may differ: use the latter


@dataclass(frozen=True)
class Report:
    """What was found: entries in the tree (`size`), `waiting` for it, those of both that no right checkpoint
    covers (`unsigned`), per kind, checkpoints, and problems."""

    size: int
    waiting: int
    unsigned: int
    kinds: Mapping[str, int]
    checkpoints: int
    problems: tuple[Problem, ...]
    further: int

    @property
    def sound(self) -> bool:
        return not self.problems


def verify(
    connection: Connection, vkeys: tuple[str, ...], laws: Iterable[Law] = (), kept: Iterable[str] = ()
) -> Report:
    """Check the whole ledger that `connection` sees.

    `vkeys`: the keys that signed checkpoints, old ones included; `laws`: what else must hold; `kept`:
    checkpoints that somebody kept elsewhere, which show whether history was rewritten with all that is here.
    Raises BadInput when a key is malformed, or none is given.
    """
    if not vkeys:
        raise BadInput("No verifier key was given.", do="Give the ledger's published key.")
    found, entries = _Found(), _Entries((ChoiceLaw(), *laws))
    tree, checkpoints = _Tree(connection), _Checkpoints([_Key.parse(vkey) for vkey in vkeys])
    try:
        checkpoints.begin(connection, kept)
        for problems in _walk(connection, entries, tree, checkpoints):
            found.add(problems)
    except SQLAlchemyError:
        found.add([_problem(None, "The ledger's tables cannot be read to the end: they are damaged.")])
    return Report(
        tree.size,
        entries.waiting,
        tree.size + entries.waiting - checkpoints.signed,
        dict(entries.kinds),
        checkpoints.count,
        tuple(found.first),
        found.further,
    )


def _walk(
    connection: Connection, entries: _Entries, tree: _Tree, checkpoints: _Checkpoints
) -> Iterator[Iterable[Problem]]:
    yield checkpoints.reached(tree)
    for position, kind, body, leaf in _rows(connection, "position IS NOT NULL ORDER BY position, id"):
        # 1. The entry by itself, and by the laws so far.
        fresh, problems = entries.examine(position, kind, body, leaf)
        yield problems
        # 2. Its place in the tree, and what was signed of the tree up to there.
        places = tree.places(position)
        for place in places:
            yield tree.add(fresh if place == position else _LOST)
            yield checkpoints.reached(tree)
        if not places:
            what = f"The entry's position is {position}, where {tree.size} comes next."
            yield [_problem(position, what)]
    for _, kind, body, leaf in _rows(connection, "position IS NULL ORDER BY id"):
        yield entries.examine(None, kind, body, leaf)[1]
    # 3. The tree's edge, and nothing beyond it; then the tables that rest on entries.
    yield tree.finish()
    yield checkpoints.finish(tree)
    for law in entries.laws:
        yield told(f"What {type(law).__name__} checks", law.finish(connection))


@dataclass
class _Found:
    first: list[Problem] = field(default_factory=list)
    further: int = 0

    def add(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            if len(self.first) < MOST:
                self.first.append(problem)
            else:
                self.further += 1


class _Entries:
    """Each entry by itself, after the one before it."""

    def __init__(self, laws: Sequence[Law]) -> None:
        self.kinds: Counter[str] = Counter()
        self.waiting = 0
        self.laws = laws
        self._last = ""

    def examine(self, position: Any, kind: Any, body: Any, leaf: Any) -> tuple[bytes, list[Problem]]:
        """The entry's hash, computed again, and what is wrong with it."""
        self.kinds[str(kind)] += 1
        self.waiting += position is None
        wrong: list[str] = []
        if not isinstance(body, bytes):
            wrong.append("is stored as text")
            body = str(body).encode(errors="replace")
        fresh = _sha256(b"\x00" + body)
        if fresh != leaf:
            wrong.append("was altered: it does not have the hash it was entered with")
        value = _parse(body)
        wrong += self._content(value, kind)
        problems = [_problem(position, f"The entry {what}.") for what in wrong]
        if value is not None:
            seen = Seen(position, str(kind), value, fresh)
            for law in self.laws:
                problems += told("The entry", law.entry(seen))
        return fresh, problems

    def _content(self, value: dict[str, Any] | None, kind: Any) -> Iterator[str]:
        if value is None:
            yield "is no JSON object in canonical form (RFC 8785)"
            return
        if value.get("kind") != kind:
            yield f"says that it is a {value.get('kind')}, but is filed as a {kind}"
        at = value.get("at")
        if not isinstance(at, str):
            yield "does not say when it was made"
            return
        if at < self._last and far_before(at, self._last):
            yield f"is of {at}, before the entry that it follows ({self._last})"
        self._last = max(at, self._last)


class _Tree:
    """The RFC 9162 tree as it grows, leaf by leaf, compared with the tiles that are stored of it."""

    def __init__(self, connection: Connection) -> None:
        self.size = 0
        self._connection = connection
        self._roots: list[bytes] = []  # of the complete subtrees, largest first: one for each bit of `size`
        self._growing: list[list[bytes]] = [[]]  # by level, the hashes of its last tile
        self._full: list[int] = [0]  # by level, how many tiles came before that one

    def places(self, position: Any) -> range:
        """The positions up to and including this one that are to be added now; none when it is falsified."""
        if isinstance(position, int) and self.size <= position <= self.size + WIDEST_GAP:
            return range(self.size, position + 1)
        return range(0)

    def add(self, leaf: bytes) -> list[Problem]:
        """Add the next leaf (`_LOST`: it is missing); problems of the tiles that it completes."""
        found = [] if leaf else [_problem(self.size, "The entry is missing.")]
        found += self._put(0, leaf)
        height, rest, top = 0, self.size, leaf
        while rest & 1:
            top = _sha256(b"\x01" + self._roots.pop() + top)
            height, rest = height + 1, rest >> 1
            if height % 8 == 0:
                found += self._put(height // 8, top)
        self._roots.append(top)
        self.size += 1
        return found

    def root(self) -> bytes:
        """The root so far."""
        if not self._roots:
            return _sha256(b"")
        found = self._roots[-1]
        for left in self._roots[-2::-1]:
            found = _sha256(b"\x01" + left + found)
        return found

    def finish(self) -> Iterator[Problem]:
        """Problems of the tiles at the edge, of tiles beyond it, and of the size that is on record."""
        for level, hashes in enumerate(self._growing):
            if hashes:
                yield from self._compare(level)
        last = [full + bool(hashes) for full, hashes in zip(self._full, self._growing, strict=True)]
        for level, number in self._connection.exec_driver_sql("SELECT level, number FROM ledger_tile"):
            if level not in range(len(last)) or number not in range(last[level]):
                yield _problem(None, f"Tile {level}/{number} belongs to no entry.")
        states = self._connection.exec_driver_sql("SELECT id, size FROM ledger_state").all()
        sizes = [size for number, size in states if number == 1 or size != self.size]
        if list(sizes) != [self.size]:
            yield _problem(None, f"The ledger has {self.size} entries in its tree, but {sizes} on record.")

    def _put(self, level: int, value: bytes) -> list[Problem]:
        if level == len(self._growing):
            self._growing.append([])
            self._full.append(0)
        hashes = self._growing[level]
        hashes.append(value)
        if len(hashes) < 256:
            return []
        found = list(self._compare(level))
        hashes.clear()
        self._full[level] += 1
        return found

    def _compare(self, level: int) -> Iterator[Problem]:
        ours, number = self._growing[level], self._full[level]
        query = f"SELECT width, hashes FROM ledger_tile WHERE level = {level} AND number = {number}"
        width, stored = self._connection.exec_driver_sql(query).first() or (0, None)
        if not isinstance(stored, bytes) or width != len(ours) or width * 32 != len(stored):
            yield _problem(
                None, f"Tile {level}/{number} does not hold the {len(ours)} hashes that it should."
            )
        if not isinstance(stored, bytes) or stored == b"".join(ours):
            return
        differing = [i for i, value in enumerate(ours) if value and value != stored[i * 32 : i * 32 + 32]]
        if level == 0:
            for i in differing:
                yield _problem(number * 256 + i, "The entry is not the one that the tree has here.")
        elif differing:
            yield _problem(None, f"Tile {level}/{number} does not follow from the tiles below it.")


class _Checkpoints:
    """What was signed, stored here or kept elsewhere; each is taken when the tree has reached its size."""

    def __init__(self, keys: Sequence[_Key]) -> None:
        self.count = 0
        self.signed = 0
        self._keys = keys
        self._contradicted = 0
        self._last = ""
        self._coming: Iterator[_Signed] = iter(())
        self._next: _Signed | None = None

    def begin(self, connection: Connection, kept: Iterable[str]) -> None:
        rows = _stream(connection, "SELECT size, root, note, at FROM checkpoint ORDER BY size")
        stored = (_Signed(size, root or b"", note, at) for size, root, note, at in rows)
        elsewhere = sorted((_Signed.kept(note) for note in kept), key=_by_size)
        self._coming = merge(stored, elsewhere, key=_by_size)
        self._next = next(self._coming, None)

    def reached(self, tree: _Tree) -> list[Problem]:
        """Problems of the checkpoints that are of the tree as it is now (or of no size it can have)."""
        found: list[Problem] = []
        while self._next is not None and self._next.size <= tree.size:
            found += self._examine(self._next, tree.root())
            self._next = next(self._coming, None)
        return found

    def finish(self, tree: _Tree) -> Iterator[Problem]:
        """Problems of checkpoints that the tree never reached."""
        while self._next is not None:
            self.count += self._next.root is not None
            lost = f"{self._next} is of {self._next.size} entries, but only {tree.size} are there"
            why = "entries were removed, or an older copy of the database was put in its place"
            yield _problem(None, f"{lost}: {why}.")
            self._next = next(self._coming, None)
        if self._contradicted > 1:
            yield _problem(None, f"{self._contradicted - 1} later checkpoints contradict the entries, too.")

    def _examine(self, signed: _Signed, root: bytes) -> Iterator[Problem]:
        self.count += signed.root is not None
        key, text = self._open(signed.note)
        if key is None:
            yield _problem(None, f"{signed} does not have a right signature of the ledger's key.")
        elif not text.startswith(f"{key.name}\n{signed.size}\n"):
            yield _problem(None, f"{signed} is not of this ledger at that size, by its note.")
        elif text != f"{key.name}\n{signed.size}\n{b64encode(root).decode()}\n":
            self._contradicted += 1
            if self._contradicted == 1:
                what = "contradicts the entries: an entry before it was altered, moved, added or removed"
                yield _problem(None, f"{signed} {what}.")
        elif signed.root is not None and not self._timely(signed):
            yield _problem(None, f"{signed} was not made at {signed.at!r}: that is no time, or out of order.")
        elif signed.root is not None and not (signed.note.count("\n") == 5 and signed.note.endswith("\n")):
            yield _problem(None, f"{signed} has more in its note than was signed.")
        elif signed.root not in (None, root):
            yield _problem(None, f"{signed} has another root on record than in its note.")
        else:
            self.signed = max(self.signed, signed.size)

    def _timely(self, signed: _Signed) -> bool:
        """Whether it is on record as made at a time, and after the one before it."""
        known = isinstance(signed.at, str) and re.fullmatch(_TIME, signed.at) is not None
        before, self._last = self._last, signed.at if known else self._last
        return known and before <= signed.at

    def _open(self, note: Any) -> tuple[_Key | None, str]:
        """The text of a signed note and the key that signed it, None when none of ours did."""
        head, _, tail = note.rpartition("\n\n") if isinstance(note, str) else ("", "", "")
        text = head + "\n"
        for line in tail.split("\n"):
            for key in self._keys:
                if key.signed(text, line):
                    return key, text
        return None, text


@dataclass(frozen=True)
class _Signed:
    """A checkpoint as found: its size, the root on record beside it (None: kept elsewhere), and its note."""

    size: int
    root: Any
    note: Any
    at: Any = None

    def __str__(self) -> str:
        return f"The checkpoint of size {self.size}" + (" kept elsewhere" if self.root is None else "")

    @classmethod
    def kept(cls, note: str) -> _Signed:
        lines = note.split("\n")
        known = len(lines) > 1 and re.fullmatch(r"[0-9]{1,18}", lines[1])
        return cls(int(lines[1]) if known else -1, None, note)


@dataclass(frozen=True)
class _Key:
    """A public key as published: `name+keyid+base64(0x01 || key)`."""

    name: str
    id: bytes
    public: Ed25519PublicKey

    @classmethod
    def parse(cls, vkey: str) -> _Key:
        name, _, rest = vkey.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        try:
            raw = b64decode(encoded, validate=True)
            if raw[:1] != b"\x01" or _sha256(name.encode() + b"\n" + raw)[:4].hex() != key_id:
                raise ValueError
            return cls(name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(raw[1:]))
        except ValueError:
            raise BadInput("The verifier key is malformed.", do="Copy it whole: name+id+key.") from None

    def signed(self, text: str, line: str) -> bool:
        """Whether this line is this key's signature of that text."""
        prefix = f"— {self.name} "
        try:
            signature = b64decode(line.removeprefix(prefix), validate=True)
            if not line.startswith(prefix) or signature[:4] != self.id:
                return False
            self.public.verify(signature[4:], text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


def _by_size(signed: _Signed) -> int:
    return signed.size


def _problem(position: Any, what: str) -> Problem:
    return Problem(position if isinstance(position, int) else None, what, _RESTORE)


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _rows(connection: Connection, which: str) -> Iterator[Any]:
    return _stream(connection, f"SELECT position, kind, body, leaf FROM ledger_entry WHERE {which}")


def _stream(connection: Connection, sql: str) -> Iterator[Any]:
    """Rows as the driver gives them (a type's own processing would stumble over falsified ones)."""
    yield from connection.exec_driver_sql(sql, execution_options={"yield_per": 1000})


def _parse(body: bytes) -> dict[str, Any] | None:
    """The JSON object of an entry; None when it is none, or not in canonical form."""
    try:
        text = body.decode()
        try:
            value = _decode(text)
            exact = rfc8785.dumps(value) if _UNSURE.search(body) else _encode(value).encode()
        except _Unsure:
            value = json.loads(text)
            exact = rfc8785.dumps(value)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and exact == body else None


class _Unsure(Exception):
    """A number that Python's JSON may write otherwise than RFC 8785."""


def _unsure(_: str) -> Any:
    raise _Unsure


_decode: Callable[[str], Any] = json.JSONDecoder(parse_float=_unsure, parse_constant=_unsure).decode
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
