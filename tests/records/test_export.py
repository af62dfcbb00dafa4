"""What is exported, applied to a fresh instance, gives the same records."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from publica.kernel.database import Database
from publica.kernel.records import Book, apply, book, export

from .world import CARLA, KINDS, current, database, everything, give

texts = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufeff"), min_size=1, max_size=30
)
traps = st.sampled_from(
    ["NO", "null", "~", "1.10", "2020-01-01", "22:22", "- a", "a: b", "# c", "'", '"', "*x", "%", "!"]
)
lines_of_text = (texts | traps).filter(lambda text: text.strip() != "")
maybe = st.none() | lines_of_text
types = st.sampled_from(["string", "integer", "decimal", "number", "boolean", "date", "timestamp"])
days = st.dates().map(str)


@st.composite
def columns(draw: Any) -> list[dict[str, Any]]:
    names = draw(
        st.lists(
            st.from_regex(r"[a-z][a-z0-9]{0,8}(_[a-z0-9]{1,3})?", fullmatch=True), unique=True, max_size=5
        )
    )
    made = [
        {
            "name": name,
            "type": draw(types),
            "role": draw(st.sampled_from(["dimension", "measure", "attribute", "time", "key"])),
            "unit": draw(maybe),
            "codes": draw(st.none() | st.lists(texts | traps, min_size=1, max_size=3)),
            "required": draw(st.booleans()),
        }
        for name in names
        if name not in ("rowid", "the_key")
    ]
    return [{"name": "the_key", "type": "string", "role": "subject key"}, *made]


@st.composite
def worlds(draw: Any) -> list[dict[str, Any]]:
    """An organisation, a law and a personal dataset with whatever texts, as documents."""
    csv = {
        "nulls": draw(st.lists(texts | traps | st.just(""), max_size=3)),
        "delimiter": draw(st.sampled_from(";,\t|")),
    }
    dataset = {
        "title": draw(lines_of_text),
        "description": draw(lines_of_text.map(lambda text: f"{text}\n{text}")),
        "holder": "holder",
        "access": "personal",
        "licence": draw(maybe),
        "special_category": draw(st.booleans()),
        "columns": draw(columns()),
        "csv": csv,
    }
    law = {"title": draw(lines_of_text), "eli": draw(lines_of_text), "valid_from": draw(days)}
    specs = {
        "organisation": {"name": draw(lines_of_text), "type": "public body"},
        "law": law,
        "dataset": dataset,
    }
    return [{"kind": kind, "id": "holder", "spec": _given(spec)} for kind, spec in specs.items()]


def _given(value: Any) -> Any:
    """Without what is None, and every value as text: what a person writes."""
    if isinstance(value, dict):
        return {name: _given(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_given(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else value


def specs(found: Book) -> dict[Any, Any]:
    return {key: record.spec for key, record in found.records.items()}


@settings(max_examples=40)
@given(worlds())
def test_export_and_apply_give_the_same_state(documents: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with database(folder, "one.db") as one, database(folder, "two.db") as two:
            give(one, folder, yaml.safe_dump_all(documents, allow_unicode=True))
            assert len(export(one, KINDS, folder / "out")) == 3
            apply(two, KINDS, [folder / "out"], CARLA)
            assert specs(current(one)) == specs(current(two))
            again = apply(one, KINDS, [folder / "out"], CARLA)
            assert {difference.what for difference in again} == {"unchanged"}


def test_one_file_per_record(db: Database, tmp_path: Path) -> None:
    give(db, tmp_path, everything())
    written = export(db, KINDS, tmp_path / "out")
    assert tmp_path / "out" / "dataset" / "population.yaml" in written
    text = (tmp_path / "out" / "agreement" / "registry-social.yaml").read_text("utf-8")
    assert text.startswith("kind: agreement\nid: registry-social\nspec:\n  holder: registry\n")
    assert "valid_from: 2021-01-01\n" in text
    assert "in:\n      - 'NO'\n" in text


def test_an_export_is_the_same_bytes_each_time(db: Database, tmp_path: Path) -> None:
    give(db, tmp_path, everything())
    first = {path.name: path.read_bytes() for path in export(db, KINDS, tmp_path / "one")}
    assert first == {path.name: path.read_bytes() for path in export(db, KINDS, tmp_path / "two")}


def test_the_whole_world_survives(db: Database, tmp_path: Path) -> None:
    give(db, tmp_path, everything())
    export(db, KINDS, tmp_path / "out")
    with database(tmp_path, "fresh.db") as fresh:
        apply(fresh, KINDS, [tmp_path / "out"], CARLA)
        with fresh.read() as connection:
            assert specs(book(connection, KINDS)) == specs(current(db))
