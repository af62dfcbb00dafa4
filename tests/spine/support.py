"""A small town, built once and copied for each test; the command run in this process; processes kept open."""

from __future__ import annotations

import atexit
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import states
from sqlalchemy import Connection, func, select

from publica.cli.main import main
from publica.data import versions
from publica.data.store import dataset_version, subject_segment
from publica.demo.material import Material, build
from publica.gateway.door import Answer, Request
from publica.instance import Instance
from publica.kernel.actor import Actor
from publica.kernel.ledger.store import entries
from publica.kernel.records.store import revisions
from publica.trust.consent import store as choices
from publica.trust.consent.notice_store import notices
from publica.trust.privacy.store import released
from publica.trust.transparency import store as transparency

HERE = Path(__file__).parent
PERSONS, MORE = 200, 220
DATASETS = ("municipalities", "population", "incomes", "hospital_stays", "charging_points")
RESEARCH = "health_research"
HOW_MANY = "SELECT count(DISTINCT person_id) AS n FROM population"
"""Under RESEARCH: how many people consent."""


@dataclass(frozen=True)
class Town:
    """A template: an instance's folder that nobody touches, and the material it was made of."""

    folder: Path
    material: Material
    grown: Material
    """The same town with more people, never loaded."""


def template() -> Town:
    """The town of this test session, on the state database of the running test."""
    return _template(states.Current.kind)


@cache
def _template(kind: str) -> Town:
    root = Path(tempfile.mkdtemp(prefix="publica-town-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    town = Town(root / "town", build(root / "material", PERSONS), build(root / "grown", MORE))
    with closing(_create(town.folder, kind)) as instance:
        instance.apply((town.material.records,), actor("carla"))
        for load in town.material.loads:
            if load.dataset in DATASETS:
                instance.load(load.dataset, load.files, actor("operator"))
        for activity, file in town.material.choices:
            instance.choose_many(file, activity, actor("operator"))
    return town


def _create(folder: Path, kind: str) -> Instance:
    state = None if kind == "sqlite" else states.server().url(states.server().create())
    return Instance.create(folder, "town.example/ledger", state)


def copy(folder: Path) -> Path:
    """A town of one's own."""
    shutil.copytree(template().folder, folder)
    states.part(folder)
    return folder


def file_of(material: Material, dataset: str) -> Path:
    return next(load.files[0] for load in material.loads if load.dataset == dataset)


def actor(name: str) -> Actor:
    return Actor(name, "operator", "tester")


def ask(instance: Instance, sql: str, who: str = "stella", activity: str = RESEARCH, **params: Any) -> Answer:
    return instance.use(Request(actor(who), activity, sql, params))


def people(material: Material) -> list[str]:
    """The keys of everybody."""
    lines = file_of(material, "population").read_text("utf-8").splitlines()[1:]
    return [line.partition(",")[0] for line in lines]


def consenting(instance: Instance, activity: str = RESEARCH) -> list[set[int]]:
    """Who consented after each choice, from the choices alone: index n is the state at counter n."""
    states: list[set[int]] = [set()]
    with instance.db.read() as connection:
        for change in choices.between(connection, activity, 0, 1_000_000):
            assert change.counter == len(states)
            now = set(states[-1])
            now = now | set(change.people) if change.action == "grant" else now - set(change.people)
            states.append(now)
    return states


def receipts(instance: Instance) -> dict[str, dict[str, Any]]:
    """Every receipt of the ledger by the id of its use."""
    with instance.db.read() as connection:
        bodies = connection.execute(select(entries.c.body).where(entries.c.kind == "receipt")).scalars()
        return {receipt["id"]: receipt for receipt in map(json.loads, bodies)}


def state(folder: Path, *, verified: bool = True) -> dict[str, Any]:
    """All that counts as done in an instance; versions must be whole and (`verified`) its ledger in order."""
    with closing(Instance.open(folder)) as instance:
        with instance.db.read() as connection:
            found = _state(connection)
            for dataset, number in {row[0]: row[1] for row in found["versions"]}.items():
                version = versions.get(connection, folder / "data", dataset, number)
                assert version is not None
                assert hashlib.sha256(version.path.read_bytes()).hexdigest() == version.digest
        assert not verified or instance.verify_ledger()["problems"] == []
    return found


def _state(connection: Connection) -> dict[str, Any]:
    def rows(*columns: Any) -> list[tuple[Any, ...]]:
        return sorted(tuple(row) for row in connection.execute(select(*columns)))

    tables = revisions, dataset_version, subject_segment, choices.counters, choices.changes
    record, version, segment, counter, change = (table.c for table in tables)
    uses = transparency.uses.c
    return {
        "records": rows(record.kind, record.id, record.revision),
        "versions": rows(version.dataset, version.number, version.rows, version.subjects),
        "people": rows(segment.first, segment.count),
        "counters": rows(counter.activity, counter.value),
        "choices": rows(change.activity, change.counter, change.action),
        "terms": rows(notices.c.activity, notices.c.version, notices.c.lapsed),
        "uses": rows(uses.activity, uses.outcome, uses.rows),
        "cells": rows(func.count(released.c.id)),
        "originals": rows(func.count(transparency.privates.c.use)),
        "entries": Counter(kind for (kind,) in rows(entries.c.kind)),
    }


def sound(folder: Path) -> None:
    """The ledger is in order."""
    with closing(Instance.open(folder)) as instance:
        assert instance.verify_ledger()["problems"] == []


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def publica(*words: str, instance: Path | None = None, stdin: str = "", plain: bool = False) -> Ran:
    """Run the command in this process; never lets an exception out, nor a traceback pass."""
    given = ["publica", *(["--instance", str(instance)] if instance else []), *words]
    out, err = io.BytesIO(), io.BytesIO()
    code: Any = 0
    with (
        mock.patch.object(sys, "argv", given),
        mock.patch.object(sys, "stdin", io.StringIO(stdin)),
        redirect_stdout(io.TextIOWrapper(out, "utf-8", write_through=True)) as stdout,
        redirect_stderr(io.TextIOWrapper(err, "utf-8", "backslashreplace", write_through=True)) as stderr,
    ):
        try:
            main()
        except SystemExit as left:
            code = left.code
        finally:
            stdout.flush()
            stderr.flush()
    ran = Ran(code or 0, out.getvalue(), err.getvalue().decode())
    assert plain or "Traceback" not in ran.err
    return ran


@contextmanager
def kept_open(folder: Path) -> Iterator[Instance]:
    """While this lasts, commands run in this process share one open instance: quicker, and nothing else."""
    instance, opened = Instance.open(folder), Instance.open

    def shared(path: Path, **how: bool) -> Instance:
        return instance if path == folder else opened(path, **how)

    with (
        mock.patch.object(Instance, "open", shared),
        mock.patch.object(instance, "close", lambda: None),
    ):
        yield instance
    instance.close()


def executable(
    *words: str, env: Mapping[str, str] | None = None, cwd: Path | None = None, stdin: str = ""
) -> Ran:
    """Run the real command in a process of its own."""
    path = Path(sys.executable).with_name("publica")
    done = subprocess.run(
        [path, *words],
        capture_output=True,
        input=stdin.encode(),
        env=dict(env) if env is not None else None,
        cwd=cwd,
        timeout=60,
    )
    return Ran(done.returncode, done.stdout, done.stderr.decode())


class Process:
    """A Python process that stays open and answers one JSON line with another."""

    def __init__(self, script: str, *words: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, HERE / script, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": str(HERE.parent)},  # tests import each other as pytest lets them
        )

    def send(self, **words: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()

    def hear(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the process ended ({self._process.wait(10)})"
        return json.loads(line)

    def do(self, **words: Any) -> Any:
        self.send(**words)
        return self.hear()

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


@contextmanager
def process(script: str, *words: str) -> Iterator[Process]:
    opened = Process(script, *words)
    try:
        yield opened
    finally:
        opened.close()
