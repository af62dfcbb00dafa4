"""YAML is read as it stands, and what could mean something else is refused with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publica.kernel.documents import MAX_BYTES, MAX_DEPTH, MAX_DOCUMENTS, MAX_VALUES, read

from .world import reading

BOMBS = Path(__file__).parent.parent / "data" / "bombs"


def spec_of(folder: Path, text: str) -> object:
    result = reading(folder, f"kind: a\nid: b\nspec:\n  v: {text}\n")
    assert not result.problems, result.problems
    return result.documents[0].spec["v"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("1.10", "1.10"),
        ("22:22", "22:22"),
        ("010", "010"),
        ("yes", "yes"),
        ("2026-01-31", "2026-01-31"),
        ("1e3", "1e3"),
        ("0x1F", "0x1F"),
        (".nan", ".nan"),
        ("", None),
        ("~", None),
        ("null", None),
        ("'null'", "null"),
        ('""', ""),
        ("'~'", "~"),
        ("[NO, ~]", ["NO", None]),
        ("{a: {b: [c]}}", {"a": {"b": ["c"]}}),
        ("|\n    two\n    lines", "two\nlines\n"),
        (r'"\t"', "\t"),
    ],
)
def test_every_value_is_text_or_no_value(tmp_path: Path, text: str, value: object) -> None:
    assert spec_of(tmp_path, text) == value


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("kind: a\nid: b\nid: c\nspec: {}\n", 3, "second time (first in line 2)"),
        ("kind: a\nid: b\nspec:\n  x: 1\n  y:\n    - p: 1\n      p: 2\n", 7, "second time (first in line 6)"),
        ("kind: a\nid: b\nspec: &x {}\n", 3, "anchor"),
        ("kind: a\nid: b\nspec: {a: *x}\n", 3, "alias"),
        ("kind: a\nid: b\nspec:\n  <<: {a: 1}\n", 4, "merge key"),
        ("kind: a\nid: !!str b\nspec: {}\n", 2, "tag"),
        ("kind: a\nid: b\nspec: !local {}\n", 3, "tag"),
        ("%YAML 1.1\n---\nkind: a\nid: b\nspec: {}\n", 1, "directive"),
        ("kind: a\nid: b\nspec:\n\tx: 1\n", 4, "spaces, not with tabs"),
        ("kind: a\nid: b\nspec: {x: 'unclosed\n", 3, "not valid YAML"),
        ("kind: a\nid: b\nspec: {? [1] : 2}\n", 3, "key must be text"),
        ('kind: a\nid: b\nspec: {x: "a\\0b"}\n', 3, "control character"),
        ('kind: a\nid: b\nspec: {x: "\\ud800"}\n', 3, "Unicode"),
        ("kind: a\nid: b\nspec: {x: \x07}\n", 3, "not allowed in YAML"),
        ("- kind\n", 1, "must be a mapping"),
        ("kind: a\nid: b\n", 1, "no spec"),
        ("kind: a\nid: b\nspec: text\n", 3, "spec must be a mapping"),
        ("kind: a\nid: [b]\nspec: {}\n", 2, "id must be text"),
        ("kind: a\nid:\nspec: {}\n", 2, "id must be text"),
        ("kind: a\nid: b\nspec: {}\nversion: 2\n", 4, "no field 'version'"),
        ("kind: a\nid: Upper\nspec: {}\n", 2, "is no id"),
        ("kind: a\nid: ../b\nspec: {}\n", 2, "is no id"),
        (f"kind: a\nid: {'b' * 101}\nspec: {{}}\n", 2, "is no id"),
    ],
)
def test_what_misleads_is_refused_where_it_stands(tmp_path: Path, text: str, line: int, says: str) -> None:
    result = reading(tmp_path, text)
    assert not result.documents
    [problem] = result.problems
    assert problem.place and problem.place.line == line
    assert problem.place.file == str(tmp_path / "given.yaml")
    assert says in str(problem)
    assert problem.do


def test_several_documents_and_the_line_of_each_value(tmp_path: Path) -> None:
    first = "# a comment\n---\nkind: a\nid: one\nspec:\n  list:\n    - x: 1\n      y: 2\n"
    text = first + "---\n---\nkind: a\nid: two\nspec: {}\n"
    one, two = reading(tmp_path, text).documents
    assert (one.id, two.id) == ("one", "two")
    assert one.place(("spec", "list", 0, "y")).line == 8
    assert one.place(("spec", "list", 0, "missing")).line == 7
    assert one.place().line == 3
    assert two.place(("id",)).line == 12


def test_one_bad_document_does_not_hide_the_others(tmp_path: Path) -> None:
    result = reading(tmp_path, "kind: a\nid: A\nspec: {}\n---\nkind: a\nid: b\nspec: {}\n---\nkind: a\n")
    assert [document.id for document in result.documents] == ["b"]
    assert [problem.place.line for problem in result.problems if problem.place] == [2, 9, 9]


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    assert reading(tmp_path, b"\xef\xbb\xbfkind: a\nid: b\nspec: {}\n").documents[0].kind == "a"


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_another_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    [problem] = reading(tmp_path, "kind: a\nid: b\nspec: {x: é}\n".encode(encoding)).problems
    assert "not UTF-8" in str(problem)


@pytest.mark.parametrize("bomb", sorted(BOMBS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_bomb_is_refused(bomb: Path) -> None:
    result = read([bomb])
    assert not result.documents
    assert result.problems
    assert all(problem.place and problem.place.file == str(bomb) for problem in result.problems)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 40_000, f"more than {MAX_DEPTH} deep"),
        ("{" * 40_000, "key must be text"),
        ("- " * 40_000, f"more than {MAX_DEPTH} deep"),
        ("{a: " * 100_000, f"more than {MAX_DEPTH} deep"),
        ("--- 1\n" * 100_000, f"more than {MAX_DOCUMENTS} documents"),
        ("--- {kind: a, id: b, spec: {}}\n" * (MAX_DOCUMENTS + 1), f"more than {MAX_DOCUMENTS} documents"),
        ("[" + "a," * (MAX_VALUES + 1) + "]", f"more than {MAX_VALUES} values"),
        ("#" * (MAX_BYTES + 1), "larger than 5 MB"),
        ("".join(f"%TAG !a{number}! b\n" for number in range(100_000)), "directives"),
    ],
    ids=["lists", "mappings", "blocks", "keys", "scalars", "documents", "values", "bytes", "directives"],
)
def test_what_is_too_much_is_refused(tmp_path: Path, text: str, says: str) -> None:
    problems = reading(tmp_path, text).problems
    assert says in str(problems[-1])


def test_folders_are_read_sorted_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b/2.yml", "a/1.yaml", "a/.hidden.yaml", ".git/3.yaml", "a/note.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"kind: a\nid: n{len(name)}\nspec: {{}}\n")
    found = read([tmp_path, tmp_path / "b" / "2.yml"])
    assert [Path(document.file).name for document in found.documents] == ["1.yaml", "2.yml"]


@pytest.mark.parametrize("what", ["missing.yaml", "empty-folder", "empty.yaml"])
def test_nothing_to_read_is_refused(tmp_path: Path, what: str) -> None:
    (tmp_path / "empty-folder").mkdir()
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    assert read([tmp_path / what]).problems
    assert read([]).problems


@settings(max_examples=150)
@given(st.one_of(st.binary(max_size=80), st.text(alphabet="ab:-[]{}&*!|>'\"%#?,~ \n\t<", max_size=60)))
def test_whatever_is_given_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str | bytes
) -> None:
    result = reading(tmp_path_factory.getbasetemp(), text)
    assert result.documents or result.problems
