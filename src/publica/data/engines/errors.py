"""An engine's errors, made safe: by their class alone, because their text may carry a person's value."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import duckdb
import pyarrow as pa

from publica.kernel.errors import BadInput, PublicaError, TimedOut, Unavailable

T = TypeVar("T")


class EngineFailed(Unavailable):
    """The engine broke down; its working copy may be unusable."""


class NoMemory(TimedOut):
    """The engine's memory was used up, by this statement or by others beside it."""


FOREIGN = (duckdb.Error, pa.ArrowException, OSError)
"""What an engine call may raise. Arrow streams raise OSError with the engine's text inside."""

_BY_CLASS: tuple[tuple[type[Exception], str], ...] = (
    (duckdb.InterruptException, "time"),
    (duckdb.OutOfMemoryException, "memory"),
    (duckdb.InternalException, "failed"),
    (duckdb.FatalException, "failed"),
    (duckdb.DataError, "value"),
    (duckdb.InvalidInputException, "value"),
    (duckdb.CatalogException, "gone"),
    (duckdb.TransactionException, "gone"),
    (duckdb.IOException, "disk"),
    (duckdb.ProgrammingError, "statement"),
    (duckdb.NotSupportedError, "statement"),
)

_BY_HEADING = {
    "INTERRUPT Error": "time",
    "Out of Memory Error": "memory",
    "INTERNAL Error": "failed",
    "FATAL Error": "failed",
    "IO Error": "disk",
    "Catalog Error": "gone",
}
"""How the engine begins its message in an Arrow stream. Anything else there is about a value."""


def guarded(call: Callable[[], T]) -> T:
    """What `call` returns; an engine's error becomes one of ours, without its text, cause or context."""
    try:
        return call()
    except FOREIGN as error:
        problem = _problem(_kind(error))
    raise problem


def _kind(error: BaseException) -> str:
    if isinstance(error, duckdb.Error):
        return next((kind for known, kind in _BY_CLASS if isinstance(error, known)), "failed")
    return _BY_HEADING.get(str(error).partition(":")[0], "value")


def _problem(kind: str) -> PublicaError:
    if kind == "time":
        return timed_out()
    if kind == "memory":
        return NoMemory(
            "The statement needed more memory than a use may take.",
            do="Ask for less, or group more coarsely.",
        )
    if kind == "value":
        return BadInput(
            "The engine could not compute this statement: a value could not be converted.",
            do="Use TRY_CAST, or leave such values out with WHERE.",
        )
    if kind == "statement":
        return BadInput(
            "The engine does not understand this statement.", do="Check its types, names and parameters."
        )
    if kind == "disk":
        return Unavailable("The engine could not use its disk.", do="See that the disk has room; try again.")
    if kind == "gone":
        return Unavailable("The data changed version meanwhile.", do="Try again.")
    return EngineFailed("The engine failed on this statement.", do="Write it differently, or try again.")


def timed_out() -> TimedOut:
    """The error for a use that ran into its time limit."""
    return TimedOut("The statement took longer than a use may take.", do="Ask for less, or raise the limit.")
