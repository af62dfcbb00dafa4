"""Answers that were given, kept to be given again while nothing that they rest on changes.

Asked again at the same moment (`Facts`: records, choices, data, people), the same words would be answered
the same: nothing that a statement may hold depends on chance or the clock. So computing and protecting
(steps 6 to 8) are left out. Deciding is not, nor is the receipt, and agreements are charged as before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from publica.gateway.door import Door, Recent
from publica.gateway.execute import Outcome
from publica.gateway.facts import Facts
from publica.trust.transparency.sets import SubjectSet

SMALL = 256 * 1024
"""Bytes of the largest answer that is kept."""
BESIDE, MARGIN = 8 * 1024, 32
"""Bytes that each kept answer takes beside what it holds, and that one margin takes; measured."""


@dataclass(frozen=True)
class Kept:
    """What came of a use that was released, and the stream of its answer."""

    outcome: Outcome
    stream: bytes

    @property
    def weight(self) -> int:
        """About how many bytes it takes."""
        margins = MARGIN * sum(map(len, self.outcome.margins.values()))
        people = _bytes(self.outcome.touched) + _bytes(self.outcome.released)
        return BESIDE + len(self.stream) + margins + people


def answers(megabytes: int) -> Recent[Kept]:
    """Where answers are kept, as many as fit."""
    return Recent(megabytes * 1_000_000, lambda kept: kept.weight)


def question(facts: Facts, statement: Hashable, params: Mapping[str, Any]) -> Hashable | None:
    """What an answer depends on: the statement as it was read, its values, and the moment of the facts.

    None for what is not kept: a person's own rows.
    """
    if facts.person_only:
        return None
    values = [(name, type(value).__name__, repr(value)) for name, value in sorted(params.items())]
    versions = sorted(version.id for version in facts.versions.values())
    moment = (facts.generation, facts.date.isoformat(), facts.counter, facts.size)
    return hashlib.sha256(repr((statement, values, versions, moment)).encode()).digest()


def find(door: Door, asked: Hashable | None) -> Outcome | None:
    """What came of the question, if that is kept."""
    kept: Kept | None = None if asked is None else door.answers.get(asked)
    if kept is None:
        return None
    stored = door.masks.get(kept.outcome.touched_key)
    spool = kept.outcome.answer.again(kept.stream)
    return replace(kept.outcome, spool=spool, touched_as=stored and stored[1])


def keep(door: Door, asked: Hashable | None, outcome: Outcome) -> None:
    """Keep what was just released at the moment it was asked about: its cells are in the history now."""
    if asked is None or outcome.answer.size > SMALL:
        return
    stream = b"".join(outcome.answer.raw())
    release = outcome.release and replace(outcome.release, cells=())
    door.answers.put(asked, Kept(replace(outcome, spool=outcome.answer.again(b""), release=release), stream))


def _bytes(people: SubjectSet | None) -> int:
    return 0 if people is None else len(people.bits)
