"""Sentences for people: reason codes become words here and nowhere else, one catalogue per language."""

from publica.wording.render import describe, left_out, sentence

__all__ = ["describe", "left_out", "sentence"]
