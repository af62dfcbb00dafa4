"""`publica request`, `queue` and `oversight`: the same at the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from api.city import records
from click.testing import CliRunner, Result
from spine.office import Office

from publica.cli.main import publica
from publica.gateway.door import Request
from publica.kernel.actor import Actor
from publica.kernel.errors import BadInput, Refused

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = Office(tmp_path_factory.mktemp("commands"))
    made.apply(records())
    sql = "SELECT person_id, sex FROM population"
    made.instance.use(Request(Actor("ana", "oidc"), "care", sql)).spool.drop()
    made.instance.close()
    yield made.instance.folder


@pytest.fixture
def run(folder: Path) -> Run:
    def running(*words: str, code: int = 0) -> Any:
        result = CliRunner().invoke(publica, ["--instance", str(folder), *words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result.stdout

    return running


@pytest.fixture(scope="module")
def use(folder: Path) -> str:
    with pytest.raises(Refused) as refusal:
        CliRunner().invoke(
            publica,
            ["--instance", str(folder), "query", "--as", "ana", "--activity", "care",
             "SELECT name FROM population"],
            catch_exceptions=False,
        )  # fmt: skip
    return str(refusal.value.receipt)


def test_a_request_from_the_refusal_to_the_answer(run: Run, use: str) -> None:
    lacked = json.loads(run("request", "lacked", "--as", "ana", "--use", use, "--format", "json"))  # type: ignore[arg-type]
    gap = next(each for each in lacked if each["reason"] == "columns-in-activity")
    assert gap["official"] == "ivo"
    words = ("--use", use, "--reason", gap["reason"], "--about", gap["about"], "--words", "For letters.")
    made = str(run("request", "ask", "--as", "ana", *words))
    name = made.partition(":")[0]
    assert "ivo is asked" in made
    assert name in str(run("queue", "--as", "ivo"))
    assert "Nothing waits." in str(run("queue", "--as", "sam"))
    assert name in str(run("request", "list", "--of", "ana", "--open"))
    with pytest.raises(Refused):
        run("request", "answer", name, "--as", "sam", "--agree", "--why", "Yes.")
    assert "declined" in str(run("request", "answer", name, "--as", "ivo", "--decline", "--why", "No."))
    with pytest.raises(BadInput):
        run("request", "withdraw", name, "--as", "ana")


def test_oversight(run: Run, use: str, tmp_path: Path) -> None:
    assert use
    assert "There are none." in str(run("oversight", "holes"))
    assert "columns-in-activity" in str(run("oversight", "refusals"))
    assert "Nothing ends" in str(run("oversight", "endings", "--days", "1"))
    out = tmp_path / "people.csv"
    said = run(
        "oversight", "breach", "ana", "--since", "2026-01-01", "--until", "2099-01-01", "--why", "A check.",
        "--out", str(out),
    )  # fmt: skip
    assert "1 use touched 3 people" in str(said)
    assert sorted(out.read_text("utf-8").split()) == ["P-1,True", "P-2,True", "P-3,True", "person,row_left"]
    assert out.stat().st_mode & 0o077 == 0
