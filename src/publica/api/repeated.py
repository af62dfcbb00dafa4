"""`Idempotency-Key`: a request that is sent again is done once, and answered alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Header, Request, Response
from pydantic import BaseModel

from publica.governance.identity import repeats
from publica.http.caller import Caller
from publica.http.problems import HttpProblem
from publica.instance import Instance
from publica.kernel import clock
from publica.kernel.errors import BadInput, Refused

REPLAYED = "Idempotency-Replayed"
UNKNOWN = "Send it again in a moment; if it stays so, look whether the change is there, or use another key."

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="Draw one for each change you mean. Sent again with the same body within 24 hours, the "
        "change is not made again, and the answer is the same; 409 where it is not known how it ended.",
    ),
]


def once(
    request: Request,
    instance: Instance,
    caller: Caller,
    key: str | None,
    sent: bytes,
    work: Callable[[], BaseModel],
    status: int = 200,
) -> Response:
    """The answer of `work`, done once for each key. Without a key it is simply done.

    Raises HttpProblem: 422 when the key came with something else, 409 while it is not known how the first
    request ended: it is under way, or the server stopped half-way. Then it is never done again.
    """
    if key is None:
        return _answer(status, work().model_dump(mode="json"))
    db, keys = instance.db, instance.keys
    mark = repeats.tag(keys, caller.actor.id, request.method, request.url.path, key)
    known = repeats.begin(db, keys, mark, hashlib.sha256(sent).digest(), clock.now())
    if known is not None:
        return _again(known)
    try:
        body = work().model_dump(mode="json")
    except (BadInput, Refused, HttpProblem):  # said before anything changes; after other errors it may have
        repeats.forget(db, mark)
        raise
    repeats.finish(db, keys, mark, status, body, clock.now())
    return _answer(status, body)


def _again(known: repeats.Kept) -> Response:
    if not known.same:
        raise HttpProblem(
            "key-reused", "This Idempotency-Key came with another body.", do="Draw another one."
        )
    if known.status is None:
        raise HttpProblem(
            "conflict", "The same request is under way, or it is not known how it ended.", do=UNKNOWN
        )
    return _answer(known.status, known.body, {REPLAYED: "true"})


def _answer(status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    text = json.dumps(body, ensure_ascii=False).encode()
    return Response(text, status, headers, "application/json")
