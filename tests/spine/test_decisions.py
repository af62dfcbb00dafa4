"""Decisions equal an explicit table: for each fault, the clauses that must be missing; alone and together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import states
from hypothesis import given
from hypothesis import strategies as st

from publica.data.model import Version
from publica.gateway.decide import decide
from publica.gateway.facts import Facts, gather, grants
from publica.gateway.moment import moment
from publica.gateway.quota import Spent
from publica.kernel.database import Database
from publica.kernel.decision import Decision
from publica.kernel.reasons import REASONS

from .office import Documents, book, documents
from .plan import examples

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
READS = {
    "population": frozenset({"person_id", "sex", "birth_date"}),
    "stays": frozenset({"person_id", "ward"}),
}
BASE = {
    key: spec
    for key, spec in documents().items()
    if key[0] != "agreement" or spec["recipient"] != "services" or key[1] == "registry-care"
}
"""One agreement between the two, so that a fault in it cannot be made up for by another."""


@dataclass
class Case:
    """One request and the records it meets."""

    records: Documents = field(default_factory=lambda: deepcopy(BASE))
    actor: str = "ana"
    activity: str = "care"
    reads: dict[str, frozenset[str]] = field(default_factory=lambda: dict(READS))
    loaded: set[str] = field(default_factory=lambda: {"population", "stays", "municipalities"})


@dataclass(frozen=True)
class Fault:
    """What is wrong, the clauses that must then be missing, and those that can no longer be looked at.

    Two faults of one `place` exclude each other.
    """

    place: str
    change: Callable[[Case], object]
    missing: frozenset[str]
    hides: frozenset[str] = frozenset()


def put(kind: str, name: str, **fields: object) -> Callable[[Case], object]:
    """Other fields in one record, if it is there."""
    return lambda case: case.records.get((kind, name), {}).update(deepcopy(fields))


def shared(dataset: int, **columns: str | None) -> Callable[[Case], object]:
    """Other transforms in the agreement; None: the column is not named."""

    def change(case: Case) -> None:
        agreement = case.records.get(("agreement", "registry-care"))
        if agreement is not None:
            found = {**agreement["datasets"][dataset]["columns"], **columns}
            agreement["datasets"][dataset]["columns"] = {k: v for k, v in found.items() if v is not None}

    return change


def declared(dataset: str, columns: list[str] | None) -> Callable[[Case], object]:
    """Other columns of a dataset in the activity; None: not the dataset at all."""

    def change(case: Case) -> None:
        activity = case.records["activity", "care"]
        kept = [part for part in activity["datasets"] if part["dataset"] != dataset]
        activity["datasets"] = kept + ([{"dataset": dataset, "columns": columns}] if columns else [])

    return change


def both(*changes: Callable[[Case], object]) -> Callable[[Case], object]:
    return lambda case: [change(case) for change in changes]


def gone(*keys: tuple[str, str]) -> Callable[[Case], object]:
    return lambda case: [case.records.pop(key, None) for key in keys]


def only(*codes: str) -> frozenset[str]:
    return frozenset(codes)


def signed(*parties: tuple[str, str, str]) -> Callable[[Case], object]:
    signatures = [{"official": who, "organisation": party, "date": day} for who, party, day in parties]
    return put("agreement", "registry-care", signatures=signatures)


OF_ACTIVITY = only(
    "activity-in-force", "actor-organisation", "actor-role", "law-in-force", "dataset-in-activity",
    "columns-in-activity", "steward-accountable", "assessment-approved", "agreement-exists",
    "agreement-in-force", "agreement-signed", "agreement-purpose", "agreement-columns",
    "protection-available", "identifiers-withheld",
)  # fmt: skip
OF_AGREEMENT = only("agreement-in-force", "agreement-signed", "agreement-purpose", "agreement-columns")

FAULTS = {
    "nobody of that name": Fault(
        "actor",
        gone(("official", "ana"), ("role", "ana-analyst")),
        only("actor-known", "actor-organisation", "actor-role"),
    ),
    "the actor works elsewhere": Fault(
        "actor", put("official", "ana", organisation="institute"), only("actor-organisation")
    ),
    "the actor holds another role": Fault(
        "role", put("role", "ana-analyst", role="engineer"), only("actor-role")
    ),
    "the role ended": Fault("role", put("role", "ana-analyst", valid_to="2026-05-31"), only("actor-role")),
    "the role begins tomorrow": Fault(
        "role", put("role", "ana-analyst", valid_from="2026-06-02"), only("actor-role")
    ),
    "the role is held elsewhere": Fault(
        "role", put("role", "ana-analyst", organisation="institute"), only("actor-role")
    ),
    "there is no such activity": Fault(
        "activity", lambda case: setattr(case, "activity", "nothing"), only("activity-known"), OF_ACTIVITY
    ),
    "the activity ended": Fault(
        "period", put("activity", "care", valid_to="2026-05-31"), only("activity-in-force")
    ),
    "the activity begins tomorrow": Fault(
        "period", put("activity", "care", valid_from="2026-06-02"), only("activity-in-force")
    ),
    "the law was repealed": Fault("law", put("law", "care-act", valid_to="2026-05-31"), only("law-in-force")),
    "the law is not in force yet": Fault(
        "law", put("law", "care-act", valid_from="2026-06-02"), only("law-in-force")
    ),
    "the activity does not declare the dataset": Fault(
        "stays declared", declared("stays", None), only("dataset-in-activity")
    ),
    "the activity does not declare the column": Fault(
        "columns declared", declared("population", ["person_id", "sex"]), only("columns-in-activity")
    ),
    "nothing was loaded": Fault("loaded", lambda case: case.loaded.discard("stays"), only("dataset-loaded")),
    "no steward was appointed": Fault("steward", gone(("role", "sam-steward")), only("steward-accountable")),
    "the steward left": Fault(
        "steward", put("role", "sam-steward", valid_to="2026-05-31"), only("steward-accountable")
    ),
    "the steward answers for something else": Fault(
        "steward", put("role", "sam-steward", datasets=["guardianships"]), only("steward-accountable")
    ),
    "there is no assessment": Fault(
        "assessment", put("activity", "care", assessment=None), only("assessment-approved")
    ),
    "the assessment was rejected": Fault(
        "assessment",
        put("activity", "care", assessment={"id": "d", "completed": "2025-01-01", "outcome": "rejected"}),
        only("assessment-approved"),
    ),
    "the assessment ends tomorrow": Fault(
        "assessment",
        put("activity", "care", assessment={"id": "d", "completed": "2026-06-02", "outcome": "approved"}),
        only("assessment-approved"),
    ),
    "there is no agreement": Fault(
        "agreement", gone(("agreement", "registry-care")), only("agreement-exists"), OF_AGREEMENT
    ),
    "the agreement is with somebody else": Fault(
        "agreement",
        put("agreement", "registry-care", recipient="institute"),
        only("agreement-exists"),
        OF_AGREEMENT,
    ),
    "the agreement ended": Fault(
        "agreed period", put("agreement", "registry-care", valid_to="2026-05-31"), only("agreement-in-force")
    ),
    "the agreement begins tomorrow": Fault(
        "agreed period",
        put("agreement", "registry-care", valid_from="2026-06-02"),
        only("agreement-in-force"),
    ),
    "nobody signed": Fault("signatures", signed(), only("agreement-signed")),
    "the recipient did not sign": Fault(
        "signatures", signed(("sam", "registry", "2025-01-01")), only("agreement-signed")
    ),
    "the holder signs tomorrow": Fault(
        "signatures",
        signed(("sam", "registry", "2026-06-02"), ("ivo", "services", "2025-01-01")),
        only("agreement-signed"),
    ),
    "the agreement is for another purpose": Fault(
        "purpose", put("agreement", "registry-care", purposes=["dpv:Marketing"]), only("agreement-purpose")
    ),
    "the agreement withholds the column": Fault(
        "shared columns", shared(1, ward="withheld"), only("agreement-columns")
    ),
    "the agreement does not name the column": Fault(
        "shared columns", shared(0, sex=None), only("agreement-columns")
    ),
    "a name is asked for where people must stay unknown": Fault(
        "columns declared",
        both(
            declared("population", ["person_id", "sex", "birth_date", "name"]),
            shared(0, name="as is"),
            lambda case: case.reads.update(population=READS["population"] | {"name"}),
        ),
        only("identifiers-withheld"),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory, module_state: str) -> Iterator[Database]:
    database = states.database(tmp_path_factory.mktemp("decisions"))
    yield database
    database.close()


def facts_of(db: Database, case: Case) -> Facts:
    records = book(case.records)
    activity = records.get("activity", case.activity)
    with db.read() as connection:
        facts = gather(
            replace(moment(connection, (), case.activity), at=AT, records=records),
            Path(),
            grants(records, activity, AT.date()),
            actor=case.actor,
            activity_id=case.activity,
            reads=case.reads,
        )
    versions = {
        dataset: Version(dataset, 1, Path("none"), 1, "", 1, AT, b"")
        for dataset in case.loaded & set(case.reads)
    }
    return replace(facts, versions=versions)


def missing(decision: Decision) -> set[str]:
    return {clause.reason for clause in decision.missing}


def expected(names: list[str]) -> set[str]:
    """What the table says of several faults at once."""
    codes = {code for name in names for code in FAULTS[name].missing}
    return codes - {code for name in names for code in FAULTS[name].hides}


def broken(names: list[str]) -> Case:
    case = Case()
    for name in names:
        FAULTS[name].change(case)
    return case


def test_without_a_fault_it_is_allowed(db: Database) -> None:
    decision = decide(facts_of(db, Case()))
    assert decision.allowed
    assert all(clause.reason in REASONS for clause in decision.clauses)


def test_no_clauses_no_permission() -> None:
    assert not Decision(()).allowed


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_alone_is_named_and_nothing_else(db: Database, name: str) -> None:
    decision = decide(facts_of(db, broken([name])))
    assert missing(decision) == expected([name])
    assert not decision.allowed


def test_faults_together_are_all_named(db: Database) -> None:
    places = sorted({fault.place for fault in FAULTS.values()})
    choices = st.fixed_dictionaries(
        {
            place: st.none()
            | st.sampled_from([name for name, fault in FAULTS.items() if fault.place == place])
            for place in places
        }
    )

    @examples("decisions")
    @given(choices, st.randoms(use_true_random=False))
    def law(chosen: dict[str, str | None], order: object) -> None:
        names = [name for name in chosen.values() if name is not None]
        order.shuffle(names)  # type: ignore[attr-defined]
        decision = decide(facts_of(db, broken(names)))
        assert missing(decision) == expected(names), names
        assert decision.allowed == (not names)
        for clause in decision.clauses:
            reason = REASONS[clause.reason]
            assert set(clause.params) >= set(reason.params)
            assert reason.can_hold or not clause.holds

    law()


def test_the_table_has_a_fault_for_every_condition() -> None:
    """What `decide` of a use can find missing; the last four only ever hold."""
    found = {code for fault in FAULTS.values() for code in fault.missing}
    others = {"dataset-open"}  # open access to what is not open, below
    never = {"basis-consent", "dataset-own", "constants-only", "protection-available"}
    quotas = {"agreement-frequency", "agreement-volume"}  # below
    elsewhere = ("proposal-", "own-", "request-", "oversight-", "rights-")  # decided by actions of their own
    decided = {code for code, r in REASONS.items() if r.can_hold and not code.startswith(elsewhere)}
    assert found | others | never | quotas == decided


def test_open_access_reaches_what_is_open_and_loaded(db: Database) -> None:
    """No official, no role, no agreement: and nothing but open data."""
    open_data = Case(actor="anybody", activity="open-access", reads={"municipalities": frozenset({"code"})})
    assert decide(facts_of(db, open_data)).allowed
    open_data.loaded.clear()
    assert missing(decide(facts_of(db, open_data))) == {"dataset-loaded"}
    gone(("role", "mira-steward"))(open_data)
    assert missing(decide(facts_of(db, open_data))) == {"dataset-loaded", "steward-accountable"}
    personal = Case(actor="anybody", activity="open-access", reads={"population": frozenset({"sex"})})
    assert missing(decide(facts_of(db, personal))) == {"dataset-open"}
    restricted = Case(actor="anybody", activity="open-access", reads={"budgets": frozenset({"amount"})})
    restricted.loaded.add("budgets")
    assert missing(decide(facts_of(db, restricted))) == {"dataset-open"}


def test_a_statement_that_reads_nothing_still_needs_its_activity(db: Database) -> None:
    decision = decide(facts_of(db, Case(reads={})))
    assert decision.allowed
    assert "constants-only" in {clause.reason for clause in decision.clauses}
    assert missing(decide(facts_of(db, Case(reads={}, activity="nothing")))) == {"activity-known"}
    assert missing(decide(facts_of(db, Case(reads={}, actor="nobody")))) >= {"actor-known"}


def test_an_organisation_needs_no_agreement_with_itself(db: Database) -> None:
    case = Case(actor="ruth", activity="upkeep", reads={"population": frozenset({"sex"})})
    decision = decide(facts_of(db, case))
    assert decision.allowed
    assert "dataset-own" in {clause.reason for clause in decision.clauses}
    gone(("role", "sam-steward"))(case)
    assert missing(decide(facts_of(db, case))) == {"steward-accountable"}


def test_consent_is_a_ground_of_its_own(db: Database) -> None:
    """Where people consent, no law is needed; who consented is the mask's affair."""
    case = Case()
    put("activity", "care", basis={"kind": "consent"})(case)
    put("law", "care-act", valid_to=str(date(2026, 5, 31)))(case)
    decision = decide(facts_of(db, case))
    assert decision.allowed
    assert "basis-consent" in {clause.reason for clause in decision.clauses}


def test_the_agreement_that_serves_is_found_among_those_that_do_not(db: Database) -> None:
    """An older, unsigned or other agreement between the two does not stand in the way."""
    case = Case()
    for name, fields in (
        ("a-ended", {"valid_to": "2026-05-31"}),
        ("b-unsigned", {"signatures": []}),
        ("c-other-purpose", {"purposes": ["dpv:Marketing"]}),
    ):
        case.records["agreement", name] = {**deepcopy(BASE["agreement", "registry-care"]), **fields}
    decision = decide(facts_of(db, case))
    assert decision.allowed
    assert "agreement:registry-care" in {clause.cites for clause in decision.clauses}


def test_a_refusal_names_the_agreement_that_was_meant(db: Database) -> None:
    """One for the purpose that ended, not one in force for something else."""
    case = Case()
    case.records["agreement", "a-other"] = {
        **deepcopy(BASE["agreement", "registry-care"]),
        "purposes": ["dpv:Marketing"],
    }
    put("agreement", "registry-care", valid_to="2026-05-31")(case)
    decision = decide(facts_of(db, case))
    assert missing(decision) == {"agreement-in-force"}
    assert {clause.cites for clause in decision.missing} == {"agreement:registry-care"}


def test_direct_identifiers_of_restricted_data_stay_behind_too(db: Database) -> None:
    """Not only tables about people may name one: under pseudonymous rows no name leaves any of them."""
    case = Case(reads={"budgets": frozenset({"code"})})
    for column in case.records["dataset", "budgets"]["columns"]:
        column["role"] = "direct" if column["name"] == "code" else column["role"]
    assert "identifiers-withheld" in missing(decide(facts_of(db, case)))
    case.reads["budgets"] = frozenset({"amount"})
    assert "identifiers-withheld" not in missing(decide(facts_of(db, case)))


@pytest.mark.parametrize(("uses", "rows"), [(1, 9), (2, 9), (1, 10), (3, 11)])
def test_what_is_used_up_is_refused_before_anything_is_computed(db: Database, uses: int, rows: int) -> None:
    case = Case()
    put("agreement", "registry-care", frequency=2, volume=10)(case)
    facts = replace(facts_of(db, case), spent={"registry-care": Spent(uses, rows)})
    found = {clause.reason: clause.holds for clause in decide(facts).clauses}
    assert found["agreement-frequency"] == (uses < 2)
    assert found["agreement-volume"] == (rows < 10)
    assert decide(facts).allowed == (uses < 2 and rows < 10)
