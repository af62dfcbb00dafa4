"""Pages of the asker: citizen."""

from __future__ import annotations

from publica.web.site import router as pages

router = pages()
