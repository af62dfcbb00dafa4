"""A refusal leads to whoever can supply what was missing; their silence, to a chief data officer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from api.city import records
from spine.office import Office
from sqlalchemy import delete, update

from publica.gateway.door import Request
from publica.governance.capacity import ANSWER_DAYS, RequestState, gaps, listing
from publica.governance.capacity.rules import SUPPLIED_BY
from publica.governance.capacity.store import requests as table
from publica.instance import requests, worker
from publica.kernel import clock
from publica.kernel.actor import Actor
from publica.kernel.errors import BadInput, Refused
from publica.kernel.reasons import REASONS

ANA, SAM, CARLA, CLEO, IVO, EDDIE = (
    Actor(name, "oidc") for name in ("ana", "sam", "carla", "cleo", "ivo", "eddie")
)
NAMES = "SELECT name FROM population"


@pytest.fixture
def office(tmp_path_factory: pytest.TempPathFactory, state: str) -> Iterator[Office]:
    made = Office(tmp_path_factory.mktemp("requests"))
    made.apply(records())
    yield made
    made.instance.close()


def refused(office: Office, sql: str = NAMES, who: Actor = ANA, activity: str = "care") -> str:
    with pytest.raises(Refused) as refusal:
        office.instance.use(Request(who, activity, sql))
    assert refusal.value.receipt is not None
    return refusal.value.receipt


def asked(office: Office) -> str:
    use = refused(office)
    made = requests.ask(
        office.instance, use, "agreement-columns", "agreement:registry-care", "To write letters.", ANA
    )
    return made.id


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets the clock go forward."""
    now = clock.now

    def go(**by: float) -> None:
        monkeypatch.setattr(clock, "now", lambda: now() + timedelta(**by))

    return go


def test_a_refusal_names_whom_to_ask_for_each_thing(office: Office) -> None:
    found = requests.refusal(office.instance, refused(office), ANA)
    named = {(gap.reason, gap.about, gap.official) for gap in found.gaps}
    assert ("agreement-columns", "agreement:registry-care", "sam") in named
    assert ("columns-in-activity", "activity:care", "ivo") in named


def test_what_only_another_question_cures_is_nobodys_to_supply(office: Office) -> None:
    use = refused(office, "SELECT * FROM nowhere")
    (gap,) = requests.refusal(office.instance, use, ANA).gaps
    assert (gap.reason, gap.official) == ("sql-unknown-table", None)
    with pytest.raises(BadInput, match="Nobody can be asked"):
        requests.ask(office.instance, use, gap.reason, gap.about, "Please.", ANA)


def test_without_an_agreement_the_holders_steward_is_asked(office: Office) -> None:
    book = office.instance.book()
    receipt = {
        "clauses": [{"reason": "agreement-exists", "cites": None}],
        "activity": "care",
        "organisation": "supplier",
        "columns": {"population": ["name"], "municipalities": ["code"]},
    }
    (gap,) = gaps(book, receipt, "axel", clock.now().date())
    assert (gap.about, gap.official, gap.answering) == ("dataset:population", "sam", "registry")


def test_nobody_is_asked_to_answer_themselves(office: Office) -> None:
    book = office.instance.book()
    receipt = {
        "clauses": [{"reason": "dataset-loaded", "cites": "dataset:population"}],
        "activity": "care",
        "organisation": "registry",
        "columns": {},
    }
    (gap,) = gaps(book, receipt, "sam", clock.now().date())
    assert gap.official not in (None, "sam")


def test_every_reason_that_somebody_supplies_exists() -> None:
    assert set(SUPPLIED_BY) <= set(REASONS)


def test_a_request_is_asked_answered_and_in_the_ledger(office: Office) -> None:
    name = asked(office)
    made = requests.get(office.instance, name)
    assert (made.addressee, made.answering, made.state) == ("sam", "registry", RequestState.OPEN)
    assert made.due_at - made.asked_at == timedelta(days=ANSWER_DAYS)
    done = requests.answer(office.instance, name, agreed=False, why="Letters need no names.", actor=SAM)
    assert (done.state, done.decided_by, done.why) == ("declined", "sam", "Letters need no names.")
    found = office.instance.verify_ledger()
    assert found["problems"] == []
    assert found["kinds"]["request"] == 2


def test_the_ledger_names_nobody(office: Office) -> None:
    from sqlalchemy import select

    from publica.kernel.ledger.store import entries

    asked(office)
    with office.instance.db.read() as connection:
        body = connection.execute(select(entries.c.body).where(entries.c.kind == "request")).scalar_one()
    assert b"agreement-columns" in body
    assert not any(word in body for word in (b'"ana"', b'"sam"', b"letters"))


def test_only_whoever_was_refused_asks(office: Office) -> None:
    use = refused(office)
    with pytest.raises(BadInput, match="no such refusal of yours"):
        requests.ask(office.instance, use, "agreement-columns", "agreement:registry-care", "Please.", EDDIE)


@pytest.mark.parametrize(
    ("reason", "about"),
    [("agreement-exists", "agreement:registry-care"), ("agreement-columns", "agreement:registry-totals")],
)
def test_only_what_was_missing_is_asked_for(office: Office, reason: str, about: str) -> None:
    with pytest.raises(BadInput, match="not what this refusal lacked"):
        requests.ask(office.instance, refused(office), reason, about, "Please.", ANA)


def test_the_same_is_not_asked_twice(office: Office) -> None:
    asked(office)
    with pytest.raises(BadInput, match="asked for this already"):
        asked(office)


@pytest.mark.parametrize("words", ["", "   ", "x" * 2001, "bell \a"])
def test_words_are_needed(office: Office, words: str) -> None:
    use = refused(office)
    with pytest.raises(BadInput, match="printable characters"):
        requests.ask(office.instance, use, "agreement-columns", "agreement:registry-care", words, ANA)
    name = asked(office)
    with pytest.raises(BadInput, match="printable characters"):
        requests.answer(office.instance, name, agreed=True, why=words, actor=SAM)


@pytest.mark.parametrize(
    ("who", "reasons"),
    [
        (CARLA, {"request-addressee"}),
        (IVO, {"request-addressee"}),
        (ANA, {"request-addressee", "request-another"}),
    ],
)
def test_only_who_was_asked_answers(office: Office, who: Actor, reasons: set[str]) -> None:
    with pytest.raises(Refused) as refusal:
        requests.answer(office.instance, asked(office), agreed=True, why="Yes.", actor=who)
    assert {clause.reason for clause in refusal.value.decision.missing} == reasons


def test_only_who_asked_takes_it_back(office: Office) -> None:
    name = asked(office)
    with pytest.raises(Refused) as refusal:
        requests.withdraw(office.instance, name, SAM)
    assert [clause.reason for clause in refusal.value.decision.missing] == ["request-own"]
    assert requests.withdraw(office.instance, name, ANA).state is RequestState.WITHDRAWN
    assert office.instance.verify_ledger()["problems"] == []


def test_it_is_answered_once(office: Office) -> None:
    name = asked(office)
    requests.answer(office.instance, name, agreed=True, why="Yes.", actor=SAM)
    for act in (
        lambda: requests.answer(office.instance, name, agreed=False, why="No.", actor=SAM),
        lambda: requests.withdraw(office.instance, name, ANA),
    ):
        with pytest.raises(BadInput, match="closed already"):
            act()


def test_silence_goes_on_to_a_chief_data_officer(office: Office, later: Any) -> None:
    """After 27 days nothing happens; after 29, the worker lets it go on, once; then she may answer."""
    name = asked(office)
    later(days=ANSWER_DAYS - 1)
    assert requests.escalate(office.instance) == 0
    later(days=ANSWER_DAYS + 1)
    job = next(job for job in worker.jobs(office.instance) if job.name == "escalate")
    assert job.work(office.instance) == 1
    assert job.work(office.instance) == 0
    found = requests.get(office.instance, name)
    assert found.escalated_to == "cleo"  # of the holder's own chief data officer first
    assert found.overdue(clock.now())
    with office.instance.db.read() as connection:
        assert listing.statistics(connection, clock.now())["overdue"] == 1
    done = requests.answer(office.instance, name, agreed=True, why="Long enough.", actor=CLEO)
    assert done.state is RequestState.AGREED
    with office.instance.db.read() as connection:
        counted = listing.statistics(connection, clock.now())
    assert (counted["agreed"], counted["late"], counted["open"]) == (1, 1, 0)
    assert office.instance.verify_ledger()["problems"] == []


def test_a_successor_answers_for_who_left(office: Office) -> None:
    name = asked(office)
    made = records()
    made["official", "sam"]["valid_to"] = "2026-01-01"
    made["official", "sue"] = {"name": "Sue", "organisation": "registry"}
    made["role", "sue-steward"] = {**made["role", "sam-steward"], "official": "sue"}
    office.apply(
        {key: made[key] for key in (("official", "sam"), ("official", "sue"), ("role", "sue-steward"))}
    )
    with pytest.raises(Refused):
        requests.answer(office.instance, name, agreed=True, why="Yes.", actor=SAM)
    done = requests.answer(office.instance, name, agreed=True, why="Yes.", actor=Actor("sue", "oidc"))
    assert done.decided_by == "sue"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("words", "For money."),
        ("asker", "ivo"),
        ("addressee", "ivo"),
        ("due_at", "2099-01-01T00:00:00.000Z"),
        ("about", "agreement:other"),
        ("state", "agreed"),
        ("escalated_to", "ivo"),
        ("escalated_at", "2020-01-01T00:00:00.000Z"),
        ("decided_by", "carla"),
        ("decided_why", "Because."),
        ("decided_at", "2020-01-01T00:00:00.000Z"),
    ],
)
def test_what_was_altered_is_found(office: Office, later: Any, column: str, value: str) -> None:
    name = asked(office)
    if column.startswith("escalated"):
        later(days=ANSWER_DAYS + 1)
        requests.escalate(office.instance)
    if column.startswith("decided"):
        requests.answer(office.instance, name, agreed=False, why="No.", actor=SAM)
    assert office.instance.verify_ledger()["problems"] == []
    query = update(table).where(table.c.id == name).values({column: value})
    office.instance.db.maintain(lambda change: change.connection.execute(query))
    assert any("request" in problem for problem in office.instance.verify_ledger()["problems"])


def test_a_request_taken_away_is_missed(office: Office) -> None:
    name = asked(office)
    query = delete(table).where(table.c.id == name)
    office.instance.db.maintain(lambda change: change.connection.execute(query))
    assert any("nowhere else" in problem for problem in office.instance.verify_ledger()["problems"])
