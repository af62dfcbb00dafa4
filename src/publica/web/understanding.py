"""Who read what they say yes to: the text that was on the page, and their answer to its question.

Answers are counted without whose they were. So that nobody counts twice, this server remembers who answered,
in memory, under a key that it forgets when it stops.
"""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from contextlib import suppress
from threading import Lock

from publica.instance import Instance, citizens
from publica.kernel.errors import BadInput
from publica.trust.consent import Shown, notices
from publica.wording import notice as wording

MOST = 100_000
"""Answers that are remembered."""


class Counted:
    """Which answers were counted: of each person and version the first, and the one that leads to a yes."""

    def __init__(self) -> None:
        self._key, self._lock = secrets.token_bytes(32), Lock()
        self._known: OrderedDict[bytes, set[bool]] = OrderedDict()

    def counts(self, name: str, *, passed: bool, agreed: bool) -> bool:
        """Whether an answer counts; it does so once."""
        tag = hmac.digest(self._key, name.encode(), "sha256")
        with self._lock:
            said = self._known.setdefault(tag, set())
            self._known.move_to_end(tag)
            if len(self._known) > MOST:
                self._known.popitem(last=False)
            if said and (passed in said or not agreed):
                return False
            said.add(passed)
            return True


_counted = Counted()


def count(
    instance: Instance,
    key: str,
    found: citizens.Standing,
    answer: str,
    language: str,
    *,
    agreed: bool = False,
) -> None:
    """Count a person's answer, one of those that were offered, to the question of the version that holds."""
    if found.version is None:
        return
    passed = answer == wording.RIGHT_OPTION
    version, activity = found.version, found.activity.id
    name = "\0".join((str(instance.folder), key, activity, str(version.version)))
    if _counted.counts(name, passed=passed, agreed=agreed):
        with suppress(BadInput):  # the terms changed this moment: the answer is to a question of the past
            notices.answer(instance.db, activity, version.version, version.question, language, passed=passed)


def offered(notice: wording.Notice) -> frozenset[str]:
    """The answers that may be given."""
    return frozenset(option.value for option in notice.options)


def saw(
    found: citizens.Standing, notice: wording.Notice, terms: str, language: str, text: str
) -> Shown | None:
    """The notice that was on somebody's page, when it is the one that holds; None when it is another."""
    if found.version is None or (terms, language, text) != (found.version.hash, notice.language, notice.hash):
        return None
    return Shown(terms, language, text)
