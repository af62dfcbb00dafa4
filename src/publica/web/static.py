"""Files that pages load: styles, scripts, our mark; named with their digest, so that browsers keep them."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request
from starlette.responses import Response

from publica.http.problems import HttpProblem

router = APIRouter(include_in_schema=False)

TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "txt": "text/plain"}
DESIGN = "design/govuk-frontend.min.css"
DIGITS = 12
FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class File:
    """One file, as it is sent."""

    type: str
    body: bytes
    small: bytes
    """The body compressed by gzip."""
    tag: str


@cache
def known() -> dict[str, File]:
    """Every file by its path below /static/."""
    return dict(_found(files("publica.web") / "static", ""))


def _found(folder: Traversable, above: str) -> list[tuple[str, File]]:
    found: list[tuple[str, File]] = []
    for each in folder.iterdir():
        if each.is_dir():
            found += _found(each, f"{above}{each.name}/")
        elif (kind := TYPES.get(each.name.rpartition(".")[2])) is not None:
            body = each.read_bytes()
            tag = hashlib.sha256(body).hexdigest()[:DIGITS]
            found.append((above + each.name, File(kind, body, gzip.compress(body, mtime=0), tag)))
    return found


def has_design() -> bool:
    """Whether the design system was there when Publica was built; our plain style stands in for it."""
    return DESIGN in known()


def address(name: str) -> str:
    """Where a file is: an address that changes with what it holds. Raises KeyError for none of ours."""
    return f"/static/{name}?v={known()[name].tag}"


@router.get("/static/{name:path}")
async def file(request: Request, name: str) -> Response:
    """One file."""
    found = known().get(name)
    if found is None:
        raise HttpProblem("not-found", "There is no such file.")
    kept = FOREVER if request.query_params.get("v") == found.tag else "no-cache"
    headers = {"Cache-Control": kept, "ETag": f'"{found.tag}"', "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.small, media_type=found.type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(found.body, media_type=found.type, headers=headers)
