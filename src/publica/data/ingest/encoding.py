"""The encoding of a text file: measured on all its bytes, then turned into UTF-8; never guessed quietly."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from publica.kernel.errors import BadInput, Place

CHUNK = 4 * 1024 * 1024
Tick = Callable[[int], None]
"""Told how many more bytes of the file were read."""

NAMES: dict[str, str] = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "utf-8-sig": "utf-8",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16-le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "utf-16-be": "utf-16-be",
    "latin-1": "iso-8859-1",
    "latin1": "iso-8859-1",
    "cp1252": "windows-1252",
    "big5": "big5",
    "gb18030": "gb18030",
    "shift_jis": "shift_jis",
    "euc-jp": "euc-jp",
    "euc-kr": "euc-kr",
    **{f"iso-8859-{part}": f"iso-8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)},
    **{f"windows-{page}": f"windows-{page}" for page in range(1250, 1259)},
}
"""The encodings a dataset may name, and how they are reported."""

_MARKS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_CONTROLS = bytes([*range(9), 11, *range(14, 32), 127])
_UNDEFINED_1252 = b"\x81\x8d\x8f\x90\x9d"
_HIGH_CONTROLS = bytes(range(0x80, 0xA0))
_SAY = "Name the encoding in the dataset's record (csv: encoding), or repair the file."


@dataclass(frozen=True)
class Encoding:
    """An encoding, how it is known, and the length of the byte order mark that is not data."""

    name: str
    found: str
    mark: int = 0


def detect(path: Path, given: str | None, tick: Tick) -> Encoding:
    """The encoding of a text file. Raises BadInput when the bytes allow several, or none that is known.

    A byte order mark is believed, then what the dataset's record says; then the whole file is valid UTF-8
    or it is one of the two Western single-byte encodings, which is reported as assumed.
    """
    place = Place(path.name)
    with path.open("rb") as file:
        head = file.read(4)
    mark, name = next(((mark, name) for mark, name in _MARKS if head.startswith(mark)), (b"", ""))
    if given is not None:
        wanted = NAMES.get(given.lower().replace("_", "-"), NAMES.get(given.lower()))
        if wanted is None:
            raise BadInput(f"{given} is not an encoding that can be read.", do=f"Use one of {_names()}.")
        if wanted == "utf-16" and name not in ("utf-16-le", "utf-16-be"):
            raise BadInput("UTF-16 needs a byte order mark, or utf-16-le or utf-16-be.", do=_SAY, place=place)
        chosen = name if wanted == "utf-16" else wanted
        return Encoding(chosen, "given", len(mark) if chosen == name else 0)
    if name == "utf-32":
        raise BadInput("The file is UTF-32.", do="Save it as UTF-8.", place=place)
    if name:
        return Encoding(name, "byte order mark", len(mark))
    broken = _first_not_utf8(path, tick)
    if broken is None:
        return Encoding("utf-8", "valid UTF-8")
    return _single_byte(path, broken)


def utf8(path: Path, encoding: Encoding, tick: Tick) -> Iterator[bytes]:
    """The file's text as UTF-8, in chunks of whole characters, without its byte order mark.

    Raises BadInput with the line of the first bytes that are not in `encoding`, or that are NUL.
    """
    decoder = codecs.getincrementaldecoder(encoding.name)("strict")
    line = 1
    for chunk in _chunks(path, encoding.mark, tick):
        if encoding.name == "utf-8" and chunk.isascii() and not decoder.getstate()[0]:
            text = chunk
        else:
            text = _decoded(decoder, chunk, path, encoding, line)
        _refuse_nul(text, path, line)
        line += line_ends(text)
        yield text
    _decoded(decoder, b"", path, encoding, line, final=True)


def _decoded(
    decoder: codecs.IncrementalDecoder,
    chunk: bytes,
    path: Path,
    encoding: Encoding,
    line: int,
    *,
    final: bool = False,
) -> bytes:
    try:
        return decoder.decode(chunk, final).encode()
    except UnicodeError as error:
        before = error.object[: error.start] if isinstance(error, UnicodeDecodeError) else b""
        line += line_ends(before.decode(encoding.name, "ignore").encode())
        raise BadInput(
            f"There are bytes here that are not {encoding.name}.",
            do=_SAY,
            place=Place(path.name, line),
        ) from None


def _refuse_nul(text: bytes, path: Path, line: int) -> None:
    at = text.find(b"\0")
    if at >= 0:
        raise BadInput(
            "There is a NUL byte here, so this is not text, or it is UTF-16 without a byte order mark.",
            do=_SAY,
            place=Place(path.name, line + line_ends(text[:at])),
        )


def _first_not_utf8(path: Path, tick: Tick) -> tuple[int, bool] | None:
    """None for valid UTF-8; else the first line that is not, and whether UTF-8 letters stand before it."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    line, letters = 1, False
    for chunk in _chunks(path, 0, tick, final=True):
        ascii_only = chunk.isascii() and not decoder.getstate()[0]
        try:
            if not ascii_only:
                letters = not decoder.decode(chunk, not chunk).isascii() or letters
        except UnicodeDecodeError as error:
            before = bytes(error.object[: error.start])
            return line + line_ends(before), letters or not before.isascii()
        line += line_ends(chunk)
    return None


def _single_byte(path: Path, broken: tuple[int, bool]) -> Encoding:
    """ISO-8859-1 or Windows-1252, when nothing in the file speaks against it."""
    line, mixed = broken
    place = Place(path.name, line)
    decoder = codecs.getincrementaldecoder("utf-8")("ignore")
    high = False
    for chunk in _chunks(path, 0, lambda _: None):
        mixed = mixed or not decoder.decode(chunk).isascii()
        if _holds(chunk, _CONTROLS) or _holds(chunk, _UNDEFINED_1252):
            raise BadInput("The text is neither UTF-8 nor Windows-1252.", do=_SAY, place=place)
        high = high or _holds(chunk, _HIGH_CONTROLS)
    if mixed:
        raise BadInput(
            "There are bytes here that are not UTF-8, and UTF-8 letters elsewhere: encodings are mixed.",
            do=_SAY,
            place=place,
        )
    return Encoding("windows-1252" if high else "iso-8859-1", "assumed: it is not UTF-8")


def line_ends(text: bytes) -> int:
    """How many lines end in a text: with LF, CR LF or CR."""
    ends = text.count(b"\n")
    returns = text.count(b"\r")
    return ends + returns - text.count(b"\r\n") if returns else ends


def _holds(chunk: bytes, some: bytes) -> bool:
    return len(chunk.translate(None, some)) != len(chunk)


def _chunks(path: Path, start: int, tick: Tick, *, final: bool = False) -> Iterator[bytes]:
    """The file's bytes from `start` on; then, when `final`, an empty chunk."""
    with path.open("rb") as file:
        file.seek(start)
        while chunk := file.read(CHUNK):
            tick(len(chunk))
            yield chunk
    if final:
        yield b""


def _names() -> str:
    return ", ".join(sorted(set(NAMES.values())))
