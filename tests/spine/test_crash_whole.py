"""kill -9 before every effect of what makes an instance or changes it as a whole: all of it, or nothing.

Afterwards it works, or says that it is none; and the same command, given again, does what it should.
"""

from __future__ import annotations

import json
import shutil
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import states
import yaml
from kernel.test_migrations import released
from sqlalchemy import select

from publica.instance import Instance, keyring, settings
from publica.instance.backup import back_up
from publica.instance.making import MARKER
from publica.kernel import schema
from publica.kernel.errors import BadInput, IntegrityBroken, PublicaError
from publica.kernel.ledger.store import entries

from . import support
from .support import Process, process
from .test_backup import published_at

pytestmark = pytest.mark.slow

MOST = 400
OPERATOR = support.actor("operator")


@pytest.fixture(scope="module")
def killer() -> Iterator[Process]:
    with process("crash.py") as server:
        yield server


@pytest.fixture
def every(killer: Process, tmp_path: Path, state: str) -> Callable[..., int]:
    """Run an operation again and again, each time in a place prepared anew and killed one effect later.

    Of effects on files every second: opening one counts before and after. They are the same on PostgreSQL:
    there only commits count.
    """
    each = 2 if state == "sqlite" else sys.maxsize

    def run(prepare: Callable[[Path], dict[str, Any]], check: Callable[[dict[str, Any]], None]) -> int:
        for number in range(1, MOST):
            place = tmp_path / str(number)
            place.mkdir()
            with states.on(state):
                given = {"files": {}, **prepare(place)}
                ended = killer.do(**given, effect=number, each=each)
                assert ended["status"] in (0, -9), ended
                if ended["status"] == 0:
                    assert ended["said"] == [{"done": True}]
                    return number - 1
                check({**given, "again": lambda given=given: _again(killer, given)})
            shutil.rmtree(place)
        raise AssertionError("it never came to its end")

    return run


def _again(killer: support.Process, given: dict[str, Any]) -> list[Any]:
    """What the same command says, given once more and left alone."""
    ended = killer.do(**given)
    assert ended["status"] == 0, ended
    said: list[Any] = ended["said"]
    return said


@cache
def _made(kind: str) -> Path:
    """An instance with some records, and nothing else."""
    folder = support.template().folder.parent / "small"
    state = None if kind == "sqlite" else states.server().url(states.server().create())
    records = folder.with_suffix(".yaml")
    spec = {"name": "Health Board", "type": "public body"}
    records.write_text(yaml.safe_dump({"kind": "organisation", "id": "health", "spec": spec}), "utf-8")
    with closing(Instance.create(folder, "town.example/ledger", state)) as instance:
        instance.apply((records,), OPERATOR)
        instance.checkpoint()
    return folder


def small(place: Path) -> Path:
    folder = place / "office"
    shutil.copytree(_made(states.Current.kind), folder)
    states.part(folder)
    return folder


def whole(folder: Path) -> dict[str, Any]:
    """It opens, its ledger is in order, and it can be used; what it says of itself."""
    with closing(Instance.open(folder)) as instance:
        report = instance.verify_ledger()
        assert report["problems"] == []
        instance.checkpoint()
        with instance.db.read() as connection:
            keys = select(entries.c.body).where(entries.c.kind == "key").order_by(entries.c.id)
            said = [json.loads(body) for body in connection.scalars(keys)]
            number = schema.present(connection)
        return {**report, "keys": said, "vkey": instance.verifier_key, "schema": number}


def is_none(folder: Path) -> bool:
    """Whether there is no instance; then whoever asks is told so."""
    if (folder / settings.FILE).exists():
        return False
    with pytest.raises(BadInput, match="not a Publica instance"):
        Instance.open(folder)
    return True


def test_init(every: Callable[..., int]) -> None:
    def prepare(place: Path) -> dict[str, Any]:
        return {"operation": "init", "folder": str(place / "office"), "state": states.named(place)}

    def check(given: dict[str, Any]) -> None:
        folder = Path(given["folder"])
        if is_none(folder):
            assert given["again"]() == [{"done": True}]
        assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
        assert whole(folder)["size"] == 0

    assert every(prepare, check) > 10


def test_restore(every: Callable[..., int], tmp_path: Path, state: str) -> None:
    with closing(Instance.open(_made(states.Current.kind))) as instance:
        back_up(instance, tmp_path / "backup.tar", with_keys=True)
        expected = instance.verify_ledger()["size"]

    def prepare(place: Path) -> dict[str, Any]:
        given = {"folder": str(place / "back"), "state": states.named(place), "accept": False}
        return {"operation": "restore", "file": str(tmp_path / "backup.tar"), **given}

    def check(given: dict[str, Any]) -> None:
        folder = Path(given["folder"])
        if is_none(folder):
            assert given["again"]() == [{"done": True}]
        assert whole(folder)["size"] == expected

    assert every(prepare, check) > (10 if state == "sqlite" else 1)


def test_upgrade(every: Callable[..., int]) -> None:
    def prepare(place: Path) -> dict[str, Any]:
        return {"operation": "upgrade", "folder": str(released("0.1.0", place / "office"))}

    def check(given: dict[str, Any]) -> None:
        folder = Path(given["folder"])
        try:
            Instance.open(folder).close()
        except PublicaError as error:
            assert "publica upgrade" in str(error)
        assert given["again"]() == [{"done": True}]
        assert whole(folder)["schema"] == schema.HEAD

    assert every(prepare, check) >= 2


def fits(folder: Path, kind: str, before: str | None) -> int:
    """The key in use is the last that the ledger names, or the first one; how many the ledger names."""
    found = whole(folder)
    kept = {(each["key"], each["state"]): each["id"] for each in keyring.listed(folder)}
    said = [entry["new"] for entry in found["keys"] if entry["key"] == kind]
    assert kept[kind, "in use"] == (said[-1] if said else before)
    assert not list((folder / "keys").glob("*.new"))
    assert found["vkey"] == (folder / "ledger.pub").read_text("ascii").strip()
    return len(said)


@pytest.mark.parametrize("kind", ["ledger", "sealing"])
def test_rotate(every: Callable[..., int], kind: str) -> None:
    before: list[str] = []

    def prepare(place: Path) -> dict[str, Any]:
        folder = small(place)
        before[:] = [each["id"] for each in keyring.listed(folder) if each["key"] == kind]
        return {"operation": "rotate", "folder": str(folder), "kind": kind}

    def check(given: dict[str, Any]) -> None:
        folder = Path(given["folder"])
        done = fits(folder, kind, before[0])
        assert given["again"]() == [{"done": True}]
        assert fits(folder, kind, None) == done + 1
        kept = [each["id"] for each in keyring.listed(folder) if each["key"] == kind]
        assert len(set(kept)) == len(kept) == done + 2, "every key that was in use is kept"

    assert every(prepare, check) > 5


@pytest.mark.parametrize("kind", ["ledger", "directory"])
def test_create(every: Callable[..., int], kind: str) -> None:
    def prepare(place: Path) -> dict[str, Any]:
        folder = small(place)
        (folder / "keys" / f"{kind}.key").unlink()
        return {"operation": "create", "folder": str(folder), "kind": kind}

    def check(given: dict[str, Any]) -> None:
        folder = Path(given["folder"])
        there = (folder / "keys" / f"{kind}.key").exists()
        said = given["again"]()
        assert said[0].get("error") == "BadInput" if there else said == [{"done": True}]
        assert fits(folder, kind, None) == 1
        assert (folder / "keys" / f"{kind}.lost").exists() == (kind == "directory")

    assert every(prepare, check) > 5


def test_backup(every: Callable[..., int]) -> None:
    def prepare(place: Path) -> dict[str, Any]:
        return {"operation": "backup", "folder": str(small(place)), "file": str(place / "backup.tar")}

    def check(given: dict[str, Any]) -> None:
        file = Path(given["file"])
        if not file.exists():
            assert given["again"]() == [{"done": True}]
        with tarfile.open(file) as tar:
            assert tar.getnames()[-1] == "backup.json", "it is whole"
        assert not file.with_name("backup.tar.part").exists()
        whole(Path(given["folder"]))

    assert every(prepare, check) > 1


def test_recover(every: Callable[..., int], tmp_path: Path) -> None:
    """A state that is behind two published checkpoints: until it is accepted everywhere, nothing opens."""
    behind = small(tmp_path)
    later = behind.with_name("later")
    shutil.copytree(behind, later)
    states.part(later)
    with closing(Instance.open(later)) as instance:
        instance.db.write(lambda change: change.enter("test", {}))
        ahead = instance.checkpoint()

    def prepare(place: Path) -> dict[str, Any]:
        folder = place / "back"
        shutil.copytree(behind, folder)
        states.part(folder)
        published_at(folder, place / "public")
        for note in (place / "public", folder / "checkpoints" / "latest"):
            note.write_text(ahead, "utf-8")
        return {"operation": "recover", "folder": str(folder)}

    def check(given: dict[str, Any]) -> None:
        folder = Path(given["folder"])
        try:
            whole(folder)
        except IntegrityBroken:
            assert given["again"]() == [{"done": True}]
        assert 1 <= whole(folder)["kinds"]["recovery"] <= 2
        assert list(folder.parent.glob("lost-*")) or list((folder / "checkpoints").glob("lost-*"))

    assert every(prepare, check) > 5


def test_a_folder_with_more_than_ours_is_never_emptied(tmp_path: Path) -> None:
    """Whatever a marker says."""
    folder = tmp_path / "office"
    (folder / "keys").mkdir(parents=True)
    (folder / MARKER).write_text('{"state": "", "mark": ""}')
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(BadInput, match="not empty"):
        Instance.create(folder)
    assert (folder / "thesis.txt").read_text() == "mine" and (folder / "keys").exists()
    (folder / "thesis.txt").unlink()
    Instance.create(folder).close()
    whole(folder)


def test_two_at_once_make_one(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def make(_: int) -> str:
        try:
            Instance.create(tmp_path / "office").close()
        except BadInput as error:
            return error.what
        return "made"

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(make, range(4)))
    assert told.count("made") == 1
    whole(tmp_path / "office")
