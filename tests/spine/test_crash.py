"""kill -9 at every boundary of every step: what was given out has its receipt, and nothing is half done."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import states
import yaml

from publica.data import versions
from publica.data.ingest.actions import _published
from publica.instance import Instance

from . import boundaries, support
from .boundaries import Boundary
from .crash import COMMIT, OPERATIONS, PERSON
from .support import Process, process

AGAIN_SAME = ("apply", "lapse", "choice", "choices", "checkpoint")
"""Operations that change nothing the second time."""


@pytest.fixture(autouse=True)
def dropped(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test's databases go with it."""
    with states.on(states.Current.kind):
        yield


@pytest.fixture(scope="module")
def killer() -> Iterator[Process]:
    with process("crash.py") as server:
        yield server


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, module_state: str) -> dict[str, str]:
    """What the operations load and apply."""
    town, folder = support.template(), tmp_path_factory.mktemp("files")
    records, terms, choices = folder / "records.yaml", folder / "terms.yaml", folder / "choices.csv"
    documents = [
        {"kind": "official", "id": "nora", "spec": {"name": "Nora New", "organisation": "health"}},
        {"kind": "organisation", "id": "health", "spec": {"name": "Health Board", "type": "public body"}},
    ]
    records.write_text(yaml.safe_dump_all(documents), "utf-8")
    written = yaml.safe_load_all((town.material.records / "activities.yaml").read_text("utf-8"))
    changed = next(each for each in written if each["id"] == "health_research")
    changed["spec"]["title"] += " of children"  # consents to the terms before lapse
    terms.write_text(yaml.safe_dump(changed), "utf-8")
    lines = [f"{key},withdraw\n" for key in support.people(town.material)[:50]]
    choices.write_text("person_key,action\n" + "".join(lines), "utf-8")
    return {
        "population": str(support.file_of(town.grown, "population")),
        "municipalities": str(support.file_of(town.material, "municipalities")),
        "records": str(records),
        "terms": str(terms),
        "choices": str(choices),
    }


@pytest.fixture(scope="module")
def whole(
    killer: Process, files: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """The state after each operation that nobody disturbed."""
    states = {}
    for name in OPERATIONS:
        folder = support.copy(tmp_path_factory.mktemp("whole") / "town")
        ended = killer.do(folder=str(folder), operation=name, files=files, rehearsal=True)
        assert ended["status"] == 0 and len(ended["said"]) == 1, (name, ended)
        states[name] = support.state(folder)
    return states


def before() -> dict[str, Any]:
    return _before(states.Current.kind)


@cache
def _before(_kind: str) -> dict[str, Any]:
    return support.state(support.template().folder)


def test_every_step_of_the_source_has_its_boundary() -> None:
    """A step that is added to one of these procedures needs a boundary here, or a reason."""
    tried = {step.partition("#")[0] for steps in boundaries.STEPS.values() for step in steps}
    steps = {p: boundaries.called(p) for group in boundaries.PROCEDURES.values() for p in group}
    assert len(steps["publica.gateway.use:use"]) >= 9
    found = set().union(*steps.values())
    assert found - tried - boundaries.PASSED_OVER.keys() == set()
    assert boundaries.PASSED_OVER.keys() <= found - tried
    assert boundaries.STEPS.keys() == OPERATIONS.keys()


ALL = list(boundaries.boundaries())
EVERYWHERE = [one for n, one in enumerate(ALL) if n % 6 == 0 or one.step.partition("#")[0] == COMMIT]
"""On PostgreSQL all commits, and one in six of the others: what is done to files is the same there."""


@pytest.mark.parametrize("boundary", EVERYWHERE, ids=str)
def test_killed_at(boundary: Boundary, killed: Callable[[Boundary], None]) -> None:
    killed(boundary)


@pytest.mark.sqlite
@pytest.mark.parametrize("boundary", [one for one in ALL if one not in EVERYWHERE], ids=str)
def test_killed_between(boundary: Boundary, killed: Callable[[Boundary], None]) -> None:
    killed(boundary)


@pytest.fixture
def killed(
    killer: Process, files: dict[str, str], whole: dict[str, dict[str, Any]], tmp_path: Path
) -> Callable[[Boundary], None]:
    return lambda boundary: _killed(boundary, killer, files, whole, tmp_path / "town")


def _killed(
    boundary: Boundary, killer: Process, files: dict[str, str], whole: dict[str, dict[str, Any]], place: Path
) -> None:
    folder = support.copy(place)
    given = {"folder": str(folder), "operation": boundary.operation, "files": files}
    ended = killer.do(**given, step=boundary.step, side=boundary.side)
    assert ended["status"] == -9, "it did not come to this boundary"
    assert ended["said"] == [], "something was given out before the operation was through"
    # Nothing half done: all of it or none of it, and it says which.
    after = whole[boundary.operation]
    assert support.state(folder, verified=False) == (after if boundary.done else before())
    # The instance works by itself right after, and the same thing can be done again; nothing of what is in
    # the ledger goes away, so that verifying it at the end holds for both times.
    again = killer.do(**given)
    assert again["status"] == 0 and len(again["said"]) == 1
    found = support.state(folder)
    if not boundary.done or boundary.operation in AGAIN_SAME:
        assert found == after
    else:
        assert found["entries"].total() == after["entries"].total() + len(_new(boundary.operation, after))
    if boundary.operation.endswith("load"):
        _nothing_is_left_over(folder)


def _new(operation: str, after: dict[str, Any]) -> dict[str, int]:
    """The ledger entries that doing it once more adds: of a load, a version of the same people."""
    added = after["entries"] - before()["entries"]
    added.pop("directory", None)
    return dict(added)


def _nothing_is_left_over(folder: Path) -> None:
    """After a load that ended well, there are the published files and no others."""
    data = folder / "data"
    with closing(Instance.open(folder)) as instance:
        published = _published(instance.db)
    places = (data / "versions", data / "subjects")
    there = {path.relative_to(data).as_posix() for place in places for path in place.rglob("*.*")}
    there |= {path.relative_to(data).as_posix() for path in (data / "subjects").iterdir()}
    assert there == published
    assert not [path for path in (data / "work").rglob("*") if path.is_file()]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moment(seed: int, killer: Process, files: dict[str, str], tmp_path: Path) -> None:
    """Four threads do everything at once until the process is killed, and again: what was told holds."""
    folder = support.copy(tmp_path / "town")
    draw = random.Random(seed)
    said: list[dict[str, Any]] = []
    for life in range(3):
        seconds = draw.uniform(0.4, 1.6)
        ended = killer.do(
            folder=str(folder), operation="busy", files=files, seed=seed * 10 + life, seconds=seconds
        )
        assert ended["status"] == -9
        said += ended["said"]
        _told_holds(folder, said)
        support.state(folder)


def _told_holds(folder: Path, said: list[dict[str, Any]]) -> None:
    with closing(Instance.open(folder)) as instance:
        assert support.ask(instance, support.HOW_MANY).receipt  # it works at once
        receipts, states = support.receipts(instance), support.consenting(instance)
        for told in said:
            if "receipt" in told and told["receipt"] is not None:
                assert told["receipt"] in receipts
            if "rows" in told and told["receipt"] is not None:
                counter = receipts[told["receipt"]]["choice_state"]["health_research"]
                assert len(told["rows"]) == len(states[counter])
        with instance.db.read() as connection:
            steps = support.choices.between(connection, "health_research", 1, 1_000_000)
            made = [(instance.position(t["toggled"]), t["action"]) for t in said if t.get("toggled")]
            kept = [(step.people.min(), str(step.action)) for step in steps]
            numbers = {f"municipalities@{version}" for version in range(1, 1000)}
            loaded = [told["version"] for told in said if "version" in told]
            assert len(set(loaded)) == len(loaded) and set(loaded) <= numbers
            for told in loaded:
                number = int(told.partition("@")[2])
                assert versions.get(connection, folder / "data", "municipalities", number)
        for one in made:
            assert one[1] is None or one in kept
        if any("allowed" in told for told in said):
            assert not instance.choice_status(PERSON, "labour_statistics")["allowed"]


def test_the_boundaries_are_seen() -> None:
    every = list(boundaries.boundaries())
    assert len(every) > 100
    assert {boundary.done for boundary in every if boundary.step == COMMIT} == {True, False}
