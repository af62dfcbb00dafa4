"""Each policy by itself: the same question with it and without it, and the answers differ.

Reads as the specification of what protects people here. Every test states a question, what it gives where the
policy lets it, and what it gives where the policy does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

from publica.gateway.door import Request
from publica.gateway.facts import grants
from publica.gateway.relations import effective
from publica.governance.agreements import parse_transform
from publica.kernel.actor import Actor
from publica.kernel.errors import BadInput

from . import oracle
from .office import AGREEMENT, CARE, Office, book, documents
from .world import OPERATOR, shelf

COUNT = "SELECT count(*) FROM population"
SEXES = "SELECT municipality, sex FROM population"
EVERYBODY_IN_SCOPE = [("m1", "F"), ("m1", "M"), ("m2", "F")]


@pytest.fixture(scope="module")
def office(module_state: str) -> Iterator[Office]:
    with shelf() as folder:
        made = Office(folder)
        made.load_table("stays", pa.table({"person_id": ["P-1", "P-1", "P-4"], "ward": ["a", "b", "a"]}))
        yield made
        made.instance.close()


def agreed(dataset: int, **fields: Any) -> list[dict[str, Any]]:
    """The agreement's datasets with other fields in one of them."""
    datasets: list[dict[str, Any]] = deepcopy(AGREEMENT["datasets"])
    datasets[dataset].update(fields)
    return datasets


def declared(*columns: str) -> list[dict[str, Any]]:
    """The activity's datasets with these columns of population."""
    return [{"dataset": "population", "columns": list(columns)}, CARE["datasets"][1]]


# people's choices


def test_consent(office: Office) -> None:
    """Where consent is the basis, only those who gave it are in; and only as long as they do."""
    ask = "SELECT person_id, income FROM population"
    assert office.rows(ask, "wellbeing") == []
    office.instance.choose("P-1", "wellbeing", "grant", OPERATOR)
    office.instance.choose("P-2", "wellbeing", "grant", OPERATOR)
    assert office.rows(ask, "wellbeing") == [("P-1", 10), ("P-2", 20)]
    office.instance.choose("P-1", "wellbeing", "withdraw", OPERATOR)
    assert office.rows(ask, "wellbeing") == [("P-2", 20)]


def test_objection(office: Office) -> None:
    """Where the law lets people object, those who do are out."""
    assert office.rows(COUNT) == [(3,)]
    office.instance.choose("P-3", "care", "object", OPERATOR)
    assert office.rows(COUNT) == [(2,)]
    office.instance.choose("P-3", "care", "withdraw", OPERATOR)
    assert office.rows(COUNT) == [(3,)]


def test_no_objection_where_the_law_leaves_none(office: Office) -> None:
    """A choice about one activity changes no other."""
    before = office.rows(COUNT, "grants")
    office.instance.choose("P-3", "care", "object", OPERATOR)
    assert office.rows(COUNT, "grants") == before == [(4,)]
    office.instance.choose("P-3", "care", "withdraw", OPERATOR)


def test_whom_a_repeated_question_looks_at(office: Office) -> None:
    """It is remembered no longer than till the next choice; and the sets do not tell that it was the same."""
    women = "SELECT count(*) AS n FROM population WHERE sex = 'F'"

    def asked() -> str:
        return str(office.answer(women).receipt)

    def seen(person: str) -> set[str]:
        return {use["use"] for use in office.instance.uses(person, OPERATOR)}

    one, other = asked(), asked()
    assert office.entry(one)["touched"]["root"] != office.entry(other)["touched"]["root"]
    assert {one, other} <= seen("P-1") & seen("P-3")
    assert not {one, other} & seen("P-2")
    office.instance.choose("P-3", "care", "object", OPERATOR)
    without = asked()
    assert without in seen("P-1") and without not in seen("P-3")
    office.instance.choose("P-3", "care", "withdraw", OPERATOR)
    assert asked() in seen("P-3")


# what the agreement lets through


def test_row_scope(office: Office) -> None:
    """Rows out of the agreement's scope are as if they were not there."""
    assert office.rows(SEXES) == EVERYBODY_IN_SCOPE
    with office.changed("agreement", "registry-care", datasets=agreed(0, rows=[])):
        assert office.rows(SEXES) == [*EVERYBODY_IN_SCOPE, ("m3", "M")]
    with office.changed(
        "agreement", "registry-care", datasets=agreed(0, rows=[{"column": "sex", "in": ["M"]}])
    ):
        assert office.rows(SEXES) == [("m1", "M"), ("m3", "M")]


def test_columns_that_the_holder_withholds(office: Office) -> None:
    """A column is asked for in vain, wherever in the statement it stands, until the holder shares it."""
    columns = {**AGREEMENT["datasets"][0]["columns"], "sex": "withheld"}
    assert office.rows("SELECT count(*) FROM population WHERE sex = 'F'") == [(2,)]
    with office.changed("agreement", "registry-care", datasets=agreed(0, columns=columns)):
        assert office.missing("SELECT sex FROM population") == {"agreement-columns"}
        assert office.missing("SELECT count(*) FROM population WHERE sex = 'F'") == {"agreement-columns"}
        assert office.rows(COUNT) == [(3,)]


def test_columns_that_the_activity_does_not_declare(office: Office) -> None:
    assert office.rows("SELECT birth_date FROM population ORDER BY 1 LIMIT 1") == [(1980,)]
    with office.changed("activity", "care", datasets=declared("person_id", "sex", "municipality")):
        assert office.missing("SELECT birth_date FROM population ORDER BY 1 LIMIT 1") == {
            "columns-in-activity"
        }


def test_datasets_that_the_activity_does_not_declare(office: Office) -> None:
    assert office.rows("SELECT count(*) FROM stays") == [(3,)]
    with office.changed("activity", "care", datasets=declared("person_id")[:1]):
        assert office.missing("SELECT count(*) FROM stays") == {"dataset-in-activity"}


@pytest.mark.parametrize(
    ("column", "transform", "given"),
    [
        ("birth_date", "year", [(1980,), (1990,), (2000,)]),
        ("birth_date", "age band", [("20-29",), ("30-39",), ("40-49",)]),
        ("municipality", "region prefix 1", [("m",), ("m",), ("m",)]),
        ("municipality", "as is", [("m1",), ("m1",), ("m2",)]),
    ],
)
def test_transforms(office: Office, column: str, transform: str, given: list[Any]) -> None:
    """What leaves, and what can be compared, is the value after its transform."""
    columns = {**AGREEMENT["datasets"][0]["columns"], column: transform}
    with office.changed("agreement", "registry-care", datasets=agreed(0, columns=columns)):
        found = office.rows(f"SELECT {column} FROM population")
        if transform == "age band":
            assert len(found) == 3 and all(len(band) == len("20-29") for (band,) in found)
        else:
            assert found == given
        known = office.rows(
            f"SELECT count(*) FROM population WHERE {column}::VARCHAR IN ('1980-05-05', 'm1')"
        )
        assert known == [(2 if (column, transform) == ("municipality", "as is") else 0,)]


@pytest.mark.parametrize("transform", ["as is", "pseudonym", "region prefix 9", "year", "age band"])
def test_no_transform_hands_out_a_key_among_pseudonymous_rows(transform: str) -> None:
    """Whatever an agreement recorded earlier says; only what is withheld stays withheld."""
    made = documents()
    made["agreement", "registry-care"]["datasets"][0]["columns"]["person_id"] = transform
    records = book(made)
    grant = grants(records, records.get("activity", "care"), date(2026, 6, 1))["population"]
    key = grant.dataset.spec.subject_columns[0]
    assert effective(grant, key, "pseudonymous rows").kind == "pseudonym"
    assert effective(grant, key, "rows").kind == parse_transform(transform).kind
    withheld = replace(grant, transforms={})
    assert effective(withheld, key, "pseudonymous rows").kind == "withheld"


def test_pseudonyms(office: Office) -> None:
    """Keys leave as pseudonyms: one per person, recipient and activity, the same in every dataset."""
    secret = oracle.secret_of(office.instance.folder, "services", "care")
    names = {oracle.pseudonym(secret, key) for key in ("P-1", "P-2", "P-3")}
    shown = {row[0] for row in office.rows("SELECT person_id FROM population")}
    assert shown == names
    joined = "SELECT DISTINCT p.person_id FROM population p JOIN stays s USING (person_id)"
    assert office.rows(joined) == [(oracle.pseudonym(secret, "P-1"),)]
    assert {row[0] for row in office.rows("SELECT person_id FROM population", "watch")}.isdisjoint(names)
    assert office.rows("SELECT person_id FROM population", "grants")[0] == ("P-1",)


def test_direct_identifiers_where_people_must_stay_unknown(office: Office) -> None:
    """A name next to a pseudonym would undo it; under `rows` the same column may be shared."""
    columns = {**AGREEMENT["datasets"][0]["columns"], "name": "as is"}
    with (
        office.changed("activity", "care", datasets=declared("person_id", "name")),
        office.changed("agreement", "registry-care", datasets=agreed(0, columns=columns)),
    ):
        assert office.missing("SELECT name FROM population") == {"identifiers-withheld"}
        with (
            office.changed("activity", "care", datasets=declared("person_id", "name"), protection="rows"),
            office.changed(
                "agreement", "registry-care", datasets=agreed(0, columns=columns), protection="rows"
            ),
        ):
            assert office.rows("SELECT name FROM population") == [("Ann",), ("Bob",), ("Cyd",)]


def test_protection(office: Office) -> None:
    """The stricter of what the activity asks for and the agreement allows; what cannot be done is refused."""
    with office.changed("activity", "care", protection="rows"):
        assert office.rows("SELECT count(*) FROM population WHERE person_id IS NOT NULL") == [(3,)]
        assert len(office.rows("SELECT person_id FROM population")[0][0]) == len(str(UUID(int=0)))
    with office.changed("activity", "care", protection="aggregates"):
        assert office.rows(COUNT) == []  # three people are fewer than k
        assert office.missing("SELECT person_id FROM population") == {"aggregate-form"}
    with office.changed("agreement", "registry-care", protection="aggregates"):
        assert office.rows(COUNT) == []
    assert office.rows(COUNT) == [(3,)]


# whether the agreement holds


def test_agreement(office: Office) -> None:
    assert office.rows(SEXES) == EVERYBODY_IN_SCOPE
    with office.changed("agreement", "registry-care", recipient="institute", signatures=[]):
        missing = office.missing("SELECT count(*) FROM stays")
        assert missing == {"agreement-exists"}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"valid_to": "2025-06-30"}, "agreement-in-force"),
        ({"valid_from": "2099-01-01"}, "agreement-in-force"),
        ({"purposes": ["dpv:Marketing"]}, "agreement-purpose"),
        ({"signatures": []}, "agreement-signed"),
        ({"signatures": AGREEMENT["signatures"][:1]}, "agreement-signed"),
    ],
)
def test_agreement_terms(office: Office, fields: dict[str, Any], code: str) -> None:
    """Dates, purpose and both signatures: each by itself stops the same question."""
    ask = "SELECT ward, count(*) FROM stays GROUP BY ward"
    assert office.rows(ask) == [("a", 2), ("b", 1)]
    with office.changed("agreement", "registry-care", **fields):
        assert office.missing(ask) == {code}
    assert office.rows(ask) == [("a", 2), ("b", 1)]


def test_volume(office: Office) -> None:
    """Rows of a calendar month, over all uses: what would exceed them is refused, what is smaller is not."""
    with office.changed("agreement", "registry-care", volume=5):
        assert office.rows(SEXES) == EVERYBODY_IN_SCOPE
        assert office.missing(SEXES) == {"agreement-volume"}
        assert office.rows(COUNT) == [(3,)]
    assert office.rows(SEXES) == EVERYBODY_IN_SCOPE


def test_frequency(office: Office) -> None:
    """Uses of a day; those refused before anything was computed do not count."""
    with office.changed("agreement", "registry-care", frequency=2):
        assert office.rows(COUNT) == [(3,)]
        assert office.missing("SELECT name FROM population") >= {"agreement-columns"}
        assert office.rows(COUNT) == [(3,)]
        assert office.missing(COUNT) == {"agreement-frequency"}
    assert office.rows(COUNT) == [(3,)]


@pytest.fixture
def fresh() -> Iterator[Office]:
    """An office whose agreement nobody has used yet."""
    with shelf() as folder:
        made = Office(folder)
        yield made
        made.instance.close()


def test_failing_uses_up_the_frequency(fresh: Office) -> None:
    """A failure answers a question too (did any row fail?), so it counts; used up, it says nothing."""
    ask = "SELECT 1 FROM population WHERE CAST(sex AS INTEGER) > 0"
    with fresh.changed("agreement", "registry-care", frequency=2):
        for _ in range(2):
            with pytest.raises(BadInput):
                fresh.answer(ask)
        for sql in (ask, COUNT, "SELECT 1 FROM population WHERE 1 / (CASE WHEN sex = 'F' THEN 0 END) > 0"):
            assert fresh.missing(sql) == {"agreement-frequency"}
        assert not fresh.instance.explain(Request(Actor("ana", "operator"), "care", COUNT)).decision.allowed


def test_the_last_use_taken_meanwhile(fresh: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two at once, answering or failing, the later learns nothing; and people see that it looked."""
    monkeypatch.setattr("publica.gateway.decide.left", lambda *_: ())  # as if it was taken after step 5
    with fresh.changed("agreement", "registry-care", frequency=1):
        assert fresh.rows(COUNT) == [(3,)]
        for sql in (COUNT, "SELECT 1 FROM population WHERE CAST(sex AS INTEGER) > 0"):
            assert fresh.missing(sql) == {"agreement-frequency"}
            latest = fresh.instance.uses("P-1", OPERATOR)[0]
            assert (latest["outcome"], latest["how"]) == ("refused", "looked through")


def test_an_answer_that_is_too_long_was_a_use(fresh: Office) -> None:
    """Refused for its size, it says how many there are: so it counts, and those looked through see it."""
    with fresh.changed("agreement", "registry-care", volume=2, frequency=2):
        before = len(fresh.instance.uses("P-1", OPERATOR))
        assert fresh.missing(SEXES) == {"agreement-volume"}
        now = fresh.instance.uses("P-1", OPERATOR)
        assert len(now) == before + 1
        assert (now[0]["outcome"], now[0]["how"]) == ("refused", "looked through")
        assert fresh.rows(COUNT) == [(3,)]
        assert fresh.missing(COUNT) == {"agreement-frequency"}
        assert fresh.instance.verify_ledger()["problems"] == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT string_agg(person_id::VARCHAR, ',' ORDER BY person_id::VARCHAR) FROM population",
        "SELECT list(sex ORDER BY sex) FROM population",
        "SELECT sex FROM population UNION SELECT sex FROM population",
    ],
)
def test_rows_folded_into_one_are_as_many_as_the_people_in_them(fresh: Office, sql: str) -> None:
    """An answer takes as much of the volume as it has rows, or as it shows people, whichever is more."""
    with (
        fresh.changed("agreement", "registry-care", protection="rows", volume=2),
        fresh.changed("activity", "care", protection="rows"),
    ):
        assert fresh.missing(sql) == {"agreement-volume"}
        assert fresh.rows(COUNT) == [(3,)]
    with (
        fresh.changed("agreement", "registry-care", protection="rows", volume=4),
        fresh.changed("activity", "care", protection="rows"),
    ):
        assert fresh.rows(sql)
        assert fresh.missing(COUNT) == {"agreement-volume"}  # 1 and 3: all used up


# who asks, and on which ground


def test_actor(office: Office) -> None:
    assert office.rows(COUNT, actor="ana") == [(3,)]
    assert office.missing(COUNT, actor="nobody") == {"actor-known", "actor-organisation", "actor-role"}


def test_organisation(office: Office) -> None:
    """An official of another organisation cannot use this one's activity, whatever their role."""
    with office.changed("activity", "care", roles=["statistician", "analyst"]):
        assert office.rows(COUNT, actor="ana") == [(3,)]
        assert office.missing(COUNT, actor="stella") == {"actor-organisation", "actor-role"}
        with office.changed("role", "stella-statistician", organisation="services"):
            assert office.missing(COUNT, actor="stella") == {"actor-organisation"}


def test_role(office: Office) -> None:
    assert office.rows(COUNT) == [(3,)]
    with office.changed("role", "ana-analyst", role="engineer"):
        assert office.missing(COUNT) == {"actor-role"}
    with office.changed("role", "ana-analyst", valid_to="2025-12-31"):
        assert office.missing(COUNT) == {"actor-role"}


def test_activity(office: Office) -> None:
    assert office.missing(COUNT, activity="curiosity") >= {"activity-known"}
    with office.changed("activity", "care", valid_to="2025-12-31"):
        assert office.missing(COUNT) == {"activity-in-force"}
    assert office.rows(COUNT) == [(3,)]


def test_law(office: Office) -> None:
    assert office.rows(COUNT) == [(3,)]
    with office.changed("law", "care-act", valid_to="2025-12-31"):
        assert office.missing(COUNT) == {"law-in-force"}


def test_steward(office: Office) -> None:
    """Data that nobody answers for may not be used."""
    assert office.rows(COUNT) == [(3,)]
    with office.changed("role", "sam-steward", valid_to="2025-12-31"):
        assert office.missing(COUNT) == {"steward-accountable"}
    ask = "SELECT count(*) FROM municipalities"
    with office.changed("role", "mira-steward", valid_to="2025-12-31"):
        assert office.missing(ask, "open-access", actor="anybody") == {"steward-accountable"}
        assert office.missing(ask) == {"steward-accountable"}
    assert office.rows(ask) == [(2,)]


def test_assessment(office: Office) -> None:
    """Special categories need an approved assessment; other data of the same activity do not."""
    ask = "SELECT count(*) FROM stays"
    assert office.rows(ask) == [(3,)]
    with office.changed("activity", "care", assessment=None):
        assert office.missing(ask) == {"assessment-approved"}
        assert office.rows(COUNT) == [(3,)]
    rejected = {"id": "d", "completed": "2025-01-01", "outcome": "rejected"}
    with office.changed("activity", "care", assessment=rejected):
        assert office.missing(ask) == {"assessment-approved"}


# what is open, what is there, what can be computed


def test_open_access(office: Office) -> None:
    """Open data for everybody, without a receipt each; and nothing else."""
    answer = office.answer("SELECT name FROM municipalities ORDER BY 1", "open-access", actor="anybody")
    assert answer.receipt is None
    assert {clause.reason for clause in answer.decision.clauses} >= {"dataset-open", "dataset-loaded"}
    assert office.missing(COUNT, "open-access", actor="anybody") == {"dataset-open"}


def test_datasets_without_data(office: Office) -> None:
    assert office.missing("SELECT count(*) FROM incomes", "wellbeing") == {"dataset-loaded"}


def test_constants_need_an_activity_and_nothing_else(office: Office) -> None:
    reasons = {clause.reason for clause in office.answer("SELECT 1 + 1").decision.clauses}
    assert "constants-only" in reasons
    assert office.missing("SELECT 1 + 1", activity="curiosity") == {"activity-known"}


def test_what_fails_was_a_use_too(office: Office) -> None:
    """Nothing leaves, and the receipt says that it failed and whom it looked through."""
    ask = "SELECT 1 FROM population WHERE CAST(sex AS INTEGER) > 0"
    uses = len(office.instance.uses("P-1", OPERATOR))
    with pytest.raises(BadInput):
        office.answer(ask)
    now = office.instance.uses("P-1", OPERATOR)
    assert (len(now), now[0]["outcome"], now[0]["how"]) == (uses + 1, "failed", "looked through")
    assert [clause["reason"] for clause in office.entry(now[0]["use"])["clauses"]] == ["use-failed"]


def test_every_parameter_is_given(office: Office) -> None:
    ask = "SELECT count(*) FROM population WHERE sex = $sex"
    assert office.rows(ask, sex="F") == [(2,)]
    assert office.missing(ask) == {"sql-parameter-missing"}
