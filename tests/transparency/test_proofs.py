"""Proofs: in and out, for those who were there and those who came later; every alteration is noticed."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publica.data import subjects
from publica.data.ingest.actions import load
from publica.data.model import TableColumn, TableSchema
from publica.kernel.database import Database
from publica.kernel.errors import BadInput, IntegrityBroken, PublicaError
from publica.kernel.keys import Keys
from publica.kernel.ledger.checkpoint import vkey
from publica.trust.transparency import index
from publica.trust.transparency.model import Written
from publica.trust.transparency.proofs import prove
from publica.trust.transparency.sets import SubjectSet
from publica.trust.transparency.verification import verify_proof

from .world import ANA, new_database, new_keys, record

ORIGIN = "publica.test/ledger"
PAGE = Path(__file__).parents[2] / "docs" / "verify.md"
FIRST, LATER = 700, 300
SCHEMA = TableSchema(
    "population", (TableColumn("person_id", subject_key=True, required=True, concept="person"),)
)
Mutable = dict[str, Any]


@dataclass
class Town:
    database: Database
    keys: Keys
    folder: Path
    vkey: str
    uses: dict[str, Written]

    def position(self, key: str) -> int:
        with self.database.read() as connection:
            found = subjects.position(connection, self.folder, key)
        assert found is not None
        return found

    def prove(self, number: int, use: str) -> Mutable:
        written = self.uses[use].use
        return prove(self.database, self.keys, ORIGIN, self.folder, "person", f"Ü-{number}", written, ANA)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """700 people, three uses, then 300 more people."""
    folder = tmp_path_factory.mktemp("town")
    database, keys = new_database(folder), new_keys()
    town = Town(database, keys, folder / "data", vkey(keys, ORIGIN), {})
    _load(town, range(FIRST))
    some = [town.position(f"Ü-{number}") for number in range(100)]
    touched, released = SubjectSet.from_positions(some, FIRST), SubjectSet.from_positions(some[:3], FIRST)
    town.uses = {
        "rows": record(database, keys, touched, released),
        "at most": record(database, keys, touched, touched, exact=False),
        "refused": record(database, keys, outcome="refused", form="none", digest=None),
    }
    _load(town, range(FIRST + LATER))
    yield town
    database.close()


def _load(town: Town, numbers: range) -> None:
    file = town.folder.parent / f"people-{len(numbers)}.csv"
    file.write_text("person_id\n" + "".join(f"Ü-{number}\n" for number in numbers), "utf-8")
    load(town.database, town.keys, town.folder, SCHEMA, [file], ANA)


@pytest.mark.parametrize(
    ("number", "use", "touched", "released"),
    [
        (1, "rows", True, True),
        (50, "rows", True, False),
        (500, "rows", False, False),
        (FIRST + 5, "rows", False, False),
        (1, "at most", True, "at most"),
        (500, "at most", False, False),
        (1, "refused", False, False),
    ],
)
def test_in_or_out(town: Town, number: int, use: str, touched: bool, released: bool | str) -> None:
    proof = json.loads(json.dumps(town.prove(number, use)))
    verdict = verify_proof(proof, town.vkey)
    assert (verdict.touched, verdict.released, verdict.key) == (touched, released, f"Ü-{number}")
    assert verdict.use == town.uses[use].use
    assert proof["says"] == {"use": verdict.use, "touched": touched, "released": released}


def test_somebody_who_came_later_is_shown_out_by_the_size_alone(town: Town) -> None:
    proof = town.prove(FIRST + 5, "rows")
    assert town.position(f"Ü-{FIRST + 5}") >= FIRST
    assert proof["touched"] is None and proof["released"] is None


def test_the_unknown_is_not_proved(town: Town) -> None:
    with pytest.raises(BadInput):
        town.prove(10**6, "rows")
    with pytest.raises(BadInput):
        prove(town.database, town.keys, ORIGIN, town.folder, "person", "Ü-1", "use_unknown", ANA)


def test_another_key_proves_nothing(town: Town) -> None:
    with pytest.raises(IntegrityBroken):
        verify_proof(town.prove(1, "rows"), vkey(new_keys(), ORIGIN))


def test_one_persons_opening_is_not_anothers(town: Town) -> None:
    """Every part is genuine, but they do not belong together."""
    mine, other = town.prove(1, "rows"), town.prove(500, "rows")
    later, elsewhere = town.prove(FIRST + 5, "rows"), town.prove(1, "refused")
    for part in ("subject", "touched", "says", "receipt", "directory"):
        for donor in (other, later, elsewhere):
            mixed = {**mine, part: donor[part]}
            if mixed[part] != mine[part]:
                with pytest.raises(IntegrityBroken):
                    verify_proof(mixed, town.vkey)


def leaves(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of everything that is not an object or a list."""
    if isinstance(value, dict | list):
        for name, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(each, (*at, name))
    else:
        yield at


def altered(proof: Mutable, at: tuple[Any, ...], change: Any) -> Mutable:
    proof = copy.deepcopy(proof)
    holder: Any = proof
    for name in at[:-1]:
        holder = holder[name]
    holder[at[-1]] = change(holder[at[-1]])
    return proof


def flipped(text: str, place: int, bit: int) -> str:
    data = bytearray(text.encode())
    data[place % len(data)] ^= 1 << bit
    return data.decode("utf-8", "surrogateescape")


def others(value: Any) -> list[Any]:
    """Values near one, and of other types."""
    if isinstance(value, bool):
        return [not value, int(value), str(value), None, "at most"]
    if isinstance(value, int):
        return [
            value + 1,
            value - 1,
            value + 256,
            value + 4096,
            -value - 1,
            float(value),
            str(value),
            True,
            None,
        ]
    if isinstance(value, str):
        ends = [flipped(value, place, bit) for place in (0, 1, -1, -2, -3) for bit in range(8)]
        return [*ends, value + "=", value + "A", value + "\n", value[:-1], " " + value, "", None, 5, [value]]
    return [{}, "", 0, False]


def must_fail(proof: Mutable, town: Town) -> None:
    with pytest.raises(PublicaError):
        verify_proof(proof, town.vkey)


@pytest.mark.parametrize(("number", "use"), [(1, "rows"), (500, "at most"), (FIRST + 5, "rows")])
def test_every_altered_value_is_noticed(town: Town, number: int, use: str) -> None:
    proof = town.prove(number, use)
    for at in leaves(proof):
        original = proof
        for name in at:
            original = original[name]
        for other in others(original):
            must_fail(altered(proof, at, lambda _, other=other: other), town)


@settings(max_examples=400)
@given(st.data())
def test_every_flipped_byte_is_noticed(town: Town, data: st.DataObject) -> None:
    proof = _made(town)
    at = data.draw(st.sampled_from([at for at in leaves(proof) if isinstance(_get(proof, at), str)]))
    place, bit = data.draw(st.integers(0, len(_get(proof, at).encode()) - 1)), data.draw(st.integers(0, 7))
    must_fail(altered(proof, at, lambda text: flipped(text, place, bit)), town)


def _get(proof: Any, at: tuple[Any, ...]) -> Any:
    for name in at:
        proof = proof[name]
    return proof


_MADE: dict[int, Mutable] = {}


def _made(town: Town) -> Mutable:
    if id(town) not in _MADE:
        _MADE[id(town)] = town.prove(50, "rows")
    return _MADE[id(town)]


def test_parts_added_or_missing_are_noticed(town: Town) -> None:
    proof = town.prove(1, "rows")
    must_fail({**proof, "more": 1}, town)
    for name, part in proof.items():
        must_fail({other: value for other, value in proof.items() if other != name}, town)
        if isinstance(part, dict):
            must_fail({**proof, name: {**part, "more": 1}}, town)
            for inner in part:
                must_fail({**proof, name: {k: v for k, v in part.items() if k != inner}}, town)
        if isinstance(part, dict) and "path" in part:
            must_fail({**proof, name: {**part, "path": [*part["path"], "A" * 43 + "="]}}, town)
            must_fail({**proof, name: {**part, "path": part["path"][:-1] if part["path"] else None}}, town)


@pytest.mark.parametrize("proof", [None, [], "", 5, {}, {"format": "publica-proof/2"}])
def test_no_proof_at_all_is_bad_input(town: Town, proof: Any) -> None:
    with pytest.raises(BadInput):
        verify_proof(proof, town.vkey)


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that docs/verify.md prints."""
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    assert "publica." not in code.replace("publica-proof", "") and len(code.splitlines()) <= 150
    path = tmp_path_factory.mktemp("page") / "check.py"
    path.write_text(code, "utf-8")
    return path


def run(script: Path, proof: Mutable, key: str) -> subprocess.CompletedProcess[str]:
    file = script.with_name("proof.json")
    file.write_text(json.dumps(proof), "utf-8")
    command = [sys.executable, "-I", str(script), str(file), key]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("number", "use", "words"),
    [
        (1, "rows", "IN the rows that were looked at, and\nIN the rows that left"),
        (50, "rows", "IN the rows that were looked at, and\nnot in the rows that left"),
        (FIRST + 5, "rows", "not in the rows that were looked at, and\nnot in the rows that left"),
        (1, "at most", "IN the rows that were looked at, and\nAT MOST in the rows that left"),
    ],
)
def test_the_page_proves(town: Town, script: Path, number: int, use: str, words: str) -> None:
    done = run(script, town.prove(number, use), town.vkey)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"PROVED. Ü-{number} is {words}" in done.stdout


def test_the_page_notices_alterations(town: Town, script: Path) -> None:
    proof = town.prove(50, "rows")
    assert run(script, proof, vkey(new_keys(), ORIGIN)).returncode == 1
    done = run(script, altered(proof, ("says", "touched"), lambda _: False), town.vkey)
    assert done.returncode == 1 and "NOT PROVED. Step 6" in done.stderr
    module: dict[str, Any] = {"__name__": "check"}
    exec(compile(script.read_text("utf-8"), "check.py", "exec"), module)  # many alterations, one process
    for at in leaves(proof):
        if at == ("format",):
            continue
        for other in others(_get(proof, at)):
            with pytest.raises(
                (
                    SystemExit,
                    KeyError,
                    TypeError,
                    ValueError,
                    IndexError,
                    AttributeError,
                    module["InvalidSignature"],
                )
            ):
                module["check"](altered(proof, at, lambda _, other=other: other), town.vkey)


def test_a_proof_from_the_compacted_index(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "GROUP", 2)
    before = town.prove(50, "rows")
    assert index.compact(town.database, town.keys) >= 2
    after = town.prove(50, "rows")
    assert after["touched"] == before["touched"]
    assert verify_proof(after, town.vkey) == replace(verify_proof(before, town.vkey))
