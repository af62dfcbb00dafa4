"""What a file is: told by its name, and believed only when its first bytes agree."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from publica.kernel.errors import BadInput, Place

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".psv": "csv",
    ".ssv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}

_UNPACK = "Unpack it first, then load the files that it holds."
_EXPORT = "Export the table as CSV, then load that."

_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive (or an office document)", "Unpack it, or export the sheet as CSV."),
    (b"PK\x05\x06", "an empty ZIP archive", _UNPACK),
    (b"\x1f\x8b", "compressed with gzip", _UNPACK),
    (b"BZh", "compressed with bzip2", _UNPACK),
    (b"\xfd7zXZ\x00", "compressed with xz", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"%PDF", "a PDF document", "Ask its publisher for the table itself."),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook or office document", _EXPORT),
    (b"SQLite format 3", "an SQLite database", _EXPORT),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself", "Fetch the file (git lfs pull)."),
    (b"\x7fELF", "a program", "Give a table."),
)

_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|table|\?xml|!--)", re.IGNORECASE)


def identify(path: Path) -> str:
    """`csv`, `parquet` or `jsonl`. Raises BadInput for a file that is none, or only claims to be."""
    place = Place(path.name)
    head = _head(path, place)
    claimed = FORMATS.get(path.suffix.lower())
    if head.startswith(b"PAR1"):
        if claimed != "parquet":
            raise BadInput("This is a Parquet file.", do="Let its name end in .parquet.", place=place)
        return "parquet"
    for magic, kind, do in _MAGIC:
        if head.startswith(magic):
            raise BadInput(f"This is {kind}.", do=do, place=place)
    if _MARKUP.match(head):
        raise BadInput(
            "This is HTML or XML, not a table.",
            do="Look at it: it may be a login or error page that was saved in place of the data.",
            place=place,
        )
    if claimed is None:
        known = ", ".join(FORMATS)
        raise BadInput("The name does not say what this file is.", do=f"Use one of {known}.", place=place)
    if claimed == "parquet":
        raise BadInput("This is not a Parquet file.", do="Load what its writer produced.", place=place)
    return claimed


def _head(path: Path, place: Place) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadInput("This is not a regular file.", do="Name a file.", place=place)
        with path.open("rb") as file:
            head = file.read(1024)
    except OSError as error:
        raise BadInput(
            f"The file cannot be read ({error.strerror}).", do="Check its name and rights.", place=place
        ) from None
    if not head:
        raise BadInput("The file is empty.", do="Load the file as it was published.", place=place)
    return head
