"""The tree in tiles of 256 hashes (C2SP tlog-tiles, https://c2sp.org/tlog-tiles), kept in the state database.

Level 0 holds leaf hashes, each level above the roots of the full tiles below. Only the last tile of a level
grows; a narrower tile, as an older tree had it, is the beginning of the one that is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select, text

from publica.kernel.errors import IntegrityBroken
from publica.kernel.ledger import merkle
from publica.kernel.ledger.store import entries, tiles

HEIGHT, WIDTH, HASH = 8, 256, 32

_PUT = text(
    "INSERT INTO ledger_tile (level, number, width, hashes) VALUES (:level, :number, :width, :hashes) "
    "ON CONFLICT (level, number) DO UPDATE SET width = excluded.width, hashes = excluded.hashes"
)


class Tree:
    """The stored tree, through one connection; tiles read are kept for as long as this is."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tiles: dict[tuple[int, int], bytes] = {}

    def subtree(self, height: int, index: int) -> bytes:
        """See `merkle.Subtree`. Raises IntegrityBroken when the tiles lack it."""
        level, inner = divmod(height, HEIGHT)
        first = index << inner
        number, offset = divmod(first, WIDTH)
        hashes = self._tile(level, number)[offset * HASH : (offset + (1 << inner)) * HASH]
        if len(hashes) != HASH << inner:
            raise IntegrityBroken(
                f"The ledger's tile {level}/{number} lacks hashes.", do="Run `publica ledger verify`."
            )
        return merkle.root(_split(hashes))

    def root(self, size: int) -> bytes:
        """The root at `size` entries."""
        return merkle.root_at(size, self.subtree)

    def _tile(self, level: int, number: int) -> bytes:
        if (level, number) not in self._tiles:
            self._tiles[level, number] = tile(self._connection, level, number) or b""
        return self._tiles[level, number]


def tile(connection: Connection, level: int, number: int, width: int | None = None) -> bytes | None:
    """The bytes of a tile: its first `width` hashes, or all there are. None when it has not that many."""
    query = select(tiles.c.hashes).where(tiles.c.level == level, tiles.c.number == number)
    hashes: bytes | None = connection.execute(query).scalar()
    if hashes is None or width is None:
        return hashes
    return hashes[: width * HASH] if 0 < width * HASH <= len(hashes) else None


def bundle(connection: Connection, number: int, width: int = WIDTH) -> bytes | None:
    """The entries under level-0 tile `number`, each after its length (uint16, big-endian).

    None when fewer than `width` (1 to 256) of them are in the tree.
    """
    first = number * WIDTH
    query = (
        select(entries.c.body)
        .where(entries.c.position >= first, entries.c.position < first + width)
        .order_by(entries.c.position)
    )
    bodies = connection.execute(query).scalars().all()
    if not 0 < len(bodies) == width <= WIDTH:
        return None
    return b"".join(len(body).to_bytes(2, "big") + body for body in bodies)


def extend(connection: Connection, size: int, leaves: Sequence[bytes]) -> None:
    """Add leaf hashes to a tree of `size` entries.

    Raises IntegrityBroken when the tiles at its edge are not of that size.
    """
    level, added, changed = 0, list(leaves), []
    while added:
        number, width = divmod(size, WIDTH)
        hashes = _last(connection, level, number, width) + b"".join(added)
        added = []
        for start in range(0, len(hashes), WIDTH * HASH):
            part = hashes[start : start + WIDTH * HASH]
            changed.append({"level": level, "number": number, "width": len(part) // HASH, "hashes": part})
            if len(part) == WIDTH * HASH:
                added.append(merkle.root(_split(part)))
                number += 1
        level, size = level + 1, size // WIDTH
    if changed:
        connection.execute(_PUT, changed)


def _last(connection: Connection, level: int, number: int, width: int) -> bytes:
    """The growing tile at the end of a level, which must be exactly as wide as the tree's size says."""
    hashes = tile(connection, level, number) or b""
    if len(hashes) != width * HASH:
        raise IntegrityBroken(
            f"The ledger's tile {level}/{number} does not fit the ledger's size.",
            do="Run `publica ledger verify`.",
        )
    return hashes


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[i : i + HASH] for i in range(0, len(hashes), HASH)]
