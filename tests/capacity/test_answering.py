"""Who answers what people ask about themselves: never whom they complain of, and nobody who left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from api.city import records
from spine.office import Office

from publica.instance import citizens, duties
from publica.kernel.actor import Actor
from publica.kernel.errors import Refused
from publica.trust.rights import Content, What, actions, rules

from .test_requests import ANA, CARLA, IVO, SAM

ME = "P-1"
PERSON = Actor(f"citizen:{ME}", "oidc")


@pytest.fixture
def office(tmp_path_factory: pytest.TempPathFactory, state: str) -> Iterator[Office]:
    made = Office(tmp_path_factory.mktemp("answering"))
    made.apply(records())
    yield made
    made.instance.close()


def steward(office: Office, official: str, organisation: str) -> None:
    spec = {"official": official, "role": "steward", "organisation": organisation, "valid_from": "2020-01-01"}
    office.apply({("role", f"{official}-steward-of-{organisation}"): spec})


def waits(office: Office, who: Actor) -> set[str]:
    """What waits for somebody, which the corrections and the queue say alike."""
    found = {each.id for each in citizens.to_answer(office.instance, who)}
    queued = {each.id for each in duties.queue(office.instance, who)}
    assert queued == found
    return found


def test_who_is_complained_of_does_not_answer(office: Office) -> None:
    """Though she is the steward, whoever made the use neither sees nor answers the complaint of it."""
    steward(office, "ana", "services")
    use = office.answer("SELECT person_id FROM population").receipt
    assert use is not None
    made = citizens.complain(office.instance, ME, use, "Why me?", PERSON)
    assert waits(office, ANA) == waits(office, CARLA) == set()
    assert waits(office, IVO) == {made.id}, "the other steward answers"
    office.apply({("official", "ivo"): {**records()["official", "ivo"], "valid_to": "2026-01-01"}})
    assert waits(office, ANA) == waits(office, IVO) == set()
    assert waits(office, CARLA) == {made.id}, "with no other steward, it is a chief data officer's"
    with pytest.raises(Refused):
        citizens.open_request(office.instance, made.id, ANA)
    with pytest.raises(Refused):
        citizens.answer(office.instance, made.id, done=False, words="Nothing is wrong.", actor=ANA)
    answered = citizens.answer(office.instance, made.id, done=True, words="It was wrong.", actor=CARLA)
    assert answered.state == "done"


def test_a_steward_answers_a_complaint_of_somebody_elses_use(office: Office) -> None:
    use = office.answer("SELECT person_id FROM population").receipt
    assert use is not None
    made = citizens.complain(office.instance, ME, use, "Why me?", PERSON)
    assert waits(office, IVO) == {made.id}


def test_a_chief_data_officer_does_not_answer_for_their_own_use(office: Office) -> None:
    """Not even once the clock has run out."""
    made = citizens.ask_correction(office.instance, ME, "population", "", "Wrong.", PERSON)
    late = made.due_at.date()
    book = office.instance.book()
    assert rules.answers(book, made, CARLA, late, frozenset())
    assert not rules.answers(book, made, CARLA, late, frozenset({"carla"}))


@pytest.mark.parametrize("left", ["2026-01-01", "2020-06-01"])
def test_nothing_waits_for_who_left(office: Office, left: str) -> None:
    """Their role runs on; what people ask goes to whoever is still there."""
    made = citizens.ask_correction(office.instance, ME, "population", "", "Wrong.", PERSON)
    use = office.answer("SELECT person_id FROM population").receipt
    assert use is not None
    office.apply({("official", "ivo"): {**records()["official", "ivo"], "valid_to": left}})
    steward(office, "sam", "services")
    complaint = citizens.complain(office.instance, ME, use, "Why me?", PERSON)
    assert waits(office, SAM) == {made.id, complaint.id}
    assert waits(office, CARLA) == set()
    office.apply({("official", "sam"): {**records()["official", "sam"], "valid_to": left}})
    assert waits(office, SAM) == set()
    assert waits(office, CARLA) == {made.id, complaint.id}
    with pytest.raises(Refused):
        citizens.open_request(office.instance, made.id, SAM)
    assert citizens.open_request(office.instance, made.id, CARLA).content.person == ME


def test_a_chief_data_officer_who_left_decides_nothing(office: Office) -> None:
    office.apply({("official", "carla"): {**records()["official", "carla"], "valid_to": "2026-01-01"}})
    made = citizens.ask_correction(office.instance, ME, "population", "", "Wrong.", PERSON)
    book = office.instance.book()
    assert not rules.answers(book, made, CARLA, made.due_at.date(), frozenset())


def test_no_flood_hides_what_others_ask(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever waits for one stands in their queue, and all of it in the clocks, whoever asked first."""
    monkeypatch.setattr(actions, "MOST_OPEN", 1000)
    instance = office.instance
    for _ in range(520):
        flood = Content("P-2", "", "x")
        actions.ask(instance.db, instance.keys, What.CORRECTION, "revenue", "incomes", flood, PERSON)
    made = citizens.ask_correction(instance, ME, "population", "", "Wrong.", PERSON)
    assert waits(office, SAM) == {made.id}
    assert len(waits(office, Actor("rosa", "oidc"))) == 520
    assert made.id in {each.id for each in duties.everything(instance)}
    assert len(duties.everything(instance)) == 521
