"""Uses over HTTP: answers in every form with receipts, refusals with clauses, and who sees what later."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select

from publica.gateway import surface
from publica.http import forms
from publica.kernel.ledger.store import entries

from .city import CITIZEN, City, opened, slug

COUNT = "SELECT municipality, count(*) AS n FROM population GROUP BY municipality ORDER BY municipality"
ROWS = "SELECT person_id, sex, municipality FROM population ORDER BY person_id"
TOTALS = "SELECT municipality, count(*) AS n, avg(income) AS mean FROM population GROUP BY municipality"


def table_of(body: bytes, form: str) -> pa.Table:
    if form == forms.ARROW:
        return pa.ipc.open_stream(body).read_all()
    return pq.read_table(io.BytesIO(body))


def readings(city: City) -> int:
    with city.instance.db.read() as connection:
        query = select(func.count()).select_from(entries).where(entries.c.kind == "reading")
        return int(connection.execute(query).scalar() or 0)


def test_an_answer_has_its_receipt_in_the_ledger(city: City) -> None:
    answer = city.use("ana", COUNT)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert answer.headers["Publica-Receipt"] == said["receipt"]
    assert answer.headers["Publica-Protection"] == "pseudonymous rows"
    assert said["rows"] == [{"municipality": "m1", "n": 40}, {"municipality": "m2", "n": 40}]
    assert said["columns"] == [
        {"name": "municipality", "type": "string"},
        {"name": "n", "type": "int64"},
    ]
    assert city.office.entry(said["receipt"])["rows"] == 2
    assert answer.headers["Cache-Control"] == "no-store"


def test_every_form_says_the_same(city: City) -> None:
    """Each is a use of its own, with a receipt of its own."""
    expected = city.use("ana", COUNT).json()["rows"]
    seen = set()
    for form in (forms.ARROW, forms.PARQUET):
        answer = city.use("ana", COUNT, accept=form)
        assert answer.headers["Content-Type"] == form
        assert table_of(answer.content, form).to_pylist() == expected
        seen.add(answer.headers["Publica-Receipt"])
    answer = city.use("ana", COUNT, accept="text/csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    found = [{"municipality": m, "n": int(n)} for m, n in list(csv.reader(io.StringIO(answer.text)))[1:]]
    assert found == expected
    seen.add(answer.headers["Publica-Receipt"])
    assert len(seen) == 3


def test_an_arrow_answer_is_what_the_receipt_commits_to(city: City) -> None:
    import hashlib

    answer = city.use("ana", ROWS, accept=forms.ARROW)
    with city.instance.db.read() as connection:
        from publica.trust.transparency import actions

        sealed = actions._original(connection, city.instance.keys, answer.headers["Publica-Receipt"])
    assert sealed.digest == hashlib.sha256(answer.content).hexdigest()


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, forms.JSON),
        ("*/*", forms.JSON),
        ("application/*", forms.JSON),
        ("text/*", forms.CSV),
        ("text/csv;q=0.5, application/vnd.apache.arrow.stream", forms.ARROW),
        ("application/json;q=0, */*", forms.ARROW),
        ("text/html, text/csv;q=0.1", forms.CSV),
        ("APPLICATION/JSON", forms.JSON),
    ],
)
def test_the_form_is_negotiated(city: City, accept: str | None, form: str) -> None:
    answer = city.use("ana", "SELECT 1 AS n", accept=accept)
    assert answer.headers["Content-Type"].partition(";")[0] == form


@pytest.mark.parametrize("accept", ["image/png", "text/csv;q=0", "nonsense", "x" * 5000, "*/*;q=0", "a/b/c"])
def test_what_is_not_there_is_not_acceptable_and_nothing_is_used(city: City, accept: str) -> None:
    before = len(city.get("ana", "/uses?limit=200").json()["items"])
    answer = city.use("ana", "SELECT 1 AS n", accept=accept)
    assert (answer.status_code, slug(answer)) == (406, "not-acceptable")
    assert len(city.get("ana", "/uses?limit=200").json()["items"]) == before


def test_a_refusal_says_what_is_missing_and_has_a_receipt(city: City) -> None:
    answer = city.use("ana", "SELECT name FROM population")
    said = answer.json()
    assert (answer.status_code, slug(answer)) == (403, "refused")
    assert answer.headers["Content-Type"] == "application/problem+json"
    clause = said["clauses"][0]
    assert clause["reason"] == "columns-in-activity"
    assert clause["record"] == "activity:care"
    assert "name" in clause["sentence"]
    assert clause["params"]["columns"] == "name"
    assert not clause["holds"]
    assert city.office.entry(said["receipt"])["outcome"] == "refused"


def test_what_cannot_be_computed_is_a_problem_of_the_statement(city: City) -> None:
    answer = city.use("ana", "SELECT CAST(region AS INTEGER) AS n FROM municipalities")
    assert (answer.status_code, slug(answer)) == (422, "bad-input")
    assert "north" not in answer.text


def test_totals_come_with_their_uncertainty(city: City) -> None:
    answer = city.use("ana", TOTALS, "totals")
    said = answer.json()
    assert answer.headers["Publica-Protection"].startswith("aggregates; k=3")
    assert said["protection"]["k"] == 3
    assert "3 people" in said["protection"]["left_out"]
    assert len(said["uncertainty"]) == len(said["rows"]) == 2
    assert all(row["n"] > 0 for row in said["uncertainty"])
    stream = city.use("ana", TOTALS, "totals", accept=forms.ARROW)
    told = json.loads(pa.ipc.open_stream(stream.content).schema.metadata[forms.METADATA])
    assert told["uncertainty"] == said["uncertainty"]
    assert told["receipt"] == stream.headers["Publica-Receipt"]
    parquet = table_of(city.use("ana", TOTALS, "totals", accept=forms.PARQUET).content, forms.PARQUET)
    assert parquet.to_pylist() == said["rows"]


def test_json_keeps_every_value_exactly(city: City) -> None:
    sql = """SELECT CAST(0.10 AS DECIMAL(38, 2)) AS money, 9007199254740991 AS safe,
             9007199254740993 AS beyond, -9223372036854775807 AS least, [9007199254740993] AS nested,
             'NaN'::DOUBLE AS odd, 1.5 AS half,
             DATE '2026-11-23' AS day, TIMESTAMP '2026-11-23 12:00:00' AS noon, 1 AS n, 2 AS n"""
    row = city.use("ana", sql).json()["rows"][0]
    assert row == {
        "money": "0.10", "safe": 9007199254740991, "beyond": "9007199254740993",
        "least": "-9223372036854775807", "nested": ["9007199254740993"], "odd": "NaN", "half": "1.5",
        "day": "2026-11-23", "noon": "2026-11-23T12:00:00", "n": 1, "n_2": 2,
    }  # fmt: skip


def test_parameters_are_values_and_nothing_else(city: City) -> None:
    sql = "SELECT count(*) AS n FROM municipalities WHERE region = $region"
    assert city.use("ana", sql, region="north").json()["rows"] == [{"n": 2}]
    assert city.use("ana", sql, region="north' OR '1'='1").json()["rows"] == [{"n": 0}]
    missing = city.use("ana", sql)
    assert missing.json()["clauses"][0]["reason"] == "sql-parameter-missing"


@pytest.mark.parametrize(
    "value",
    [2**63, -(2**63) - 1, 10**400, [1], {"a": 1}],
    ids=["2^63", "-2^63-1", "10^400", "list", "object"],
)
def test_a_parameter_that_is_no_value_is_refused(city: City, value: Any) -> None:
    answer = city.use("ana", "SELECT $x AS x", x=value)
    assert answer.status_code in (400, 422)


def test_open_data_has_no_receipt_each(city: City) -> None:
    answer = city.use("stella", "SELECT count(*) AS n FROM municipalities", "open-access")
    assert answer.status_code == 200
    assert "Publica-Receipt" not in answer.headers
    assert answer.json()["receipt"] is None
    assert answer.headers["Publica-Protection"] == "open"


def test_an_explanation_runs_nothing_and_leaves_nothing(city: City) -> None:
    before = city.get("ana", "/uses").json()
    answer = city.post("ana", "/uses/explain", {"sql": ROWS, "activity": "care"}).json()
    assert answer["allowed"]
    assert answer["protection"] == "pseudonymous rows"
    assert "choice_and_scope" in answer["sql"]
    assert {clause["reason"] for clause in answer["clauses"]} >= {"actor-known", "agreement-signed"}
    refused = city.post("ana", "/uses/explain", {"sql": "SELECT name FROM population", "activity": "care"})
    assert refused.status_code == 200
    assert not refused.json()["allowed"]
    assert city.get("ana", "/uses").json() == before


def test_a_token_for_some_activities_cites_no_other(city: City) -> None:
    assert city.use("scoped", COUNT, "care").status_code == 200
    assert city.use("scoped", "SELECT count(*) AS n FROM municipalities", "open-access").status_code == 200
    other = city.use("scoped", COUNT, "grants")
    assert (other.status_code, slug(other)) == (403, "forbidden")


def test_a_citizen_reads_their_own_rows(city: City) -> None:
    answer = city.use("citizen", "SELECT person_id, name FROM population", "own-data")
    assert answer.json()["rows"] == [{"person_id": CITIZEN, "name": "Name 1"}]
    assert answer.headers["Publica-Protection"] == "rows"
    official = city.use("ana", "SELECT person_id FROM population", "own-data")
    assert [clause["reason"] for clause in official.json()["clauses"]] == ["own-person"]


def test_ones_own_uses_are_listed_in_pages(city: City) -> None:
    for number in range(5):
        city.use("stella", f"SELECT {number} AS n FROM municipalities", "study")
    seen: list[str] = []
    path = "/api/v1/uses?limit=2&activity=study"
    while path:
        page = city.ask("stella", "GET", path).json()
        assert len(page["items"]) <= 2
        assert all(item["sql"] is None and item["actor"] is None for item in page["items"])
        seen += [item["receipt"] for item in page["items"]]
        path = page["next"]
    assert len(seen) == len(set(seen)) == 5
    assert seen == [u["receipt"] for u in city.get("stella", "/uses?activity=study").json()["items"]]


def test_uses_are_filtered(city: City) -> None:
    refused = city.get("ana", "/uses?outcome=refused&limit=200").json()["items"]
    assert refused
    assert {use["outcome"] for use in refused} == {"refused"}
    assert all(use["clauses"] for use in refused)
    assert city.get("ana", "/uses?from=2100-01-01").json()["items"] == []
    assert city.get("ana", "/uses?to=2000-01-01").json()["items"] == []
    assert city.get("ana", "/uses?activity=totals").json()["items"]
    assert city.get("ana", "/uses?from=yesterday").status_code == 422
    assert city.get("ana", "/uses?outcome=lost").status_code == 422
    assert city.get("ana", "/uses?activty=care").status_code == 422  # misspelt: it would filter nothing


def test_the_auditor_sees_everybodys_uses_and_each_look_is_entered(city: City) -> None:
    city.use("ana", COUNT)
    before = readings(city)
    page = city.get("audra", "/uses?limit=200").json()["items"]
    assert readings(city) == before + 1
    assert {"ana", "stella", "(a citizen)"} <= {use["actor"] for use in page}
    assert any(use["sql"] == COUNT for use in page)
    assert CITIZEN not in json.dumps([{**use, "sql": ""} for use in page])
    only = city.get("audra", "/uses?actor=stella").json()["items"]
    assert {use["actor"] for use in only} == {"stella"}
    assert city.get("audra", "/uses?actor=nobody").json()["items"] == []
    one = city.get("audra", f"/uses/{page[0]['receipt']}").json()
    assert one["sql"] == page[0]["sql"]
    assert readings(city) == before + 3


def test_an_auditor_finds_no_citizen_by_guessing(city: City) -> None:
    """A list of one citizen's uses would say whose the uses of "(a citizen)" are."""
    city.post("citizen", "/uses", {"activity": "own-data", "sql": COUNT})
    for key in (CITIZEN, "P-999"):
        answer = city.get("audra", f"/uses?actor=citizen:{key}")
        assert (answer.status_code, slug(answer)) == (403, "forbidden")


def test_others_uses_are_not_there(city: City) -> None:
    """An id guessed or taken from elsewhere tells nothing, not even that it exists."""
    theirs = city.use("ana", COUNT).headers["Publica-Receipt"]
    mine = city.get("ana", f"/uses/{theirs}").json()
    assert mine["sql"] == COUNT
    assert mine["actor"] is None
    for who in ("stella", "citizen", "carla", "P-002"):
        answer = city.get(who, f"/uses/{theirs}")
        nothing = city.get(who, "/uses/use_00000000000000000000")
        assert (answer.status_code, slug(answer)) == (404, "not-found")
        strip = ("instance",)
        assert {k: v for k, v in answer.json().items() if k not in strip} == {
            k: v for k, v in nothing.json().items() if k not in strip
        }
    assert (city.get("stella", "/uses?actor=ana").status_code) == 403
    foreign = city.get("stella", f"/uses?after={theirs}").json()["items"]
    assert all(use["actor"] is None for use in foreign)


def test_a_citizens_use_is_theirs_alone(city: City) -> None:
    receipt = city.use("P-005", "SELECT income FROM population", "own-data").headers["Publica-Receipt"]
    assert city.get("P-005", f"/uses/{receipt}").status_code == 200
    assert city.get("P-006", f"/uses/{receipt}").status_code == 404
    found = {use["use"] for use in city.get("P-005", "/me/uses").json()["items"]}
    assert receipt in found
    assert receipt not in {use["use"] for use in city.get("P-006", "/me/uses").json()["items"]}


def test_the_ledger_holds_after_all_this(city: City) -> None:
    assert city.instance.verify_ledger()["problems"] == []


def test_a_statement_that_takes_too_long_to_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the engine sees it: its own limits come later."""
    with opened(tmp_path) as city:
        monkeypatch.setattr(surface, "READING_SECONDS", 0.0)
        sql = "SELECT sex FROM population"
        refused = city.use("ana", sql)
        assert refused.status_code == 403 and refused.json()["receipt"]
        assert [clause["reason"] for clause in refused.json()["clauses"]] == ["sql-too-slow"]
        explained = city.post("ana", "/uses/explain", {"sql": sql, "activity": "care"}).json()
        assert [clause["reason"] for clause in explained["clauses"]] == ["sql-too-slow"]
