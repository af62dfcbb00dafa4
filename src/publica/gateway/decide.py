"""Step 5: decide. A pure function of the facts; deny by default."""

from __future__ import annotations

from collections.abc import Iterator

from publica.gateway.facts import OPEN_ACCESS, OWN_DATA, Facts, Grant, agreements_of
from publica.gateway.quota import left
from publica.governance.activities.model import Activity
from publica.kernel.decision import Clause, Decision

AVAILABLE = ("rows", "pseudonymous rows", "aggregates")
"""Protections that this version can apply, weakest first."""


def decide(facts: Facts) -> Decision:
    """Whether this use may happen: every condition, met or missing, with the record it cites."""
    if facts.activity_id == OPEN_ACCESS:
        return Decision(tuple(_open_access(facts)))
    if facts.activity_id == OWN_DATA:
        return Decision(tuple(_own_data(facts)))
    clauses = [*_who(facts), *_ground(facts)]
    for dataset in sorted(facts.reads):
        clauses += _dataset(facts, facts.grants[dataset])
    for name, agreement in sorted(agreements_of(facts.grants).items()):
        clauses += left(agreement, facts.spent[name])
    clauses += _output(facts)
    return Decision(tuple(clauses))


def _open_access(facts: Facts) -> Iterator[Clause]:
    yield Clause("activity-known", True, {"activity": OPEN_ACCESS}, f"activity:{OPEN_ACCESS}")
    for dataset in sorted(facts.reads):
        grant = facts.grants[dataset]
        yield _cites(grant, "dataset-open", grant.open)
        yield _loaded(facts, grant)
        yield _steward(facts, grant)


def _own_data(facts: Facts) -> Iterator[Clause]:
    """A person reads what is held about themselves: no agreement and no steward stands between."""
    yield Clause("activity-known", True, {"activity": OWN_DATA}, f"activity:{OWN_DATA}")
    yield Clause("own-person", facts.citizen)
    for dataset in sorted(facts.reads):
        grant = facts.grants[dataset]
        yield _cites(grant, "own-dataset", grant.open or bool(grant.dataset.spec.subject_columns))
        yield _loaded(facts, grant)
    if not facts.reads:
        yield Clause("constants-only", True)


def _who(facts: Facts) -> Iterator[Clause]:
    known = facts.official is not None
    yield Clause("actor-known", known, {"actor": facts.actor}, f"official:{facts.actor}" if known else None)
    if facts.activity is None:
        yield Clause("activity-known", False, {"activity": facts.activity_id})
        return
    spec, cites = facts.activity.spec, f"activity:{facts.activity_id}"
    yield Clause("activity-known", True, {"activity": facts.activity_id}, cites)
    current = spec.valid_from <= facts.date and (spec.valid_to is None or facts.date <= spec.valid_to)
    yield Clause(
        "activity-in-force", current, {"activity": facts.activity_id, "date": str(facts.date)}, cites
    )
    same = facts.official is not None and facts.official.spec.organisation == spec.organisation
    yield Clause("actor-organisation", same, {"actor": facts.actor, "organisation": spec.organisation}, cites)
    roles = facts.roles & set(spec.roles)
    yield Clause(
        "actor-role",
        bool(roles),
        {"actor": facts.actor, "roles": ", ".join(sorted(roles or spec.roles))},
        cites,
    )


def _ground(facts: Facts) -> Iterator[Clause]:
    if facts.activity is None:
        return
    basis = facts.activity.spec.basis
    if basis.kind == "consent":
        yield Clause("basis-consent", True, {"activity": facts.activity_id}, f"activity:{facts.activity_id}")
    else:
        yield Clause(
            "law-in-force",
            facts.law_in_force,
            {"law": str(basis.law), "date": str(facts.date)},
            f"law:{basis.law}",
        )


def _dataset(facts: Facts, grant: Grant) -> Iterator[Clause]:
    yield _loaded(facts, grant)
    if facts.activity is None:
        return
    yield _steward(facts, grant)
    if grant.open:
        yield _cites(grant, "dataset-open", True)
        return
    yield from _declared(facts, facts.activity.spec, grant)
    if grant.dataset.spec.special_category:
        assessment = facts.activity.spec.assessment
        approved = (
            assessment is not None and assessment.outcome == "approved" and assessment.completed <= facts.date
        )
        params = {"activity": facts.activity_id, "dataset": grant.id}
        yield Clause("assessment-approved", approved, params, f"activity:{facts.activity_id}")
    yield from _shared(facts, facts.activity.spec, grant)


def _declared(facts: Facts, activity: Activity, grant: Grant) -> Iterator[Clause]:
    """What the activity itself declares to use of the dataset."""
    cites = f"activity:{facts.activity_id}"
    declared = {part.dataset: frozenset(part.columns) for part in activity.datasets}
    params = {"dataset": grant.id, "activity": facts.activity_id}
    yield Clause("dataset-in-activity", grant.id in declared, params, cites)
    if grant.id not in declared:
        return
    read = facts.reads[grant.id]
    beyond = read - declared[grant.id]
    params = {"columns": _list(beyond or read), **params}
    yield Clause("columns-in-activity", not beyond, params, cites)


def _shared(facts: Facts, activity: Activity, grant: Grant) -> Iterator[Clause]:
    """What the holder agreed to."""
    recipient, holder = activity.organisation, grant.dataset.spec.holder
    if grant.own:
        params = {"dataset": grant.id, "organisation": recipient}
        yield Clause("dataset-own", True, params, f"dataset:{grant.id}")
        return
    if grant.agreement is None:
        params = {"holder": holder, "recipient": recipient, "dataset": grant.id}
        yield Clause("agreement-exists", False, params)
        return
    spec, name = grant.agreement.spec, grant.agreement.id
    cites = f"agreement:{name}"
    yield Clause(
        "agreement-exists", True, {"holder": holder, "recipient": recipient, "dataset": grant.id}, cites
    )
    yield Clause(
        "agreement-in-force", grant.agreement_in_force, {"agreement": name, "date": str(facts.date)}, cites
    )
    yield Clause(
        "agreement-signed",
        not grant.unsigned,
        {"agreement": name, "organisations": _list(grant.unsigned)},
        cites,
    )
    purpose = activity.purpose
    yield Clause(
        "agreement-purpose", purpose in spec.purposes, {"agreement": name, "purpose": purpose}, cites
    )
    read = facts.reads[grant.id]
    withheld = {c for c in read if c not in grant.transforms or grant.transforms[c].kind == "withheld"}
    params = {"agreement": name, "columns": _list(withheld or read), "dataset": grant.id}
    yield Clause("agreement-columns", not withheld, params, cites)


def _output(facts: Facts) -> Iterator[Clause]:
    if facts.activity is None:
        return
    asked = facts.output
    if any(not grant.open for grant in facts.grants.values()):
        yield Clause(
            "protection-available",
            asked in AVAILABLE,
            {"protection": asked},
            f"activity:{facts.activity_id}",
        )
    if asked == "pseudonymous rows":
        for grant in facts.grants.values():
            yield from _identifiers(facts, grant)
    if not facts.reads:
        yield Clause("constants-only", True)


def _identifiers(facts: Facts, grant: Grant) -> Iterator[Clause]:
    if grant.open:
        return
    direct = {c.name for c in grant.dataset.spec.columns if c.role == "direct"} & facts.reads[grant.id]
    params = {"columns": _list(direct), "dataset": grant.id}
    yield Clause("identifiers-withheld", not direct, params, f"dataset:{grant.id}")


def _loaded(facts: Facts, grant: Grant) -> Clause:
    params = {"dataset": grant.id, "holder": grant.dataset.spec.holder}
    return Clause("dataset-loaded", grant.id in facts.versions, params, f"dataset:{grant.id}")


def _steward(facts: Facts, grant: Grant) -> Clause:
    """Somebody must answer for the data, open or not."""
    params = {"dataset": grant.id, "holder": grant.dataset.spec.holder}
    return Clause("steward-accountable", facts.steward[grant.id], params, f"dataset:{grant.id}")


def _cites(grant: Grant, reason: str, holds: bool) -> Clause:
    return Clause(reason, holds, {"dataset": grant.id}, f"dataset:{grant.id}")


def _list(names: object) -> str:
    return ", ".join(sorted(names))  # type: ignore[call-overload]
