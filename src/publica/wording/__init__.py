"""Sentences for people: reason codes become words here and nowhere else, one catalogue per language."""

from publica.wording.render import describe, sentence

__all__ = ["describe", "sentence"]
