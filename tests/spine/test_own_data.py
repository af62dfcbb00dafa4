"""own-data: a citizen reads what is held about themselves, and nothing else can be felt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from publica.gateway.door import Answer, Request
from publica.kernel.actor import CITIZEN, Actor
from publica.kernel.errors import BadInput, Refused
from publica.trust.transparency import receipts, store

from .office import Office
from .world import rows_of

MINE = "SELECT person_id, sex, income FROM population"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, module_state: str) -> Iterator[Office]:
    made = Office(tmp_path_factory.mktemp("own"))
    made.load(
        "guardianships",
        [("P-1", "P-3", "mother", date(2000, 7, 7)), ("P-2", "P-4", "father", date(2001, 1, 1))],
    )
    yield made
    made.instance.close()


def citizen(key: str) -> Actor:
    return Actor(f"{CITIZEN}{key}", "oidc")


def ask(office: Office, actor: Actor, sql: str, **params: object) -> Answer:
    return office.instance.use(Request(actor, "own-data", sql, params))


def missing(office: Office, actor: Actor, sql: str) -> set[str]:
    with pytest.raises(Refused) as refused:
        ask(office, actor, sql)
    assert refused.value.receipt
    return {clause.reason for clause in refused.value.decision.missing}


def test_a_citizen_reads_their_own_rows_and_no_others(office: Office) -> None:
    answer = ask(office, citizen("P-2"), MINE)
    assert rows_of(answer.table()) == [("P-2", "M", 20)]
    assert rows_of(ask(office, citizen("P-3"), "SELECT count(*), max(income) FROM population").table()) == [
        (1, 30)
    ]
    entry = office.entry(answer.receipt or "")
    assert (entry["activity"], entry["outcome"]) == ("own-data", "released")


def test_every_spelling_sees_the_same_rows(office: Office) -> None:
    """Joins, set operations, subqueries and windows are over one's own rows alone."""
    for sql in (
        "SELECT p.income FROM population p, population q",
        "SELECT income FROM population WHERE income > 0 OR 1 = 1",
        "SELECT income FROM population UNION SELECT income FROM population",
        "SELECT income FROM (SELECT *, row_number() OVER (ORDER BY income) AS n FROM population)",
        "SELECT p.income FROM population p FULL JOIN population q ON p.person_id = q.person_id",
        "SELECT income FROM population WHERE EXISTS (SELECT 1 FROM population q WHERE q.income < 20)",
    ):
        assert rows_of(ask(office, citizen("P-1"), sql).table()) == [(10,)], sql


def test_poison_in_others_rows_is_not_felt(office: Office) -> None:
    """A cast that fails on P-1's note, and not on P-4's, whose note is a number."""
    answer = ask(office, citizen("P-4"), "SELECT CAST(note AS INTEGER) AS n FROM population")
    assert rows_of(answer.table()) == [(12,)]
    with pytest.raises(BadInput):
        ask(office, citizen("P-1"), "SELECT CAST(note AS INTEGER) AS n FROM population")


def test_a_row_about_two_people_does_not_name_the_other(office: Office) -> None:
    answer = ask(office, citizen("P-3"), "SELECT parent_id, child_id, kind FROM guardianships")
    assert rows_of(answer.table()) == [(None, "P-3", "mother")]


def test_officials_and_the_operator_are_refused(office: Office) -> None:
    for actor in (
        Actor("ana", "oidc"),
        Actor("P-2", "oidc"),
        Actor("operator", "operator", "root"),
        Actor(f"{CITIZEN}P-2", "operator", "root"),
    ):
        assert missing(office, actor, MINE) == {"own-person"}


def test_what_is_not_about_people_is_refused_unless_open(office: Office) -> None:
    assert rows_of(ask(office, citizen("P-1"), "SELECT count(*) FROM municipalities").table()) == [(2,)]
    assert "own-dataset" in missing(office, citizen("P-1"), "SELECT amount FROM budgets")


def test_somebody_unknown_sees_nothing(office: Office) -> None:
    assert ask(office, citizen("P-99"), MINE).rows == 0


def test_citizens_find_it_among_their_own_uses_and_nobody_elses(office: Office) -> None:
    """Also right after one another: the set of who was touched is never another person's."""
    first = ask(office, citizen("P-1"), "SELECT count(*) FROM population").receipt
    second = ask(office, citizen("P-2"), "SELECT count(*) FROM population").receipt
    for key, yes, no in (("P-1", first, second), ("P-2", second, first)):
        found = {use["use"] for use in office.instance.uses(key, Actor(f"{CITIZEN}{key}", "oidc"))}
        assert yes in found
        assert no not in found


def test_a_failed_one_touches_nobody_else(office: Office) -> None:
    with pytest.raises(BadInput):
        ask(office, citizen("P-1"), "SELECT CAST(note AS INTEGER) + 7 AS n FROM population")
    others = office.instance.uses("P-4", Actor(f"{CITIZEN}P-4", "oidc"))
    mine = office.instance.uses("P-1", Actor(f"{CITIZEN}P-1", "oidc"))
    failed = {use["use"] for use in mine if use["outcome"] == "failed"}
    assert failed
    assert not failed & {use["use"] for use in others}


def test_a_citizens_other_uses_are_refused_as_anybodys(office: Office) -> None:
    with pytest.raises(Refused) as refused:
        office.instance.use(Request(citizen("P-1"), "care", MINE))
    assert "actor-known" in {clause.reason for clause in refused.value.decision.missing}


def test_an_explanation_runs_nothing(office: Office) -> None:
    found = office.instance.explain(Request(citizen("P-1"), "own-data", MINE))
    assert found.decision.allowed
    assert "own_population" in (found.sql or "")


def test_the_ledger_tells_nobody_how_much_is_held_about_somebody(office: Office) -> None:
    """Who knows when a person looked learns no count from it; the counts are sealed, and all holds."""
    keys, shown = office.instance.keys, []
    for sql in (MINE, "SELECT person_id FROM population WHERE false", "SELECT 1 / 0 FROM population"):
        with suppress(BadInput):
            ask(office, citizen("P-3"), sql)
        with office.instance.db.read() as connection:
            newest = select(store.uses).order_by(store.uses.c.number.desc()).limit(1)
            row = connection.execute(newest).one()
            private = select(store.privates.c.sealed).where(store.privates.c.use == row.number)
            sealed = json.loads(
                keys.unseal(connection.execute(private).scalar_one(), receipts.original_context(row.id))
            )
        entry = office.entry(row.id)
        assert (entry["activity"], entry["rows"], entry["bytes"]) == ("own-data", None, None)
        assert (row.rows, row.bytes) == (0, 0)
        shown.append((entry["outcome"], sealed["rows"], sealed["bytes"] > 0))
    assert shown[:2] == [("released", 1, True), ("released", 0, True)]
    counted = office.answer("SELECT person_id FROM population").receipt
    assert counted is not None and office.entry(counted)["rows"] > 0, "of officials' uses all is told"
    office.instance.checkpoint()
    assert not office.instance.verify_ledger()["problems"]


def test_the_ledger_holds(office: Office, tmp_path: Path) -> None:
    assert office.instance.verify_ledger()["problems"] == []
