"""The one error tree. Edges map it: exit code, HTTP status, page.

PublicaError
├── BadInput          what was given cannot be used            exit 1
├── Refused           a decision said no                       exit 3
├── IntegrityBroken   what is stored contradicts the ledger    exit 4
└── Unavailable       cannot be done now                       exit 5
    └── TimedOut      a limit was reached                      exit 5
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publica.kernel.decision import Decision

MOST_LISTED = 100
"""How many problems one message lists."""


@dataclass(frozen=True)
class Place:
    """Where something is wrong: a file, a line (1-based) and a column name or number, as far as known."""

    file: str | None = None
    line: int | None = None
    column: str | int | None = None

    def __str__(self) -> str:
        head = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        tail = f"column {self.column}" if self.column is not None else ""
        return ", ".join(part for part in (head, tail) if part)


class PublicaError(Exception):
    """Anything Publica reports to a person. `what` happened, and what to `do` about it."""

    def __init__(self, what: str, *, do: str = "", place: Place | None = None) -> None:
        self.what, self.do, self.place = what, do, place
        super().__init__(str(self))

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place and str(self.place) else ""
        return f"{where}{self.what}" + (f" {self.do}" if self.do else "")


class BadInput(PublicaError):
    """What was given cannot be used; nothing was changed. `problems` holds each one, if there are several."""

    problems: tuple[BadInput, ...] = ()

    @classmethod
    def listing(cls, problems: Sequence[BadInput]) -> BadInput:
        """One error for one or more problems, the first one first."""
        first = problems[0]
        error = cls(first.what, do=first.do, place=first.place)
        error.problems = tuple(problems) if len(problems) > 1 else ()
        error.args = (str(error),)
        return error

    def __str__(self) -> str:
        if not self.problems:
            return super().__str__()
        rest = len(self.problems) - MOST_LISTED
        shown = [str(problem) for problem in self.problems[:MOST_LISTED]]
        return "\n".join([*shown, f"… and {rest} more."] if rest > 0 else shown)


class Refused(PublicaError):
    """A decision said no. Carries the decision, and the receipt of the refusal when there is one."""

    def __init__(self, decision: Decision, receipt: str | None = None) -> None:
        self.decision, self.receipt = decision, receipt
        super().__init__("refused: " + ", ".join(c.reason for c in decision.missing))


class IntegrityBroken(PublicaError):
    """What is stored contradicts the ledger or its own digest."""


class Unavailable(PublicaError):
    """It cannot be done now; trying again later may help."""


class TimedOut(Unavailable):
    """A limit (time, memory, rows, bytes) was reached."""
