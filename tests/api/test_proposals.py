"""Proposals in the state database: an alteration is found; of those who decide at once, one does."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from spine.office import Office
from sqlalchemy import delete, update

from publica.governance.leadership import actions, listing
from publica.governance.leadership.model import State
from publica.governance.leadership.store import proposals
from publica.kernel.actor import Actor
from publica.kernel.documents import read_text, read_values
from publica.kernel.errors import BadInput, Refused

from .city import records

SAM, CARLA, CLEO = (Actor(name, "oidc") for name in ("sam", "carla", "cleo"))


@pytest.fixture
def office(tmp_path_factory: pytest.TempPathFactory, state: str) -> Iterator[Office]:
    made = Office(tmp_path_factory.mktemp("proposals"))
    made.apply(records())
    yield made
    made.instance.close()


def law(name: str) -> dict[str, object]:
    spec = {"title": "New", "eli": f"eli/{name}", "valid_from": "2026-01-01"}
    return {"kind": "law", "id": name, "spec": spec}


def propose(office: Office, *names: str) -> str:
    reading = read_values([law(name) for name in names], "document")
    instance = office.instance
    return actions.propose(instance.db, instance.kinds, reading, "A change", SAM)[0].id


def accept(office: Office, name: str, who: Actor = CARLA) -> None:
    actions.accept(office.instance.db, office.instance.kinds, name, who, "Because.")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("documents", "[]"),
        ("title", "Another"),
        ("proposer", "ivo"),
        ("state", "accepted"),
        ("decided_by", "cleo"),
        ("decided_why", "For money."),
        ("decided_at", "2020-01-01T00:00:00.000Z"),
        ("proposed_at", "2020-01-01T00:00:00.000Z"),
    ],
)
@pytest.mark.parametrize("decided", [False, True])
def test_what_was_altered_is_found(office: Office, column: str, value: str, decided: bool) -> None:
    name = propose(office, "new-act")
    if decided:
        actions.decline(office.instance.db, office.instance.kinds, name, CARLA, "No.")
    elif column.startswith("decided"):
        return
    assert office.instance.verify_ledger()["problems"] == []
    query = update(proposals).where(proposals.c.id == name).values({column: value})
    office.instance.db.maintain(lambda change: change.connection.execute(query))
    assert any("proposal" in problem for problem in office.instance.verify_ledger()["problems"])


def test_a_proposal_taken_away_is_missed(office: Office) -> None:
    name = propose(office, "new-act")
    query = delete(proposals).where(proposals.c.id == name)
    office.instance.db.maintain(lambda change: change.connection.execute(query))
    assert any("nowhere else" in problem for problem in office.instance.verify_ledger()["problems"])


def test_of_two_who_decide_at_once_one_does(office: Office) -> None:
    """And the records are changed once."""
    name, wrong = propose(office, "new-act", "other-act"), list[type[Exception]]()

    def decide(who: Actor) -> None:
        try:
            accept(office, name, who)
        except (BadInput, Refused) as error:
            wrong.append(type(error))

    threads = [threading.Thread(target=decide, args=(who,)) for who in (CARLA, CLEO)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [BadInput]
    found = listing.get(office.instance.db, name)
    assert found.state is State.ACCEPTED
    record = office.instance.book().get("law", "new-act")
    assert record is not None
    assert (record.revision, record.actor) == (1, "sam")
    assert office.instance.verify_ledger()["problems"] == []


def test_nothing_is_changed_by_a_decision_that_is_refused(office: Office) -> None:
    name = propose(office, "new-act")
    with pytest.raises(Refused) as refused:
        accept(office, name, SAM)
    missing = {clause.reason for clause in refused.value.decision.missing}
    assert missing == {"proposal-chief", "proposal-another"}
    assert office.instance.book().get("law", "new-act") is None


def test_what_became_true_meanwhile_is_accepted_and_changes_nothing(office: Office) -> None:
    first, second = propose(office, "new-act"), propose(office, "new-act")
    accept(office, first)
    accept(office, second)
    assert listing.get(office.instance.db, second).state is State.ACCEPTED
    record = office.instance.book().get("law", "new-act")
    assert record is not None
    assert record.revision == 1
    assert office.instance.verify_ledger()["problems"] == []


def test_yaml_and_json_say_the_same() -> None:
    text = b"kind: law\nid: new-act\nspec:\n  title: 'NO'\n  valid_from: 2026-01-01\n  objection: true\n"
    text += b"  n: 1\n  gone: null\n"
    spec = {"title": "NO", "valid_from": "2026-01-01", "objection": True, "n": 1, "gone": None}
    given = [{"kind": "law", "id": "new-act", "spec": spec}]
    (one,), (other,) = read_text(text, "a").documents, read_values(given, "b").documents
    assert one.spec == other.spec == {**spec, "objection": "true", "n": "1"}
    assert read_text(b"", "a").problems
    assert read_values([], "a").problems
