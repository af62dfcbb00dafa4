"""A demo of some thousand people, made once; questions under `labour_statistics`; and the plain truth."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb

from publica.demo.material import Material, build
from publica.demo.prepare import prepare
from publica.gateway import again
from publica.gateway.aggregate import run
from publica.gateway.door import Answer, Request
from publica.instance import Instance
from publica.kernel.actor import Actor
from publica.kernel.errors import Refused
from publica.trust.privacy.rules import Parameters

PERSONS = 3_000
ACTIVITY = "labour_statistics"
OPEN = Parameters(k=1, dominance=1.0, noise=0)
"""As good as no protection: what is left is the plain answer."""


@cache
def made() -> tuple[Path, Material]:
    """The demo of this test session, which nobody changes."""
    root = Path(tempfile.mkdtemp(prefix="publica-aggregate-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    stage = prepare(root / "demo", PERSONS, lambda *_: None)
    stage.instance.close()
    return root / "demo", build(root / "material", PERSONS)


@cache
def instance() -> Instance:
    """An instance that tests only ask; each asks under a history of its own (`fresh`)."""
    folder = Path(tempfile.mkdtemp(prefix="publica-aggregate-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shutil.copytree(made()[0], folder / "demo")
    opened = Instance.open(folder / "demo")
    atexit.register(opened.close)
    return opened


def actor(name: str = "stella") -> Actor:
    return Actor(name, "operator", "tester")


def ask(sql: str, on: Instance | None = None, **params: Any) -> Answer:
    return (on or instance()).use(Request(actor(), ACTIVITY, sql, params))


def rows(sql: str, on: Instance | None = None, **params: Any) -> list[tuple[Any, ...]]:
    return tuples(ask(sql, on, **params))


def tuples(answer: Answer) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in answer.table().to_pylist()]


def refusal(sql: str, on: Instance | None = None) -> tuple[str, str]:
    """The code of a refusal, and what it says is not allowed."""
    try:
        ask(sql, on)
    except Refused as refused:
        missing = refused.decision.missing[0]
        return missing.reason, missing.params.get("what", "")
    return "", ""


@contextmanager
def protected_as(parameters: Parameters, *, history: bool = False) -> Iterator[None]:
    """Other parameters than the activity's, and (unless told otherwise) no release history; nothing kept."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(again, "find", lambda *_: None))
        stack.enter_context(mock.patch.object(run, "parameters", lambda facts: parameters))
        if not history:
            everything = lambda wanted, known, k: [True for _ in wanted]  # noqa: E731
            stack.enter_context(mock.patch.object(run, "admit", everything))
            stack.enter_context(mock.patch.object(run, "completed", lambda chosen, *_: (chosen, [])))
            stack.enter_context(mock.patch("publica.gateway.receipts.fresh", lambda *a, **k: ()))
        yield


@cache
def truth() -> duckdb.DuckDBPyConnection:
    """Plain DuckDB over the material, from which those who objected were deleted."""
    _, material = made()
    files = {load.dataset: load.files[0] for load in material.loads}
    objecting = dict(material.choices)[ACTIVITY]
    connection = duckdb.connect(config={"threads": "1"})
    for name in ("population", "incomes", "municipalities"):
        text = (
            "all_varchar = true"
            if name != "incomes"
            else "types = {'person_id': 'VARCHAR', 'year': 'BIGINT'}"
        )
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM read_csv('{files[name]}', {text})")
    connection.execute(f"CREATE TABLE objected AS SELECT person_key FROM read_csv('{objecting}')")
    for name in ("population", "incomes"):
        connection.execute(f"DELETE FROM {name} WHERE person_id IN (SELECT person_key FROM objected)")
    band = f"(date_diff('year', birth_date::DATE, DATE '{_loaded()}') // 10 * 10)"
    connection.execute("ALTER TABLE population ADD COLUMN band VARCHAR")
    connection.execute(f"UPDATE population SET band = {band} || '-' || ({band} + 9)")
    connection.execute("ALTER TABLE population DROP birth_date")
    connection.execute("ALTER TABLE population RENAME band TO birth_date")
    return connection


def _loaded() -> str:
    """The day on which the population was loaded, from which ages are counted."""
    from publica.data import versions

    with instance().db.read() as connection:
        found = versions.current(connection, instance().folder / "data", "population")
    assert found is not None
    return str(found.recorded_at.date())


def plain(sql: str) -> list[tuple[Any, ...]]:
    return truth().execute(sql).fetchall()
