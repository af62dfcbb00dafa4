"""Books for rules: the small world of the records' tests with some documents replaced, in memory."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from records.world import WORLD, changed, document, everything, in_memory

from publica.kernel.records import Book

__all__ = ["changed", "document", "problems", "world"]


def world(*documents: str) -> Book:
    """The world, with these documents instead of its own or in addition."""
    replaced, added = {}, []
    names = {"_".join(name.split(":")).replace("-", "_"): name for name in WORLD}
    for text in documents:
        kind, record_id = (line.partition(": ")[2] for line in text.splitlines()[:2])
        key = f"{kind}_{record_id}".replace("-", "_")
        if key in names:
            replaced[key] = text
        else:
            added.append(text)
    with TemporaryDirectory() as folder:
        return in_memory(Path(folder), "---\n".join([everything(**replaced), *added]))


def problems(*documents: str) -> list[tuple[str, str]]:
    """What the checks find in the world with these documents: path and sentence."""
    found = world(*documents)
    return [
        (".".join(map(str, problem.path)), problem.what)
        for (kind, record_id), record in found.records.items()
        for problem in found.kinds[kind].check(record_id, record.spec, found)
    ]
