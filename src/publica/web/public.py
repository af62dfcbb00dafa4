"""Pages for everybody: the first page, signing in, the register of data uses, the ledger."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from publica.web.site import render
from publica.web.site import router as pages

router = pages()


@router.get("/")
def home(request: Request) -> Response:
    """What this is."""
    return render(request, "public/home.html")
