"""How values are shown: numbers, days and moments in the reader's language."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, format_percent

from publica.web import vocabulary, words
from publica.web.words import mark_counted

LOCALES = {"en": Locale("en", "GB"), "fr": Locale("fr", "FR")}
ID_SHOWN = 14
FIRST = re.compile(r"^1 ")
"""The first of a month, which French says as an ordinal."""
UNITS = {
    "Y": mark_counted("%(num)s year", "%(num)s years"),
    "M": mark_counted("%(num)s month", "%(num)s months"),
    "W": mark_counted("%(num)s week", "%(num)s weeks"),
    "D": mark_counted("%(num)s day", "%(num)s days"),
    "h": mark_counted("%(num)s hour", "%(num)s hours"),
    "m": mark_counted("%(num)s minute", "%(num)s minutes"),
    "s": mark_counted("%(num)s second", "%(num)s seconds"),
}
_DURATION = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
)


def filters(language: str) -> dict[str, Callable[..., Any]]:
    """The filters of templates: `{{ 12345|number }}`, `{{ at|moment }}`, `{{ day|day }}`, …"""
    locale = LOCALES[language]
    return {
        "number": lambda value, digits=None: number(locale, value, digits),
        "percent": lambda value: format_percent(value, locale=locale),
        "cell": lambda value, role, unit: cell(locale, value, role, unit),
        "day": lambda value: day(locale, value),
        "moment": lambda value: moment(locale, value),
        "short_id": short_id,
        "duration": lambda value: duration(language, value),
        "plain": lambda term: vocabulary.plain(language, term),
        "entry": lambda kind: vocabulary.entry(language, kind),
        "tr": lambda said: words.text(language, said),
        "as_json": lambda value: json.dumps(value, ensure_ascii=False, indent=2, default=str),
    }


def number(locale: Locale, value: float | Decimal | None, digits: int | None = None) -> str:
    """A number as people of the place write it; nothing for none."""
    if value is None:
        return ""
    pattern = None if digits is None else "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(value, format=pattern, locale=locale)


def cell(locale: Locale, value: Any, role: str, unit: str | None) -> str:
    """A value of somebody's data, as people write it: days in words, amounts with their unit."""
    if isinstance(value, datetime):
        return moment(locale, value)
    if isinstance(value, date):
        return day(locale, value)
    if role == "measure" and isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return f"{number(locale, value)} {unit or ''}".rstrip()
    return str(value)


def day(locale: Locale, value: date | datetime | str) -> str:
    """A day, such as 3 March 2026."""
    said = format_date(_instant(value) if isinstance(value, str) else value, "long", locale=locale)
    return FIRST.sub("1er ", said) if locale.language == "fr" else said


def moment(locale: Locale, value: datetime | str) -> str:
    """A moment to the minute, in UTC."""
    at = _instant(value).astimezone(UTC)
    return f"{format_datetime(at, 'd MMM yyyy, HH:mm', tzinfo=UTC, locale=locale)} UTC"


def duration(language: str, value: str) -> str:
    """An ISO 8601 duration in words, such as 2 years."""
    found = _DURATION.fullmatch(value)
    if found is None:
        return value
    parts = []
    for letter, amount in zip(UNITS, found.groups(), strict=True):
        if amount is not None:
            one, many = UNITS[letter]
            parts.append(words.counted(language, one, many, int(amount)) % {"num": int(amount)})
    return ", ".join(parts) or value


def short_id(value: str) -> str:
    """The beginning of a long id."""
    return value if len(value) <= ID_SHOWN else value[:ID_SHOWN] + "…"


def _instant(value: datetime | date | str) -> datetime:
    if isinstance(value, datetime):
        return value
    found = datetime.fromisoformat(str(value))
    return found if found.tzinfo else found.replace(tzinfo=UTC)
