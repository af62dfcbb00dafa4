"""Release history: what differs from what somebody was given by a few persons is not given to them."""

# ruff: noqa: E501 (a statement stays on its line)
from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest

from publica.gateway.door import Request
from publica.instance import Instance
from publica.trust.privacy import store
from publica.trust.privacy.rules import Parameters
from publica.trust.privacy.sketch import BITS, Shelf, Sketch, admit, too_near, widest

from .office import OPERATOR, STELLA, Office
from .support import ACTIVITY, actor, made, plain, protected_as, rows, truth, tuples

K = 10
TOTAL = "SELECT count(*) FROM population"
RECIPIENT = "statistics"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Instance]:
    """An instance of one's own, with no history."""
    shutil.copytree(made()[0], tmp_path / "demo")
    opened = Instance.open(tmp_path / "demo")
    yield opened
    opened.close()


def people(instance: Instance, count: int) -> list[str]:
    """Keys of people who did not object."""
    keys = (f"P-{number:07d}" for number in range(1, 3_000))
    return list(islice((key for key in keys if instance.choice_status(key, ACTIVITY)["allowed"]), count))


def withdraw(instance: Instance, keys: list[str]) -> None:
    for key in keys:
        instance.choose(key, ACTIVITY, "object", actor("operator"))


def cells(instance: Instance) -> int:
    with instance.db.read() as connection:
        return len(store.near(connection, RECIPIENT, ACTIVITY, [Sketch(0, 0, 5_000, 1)], 10_000, b""))


def test_watching_a_total_while_one_person_leaves_shows_nothing(own: Instance) -> None:
    before = rows(TOTAL, own)
    assert len(before) == 1
    assert rows(TOTAL, own) == before  # the same cell, again
    withdraw(own, people(own, 1))
    assert rows(TOTAL, own) == []
    withdraw(own, people(own, 30))  # enough of them, and the total comes out again
    assert len(rows(TOTAL, own)) == 1


def by_town(instance: Instance) -> dict[str, int]:
    return dict(rows("SELECT municipality, count(*) FROM population GROUP BY 1", instance))


def test_what_is_missing_does_not_tell_where_somebody_left(own: Instance) -> None:
    """Every cell that came out before is left out, wherever the one person was; later some come again."""
    before = by_town(own)
    assert len(before) == 12
    assert by_town(own) == before
    withdraw(own, people(own, 1))
    assert by_town(own) == {}
    assert len(rows("SELECT sex, count(*) FROM population GROUP BY 1", own)) == 2  # never asked before
    withdraw(own, people(own, 120))
    assert "1101" in by_town(own)


def test_many_choices_elsewhere_do_not_bring_a_cell_back(own: Instance) -> None:
    """Or else its coming back would tell that nobody of it was among them."""
    sql = "SELECT count(*) FROM population WHERE municipality = '3104'"
    assert len(rows(sql, own)) == 1
    elsewhere = [key for key in people(own, 60) if town_of(key) != "3104"]
    withdraw(own, elsewhere[:40])
    assert rows(sql, own) == []


def test_a_choice_and_its_opposite_are_another_state(own: Instance) -> None:
    """Or else it would show that it was the same person who came back."""
    assert len(rows(TOTAL, own)) == 1
    (key,) = people(own, 1)
    withdraw(own, [key])
    own.choose(key, ACTIVITY, "withdraw", actor("operator"))
    assert rows(TOTAL, own) == []


def test_a_new_version_is_another_state(own: Instance, tmp_path: Path) -> None:
    """Of one person less; which cells changed must not show. The same rows loaded again are the same state."""
    before = by_town(own)
    load = next(load for load in made()[1].loads if load.dataset == "population")
    own.load("population", list(load.files), actor("operator"))
    assert by_town(own) == before
    fewer = tmp_path / "population.csv"
    fewer.write_text("".join(load.files[0].read_text("utf-8").splitlines(keepends=True)[:-1]), "utf-8")
    own.load("population", [fewer], actor("operator"))
    assert by_town(own) == {}


def test_another_activity_has_noise_of_its_own(tmp_path: Path) -> None:
    """Or else equal counts under two activities would tell that nobody chose differently."""
    office = Office(tmp_path)
    people = ([f"{number % 20:02}"] for number in range(2_000))
    office.table("people", {"town": ("dimension", "string")}, people, also=("others",))
    sql = "SELECT town, count(*) FROM people GROUP BY town"
    one, other = (dict(office.ask(activity, sql)) for activity in ("people", "others"))
    assert one == dict(office.ask("people", sql))
    assert one.keys() == other.keys()
    assert sum(one[town] == other[town] for town in one) < 8
    office.instance.close()


def test_without_history_the_total_would_come_out(own: Instance) -> None:
    with protected_as(Parameters(noise=0)):
        before = rows(TOTAL, own)[0][0]
        withdraw(own, people(own, 1))
        assert rows(TOTAL, own)[0][0] == before - 1


def test_the_few_left_out_of_a_total_show_nowhere(own: Instance) -> None:
    """Three people of sex X: neither the total without them nor, first, the total with them and then without."""
    with protected_as(Parameters(noise=0), history=True):
        assert len(rows(TOTAL, own)) == 1
        assert rows("SELECT count(*) FROM population WHERE sex <> 'X'", own) == []
        assert rows("SELECT count(*) FROM population WHERE sex IN ('F', 'M')", own) == []


def test_also_within_one_statement(own: Instance) -> None:
    sql = "SELECT (SELECT count(*) FROM population), (SELECT count(*) FROM population WHERE sex <> 'X')"
    ((first, second),) = rows(sql, own)
    assert (first is None) != (second is None)


def test_another_spelling_of_a_released_cell_adds_nothing(own: Instance) -> None:
    rows("SELECT count(*) FROM population WHERE municipality LIKE '11%'", own)
    before = cells(own)
    rows("SELECT count(*), count(person_id) FROM population WHERE starts_with(municipality, '11')", own)
    assert cells(own) == before > 0


def test_a_failing_statement_counts_its_cells_as_released(own: Instance) -> None:
    from publica.kernel.errors import BadInput

    with pytest.raises(BadInput):
        rows("SELECT CASE WHEN count(*) > 5 THEN CAST('no' || count(*) AS INTEGER) END FROM population", own)
    assert cells(own) == 1


def test_of_two_at_once_that_are_too_near_one_comes_out(own: Instance) -> None:
    """Twenty threads ask for a total or for the total without three; never may both have come out."""
    both = (TOTAL, "SELECT count(*) FROM population WHERE sex <> 'X'")

    def ask(number: int) -> tuple[int, int]:
        sql = both[number % 2]
        return number % 2, own.use(Request(actor(), ACTIVITY, sql, {})).rows

    ask_first = own.door  # opened before the threads start
    assert ask_first is not None
    with ThreadPoolExecutor(8) as pool:
        came = list(pool.map(ask, range(20)))
    assert len({which for which, count in came if count}) == 1


def town_of(key: str) -> str:
    ((town,),) = truth().execute("SELECT municipality FROM population WHERE person_id = ?", [key]).fetchall()
    return str(town)


# sketches


def person(draw: random.Random) -> tuple[int, int]:
    return draw.getrandbits(31), 1 << draw.randrange(BITS)


def sketch(members: list[tuple[int, int]]) -> Sketch:
    bits = 0
    for _, bit in members:
        bits ^= bit
    return Sketch(sum(number for number, _ in members), bits, len(members))


def test_cells_that_differ_by_few_are_never_missed() -> None:
    draw = random.Random(1)
    base = [person(draw) for _ in range(200)]
    for _ in range(2_000):
        gone, come = draw.randrange(0, K), draw.randrange(0, K)
        if not 0 < gone + come < K:
            continue
        other = draw.sample(base, len(base) - gone) + [person(draw) for _ in range(come)]
        assert too_near(sketch(base), sketch(other), K)


@pytest.mark.parametrize(("apart", "most"), [(12, 0.6), (16, 0.05), (24, 0.001), (100, 0.001)])
def test_cells_that_differ_by_many_are_hardly_ever_taken_for_near(apart: int, most: float) -> None:
    draw = random.Random(2)
    alarms = 0
    for _ in range(2_000):
        base = [person(draw) for _ in range(60)]
        half = apart // 2
        other = base[half:] + [person(draw) for _ in range(apart - half)]
        alarms += too_near(sketch(base), sketch(other), K)
    assert alarms / 2_000 <= most


def test_the_same_people_asked_for_otherwise_are_as_near_as_those_that_lack_one() -> None:
    """Or else it would show from what is left out whether one person is in."""
    draw = random.Random(3)
    base = [person(draw) for _ in range(30)]
    known, again = sketch(base), sketch(base)
    assert not too_near(known, again, K)
    other = replace(again, definition=b"asked otherwise")
    assert too_near(known, other, K)
    assert too_near(known, replace(sketch(base[1:]), definition=b"asked otherwise"), K)


@pytest.mark.parametrize("k", [3, 10, 40])
def test_at_another_state_a_cell_needs_k_to_twice_k_other_people(k: int) -> None:
    """Never fewer, and how many nobody can foresee: it depends on the numbers of those in it before."""
    draw = random.Random(5)
    needed = []
    for _ in range(200):
        known = replace(sketch([person(draw) for _ in range(30)]), state=b"before")
        now = replace(known, state=b"now")
        assert too_near(now, known, k)
        far = (b for b in range(BITS) if not too_near(replace(now, bits=now.bits ^ ((1 << b) - 1)), known, k))
        needed.append(next(far))
    assert min(needed) >= k
    assert max(needed) <= widest(k) < BITS / 2 - 10
    assert len(set(needed)) >= min(k, 8)


def test_another_cell_at_another_state_needs_k_other_people() -> None:
    draw = random.Random(6)
    base = [person(draw) for _ in range(60)]
    known = replace(sketch(base), state=b"before", definition=b"one")
    assert too_near(replace(sketch(base), state=b"now", definition=b"two"), known, K)
    assert not too_near(replace(sketch(base[30:]), state=b"now", definition=b"two"), known, K)


def test_cells_of_one_table_are_never_near() -> None:
    """They have nobody in common, however alike chance made their bits."""
    draw = random.Random(7)
    one = replace(sketch([person(draw) for _ in range(12)]), definition=b"tab1cell 1", state=b"now")
    other = replace(one, number=one.number + 1, definition=b"tab1cell 2")
    assert not too_near(other, one, K)
    assert too_near(replace(other, definition=b"tab2cell 2"), one, K)
    assert too_near(replace(other, state=b"later"), one, K)


def test_no_cell_of_a_table_is_missing_for_being_near_another(own: Instance) -> None:
    """Hundreds of small cells in one answer."""
    sql = "SELECT municipality, birth_date, sex, count(*) FROM population GROUP BY ALL"
    with protected_as(Parameters(k=5, noise=0), history=True):
        found = rows(sql, own)
    assert sorted(found) == sorted(row for row in plain(sql) if row[-1] >= 5)


def test_admission_is_in_turn_and_of_whole_cells() -> None:
    draw = random.Random(4)
    base = [person(draw) for _ in range(50)]
    a, b, c = sketch(base), sketch(base[1:]), sketch(base[20:])
    assert admit([[a], [b], [c]], [], K) == [True, False, True]
    assert admit([[a], [c]], [b], K) == [False, True]
    assert admit([[a, b]], [], K) == [False]
    shelf = Shelf(K)
    shelf.put(a)
    assert shelf.near(b) and not shelf.near(a) and not shelf.near(c)


@pytest.mark.parametrize("second", ("{}.0", "{}e0", "$year", "-$minus", "$exact"))
def test_a_constant_in_other_digits_is_no_other_cell(tmp_path: Path, second: str) -> None:
    """When enough people have changed, that is drawn for a cell: another spelling would draw again, or not."""
    office, years = Office(tmp_path), range(1950, 1962)
    office.table(
        "people", {"born": ("dimension", "integer")}, ([f"{1950 + n % 12}"] for n in range(12 * 60)), noise=0
    )
    asked = [
        Request(STELLA, "people", f"SELECT count(*) FROM people WHERE born = {year}", {}) for year in years
    ]
    for request in asked:
        assert office.instance.use(request).table().num_rows == 1
    changed = tmp_path / "changed.csv"
    changed.write_text(
        "person_key,action\n" + "".join(f"P-{n:06d},object\n" for n in range(12 * 14)), "utf-8"
    )
    office.instance.choose_many(changed, "people", OPERATOR)
    seen = [counted(office, _spelt(request, second)) for request in asked]
    assert 0 < sum(map(bool, seen)) < 12
    assert seen == [counted(office, request) for request in asked]
    office.instance.close()


def counted(office: Office, request: Request) -> int:
    """How many come out, of nobody or of a cell that does not come out 0."""
    return sum(number for (number,) in tuples(office.instance.use(request)))


def _spelt(request: Request, second: str) -> Request:
    """The same with its number spelt otherwise."""
    body, year = request.sql[:-4], request.sql[-4:]
    known = {"year": float(year), "minus": -int(year), "exact": Decimal(f"{year}.00")}
    given = {name: value for name, value in known.items() if f"${name}" in second}
    return replace(request, sql=body + second.format(year), params=given)
