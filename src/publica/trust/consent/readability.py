"""How plain a text is: reading ease, from 100 (a child reads it) down to 0 (only scholars do). Pure.

English: Flesch (1948). French: Kandel and Moles (1958), the same for French words, which are longer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

PLAIN = {"en": 60.0, "fr": 55.0}
"""From here on a text counts as plain: what most people of 13 to 15 years read with ease."""
FEWEST_WORDS = 4
"""Shorter than this it is a label, not a sentence."""

_SENTENCE = re.compile(r"(?<=[.!?:…])\s+|\n+")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", re.UNICODE)
_VOWELS = {"en": re.compile(r"[aeiouy]+"), "fr": re.compile(r"[aeiouyàâäéèêëîïôöùûüÿœæ]+")}
_SILENT_EN = re.compile(r"(?:[^laeiouy]es|[^laeiouytd]ed|[^laeiouy]e)$")
_SILENT_FR = re.compile(r"(?:[^aeiouyéèê](?:e|es)|(?<=[a-zé]{3})ent)$")


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text that are long enough to be some."""
    for found in _SENTENCE.split(text):
        if len(_WORD.findall(found)) >= FEWEST_WORDS:
            yield found.strip()


def ease(text: str, language: str) -> float:
    """The reading ease of a text; 100 where there are no words."""
    words = _WORD.findall(text)
    if not words:
        return 100.0
    count = max(1, sum(1 for _ in sentences(text)))
    length, syllables = len(words) / count, sum(_syllables(word, language) for word in words) / len(words)
    if language == "fr":
        return 207.0 - 1.015 * length - 73.6 * syllables
    return 206.835 - 1.015 * length - 84.6 * syllables


def hard(text: str, language: str) -> list[tuple[str, float]]:
    """The sentences of a text that are not plain, with their reading ease."""
    found = ((sentence, ease(sentence, language)) for sentence in sentences(text))
    return [(sentence, round(score, 1)) for sentence, score in found if score < PLAIN[language]]


def _syllables(word: str, language: str) -> int:
    """By groups of vowels, without a silent end."""
    lower = word.lower().replace("’", "'")
    parts = lower.rpartition("'")[2] if language == "fr" else lower.partition("'")[0]
    found = len(_VOWELS[language].findall(parts))
    silent = _SILENT_FR if language == "fr" else _SILENT_EN
    if found > 1 and silent.search(parts):
        found -= 1
    return max(1, found)
