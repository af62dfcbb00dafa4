"""Where the tour takes place: the instance, whose story it tells, and how it is shown."""

from __future__ import annotations

import getpass
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publica.demo.material import Material
from publica.gateway.door import Answer, Request
from publica.instance import Instance
from publica.kernel.actor import Actor
from publica.kernel.errors import IntegrityBroken, Refused
from publica.wording import sentence

Say = Callable[[str], None]
NUMBER = re.compile(r"-?\d+(\.\d+)?")
WIDTH, INDENT, MOST_ROWS = 100, "    ", 6


@dataclass(frozen=True)
class Citizen:
    """A person of whom the demo tells: the first one is whom the tour follows."""

    key: str
    name: str
    municipality: str
    admitted: str
    stays: int


@dataclass(frozen=True)
class Stage:
    """The instance and the audience."""

    say: Say
    folder: Path
    instance: Instance
    material: Material
    citizen: Citizen
    others: tuple[Citizen, ...]
    """Somebody who also consents, and somebody who never did."""

    def title(self, words: str) -> None:
        title(self.say, words)

    def tell(self, words: str) -> None:
        tell(self.say, words)

    def note(self, words: str) -> None:
        """A sentence that belongs to the command above it."""
        tell(self.say, words, indent=INDENT)

    def command(self, *words: str) -> None:
        """Show what a user would type for what happens next."""
        self.say("  $ publica " + " ".join(quoted(word) for word in words))

    def ask(self, official: str, activity: str, sql: str) -> Answer:
        """Ask as an official, showing the command, the answer and its receipt."""
        answer = self._ask(official, activity, sql)
        rows = [[text(value) for value in row.values()] for row in answer.table().to_pylist()]
        for at, margins in answer.margins.items():
            for row, margin in zip(rows, margins, strict=True):
                row[at] += f" ± {margin:,.0f}" if margin else ""
        self.table(answer.schema.names, rows)
        self.say(f"    receipt {answer.receipt or '(open data is counted, not receipted)'}")
        return answer

    def refused(self, official: str, activity: str, sql: str) -> Refused:
        """Ask what must be refused, showing the missing clauses."""
        try:
            self._ask(official, activity, sql)
        except Refused as refusal:
            for clause in refusal.decision.missing:
                self.note(f"✗ {sentence(clause)} [{clause.reason}]")
            self.say(f"    receipt {refusal.receipt}")
            return refusal
        raise IntegrityBroken(f"The demo expected a refusal, and {official} got an answer.")

    def table(self, names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Aligned columns of text; of many rows, the first ones."""
        shown = rows[:MOST_ROWS]
        widths = [max(map(len, column)) for column in zip(names, *shown, strict=True)]
        right = [all(NUMBER.fullmatch(cell) for cell in column) for column in zip(*shown, strict=True)]
        for row in (names, ["─" * width for width in widths], *shown):
            cells = (
                cell.rjust(width) if number else cell.ljust(width)
                for cell, width, number in zip(row, widths, right or [False] * len(row), strict=True)
            )
            self.say(INDENT + "  ".join(cells).rstrip())
        if len(rows) > len(shown):
            self.say(f"{INDENT}… and {len(rows) - len(shown)} more")

    def facts(self, facts: Mapping[str, Any]) -> None:
        """Names and values, one a line."""
        width = max(map(len, facts))
        for name, value in facts.items():
            self.say(f"    {name.ljust(width)}  {text(value)}")

    def _ask(self, official: str, activity: str, sql: str) -> Answer:
        self.command("query", "--as", official, "--activity", activity, sql)
        return self.instance.use(Request(acting_as(official), activity, sql))


def acting_as(official: str) -> Actor:
    """The local shell acting as an official."""
    return Actor(official, "operator", getpass.getuser())


def expect(met: bool, what: str) -> None:
    """The tour shows nothing that did not happen: stop when something is not as it must be."""
    if not met:
        raise IntegrityBroken(f"The demo did not go as it must: {what}.", do="Please report it.")


def title(say: Say, words: str) -> None:
    """The heading of a section."""
    say("")
    say(words)
    say("═" * len(words))


def tell(say: Say, words: str, indent: str = "") -> None:
    """A sentence or two, in lines of WIDTH."""
    say(textwrap.fill(words, WIDTH, initial_indent=indent, subsequent_indent=indent))


def quoted(word: str) -> str:
    """The word as a shell takes it, in double quotes where it needs some."""
    if word and all(letter.isalnum() or letter in "-_./=:" for letter in word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("`", "\\`")
    return f'"{escaped}"'


def text(value: object) -> str:
    """A value as the tour shows it."""
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
