"""Every reason a decision can give: stable codes, and the parameters that their sentences need.

A code names a condition. `Clause.holds` says whether it is met, so each code has two sentences
(`publica.wording`): one for when it holds, one for when it is missing, which says who can supply it.
Codes that can only be missing (a statement that cannot be parsed) have one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """One condition: what its sentences need, and whether it is ever reported as met."""

    code: str
    params: tuple[str, ...] = ()
    can_hold: bool = True


def _missing(code: str, *params: str) -> Reason:
    return Reason(code, params, can_hold=False)


_ALL = (
    # who asks, and for what
    Reason("actor-known", ("actor",)),
    Reason("activity-known", ("activity",)),
    Reason("activity-in-force", ("activity", "date")),
    Reason("actor-organisation", ("actor", "organisation")),
    Reason("actor-role", ("actor", "roles")),
    # the ground it stands on
    Reason("law-in-force", ("law", "date")),
    Reason("basis-consent", ("activity",)),
    Reason("assessment-approved", ("activity", "dataset")),
    # what it reads
    Reason("dataset-open", ("dataset",)),
    Reason("dataset-in-activity", ("dataset", "activity")),
    Reason("columns-in-activity", ("columns", "dataset", "activity")),
    Reason("dataset-loaded", ("dataset", "holder")),
    Reason("steward-accountable", ("dataset", "holder")),
    # the agreement with the holder
    Reason("dataset-own", ("dataset", "organisation")),
    Reason("agreement-exists", ("holder", "recipient", "dataset")),
    Reason("agreement-in-force", ("agreement", "date")),
    Reason("agreement-signed", ("agreement", "organisations")),
    Reason("agreement-purpose", ("agreement", "purpose")),
    Reason("agreement-columns", ("agreement", "columns", "dataset")),
    Reason("agreement-frequency", ("agreement", "limit")),
    Reason("agreement-volume", ("agreement", "limit")),
    # what may come out
    Reason("protection-available", ("protection",)),
    Reason("identifiers-withheld", ("columns", "dataset")),
    Reason("constants-only"),
    # a person's choice
    _missing("choice-basis-is-law", "activity", "right"),
    _missing("choice-no-objection", "activity", "right"),
    # who loads
    _missing("load-steward", "actor", "dataset"),
    # who decides about changes of records
    Reason("proposal-chief", ("actor",)),
    Reason("proposal-another", ("actor",)),
    Reason("proposal-not-own", ("actor",)),
    # who answers a request after a refusal
    Reason("request-addressee", ("actor",)),
    Reason("request-another", ("actor",)),
    Reason("request-own", ("actor",)),
    # who sees what concerns everybody
    Reason("oversight-office", ("actor",)),
    # who answers a person's request about their data
    Reason("rights-answering", ("actor", "about")),
    # a person reading their own
    Reason("own-person"),
    Reason("own-dataset", ("dataset",)),
    # the statement
    _missing("use-failed"),
    _missing("sql-unparsed"),
    _missing("sql-empty"),
    _missing("sql-not-a-query"),
    _missing("sql-several-statements"),
    _missing("sql-too-long", "limit"),
    _missing("sql-too-deep"),
    _missing("sql-too-slow", "limit"),
    _missing("sql-too-many-filters", "limit"),
    _missing("sql-node", "node"),
    _missing("sql-function", "function"),
    _missing("sql-unknown-table", "table"),
    _missing("sql-unknown-column", "column"),
    _missing("sql-ambiguous-column", "column"),
    _missing("sql-whole-row", "table"),
    _missing("sql-window-order", "function"),
    _missing("sql-limit"),
    _missing("sql-pseudonym-opaque", "column"),
    _missing("sql-recursive"),
    _missing("sql-natural-join"),
    _missing("sql-sample"),
    _missing("sql-parameter-missing", "name"),
    _missing("sql-hidden-name", "name"),
    _missing("aggregate-form", "what"),
    _missing("meaning-mismatch", "left", "right", "what", "left_value", "right_value"),
)

REASONS: dict[str, Reason] = {reason.code: reason for reason in _ALL}
