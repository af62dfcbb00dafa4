"""Plain words for the terms of records: purposes, protections, transforms, roles, sensitivities, outcomes."""

from __future__ import annotations

import re

from publica.web.words import counted, mark, mark_counted, text

PURPOSES = {
    "dpv:ServiceProvision": mark("to provide a service or a benefit"),
    "dpv:ScientificResearch": mark("research"),
    "dpv:PublicBenefit": mark("statistics for the public good"),
    "dpv:TechnicalServiceProvision": mark("to run or mend machines"),
    "dpv:FraudPreventionAndDetection": mark("to find and prevent fraud"),
    "dpv:EnforceSecurity": mark("to keep systems and people safe"),
    "dpv:LegalCompliance": mark("to do what a law demands"),
    "dpv:OptimisationForController": mark("to work better"),
    "eu-gdpr:A15": mark("to read what is held about oneself"),
}
PROTECTIONS = {
    "rows": mark("single rows, with each person’s number"),
    "pseudonymous rows": mark("single rows, without names or numbers"),
    "aggregates": mark("totals only"),
}
TRANSFORMS = {
    "as is": mark("as it is"),
    "year": mark("only the year"),
    "age band": mark("only the age group"),
    "pseudonym": mark("replaced by a pseudonym"),
    "withheld": mark("held back"),
}
ROLES = {
    "analyst": mark("analyst"),
    "statistician": mark("statistician"),
    "engineer": mark("engineer"),
    "steward": mark("steward"),
    "chief data officer": mark("chief data officer"),
    "auditor": mark("auditor"),
}
OUTCOMES = {
    "released": mark("answered"),
    "refused": mark("refused"),
    "failed": mark("failed"),
}
ACCESS = {"open": mark("open to all"), "restricted": mark("restricted"), "personal": mark("about people")}
BUILT_IN = {
    "own-data": mark("People read what is held about them"),
    "stewardship": mark("Stewards check the data they answer for"),
    "open-access": mark("Open data"),
}
ENTRIES = {
    "receipt": mark("a use of data, or a refusal"),
    "record": mark("a record: an activity, an agreement, a dataset …"),
    "choice": mark("somebody's choice"),
    "choices": mark("many people's choices at once"),
    "version": mark("data was loaded"),
    "directory": mark("a page of the directory of people"),
    "sign-in": mark("a sign-in"),
    "token": mark("a key for programs"),
    "reading": mark("somebody looked at who was concerned"),
    "notice": mark("the text by which people are asked"),
    "request": mark("a request to somebody who can decide"),
    "proposal": mark("a proposal to change a record"),
}
WORDS = {**PURPOSES, **PROTECTIONS, **TRANSFORMS, **ROLES, **OUTCOMES, **ACCESS, **BUILT_IN}
PREFIX = mark_counted("only the first character", "only the first %(num)s characters")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def plain(language: str, term: object) -> str:
    """The plain words of a term, in a language; of one that is not here, the term itself, spaced."""
    said = str(term)
    if said in WORDS:
        return text(language, WORDS[said])
    if said.startswith("region prefix "):
        length = int(said.rpartition(" ")[2])
        return counted(language, *PREFIX, length) % {"num": length}
    return _CAMEL.sub(" ", said.rpartition(":")[2]).lower() if ":" in said else said


def entry(language: str, kind: str) -> str:
    """What an entry of the ledger of some kind is."""
    return text(language, ENTRIES[kind]) if kind in ENTRIES else kind
