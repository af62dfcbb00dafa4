"""From a clause to a sentence."""

from __future__ import annotations

from typing import Any

from publica.kernel.decision import Clause, Decision
from publica.wording import en, fr
from publica.wording.details import detail
from publica.wording.typeset import typeset

CATALOGUES = {"en": en.SENTENCES, "fr": fr.SENTENCES}
DETAILED = "aggregate-form"
"""The reason whose clause says in words what is wrong."""
LEFT_OUT = {"en": en.LEFT_OUT, "fr": fr.LEFT_OUT}


def sentence(clause: Clause, language: str = "en") -> str:
    """The clause as one sentence or two. Raises KeyError for a code or language without wording."""
    met, missing = CATALOGUES[language][clause.reason]
    params = dict(clause.params)
    if clause.reason == DETAILED:
        params["what"] = typeset(detail(params["what"], language), language)
    return typeset(met if clause.holds else missing, language).format_map(params)


def describe(decision: Decision, language: str = "en") -> dict[str, Any]:
    """The decision as JSON: allowed, and each clause with its code, sentence, parameters and record."""
    return {
        "allowed": decision.allowed,
        "clauses": [
            {
                "reason": clause.reason,
                "holds": clause.holds,
                "sentence": sentence(clause, language),
                "params": dict(clause.params),
                "cites": clause.cites,
            }
            for clause in decision.clauses
        ],
    }


def left_out(k: int, most: int, language: str = "en") -> str:
    """What may be missing from totals. `most`: persons that a cell may need to change by to come out again."""
    return LEFT_OUT[language].format(k=k, most=most)
