"""Lists in pages: `limit` items after the cursor `after`, and where the next ones are."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Header, Query, Request, Response

from publica.api.common import etag_matches

USUAL, MOST = 50, 200

After = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=200,
        description="Cursor: where the page before ended. Follow `next` instead.",
    ),
]
Limit = Annotated[int, Query(ge=1, le=MOST, description="Most items of the page.")]
Matches = Annotated[str | None, Header(alias="If-None-Match", description="ETags of what the client has.")]
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "The client has it already."}}


def next_page(request: Request, after: str, limit: int) -> str:
    """The address of the next page: the same filters, from the cursor on."""
    kept = [
        (name, value) for name, value in request.query_params.multi_items() if name not in ("after", "limit")
    ]
    return f"{request.url.path}?{urlencode([*kept, ('after', after), ('limit', str(limit))])}"


def paged(request: Request, items: list[Any], limit: int, cursor: str | None) -> dict[str, Any]:
    """One page: `items` may hold one more than `limit`, by which it is known that there are more."""
    more = len(items) > limit and cursor is not None
    return {"items": items[:limit], "next": next_page(request, str(cursor), limit) if more else None}


def tagged(value: Any, if_none_match: str | None, *, shared: bool) -> Response:
    """A JSON answer with its ETag, or 304. `shared`: what everybody may see, so that caches may keep it."""
    body = json.dumps(value, ensure_ascii=False).encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {
        "ETag": tag,
        "Cache-Control": "no-cache" if shared else "private, no-cache",
        "Vary": "Cookie, Authorization",
    }
    if etag_matches(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")
