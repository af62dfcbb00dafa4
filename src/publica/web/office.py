"""Pages of the asker: office."""

from __future__ import annotations

from publica.web.site import router as pages

router = pages()
