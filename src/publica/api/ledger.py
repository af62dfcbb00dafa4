"""The ledger for everybody: its signed checkpoint, its tree in tiles, its entries, and proofs of them.

Checkpoint, tiles and entry bundles are as C2SP tlog-tiles has them (https://c2sp.org/tlog-tiles), with
`…/ledger` as the log's prefix; whoever has those can make every proof. Proofs ready made are for the others.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import select

from publica.api.common import Opened, etag_matches, problem_answers
from publica.http.problems import HttpProblem
from publica.instance.figures import head
from publica.kernel.ledger import merkle, tiles
from publica.kernel.ledger.canonical import b64
from publica.kernel.ledger.checkpoint import StoredCheckpoint, consistency, root_at
from publica.kernel.ledger.store import entries

router = APIRouter(prefix="/ledger", tags=["ledger"])

FOREVER = "public, max-age=31536000, immutable"
"""A tile, once it is there, never changes."""
SECONDS = "public, max-age=2"
"""The checkpoint and what is proved against it may change at any moment."""
TILE, NOTE = "application/octet-stream", "text/plain; charset=utf-8"
LEVELS = 64
MOST = 2**63 - 1

_INDEX = re.compile(r"((?:x[0-9]{3}/){0,5})([0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
_LEVEL = re.compile(r"0|[1-9][0-9]?")

Size = Annotated[int, Query(ge=1, le=MOST)]
IfNoneMatch = Annotated[str | None, Header(description="ETags of what the client has.")]
Index = Annotated[
    str, Path(description="Number of the tile, such as `x001/x234/067`; `.p/W` for a partial one.")
]


class Inclusion(BaseModel):
    """An entry, and the proof that it is in the tree of the signed checkpoint (RFC 9162, section 2.1.3)."""

    position: int = Field(description="Where it stands in the ledger, from 0.")
    entry: str = Field(description="Its canonical JSON (RFC 8785), byte by byte what was hashed.")
    leaf: str = Field(description="Base64 of SHA-256 over a byte 0 and the entry.")
    size: int = Field(description="Entries of the tree that it is proved to be in.")
    root: str = Field(description="Base64 of that tree's root.")
    proof: list[str] = Field(description="Base64 of the hashes from the leaf up.")
    checkpoint: str = Field(description="The latest signed checkpoint, of this size or a larger one.")


class Consistency(BaseModel):
    """The proof that a tree begins with all of an older one (RFC 9162, section 2.1.4)."""

    old: int
    new: int
    old_root: str = Field(description="Base64 of the older tree's root; compare it with the one you kept.")
    new_root: str
    proof: list[str]
    checkpoint: str = Field(description="The latest signed checkpoint, of the newer size or a larger one.")


@router.get(
    "/checkpoint",
    response_class=Response,
    responses={
        200: {
            "description": "A signed note (https://c2sp.org/tlog-checkpoint).",
            "content": {"text/plain": {"schema": {"type": "string"}, "example": "…\n42\n…\n\n— … …\n"}},
        },
        304: {"description": "The client has it already."},
        **problem_answers(503),
    },
)
def checkpoint(instance: Opened, if_none_match: IfNoneMatch = None) -> Response:
    """The latest signed checkpoint of the ledger."""
    return _cached(head(instance).note.encode(), NOTE, SECONDS, if_none_match)


@router.get(
    "/key",
    response_class=Response,
    responses={
        200: {
            "description": "Verifier keys (https://c2sp.org/signed-note), one a line, the present one first.",
            "content": {
                "text/plain": {"schema": {"type": "string"}, "example": "example.org/ledger+0a1b2c3d+AS…\n"}
            },
        },
        304: {"description": "The client has it already."},
    },
)
def key(instance: Opened, if_none_match: IfNoneMatch = None) -> Response:
    """The ledger's public keys. Compare them with those that the office publishes elsewhere."""
    lines = "".join(f"{each}\n" for each in instance.verifier_keys)
    return _cached(lines.encode(), NOTE, SECONDS, if_none_match)


_BYTES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The bytes. They never change.",
        "content": {TILE: {"schema": {"type": "string", "format": "binary"}}},
    },
    304: {"description": "The client has it already."},
    **problem_answers(404, 503),
}


@router.get("/tile/entries/{index:path}", response_class=Response, responses=_BYTES)
def bundle(
    instance: Opened,
    index: Index,
    if_none_match: IfNoneMatch = None,
    accept_encoding: Annotated[str, Header(description="`gzip` where the client takes it.")] = "",
) -> Response:
    """The entries under a tile of level 0, each after its length (two bytes, the higher first)."""
    number, width = _tile(index)
    _within(head(instance).size, 0, number, width)
    with instance.db.read() as connection:
        found = tiles.bundle(connection, number, width)
    if found is None:
        raise _nothing()
    zipped = _takes_gzip(accept_encoding) and len(found) > 1000
    body = gzip.compress(found, 5, mtime=0) if zipped else found
    answer = _cached(body, TILE, FOREVER, if_none_match)
    answer.headers["Vary"] = "Accept-Encoding"
    if zipped:
        answer.headers["Content-Encoding"] = "gzip"
    return answer


def _takes_gzip(accept_encoding: str) -> bool:
    """Whether gzip is among what a client takes, and not with the weight nought (RFC 9110, 12.5.3)."""
    for part in accept_encoding.lower().replace(" ", "").split(","):
        name, _, weight = part.partition(";q=")
        if name == "gzip":
            return weight.strip("0.") != "" or not weight
    return False


@router.get("/tile/{level}/{index:path}", response_class=Response, responses=_BYTES)
def tile(
    instance: Opened,
    level: Annotated[
        str, Path(description="0 for leaf hashes; each level above holds roots of the one below.")
    ],
    index: Index,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """256 hashes of the ledger's tree, or as many as a partial tile has."""
    if not _LEVEL.fullmatch(level) or int(level) >= LEVELS:
        raise _nothing()
    number, width = _tile(index)
    _within(head(instance).size, int(level), number, width)
    with instance.db.read() as connection:
        found = tiles.tile(connection, int(level), number, width)
    if found is None:
        raise _nothing()
    return _cached(found, TILE, FOREVER, if_none_match)


@router.get("/entries/{position}", responses=problem_answers(404, 422, 503))
def entry(
    instance: Opened,
    response: Response,
    position: Annotated[int, Path(ge=0, le=MOST, description="Where the entry stands, from 0.")],
    size: Annotated[
        Size | None, Query(description="Size of the tree; that of the latest checkpoint.")
    ] = None,
) -> Inclusion:
    """One entry, with the proof that it is in the signed tree."""
    signed = head(instance)
    of = _reached(signed, size)
    if position >= of:
        raise _nothing()
    with instance.db.read() as connection:
        row = connection.execute(
            select(entries.c.body, entries.c.leaf).where(entries.c.position == position)
        ).first()
        if row is None:
            raise _nothing()
        path = merkle.inclusion_path(position, of, tiles.Tree(connection).subtree)
        root = root_at(connection, of)
    response.headers["Cache-Control"] = SECONDS
    return Inclusion(
        position=position,
        entry=row.body.decode(),
        leaf=b64(row.leaf),
        size=of,
        root=b64(root),
        proof=[b64(each) for each in path],
        checkpoint=signed.note,
    )


@router.get("/consistency", responses=problem_answers(422, 503))
def consistent(
    instance: Opened,
    response: Response,
    old: Annotated[Size, Query(description="Size of a checkpoint that was kept.")],
    new: Annotated[Size | None, Query(description="Size of a later one; the latest when left out.")] = None,
) -> Consistency:
    """The proof that nothing of an older tree was taken out, altered or moved."""
    signed = head(instance)
    of = _reached(signed, new)
    if old > of:
        raise HttpProblem("bad-input", f"A tree of {of} entries cannot extend one of {old}.")
    with instance.db.read() as connection:
        path = consistency(connection, old, of)
        roots = [b64(root_at(connection, each)) for each in (old, of)]
    response.headers["Cache-Control"] = SECONDS
    proof = [b64(each) for each in path]
    return Consistency(
        old=old, new=of, old_root=roots[0], new_root=roots[1], proof=proof, checkpoint=signed.note
    )


def _tile(index: str) -> tuple[int, int]:
    """Number and width of a tile, from its path. Raises HttpProblem (404) unless it is written right."""
    matched = _INDEX.fullmatch(index)
    if not matched:
        raise _nothing()
    groups, last, width = matched.groups()
    if groups.startswith("x000/") or int(width or 1) >= tiles.WIDTH:
        raise _nothing()
    return int(groups.replace("x", "").replace("/", "") + last), int(width or tiles.WIDTH)


def _within(size: int, level: int, number: int, width: int) -> None:
    """Raises HttpProblem (404) unless the signed tree has all hashes of the tile."""
    if number * tiles.WIDTH + width > size >> (level * tiles.HEIGHT):
        raise _nothing()


def _reached(signed: StoredCheckpoint, size: int | None) -> int:
    if size is not None and size > signed.size:
        raise HttpProblem("bad-input", f"The latest checkpoint is of {signed.size} entries, not {size}.")
    return signed.size if size is None else size


def _nothing() -> HttpProblem:
    return HttpProblem(
        "not-found", "The signed ledger does not have that.", do="See the size in its checkpoint."
    )


def _cached(body: bytes, media: str, cache: str, if_none_match: str | None) -> Response:
    """The body with its ETag; nothing but that when the client has it."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": cache}
    if etag_matches(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media)
