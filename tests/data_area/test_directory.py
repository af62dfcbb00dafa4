"""The directory of subjects: dense, in random order, bound to keys by proofs; and quick."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from publica.data import TableColumn, TableSchema, subjects
from publica.data.bindings import commitment, salt_key, salt_of, verify_binding
from publica.kernel.errors import BadInput
from publica.kernel.ledger.canonical import b64

from .support import Instance, loaded, person, rows

PEOPLE = TableSchema("people", (person(), TableColumn("name")))
FAMILY = TableSchema("family", (person("child"), person("parent")))
AWKWARD = ['"', "\\", '\\"', "é", "𝔘", "'", " ", "\u2028", "a/b"]


def people(instance: Instance, keys: list[str], name: str = "p.csv") -> Path:
    lines = ["person_id,name", *('"' + key.replace('"', '""') + '",x' for key in keys)]
    return instance.text(name, "\n".join(lines) + "\n")


def test_positions_are_dense_and_in_another_order_than_keys(instance: Instance) -> None:
    keys = [f"P-{i:05d}" for i in range(1000)]
    report = instance.load(PEOPLE, people(instance, keys))
    assert report.new_subjects == 1000
    with instance.db.read() as connection:
        found = subjects.positions(connection, instance.folder, keys)
        assert sorted(found.values()) == list(range(1000))
        assert sum(found[key] == i for i, key in enumerate(keys)) < 20
        assert subjects.size(connection) == 1000
        for key in keys[:9]:
            bound = subjects.binding(connection, instance.keys, instance.folder, key)
            assert bound is not None and (bound.position, bound.key) == (found[key], key)
        assert subjects.position(connection, instance.folder, "P-99999") is None
        assert subjects.position(connection, instance.folder, keys[0], "company") is None
        assert subjects.binding(connection, instance.keys, instance.folder, "P-99999") is None


def test_another_instance_draws_another_order(tmp_path: Path) -> None:
    orders = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        instance = Instance(tmp_path / name)
        keys = [f"P-{i}" for i in range(50)]
        instance.load(PEOPLE, people(instance, keys))
        with instance.db.read() as connection:
            orders.append(subjects.positions(connection, instance.folder, keys))
        instance.db.close()
    assert orders[0] != orders[1]


def test_known_people_keep_their_positions(instance: Instance) -> None:
    instance.load(PEOPLE, people(instance, ["a", "b", "c"]))
    with instance.db.read() as connection:
        before = subjects.positions(connection, instance.folder, "abc")
    report = instance.load(PEOPLE, people(instance, ["c", "d", "a", "e"]))
    assert report.new_subjects == 2
    with instance.db.read() as connection:
        after = subjects.positions(connection, instance.folder, "abcde")
        assert [segment.first for segment in subjects.segments(connection)] == [0, 3]
    assert {key: after[key] for key in "abc"} == before
    assert {after["d"], after["e"]} == {3, 4}
    again = instance.load(PEOPLE, people(instance, ["e", "a"]))
    assert again.new_subjects == 0
    assert instance.entries() == ["directory", "version", "directory", "version", "version"]


def test_a_row_may_concern_several_people(instance: Instance) -> None:
    path = instance.text("f.csv", "child,parent\nc1,p\nc2,p\np,g\n")
    version = loaded(instance.load(FAMILY, path))
    with instance.db.read() as connection:
        found = subjects.positions(connection, instance.folder, ["c1", "c2", "p", "g"])
    table = rows(version, hidden=True)
    assert all(row[2:] == [found[row[0]], found[row[1]]] for row in table)
    assert [row[2] for row in table] == sorted(row[2] for row in table)
    assert version.subjects == 4


def test_every_binding_is_proved(instance: Instance) -> None:
    """Two segments, blocks full and not; commitments made in the engine equal the definition."""
    keys = AWKWARD + [f"P-{i}" for i in range(600)]
    instance.load(PEOPLE, people(instance, keys[:400]))
    instance.load(PEOPLE, people(instance, keys))
    with instance.db.read() as connection:
        for key in [*AWKWARD, *keys[::37]]:
            proof = subjects.binding(connection, instance.keys, instance.folder, key)
            assert proof is not None and verify_binding(proof)
            salt = salt_of(salt_key(instance.keys), proof.position)
            own = b64(commitment(salt, "person", key, proof.position))
            assert own in proof.block and proof.salt == b64(salt)
        assert subjects.binding(connection, instance.keys, instance.folder, "nobody") is None


def test_a_false_binding_is_not_proved(instance: Instance) -> None:
    instance.load(PEOPLE, people(instance, [f"P-{i}" for i in range(600)]))
    with instance.db.read() as connection:
        proof = subjects.binding(connection, instance.keys, instance.folder, "P-7")
    assert proof is not None and verify_binding(proof)
    other = b64(b"\0" * 32)
    for false in (
        replace(proof, key="P-8"),
        replace(proof, concept="company"),
        replace(proof, position=(proof.position + 1) % 600),
        replace(proof, position=600),
        replace(proof, salt=b64(b"\0" * 16)),
        replace(proof, salt="?"),
        replace(proof, block=(*proof.block[:-1], other)),
        replace(proof, block=proof.block[:-1]),
        replace(proof, path=proof.path[:-1]),
        replace(proof, root=other),
        replace(proof, count=60_000),
    ):
        assert not verify_binding(false)


def test_many_positions_are_found_at_once(instance: Instance) -> None:
    """Of several row groups and segments, with keys before, between and after those that there are."""
    keys = [f"P-{i:06d}" for i in range(2 * subjects.ROW_GROUP + 100)]
    instance.load(PEOPLE, people(instance, keys))
    instance.load(PEOPLE, people(instance, [*keys, "P-000000a", "Q"], "later.csv"))
    known, unknown = [*keys, "P-000000a", "Q"], ["", "A", "P-000000b", f"{keys[subjects.ROW_GROUP]}a", "Z"]
    with instance.db.read() as connection:
        found = subjects.positions(connection, instance.folder, [*known, *unknown])
    assert found.keys() == set(known)
    assert sorted(found.values()) == list(range(len(known)))


def test_keys_are_taken_as_they_are(instance: Instance) -> None:
    instance.load(PEOPLE, people(instance, ["a", "A", " a", "0a"]))
    with instance.db.read() as connection:
        assert len(subjects.positions(connection, instance.folder, ["a", "A", " a", "0a"])) == 4


def test_a_person_without_a_key_stops_the_load(instance: Instance) -> None:
    with pytest.raises(BadInput, match=r"p\.csv:3, column person_id: There is no value"):
        instance.load(PEOPLE, people(instance, ["a", "", "b"]))
    with instance.db.read() as connection:
        assert subjects.size(connection) == 0


@pytest.mark.slow
def test_a_million_people(instance: Instance) -> None:
    """More than one row group of the directory, and every position found."""
    count = 1_000_000
    lines = (f"P-{i:07d},Name {i % 9973},{1920 + i % 90}-0{i % 9 + 1}-1{i % 9}\n" for i in range(count))
    path = instance.text("p.csv", "person_id,name,born\n" + "".join(lines))
    table = TableSchema("people", (person(), TableColumn("name"), TableColumn("born")))
    report = instance.load(table, path)
    assert report.rows == report.new_subjects == count
    with instance.db.read() as connection:
        for i in range(0, count, count // 100):
            position = subjects.position(connection, instance.folder, f"P-{i:07d}")
            assert position is not None and 0 <= position < count
