"""An answer is given again only while nothing that it rests on has changed; always with a receipt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from publica.gateway import again
from publica.gateway.door import Answer, Recent, Request
from publica.instance import Instance
from publica.kernel.actor import CITIZEN, Actor
from publica.trust.privacy.store import released

from . import support
from .office import PEOPLE, Office
from .world import OPERATOR, rows_of

WOMEN = "SELECT person_id, sex FROM population WHERE sex = 'F'"
WHO = "SELECT person_id, sex FROM population"
Computed = Callable[[], int]


@pytest.fixture
def office(tmp_path: Path, state: str) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.instance.close()


@pytest.fixture
def computed(office: Office, monkeypatch: pytest.MonkeyPatch) -> Computed:
    return counted(office.instance, monkeypatch)


def counted(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> Computed:
    """How often the engine was asked since this was last called."""
    engine, times = instance.door.engine, [0]
    snapshot = engine.snapshot

    def counting(seconds: float) -> Any:
        times[0] += 1
        return snapshot(seconds)

    def since() -> int:
        found, times[0] = times[0], 0
        return found

    monkeypatch.setattr(engine, "snapshot", counting)
    return since


def stream(answer: Answer) -> bytes:
    return b"".join(answer.spool.raw())


def test_the_same_answer_has_a_receipt_of_its_own(office: Office, computed: Computed) -> None:
    first = office.answer(WOMEN)
    assert computed() == 1
    second = office.answer(WOMEN)
    assert computed() == 0
    assert stream(second) == stream(first)
    assert second.decision == first.decision
    assert first.receipt != second.receipt
    entries = [office.entry(answer.receipt or "") for answer in (first, second)]
    differing = {name for name in entries[0] if entries[0][name] != entries[1][name]}
    salted = {"actor", "sql", "result", "touched", "released"}  # nobody sees that the same was asked and told
    assert differing == {"id", "nonce", "at", *salted}
    uses = {key: {each["use"] for each in office.instance.uses(key, OPERATOR)} for key in ("P-1", "P-4")}
    assert uses == {"P-1": {first.receipt, second.receipt}, "P-4": set()}  # P-4 is not of those towns
    assert office.instance.verify_ledger()["problems"] == []


def test_one_answer_dropped_leaves_the_others(office: Office) -> None:
    first = office.answer(WHO)
    whole = stream(first)
    for _ in range(2):
        answer = office.answer(WHO)
        assert stream(answer) == whole
        answer.spool.drop()
    first.spool.drop()
    assert stream(office.answer(WHO)) == whole


@contextmanager
def objection(office: Office) -> Iterator[None]:
    with closing(Instance.open(office.folder / "office")) as other:  # as another server would take it
        other.choose("P-1", "care", "object", OPERATOR)
    yield


@contextmanager
def loaded(office: Office) -> Iterator[None]:
    office.load("population", [*PEOPLE[:1], ("P-2", "Bob", "F", *PEOPLE[1][3:]), *PEOPLE[2:]])
    yield


@contextmanager
def scope(office: Office) -> Iterator[None]:
    with office.changed("agreement", "registry-care", volume=1_000):
        yield


@contextmanager
def grown(office: Office) -> Iterator[None]:
    office.load("population", [*PEOPLE, ("P-9", "Eva", "F", *PEOPLE[0][3:])])
    yield


@pytest.mark.parametrize("change", [objection, loaded, scope, grown])
def test_whatever_changes_it_is_computed_anew(
    office: Office, computed: Computed, change: Callable[[Office], Any]
) -> None:
    before = office.rows(WHO)
    computed()
    with change(office):
        after = office.rows(WHO)
        assert computed() == 1
        assert (len(after), after == before) == {
            objection: (2, False), loaded: (3, False), scope: (3, True), grown: (4, False),
        }[change]  # fmt: skip
        assert office.rows(WHO) == after
        assert computed() == 0


@pytest.mark.parametrize(
    "change", [{"valid_to": "2025-02-01"}, {"signatures": []}, {"purposes": ["dpv:Marketing"]}]
)
def test_what_is_refused_now_is_not_given_again(office: Office, change: dict[str, Any]) -> None:
    office.rows(WHO)
    with office.changed("agreement", "registry-care", **change):
        assert office.missing(WHO)
    assert "actor-role" in office.missing(WHO, actor="sam")


def test_agreements_are_charged_each_time(office: Office) -> None:
    with office.changed("agreement", "registry-care", volume=7):
        assert [len(office.rows(WHO)) for _ in range(2)] == [3, 3]
        assert office.missing(WHO)  # 9 rows would have left
        assert len(office.rows(WHO + " LIMIT 1")) == 1


VALUES = (1, True, 1.0, Decimal(1), Decimal("1.0"), "1", None, 0, False, "")


def test_values_that_only_look_alike_are_other_questions(office: Office, computed: Computed) -> None:
    given = [office.answer("SELECT $x AS x, sex FROM population", x=value).table() for value in VALUES]
    assert computed() == len(VALUES)
    repeated = [office.answer("SELECT $x AS x, sex FROM population", x=value).table() for value in VALUES]
    assert computed() == 0
    assert given == repeated
    assert len({(str(table.schema.field("x").type), str(table["x"][0])) for table in given}) == len(VALUES)


def test_activities_have_answers_of_their_own(office: Office, computed: Computed) -> None:
    keys = {
        activity: {row[0] for row in office.rows(WHO, activity, actor)}
        for activity, actor in (("care", "ana"), ("watch", "ana"), ("upkeep", "ruth"))
    }
    assert computed() == 3
    assert keys["upkeep"] == {"P-1", "P-2", "P-3", "P-4"}
    assert not keys["care"] & keys["upkeep"]


def test_ones_own_data_is_never_kept(office: Office, computed: Computed) -> None:
    for key in ("P-1", "P-2", "P-1"):
        asked = Request(Actor(f"{CITIZEN}{key}", "oidc"), "own-data", "SELECT person_id FROM population")
        assert rows_of(office.instance.use(asked).table()) == [(key,)]
    assert computed() == 3


def test_a_choice_in_between_is_heeded(
    office: Office, computed: Computed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody objects after the kept answer was found and before its receipt is written."""
    assert len(office.rows(WHO)) == 3
    computed()
    find, found = again.find, []

    def late(door: Any, asked: Any) -> Any:
        found.append(find(door, asked))
        if len(found) == 1:
            office.instance.choose("P-1", "care", "object", OPERATOR)
        return found[-1]

    monkeypatch.setattr(again, "find", late)
    assert len(office.rows(WHO)) == 2
    assert [each is not None for each in found] == [True, False]
    assert computed() == 1
    assert office.instance.verify_ledger()["problems"] == []


def test_large_answers_are_not_kept(
    office: Office, computed: Computed, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = office.answer(WHO).spool.size
    monkeypatch.setattr(again, "SMALL", size)
    larger = "SELECT person_id, sex, municipality FROM population"
    for sql in (WHO, larger, WHO, larger):
        office.rows(sql)
    assert computed() == 3


def test_none_are_kept_where_the_settings_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Office(tmp_path)
    made.instance.close()
    with (tmp_path / "office" / "publica.toml").open("a", encoding="utf-8") as settings:
        settings.write("\n[engine]\nanswers = 0\n")
    with closing(Instance.open(tmp_path / "office")) as instance:
        office, computed = Office(tmp_path, instance), counted(instance, monkeypatch)
        assert office.rows(WHO) == office.rows(WHO)
        assert computed() == 2


def test_totals_are_as_if_computed_again(tmp_path: Path, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cells came out before: the history stays as it is, and the receipt says that none is new."""
    sql = """SELECT sex, count(*) AS n, avg(income) AS mean
        FROM population JOIN incomes USING (person_id) GROUP BY 1"""
    with closing(Instance.open(support.copy(tmp_path / "town"))) as instance:
        computed = counted(instance, monkeypatch)

        def ask() -> tuple[bytes, Any, dict[str, Any]]:
            answer = support.ask(instance, sql, activity="labour_statistics")
            return stream(answer), answer.margins, support.receipts(instance)[answer.receipt or ""]

        first = ask()
        assert computed() == 2  # the cells, then the statement over them
        history = cells(instance)
        assert history
        second = ask()
        assert computed() == 0
        monkeypatch.setattr(again, "find", lambda *_: None)
        third = ask()
        assert computed() == 2
        assert second[:2] == first[:2] == third[:2]
        assert cells(instance) == history
        for name in ("rows", "bytes", "protection", "choice_state", "form", "columns"):
            assert second[2][name] == third[2][name]
        assert ("cells" in second[2]) == ("cells" in third[2])
        assert instance.verify_ledger()["problems"] == []


def cells(instance: Instance) -> int:
    with instance.db.read() as connection:
        return int(connection.scalar(select(func.count()).select_from(released)) or 0)


def test_what_an_answer_takes_beside_its_bytes_counts(
    office: Office, computed: Computed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(again, "BESIDE", 40_000_000)  # of 64 MB there is room for one
    for sql in (WHO, WHO, WOMEN, WHO):
        office.rows(sql)
    assert computed() == 3


def test_as_much_is_kept_as_fits() -> None:
    kept: Recent[str] = Recent(10, len)
    for text in ("aaaa", "bbbb"):
        kept.put(text[0], text)
    assert kept.get("a") == "aaaa"  # used again, so that b goes first
    kept.put("c", "ccc")
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == ("aaaa", None, "ccc")
    kept.put("c", "cccccc")  # in the place of what stood there
    assert (kept.get("a"), kept.get("c")) == ("aaaa", "cccccc")
    kept.put("d", "d" * 11)
    assert [kept.get(key) for key in "acd"] == [None, None, None]
    kept.put("e", "e" * 10)
    assert kept.get("e") == "e" * 10
