"""The tour really happens, and every command it shows works when typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from publica.cli.demo import PERSONS as DEFAULT
from publica.cli.main import publica
from publica.demo import tour
from publica.kernel.errors import BadInput, Refused

PERSONS = 400
SECTIONS = 10
"""The preparation, eight numbered sections, and what to try next."""


@pytest.fixture(scope="module")
def toured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    folder, said = tmp_path_factory.mktemp("tour") / "demo", list[str]()
    tour.run(folder, PERSONS, said.append)
    return folder, said


def commands(said: list[str]) -> list[list[str]]:
    """The commands shown, as a shell splits them."""
    text = "\n".join(said)
    shown = re.findall(r'^  \$ publica ((?:[^"\n]|"[^"]*")*)$', text, re.MULTILINE)
    return [shlex.split(command) for command in shown]


def test_the_tour_shows_what_was_promised(toured: tuple[Path, list[str]]) -> None:
    text = "\n".join(toured[1])
    assert text.count("═\n") == SECTIONS
    for shown in (
        "agreements    civil-registry-social-services, revenue-social-services",
        "[agreement-exists]",
        "[columns-in-activity]",
        "[aggregate-form]",
        " ± ",
        "data may not be used by health_research",
        "your row left",
        "did not touch P-",
        "everything holds",
        "The entry was altered",
    ):
        assert shown in text


def test_every_command_shown_works_when_typed(
    toured: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, said = toured
    monkeypatch.chdir(folder)
    typed = [words for words in commands(said) if words[0] != "--instance"]  # the forged copy is gone
    assert len(typed) > 25
    refused = 0
    for words in typed:
        done = CliRunner().invoke(publica, words, standalone_mode=False)
        if isinstance(done.exception, Refused):
            refused += 1
            continue
        assert done.exception is None or done.exception.args == (3,), f"{words}: {done.exception!r}"
    assert refused == 3


def test_a_demo_is_taken_up_again(toured: tuple[Path, list[str]]) -> None:
    again: list[str] = []
    written = toured[0] / "material" / "data" / "population.csv"
    before = written.stat().st_mtime_ns
    tour.run(toured[0], PERSONS, again.append)
    assert written.stat().st_mtime_ns == before
    assert not any("publica load population" in line for line in again)
    assert "\n".join(again).count("═\n") == SECTIONS - 1


def test_pages_tell_how_many_people_the_demo_has() -> None:
    docs = Path(__file__).resolve().parents[2] / "docs"
    assert f"with {DEFAULT:,} synthetic people" in (docs / "tutorial.md").read_text("utf-8")
    assert f"On the demo ({DEFAULT:,} people" in (docs / "statistics.md").read_text("utf-8")


def test_a_demo_of_another_size_needs_another_folder(toured: tuple[Path, list[str]]) -> None:
    with pytest.raises(BadInput, match=f"a demo of {PERSONS} persons"):
        tour.run(toured[0], PERSONS + 1, print)


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(BadInput, match="something else"):
        tour.run(tmp_path, PERSONS, print)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
