"""Laws: the provisions that activities rest on."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from publica.kernel.records import Spec
from publica.kernel.records.languages import Language
from publica.kernel.records.types import Day, Line


class LawTexts(Spec):
    """The texts of a law in another language."""

    title: Line | None = None
    provision: Line | None = None


class Law(Spec):
    """A legal provision, by its ELI-style identifier, and its first and last day in force."""

    title: Line
    eli: Line
    provision: Line | None = None
    valid_from: Day
    valid_to: Day | None = None
    url: Line | None = None
    translations: Mapping[Language, LawTexts] = {}

    @property
    def link(self) -> str | None:
        """Where a page may lead: the url, unless an older version took one that is none for a browser."""
        return self.url if self.url is not None and is_link(self.url) else None


def is_link(url: str) -> bool:
    """Whether a url leads to a page of a host over http(s), and shows which; nothing else becomes a link."""
    if not url.isprintable() or " " in url or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and named and "@" not in parts.netloc
