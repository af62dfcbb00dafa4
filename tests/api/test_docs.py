"""docs/api.md: its examples run, one after the other, against a server of the demo, as a reader runs them."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from spine.support import copy

from publica.api.app import create_app
from publica.cli.main import publica
from publica.instance import Instance

from .served import Reply, Served, serving

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
SERVER = "http://127.0.0.1:8000"
BLOCK = re.compile(r"^```(sh|python|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [(found[1], found[2]) for found in BLOCK.finditer(PAGE.read_text("utf-8"))]
"""Language and text of every example, in order."""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, dict[str, str]]]:
    folder = copy(tmp_path_factory.mktemp("docs") / "town")
    tokens = {"TOKEN": made(folder, "ana", "heating_grant", "open-access"), "STEWARD": made(folder, "sam")}
    with closing(Instance.open(folder)) as instance, serving(create_app(instance)) as served:
        yield served, tokens


def made(folder: Path, official: str, *activities: str) -> str:
    """A token, made by the command that the page shows."""
    chosen = [word for name in activities for word in ("--activity", name)] or ["--every-activity"]
    words = ["--instance", str(folder), "token", "create", "--for", official, "--name", "laptop", *chosen]
    said = CliRunner().invoke(publica, words, catch_exceptions=False)
    found = re.search(r"publica_[a-z2-7]+", said.output)
    assert found, said.output
    return found[0]


def curl(served: Served, tokens: dict[str, str], command: str) -> Reply:
    """What curl would do with these words."""
    words = iter(shlex.split(command.replace("\\\n", " ")))
    assert next(words) == "curl"
    url, body, headers = "", None, {}
    for word in words:
        if word == "-H":
            name, _, value = next(words).partition(": ")
            for variable, token in tokens.items():
                value = value.replace(f"${variable}", token)
            headers[name] = value
        elif word == "-d":
            body = next(words).encode()
        elif word != "-s":
            url = word
    assert url.startswith(SERVER), url
    return served.ask("GET" if body is None else "POST", url.removeprefix(SERVER), body, **headers)


def test_the_page_has_examples() -> None:
    languages = [language for language, _ in BLOCKS]
    assert languages.count("sh") >= 4
    assert languages.count("python") >= 4


def test_every_command_is_answered(town: tuple[Served, dict[str, str]]) -> None:
    served, tokens = town
    for language, text in BLOCKS:
        if language == "sh":
            answer = curl(served, tokens, text)
            assert answer.status == 200, (text, answer.body)


def test_every_program_runs(town: tuple[Served, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """In one session, each after those before it."""
    served, tokens = town
    monkeypatch.setenv("TOKEN", tokens["TOKEN"])
    session: dict[str, Any] = {}
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        for language, text in BLOCKS:
            if language == "python":
                exec(text.replace(SERVER, f"http://{served.host}:{served.port}"), session)
    assert "SELECT count(*) AS n FROM population" in said.getvalue()
    assert "columns-in-activity" in said.getvalue()
    assert session["frame"].columns == ["person_id", "year", "income"]


def test_the_answer_shown_has_the_fields_of_a_real_one(town: tuple[Served, dict[str, str]]) -> None:
    served, tokens = town
    ((_, shown),) = [block for block in BLOCKS if block[0] == "json"]
    asks = next(text for language, text in BLOCKS if language == "sh" and "/uses" in text)
    real = json.loads(curl(served, tokens, asks).body)
    assert real.keys() == json.loads(shown).keys()
    assert real["columns"] == json.loads(shown)["columns"]
