"""What an activity that asks for consent must not say: its own words become part of the notice. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from publica.governance.activities import Activity, BasisKind
from publica.governance.activities.rules import check_activity
from publica.kernel.records import Book, Problem
from publica.trust.consent.lint import in_words


def check_asking(activity_id: str, activity: Activity, book: Book) -> Iterator[Problem]:
    """Everything an activity must satisfy; one that asks for consent does so without dark patterns."""
    yield from check_activity(activity_id, activity, book)
    if activity.basis.kind is BasisKind.CONSENT:
        for found in in_words(activity.title):
            yield Problem(
                ("title",),
                f"The title would press people to say yes ({found.pattern}: {found.where!r}).",
                "Say what the data is used for, and nothing else.",
            )
