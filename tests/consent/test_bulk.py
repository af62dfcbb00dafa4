"""Reading choices from CSV: each error says where it is; a million lines take seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from publica.kernel.errors import BadInput
from publica.trust.consent import parse_choices


def _file(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "choices.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_choices_are_read_in_order(tmp_path: Path, start: str, end: str) -> None:
    lines = ["person_key,action", "P-2,grant", '"Łódź, 7",withdraw', "", "P-2,grant", "P-1,object"]
    lines += ["P-3,refuse", ""]
    found = parse_choices(_file(tmp_path, start + end.join(lines)))
    assert found == [("P-2", "grant"), ("Łódź, 7", "withdraw"), ("P-1", "object"), ("P-3", "refuse")]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", 1),
        ("P-1,grant\n", 1),
        ("person_key;action\nP-1;grant\n", 1),
        ("action,person_key\ngrant,P-1\n", 1),
        ("person_key,action\nP-1\n", 2),
        ("person_key,action\nP-1,grant\nP-2,grant,x\n", 3),
        ("person_key,action\nP-1,Grant\n", 2),
        ("person_key,action\n\n,grant\n", 3),
        ("person_key,action\nP-1,grant\nP-2,grant\nP-1,withdraw\n", 4),
        ('person_key,action\nP-1,grant\n"P-2"x,grant\n', 3),
        (b"person_key,action\nP-\xff,grant\n", 1),
        ("person_key,action\nP-1,grant\n" + "x" * 200_000 + ",grant\n", 3),
    ],
)
def test_an_error_says_where(tmp_path: Path, content: str | bytes, line: int) -> None:
    path = _file(tmp_path, content)
    with pytest.raises(BadInput) as wrong:
        parse_choices(path)
    assert wrong.value.place is not None
    assert (wrong.value.place.file, wrong.value.place.line) == (str(path), line)
    assert wrong.value.do


def test_a_missing_file_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nowhere"):
        parse_choices(tmp_path / "nowhere.csv")


def test_many_lines(tmp_path: Path) -> None:
    body = "person_key,action\n" + "".join(f"P-{i:07d},grant\n" for i in range(300_000))
    path = _file(tmp_path, body)
    assert len(parse_choices(path)) == 300_000
