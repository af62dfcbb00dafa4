"""Keys: what replacing each does, what losing each does, and what works in spite of it."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from publica.instance import Instance, keyring, offline
from publica.kernel import keys
from publica.kernel.errors import BadInput, IntegrityBroken, Unavailable

from . import support
from .support import HOW_MANY, RESEARCH, publica

OPERATOR = support.actor("operator")


@pytest.fixture
def folder(tmp_path: Path, state: str) -> Path:
    """A town with uses: of a few (found by tags), of many (found by chunks), and choices."""
    folder = support.copy(tmp_path / "town")
    with closing(Instance.open(folder)) as instance:
        key = next(k for k in support.people(support.template().material) if allowed(instance, k))
        (folder / "person").write_text(key, "utf-8")
        one = f"SELECT person_id FROM population WHERE person_id = '{key}'"
        assert support.ask(instance, one, "ana", "heating_grant").rows == 1
        support.ask(instance, HOW_MANY)
        instance.checkpoint()
    return folder


def allowed(instance: Instance, key: str) -> bool:
    return bool(instance.choice_status(key, RESEARCH)["allowed"])


def person(folder: Path) -> str:
    return (folder / "person").read_text("utf-8")


def uses(folder: Path) -> list[str]:
    with closing(Instance.open(folder)) as instance:
        return [use["use"] for use in instance.uses(person(folder), OPERATOR)]


def works(folder: Path) -> None:
    """Answers are given, choices made, everything verifies."""
    with closing(Instance.open(folder)) as instance:
        before = support.ask(instance, HOW_MANY).table().to_pylist()[0]["n"]
        instance.choose(person(folder), RESEARCH, "withdraw", OPERATOR)
        assert support.ask(instance, HOW_MANY).table().to_pylist()[0]["n"] == before - 1
        instance.choose(person(folder), RESEARCH, "grant", OPERATOR)
        instance.checkpoint()
        assert instance.verify_ledger()["problems"] == []


def proof(folder: Path, use: str) -> dict[str, Any]:
    with closing(Instance.open(folder)) as instance:
        return instance.prove(person(folder), use, OPERATOR)


def test_keys_are_listed_by_fingerprint(folder: Path) -> None:
    ran = publica("keys", "list", instance=folder)
    assert ran.code == 0 and "ledger" in ran.text and "in use" in ran.text
    for kind in keys.KINDS:
        assert (folder / "keys" / f"{kind}.key").read_text().strip() not in ran.text
    (folder / "keys" / "sealing.key").chmod(0o644)
    assert "open to others!" in publica("keys", "list", instance=folder).text


@pytest.mark.parametrize("kind", ["ledger", "sealing", "pseudonym"])
def test_a_key_is_replaced_and_everything_goes_on(folder: Path, kind: str) -> None:
    before, [newest, *_] = uses(folder), uses(folder)
    for _ in range(2):
        ran = publica("keys", "rotate", kind, instance=folder)
        assert ran.code == 0, ran.err
        works(folder)
        assert uses(folder)[-len(before) :] == before
        assert proof(folder, newest)["says"]["touched"] is True
    found = [each for each in keyring.listed(folder) if each["key"] == kind]
    assert [each["state"] for each in found] == ["in use", "replaced", "replaced"]
    assert len({each["id"] for each in found}) == 3


def test_a_proof_made_before_the_ledger_key_was_replaced_still_holds(folder: Path, tmp_path: Path) -> None:
    import json

    old, file = proof(folder, uses(folder)[0]), tmp_path / "old.json"
    file.write_text(json.dumps(old), "utf-8")
    keyring.rotate(folder, "ledger", OPERATOR)
    ran = publica("verify", str(file), instance=folder)
    assert ran.code == 0, ran.err
    with pytest.raises(IntegrityBroken):  # with the new key alone it does not: publish both
        offline.verify(file, offline.public_key(folder, folder / "ledger.pub")[:1])


def test_the_old_ledger_key_vouches_for_the_new_one(folder: Path) -> None:
    old = (folder / "ledger.pub").read_text("ascii").strip()
    keyring.rotate(folder, "ledger", OPERATOR)
    new = (folder / "ledger.pub").read_text("ascii").strip()
    assert keys.retired(folder / "keys") == (old,) and new != old
    note = (folder / "checkpoints" / "latest").read_text("utf-8")
    from publica.kernel.ledger.note import Verifier, open_checkpoint

    signed = open_checkpoint(note, Verifier.parse(old))
    with closing(Instance.open(folder)) as instance, instance.db.read() as connection:
        query = f"SELECT body FROM ledger_entry WHERE kind = 'key' AND position < {signed.size}"
        [body] = connection.exec_driver_sql(query).scalars()
    assert new.encode() in body


def test_pseudonyms_are_others_afterwards(folder: Path) -> None:
    secret = keys.load(folder / "keys").derive("pseudonym", "x")
    keyring.rotate(folder, "pseudonym", OPERATOR)
    assert keys.load(folder / "keys").derive("pseudonym", "x") != secret


TOTALS = "labour_statistics"
TOTAL = "SELECT count(*) AS n FROM population"
BUT_FEW = f"{TOTAL} WHERE sex <> 'X'"


def total(folder: Path, sql: str) -> list[dict[str, Any]]:
    with closing(Instance.open(folder)) as instance:
        found: list[dict[str, Any]] = support.ask(instance, sql, "stella", TOTALS).table().to_pylist()
        return found


def test_noise_and_the_release_history_outlive_the_pseudonym_key(folder: Path) -> None:
    """With other record keys a total would have a second draw, and come out again without three people."""
    before = total(folder, TOTAL)
    keyring.rotate(folder, "pseudonym", OPERATOR)
    assert total(folder, TOTAL) == before != []
    assert total(folder, BUT_FEW) == []
    lose(folder, "pseudonym")
    assert total(folder, TOTAL) == before
    assert total(folder, BUT_FEW) == []
    support.sound(folder)


def test_what_was_released_under_a_lost_directory_key_still_counts(folder: Path) -> None:
    """Who was in it cannot be compared any more, only how many: so nothing of about that size comes out."""
    assert total(folder, TOTAL) != []
    lose(folder, "directory")
    assert total(folder, BUT_FEW) == []
    assert total(folder, TOTAL) == [], "it would have a second draw of noise"
    assert total(folder, f"{TOTAL} WHERE sex = 'F'") != []
    support.sound(folder)


def test_the_directory_key_stays(folder: Path) -> None:
    ran = publica("keys", "rotate", "directory", instance=folder)
    assert ran.code == 1 and "cannot be replaced" in ran.err
    with pytest.raises(BadInput):
        keyring.rotate(folder, "directory", OPERATOR)
    assert publica("keys", "create", "directory", instance=folder).code == 1, "it is there"


@pytest.mark.parametrize("kind", keys.KINDS)
def test_without_a_key_nothing_opens_and_its_name_is_told(folder: Path, kind: str) -> None:
    (folder / "keys" / f"{kind}.key").unlink()
    ran = publica("query", "--as", "stella", "--activity", RESEARCH, HOW_MANY, instance=folder)
    assert (ran.code, ran.out) == (5, b"") and f"{kind}.key" in ran.err
    with pytest.raises(Unavailable):
        Instance.open(folder)
    assert any(each["state"] == "missing" for each in keyring.listed(folder))


def lose(folder: Path, kind: str) -> None:
    shutil.rmtree(folder / "keys" / f"{kind}.old", ignore_errors=True)
    (folder / "keys" / f"{kind}.key").unlink()
    ran = publica("keys", "create", kind, instance=folder)
    assert ran.code == 0, ran.err


def test_a_lost_ledger_key(folder: Path) -> None:
    """Earlier checkpoints are still verified, with the public key that was published; new ones are signed."""
    before = uses(folder)
    lose(folder, "ledger")
    works(folder)
    assert uses(folder)[-len(before) :] == before
    assert proof(folder, before[0])["says"]["touched"] is True


def test_a_lost_pseudonym_key(folder: Path) -> None:
    before = uses(folder)
    lose(folder, "pseudonym")
    works(folder)
    assert uses(folder)[-len(before) :] == before


def test_a_lost_sealing_key(folder: Path) -> None:
    """Whom earlier uses touched cannot be read any more, and that is said; all that is new works."""
    before = uses(folder)
    lose(folder, "sealing")
    works(folder)
    later = uses(folder)
    assert later and not set(later) & set(before)
    ran = publica("uses", "--subject", person(folder), instance=folder)
    assert ran.code == 0 and "may be missing" in ran.err
    with pytest.raises(IntegrityBroken, match="the key that sealed it is not here"):
        proof(folder, before[0])
    assert proof(folder, later[-1])["says"]["touched"] is True


def test_a_lost_directory_key(folder: Path) -> None:
    """No proofs about those who were there; everything else, and new people, as before."""
    before = uses(folder)
    lose(folder, "directory")
    works(folder)
    assert uses(folder)[-len(before) :] == before
    with pytest.raises(IntegrityBroken, match="does not fit"):
        proof(folder, before[0])
    grown = support.file_of(support.template().grown, "population")
    with closing(Instance.open(folder)) as instance:
        assert instance.load("population", [grown], OPERATOR).new_subjects > 0
    works(folder)


def test_every_key_lost_at_once(folder: Path) -> None:
    """Each is drawn anew, in any order, while the others are not there."""
    shutil.rmtree(folder / "keys")
    for kind in ("pseudonym", "ledger", "directory", "sealing"):
        assert publica("ledger", "verify", instance=folder).code == 5
        ran = publica("keys", "create", kind, instance=folder)
        assert ran.code == 0, ran.err
    assert publica("keys", "create", "ledger", instance=folder).code == 1, "it is there"
    works(folder)


def test_each_change_of_a_key_is_in_the_ledger(folder: Path) -> None:
    keyring.rotate(folder, "sealing", OPERATOR)
    lose(folder, "pseudonym")
    with closing(Instance.open(folder)) as instance, instance.db.read() as connection:
        query = "SELECT body FROM ledger_entry WHERE kind = 'key' ORDER BY id"
        said = b" ".join(connection.exec_driver_sql(query).scalars())
    assert b"rotated" in said and b"lost" in said
    for path in (folder / "keys").rglob("*.key"):
        assert path.read_text().strip().encode() not in said
