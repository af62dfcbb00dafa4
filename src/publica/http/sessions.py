"""The cookies of sessions and of sign-ins under way. A cookie holds 256 random bits and nothing else."""

from __future__ import annotations

import re
import secrets

from starlette.requests import Request
from starlette.responses import Response

SESSION, SIGN_IN = "publica", "publica-sign-in"
SIGN_IN_SECONDS = 600
_DRAWN = re.compile(r"[A-Za-z0-9_-]{43}\Z")


def draw() -> str:
    """256 random bits, as cookies and addresses take them."""
    return secrets.token_urlsafe(32)


class Cookies:
    """Cookies of one server; `secure` when it is reached by https.

    Then their names begin with `__Host-`, so that browsers take them from this host alone, over TLS alone.
    """

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure

    def name(self, cookie: str) -> str:
        return f"__Host-{cookie}" if self._secure else cookie

    def read(self, request: Request, cookie: str) -> str | None:
        """What a cookie holds; None for anything that we did not draw."""
        held = request.cookies.get(self.name(cookie), "")
        return held if _DRAWN.match(held) else None

    def give(self, answer: Response, cookie: str, value: str) -> None:
        """Set a cookie: for this session of the browser, or for as long as a sign-in may take."""
        answer.set_cookie(
            self.name(cookie),
            value,
            max_age=SIGN_IN_SECONDS if cookie == SIGN_IN else None,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )

    def take_back(self, answer: Response, cookie: str) -> None:
        answer.delete_cookie(self.name(cookie), path="/", secure=self._secure, httponly=True, samesite="lax")
