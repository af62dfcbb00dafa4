"""What a refusal lacked, in a few plain words: for lists, where nobody's statement may be repeated."""

from __future__ import annotations

from publica.kernel.reasons import REASONS
from publica.web import words
from publica.web.words import mark
from publica.wording.render import CATALOGUES

SHORT: dict[str, str] = {
    "actor-known": mark("Whoever asks is not registered."),
    "activity-known": mark("The activity is not registered."),
    "activity-in-force": mark("The activity is not in force."),
    "actor-organisation": mark("The activity belongs to another organisation."),
    "actor-role": mark("Whoever asks has no role that the activity allows."),
    "law-in-force": mark("The law that the activity rests on is not in force."),
    "basis-consent": mark("The activity names no ground in law."),
    "assessment-approved": mark("There is no approved impact assessment."),
    "dataset-open": mark("The dataset is not open."),
    "dataset-in-activity": mark("The activity does not cover the dataset."),
    "columns-in-activity": mark("The activity does not cover some columns."),
    "dataset-loaded": mark("The dataset has no data yet."),
    "steward-accountable": mark("Nobody answers for the dataset."),
    "dataset-own": mark("The organisation does not hold the dataset itself."),
    "agreement-exists": mark("There is no agreement with the holder of the data."),
    "agreement-in-force": mark("The agreement is not in force."),
    "agreement-signed": mark("The agreement lacks a signature."),
    "agreement-purpose": mark("The agreement is for other purposes."),
    "agreement-columns": mark("The agreement withholds some columns."),
    "agreement-frequency": mark("The uses of the day are used up."),
    "agreement-volume": mark("The rows of the month are used up."),
    "protection-available": mark("The protection asked for is not available."),
    "identifiers-withheld": mark("What was asked for would name people."),
    "own-dataset": mark("The dataset holds nothing of one's own."),
    "sql-too-long": mark("The question is too long."),
    "sql-too-many-filters": mark("The question counts too many things at once."),
    "sql-too-slow": mark("The question takes too long to read."),
    "sql-node": mark("The question uses SQL that is not supported."),
    "sql-function": mark("The question uses a function that is not supported."),
    "sql-unknown-table": mark("The question names a dataset that is not there."),
    "sql-unknown-column": mark("The question names a column that is not there."),
    "sql-ambiguous-column": mark("The question names a column that several datasets have."),
    "sql-whole-row": mark("The question asks for a whole row at once."),
    "sql-window-order": mark("The question leaves an order to chance."),
    "sql-pseudonym-opaque": mark("The question looks into a pseudonym."),
    "sql-parameter-missing": mark("A value of the question is missing."),
    "sql-hidden-name": mark("The question uses a reserved name."),
    "aggregate-form": mark("Only totals may come out, and the question asks for more."),
    "meaning-mismatch": mark("The question compares things that do not mean the same."),
}
"""Reasons whose sentence has blanks, which a list cannot fill."""


def lacking(code: str, language: str) -> str:
    """What was missing, by its reason code; the code itself for one that is none of ours."""
    if code in SHORT:
        return words.text(language, SHORT[code])
    if code not in REASONS:
        return code
    return CATALOGUES[language][code][1].partition(". ")[0].rstrip(".") + "."
