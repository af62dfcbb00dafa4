"""What is wrong with a form by which a citizen says that something is wrong."""

from __future__ import annotations

from collections.abc import Iterator

from publica.instance import Instance, citizens
from publica.trust.rights.actions import WORDS_LIMIT
from publica.trust.transparency import asked
from publica.web.words import mark

NO_WORDS = mark("Say what is wrong, in your own words.")
LONG_WORDS = mark("Use fewer words: at most 2,000 letters.")
STRANGE_WORDS = mark("There is a sign in your words that cannot be shown. Please take it out.")
NO_DATA = mark("Choose which data is wrong.")
NO_COLUMN = mark("Choose a part that is there.")
NO_USE = mark("There is no such use. Copy its number from the list of uses.")
NO_MAKER = mark("No office made this use. Somebody looked at their own data, or nobody's was read.")


def wrong(instance: Instance, given: dict[str, str]) -> list[tuple[str, str]]:
    """What is wrong with the form: (field, text)."""
    found = []
    if given["what"] == "complaint":
        with instance.db.read() as connection:
            entry = asked.entry(connection, given["use"])
        if entry is None:
            found.append(("use", NO_USE))
        elif not citizens.has_maker(instance.book(), entry):
            found.append(("use", NO_MAKER))
    else:
        held = {each.dataset.id: each.dataset.spec for each in citizens.holdings(instance)}
        if given["dataset"] not in held:
            found.append(("dataset", NO_DATA))
        elif given["column"] and held[given["dataset"]].column(given["column"]) is None:
            found.append(("column", NO_COLUMN))
    return [*found, *_wrong_words(given["said"])]


def _wrong_words(given: str) -> Iterator[tuple[str, str]]:
    said = given.replace("\r\n", "\n").strip()
    if not said:
        yield "said", NO_WORDS
    elif not said.replace("\n", " ").isprintable():
        yield "said", STRANGE_WORDS
    elif len(said) > WORDS_LIMIT:
        yield "said", LONG_WORDS
