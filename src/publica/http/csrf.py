"""No page but ours acts in the name of whoever is signed in (cross-site request forgery).

A request that may change something and comes with a session's cookie must carry the session's own token, in
the header `Publica-CSRF` or the form field `csrf`, which pages elsewhere cannot read; and where the browser
says from which page it comes, that must be one of ours.
"""

from __future__ import annotations

import base64
import hmac
from contextlib import suppress

from starlette.exceptions import HTTPException
from starlette.requests import Request

from publica.http.problems import HttpProblem

HEADER, FIELD = "Publica-CSRF", "csrf"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
FORM, MOST_FIELDS, MOST_BYTES = "application/x-www-form-urlencoded", 1000, 256 * 1024
"""Of a form that holds a token: a statement of the workbench fits. A larger one sends the header instead."""
OURS = frozenset({"same-origin", "none"})
"""What `Sec-Fetch-Site` says of our own pages, and of what the user typed."""


def token(session_id: str) -> str:
    """The token of a session: from its id, which is kept nowhere, so that it need not be kept either."""
    made = hmac.digest(session_id.encode(), b"publica csrf", "sha256")
    return base64.urlsafe_b64encode(made).decode("ascii").rstrip("=")


def require(request: Request, session_id: str, origin: str) -> None:
    """Raises HttpProblem (403) unless the request changes nothing, or comes from a page of ours."""
    if request.method in SAFE:
        return
    require_our_page(request, origin)
    given = request.headers.get(HEADER) or getattr(request.state, "csrf", None) or ""
    if not hmac.compare_digest(given.encode("utf-8", "replace"), token(session_id).encode()):
        raise HttpProblem(
            "forbidden",
            "The request does not come from a page of ours.",
            do=f"Send the session's token (GET /session) in the header {HEADER}.",
        )


def require_our_page(request: Request, origin: str) -> None:
    """Raises HttpProblem (403) when the browser says that the request comes from another origin."""
    said = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site")
    if (said is not None and said != origin) or (site is not None and site not in OURS):
        raise HttpProblem(
            "forbidden", "The request comes from another site's page.", do="Begin at a page of ours."
        )


async def read_form(request: Request) -> None:
    """Note the token of a form, so that `require` finds it. One with files sends the header instead.

    Whoever calls is not known yet, so what is read is small.
    """
    if request.method in SAFE or HEADER in request.headers or not is_form(request):
        return
    with suppress(RuntimeError):  # kept for whoever reads it later; a form that was read already is kept, too
        if len(await request.body()) > MOST_BYTES:
            return
    try:
        fields = await request.form(max_fields=MOST_FIELDS)
    except HTTPException:
        return  # no form, or too many fields: it has no token
    given = fields.get(FIELD)
    request.state.csrf = given if isinstance(given, str) else ""


def is_form(request: Request) -> bool:
    """Whether the request is a form's, without files."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM
