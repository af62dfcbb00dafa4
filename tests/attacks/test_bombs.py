"""Resource bombs: each ends at a limit or in a refusal, and others do not feel it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest import mock

import pytest

from tests.spine.support import publica as command

from . import bombs
from .bombs import ACTIVITIES, BOMBS
from .world import Arena

MOST_SECONDS = 30.0
"""Of processor time for reading a statement, and refusing it; a use's own limit is on the engine's time."""
LEFT_BEHIND = 400_000_000
"""Bytes that may still be held after all bombs: caches of statements and of the engine."""
AT_ONCE = 1_500_000_000
"""Bytes that may be held while a bomb goes off: the engine's limit, and what Python reads statements with."""
ON_ENGINE = tuple(BOMBS)[: tuple(BOMBS).index("brackets")]
READING = tuple(name for name in BOMBS if name not in ON_ENGINE)


@pytest.fixture(scope="module")
def place() -> Iterator[Arena]:
    with bombs.range_of_fire() as made:
        yield made


@contextmanager
def patient(place: Arena, seconds: float) -> Iterator[None]:
    """So many seconds for each use."""
    instance = place.base.instance
    limits = replace(instance.door.limits, seconds=seconds)
    with mock.patch.object(instance, "_door", replace(instance.door, limits=limits)):
        yield


def _all(place: Arena, names: tuple[str, ...]) -> list[str]:
    """What went wrong with some bombs; each under one protection after the other."""
    wrong = []
    for number, name in enumerate(names):
        activity = ACTIVITIES[number % 3]  # all under all: ./dev attack bombs
        blast = bombs.ignite(place, name, activity)
        wrong += [blast.wrong] if blast.wrong else []
        if blast.seconds > MOST_SECONDS:
            wrong.append(f"{name} under {activity} took {blast.seconds:.0f} s of processor time")
    return wrong


@pytest.mark.slow
@pytest.mark.parametrize(
    ("names", "seconds"), ((ON_ENGINE, bombs.SECONDS), (READING, 20.0)), ids=("engine", "reading")
)
def test_bombs_end_and_nobody_else_feels_them(names: tuple[str, ...], seconds: float) -> None:
    """`seconds`: where reading is what takes long, others wait for it, and their own time must last."""
    with bombs.range_of_fire(seconds) as place:
        before = bombs.settled()
        with bombs.neighbour(place) as other, bombs.other_process(place.base.instance.folder) as elsewhere:
            assert elsewhere(other.QUESTION) == str(list(other.wanted))
            wrong = _all(place, names)
            assert elsewhere(other.QUESTION) == str(list(other.wanted))
        assert wrong == []
        assert other.wrong == []
        assert other.answers >= len(names) / 4
        assert other.most - before < AT_ONCE
        assert bombs.settled() - before < LEFT_BEHIND
        assert bombs.spilled(place) == {}
        assert place.base.ask("casework", other.QUESTION).rows == other.wanted


def test_there_is_a_bomb_for_each_limit(place: Arena) -> None:
    """Time, memory, rows, bytes, length and depth each stop one; so the limits are what stops them."""
    said = {
        "cross joins of numbers": "took longer",
        "a text grown by doubling": "more memory",
        "many rows of people": "more than 100000 rows",
        "many bytes": "more than 20000000 bytes",
    }
    for name, told in said.items():
        with patient(place, 60.0 if "memory" in told else bombs.SECONDS):  # a slow machine fills it slowly
            assert told in bombs.ignite(place, name, "casework").outcome.text, name
    codes = {"a text past the limit": "sql-too-long", "brackets": "sql-too-deep"}
    for name, code in codes.items():
        assert bombs.ignite(place, name, "casework").outcome.reasons[0].startswith(code), name


@pytest.mark.parametrize(
    ("name", "code"), (("cross joins of numbers", 5), ("many rows of people", 5), ("brackets", 3))
)
def test_bombs_at_the_command_line(place: Arena, name: str, code: int) -> None:
    words = ("query", "--as", "cyd", "--activity", "casework", "--", BOMBS[name])
    ran = command(*words, instance=place.base.instance.folder)
    assert ran.code == code, ran.err
    assert ran.text == ""
    assert len(ran.err) < 2_000


def test_a_bomb_that_is_answered_is_not_let_off(place: Arena) -> None:
    """What this test file would notice: a bomb that goes off."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BOMBS, "small", "SELECT count(*) FROM places")
        assert "answered" in bombs.ignite(place, "small", "casework").wrong
