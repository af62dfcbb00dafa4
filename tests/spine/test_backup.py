"""Backup and restore: all of an instance or nothing, and never behind what was published."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import states

from publica.instance import Instance, settings
from publica.instance.backup import back_up
from publica.instance.restore import restore
from publica.kernel.errors import BadInput, IntegrityBroken, PublicaError, Unavailable
from publica.kernel.keys import KINDS

from . import support
from .support import HOW_MANY, RESEARCH, publica

OPERATOR = support.actor("operator")
TOTALS, ALL = "labour_statistics", "SELECT count(*) AS n FROM population"


@pytest.fixture
def folder(tmp_path: Path, state: str) -> Path:
    """A town in which something happened."""
    folder = support.copy(tmp_path / "town")
    with closing(Instance.open(folder)) as instance:
        support.ask(instance, HOW_MANY)
        assert support.ask(instance, ALL, "stella", TOTALS).rows == 1
        instance.choose("P-0000003", RESEARCH, "withdraw", OPERATOR)
        instance.uses("P-0000003", OPERATOR)
        instance.checkpoint()
    return folder


def told(folder: Path) -> dict[str, Any]:
    """What an instance says of itself: its state, a person's uses, an answer."""
    state = support.state(folder)
    with closing(Instance.open(folder)) as instance:
        uses = instance.uses("P-0000001", OPERATOR)
        answer = support.ask(instance, "SELECT person_id, birth_date FROM population").table().to_pylist()
        vkey = instance.verifier_key
    return {"state": state, "uses": uses, "answer": sorted(map(str, answer)), "vkey": vkey}


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest) -> Iterator[str]:
    """The kind of database to restore into."""
    with states.on(request.param) as kind:
        yield kind


def saved(folder: Path, name: str = "backup.tar", *, with_keys: bool = True) -> Path:
    with closing(Instance.open(folder)) as instance:
        back_up(instance, folder.parent / name, with_keys=with_keys)
    return folder.parent / name


def test_an_instance_comes_back_on_either_database(folder: Path, tmp_path: Path, target: str) -> None:
    file = saved(folder)
    restore(file, tmp_path / "back", OPERATOR, state=states.named(tmp_path / "back"))
    assert told(tmp_path / "back") == told(folder)
    with closing(Instance.open(tmp_path / "back")) as instance:
        # What was given out stays in the release history.
        assert support.ask(instance, f"{ALL} WHERE sex <> 'X'", "stella", TOTALS).rows == 0
        assert support.ask(instance, ALL, "stella", TOTALS).rows == 1
        instance.choose("P-0000001", RESEARCH, "withdraw", OPERATOR)  # numbers go on where they stood
        instance.apply((support.template().material.records,), support.actor("carla"))
        good = support.file_of(support.template().material, "municipalities")
        instance.load("municipalities", [good], OPERATOR)
        instance.checkpoint()
    support.sound(tmp_path / "back")
    again = saved(tmp_path / "back", "again.tar")
    restore(again, tmp_path / "further", OPERATOR, state=states.named(tmp_path / "further"))
    support.sound(tmp_path / "further")


def test_a_backup_while_others_write_is_of_one_moment(folder: Path, tmp_path: Path) -> None:
    stop = threading.Event()
    with closing(Instance.open(folder)) as instance:

        def run(number: int) -> None:
            while not stop.is_set():
                for action in ("grant", "withdraw"):
                    instance.choose(f"P-{number:07}", RESEARCH, action, OPERATOR)
                try:
                    support.ask(instance, "SELECT person_id FROM population")
                except Unavailable:
                    continue  # choices are made faster than answers

        threads = [threading.Thread(target=run, args=(number,)) for number in range(1, 5)]
        for thread in threads:
            thread.start()
        for number in range(3):
            back_up(instance, tmp_path / f"{number}.tar", with_keys=True)
        stop.set()
        for thread in threads:
            thread.join(30)
    sizes = []
    for number in range(3):
        place = tmp_path / f"back-{number}"
        restore(tmp_path / f"{number}.tar", place, OPERATOR, state=states.named(place))
        support.sound(place)
        sizes.append(support.state(place)["entries"].total())
    assert sizes == sorted(sizes) and sizes[0] < sizes[2]


def test_keys_are_left_out_and_that_is_said(folder: Path, tmp_path: Path) -> None:
    ran = publica("backup", str(tmp_path / "b.tar"), instance=folder)
    assert ran.code == 0 and "KEYS ARE NOT IN THIS BACKUP" in ran.err
    with tarfile.open(tmp_path / "b.tar") as tar:
        assert not [name for name in tar.getnames() if name.endswith(".key")]
    assert (tmp_path / "b.tar").stat().st_mode & 0o077 == 0
    back = tmp_path / "back"
    words = ["--state", url] if (url := states.named(back)) else []
    made = publica("restore", str(tmp_path / "b.tar"), str(back), *words)
    assert made.code == 0 and "put the secret keys" in made.err
    assert publica("ledger", "verify", instance=back).code == 5
    shutil.copytree(folder / "keys", back / "keys", dirs_exist_ok=True)
    support.sound(back)
    assert publica("backup", str(tmp_path / "b.tar"), instance=folder).code == 1, "never over another"
    assert "NOT IN" not in publica("backup", str(tmp_path / "c.tar"), "--with-keys", instance=folder).err


def rewritten(file: Path, change: Any) -> Path:
    """The archive with each member as `change(name, bytes)` says (None: without it)."""
    made = file.with_name(f"other-{file.name}")
    with tarfile.open(file) as old, tarfile.open(made, "w") as new:
        for entry in old:
            source = old.extractfile(entry)
            assert source is not None
            data = change(entry.name, source.read())
            if data is not None:
                entry.size = len(data)
                new.addfile(entry, io.BytesIO(data))
    return made


def _flip(name: str, data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


DAMAGE: dict[str, Any] = {
    "an altered table": lambda n, d: _flip(n, d) if n.endswith("/use.arrow") else d,
    "an altered version": lambda n, d: _flip(n, d) if n.startswith("data/versions/population") else d,
    "a missing table": lambda n, d: None if n.endswith("/choice_change.arrow") else d,
    "a missing version": lambda n, d: None if n.startswith("data/versions/incomes") else d,
    "no manifest": lambda n, d: None if n == "backup.json" else d,
    "rows left out": lambda n, d: d.replace(b'"use": 2', b'"use": 3') if n == "backup.json" else d,
    "a newer schema": lambda n, d: d.replace(b'"schema": "0', b'"schema": "9') if n == "backup.json" else d,
    "another format": lambda n, d: d.replace(b"publica-backup-1", b"publica-backup-2"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_backup_restores_nothing(folder: Path, tmp_path: Path, damage: str) -> None:
    file = rewritten(saved(folder), DAMAGE[damage])
    nothing_restored(file, tmp_path)


def test_half_a_backup_restores_nothing(folder: Path, tmp_path: Path) -> None:
    file = saved(folder)
    whole = file.read_bytes()
    for length in (0, 100, 1024, len(whole) // 2, len(whole) - 11_000):
        file.write_bytes(whole[:length])
        nothing_restored(file, tmp_path)


def test_a_path_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    made = tmp_path / "evil.tar"
    for name in ("../evil", "/tmp/publica-evil", "state/../../evil"):
        with tarfile.open(made, "w") as tar:
            tar.addfile(tarfile.TarInfo(name), io.BytesIO(b""))
        nothing_restored(made, tmp_path)
    assert not (tmp_path / "evil").exists()


def nothing_restored(file: Path, tmp_path: Path) -> None:
    place = tmp_path / "back"
    with pytest.raises((BadInput, IntegrityBroken, Unavailable)):
        restore(file, place, OPERATOR, state=states.named(place))
    assert not place.exists()
    assert not list(tmp_path.glob(".*restoring"))
    if url := states.named(place):  # the database is as empty as before
        made = Instance.create(tmp_path / "fresh", None, url)
        made.db.administer(lambda c: c.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
        made.db.close()
        shutil.rmtree(tmp_path / "fresh")


def test_a_folder_that_holds_something_is_not_restored_into(folder: Path, tmp_path: Path) -> None:
    file = saved(folder)
    with pytest.raises(BadInput, match="not empty"):
        restore(file, folder, OPERATOR)
    support.sound(folder)


@pytest.mark.postgresql
def test_a_database_that_holds_something_is_not_restored_into(folder: Path, tmp_path: Path) -> None:
    file = saved(folder)
    with pytest.raises(BadInput, match="in use already"):
        restore(file, tmp_path / "back", OPERATOR, state=settings.read(folder).state.url)
    assert not (tmp_path / "back").exists()
    support.sound(folder)


# Behind what was published.


def published_at(folder: Path, place: Path) -> None:
    kept = settings.read(folder)
    ledger = kept.ledger.model_copy(update={"published": (str(place),)})
    (folder / settings.FILE).write_text(settings.text(kept.model_copy(update={"ledger": ledger})), "utf-8")


def withdraw(folder: Path, key: str) -> None:
    with closing(Instance.open(folder)) as instance:
        assert instance.choose(key, RESEARCH, "withdraw", OPERATOR)["changed"]


def consented(folder: Path) -> str:
    with closing(Instance.open(folder)) as instance:
        people = (f"P-{number:07}" for number in range(10, 200))
        return next(key for key in people if instance.choice_status(key, RESEARCH)["allowed"])


def test_an_old_backup_does_not_revive_a_consent(folder: Path, tmp_path: Path) -> None:
    """The withdrawal was published; a backup of before it is refused, unless somebody accepts that."""
    place, key = tmp_path / "public" / "checkpoint", consented(folder)
    published_at(folder, place)
    file = saved(folder)
    withdraw(folder, key)
    assert publica("ledger", "checkpoint", instance=folder).code == 0
    back, words = tmp_path / "back", []
    if url := states.named(back):
        words = ["--state", url]
    refused = publica("restore", str(file), str(back), *words)
    assert refused.code == 4 and "revive choices" in refused.err and str(place) in refused.err
    assert not back.exists()
    made = publica("restore", str(file), str(back), *words, "--accept-loss")
    assert made.code == 0 and "ask those people again" in made.text, made.err
    support.sound(back)
    with closing(Instance.open(back)) as instance, instance.db.read() as connection:
        bodies = connection.exec_driver_sql("SELECT body FROM ledger_entry WHERE kind = 'recovery'").scalars()
        [said] = [json.loads(body) for body in bodies]
    assert said["published"]["size"] > said["state"]["size"] > 0
    assert (place.parent / f"lost-{said['published']['size']}").exists()
    with pytest.raises(IntegrityBroken):  # and the other one, which is not it any more, does not open
        Instance.open(folder)


def test_nothing_left_but_an_old_backup_without_keys(folder: Path, tmp_path: Path) -> None:
    """What was published since is lost, and so are the keys. There is a way on, and it is ledgered."""
    place = tmp_path / "public" / "checkpoint"
    published_at(folder, place)
    file = saved(folder, with_keys=False)
    withdraw(folder, consented(folder))
    assert publica("ledger", "checkpoint", instance=folder).code == 0
    shutil.rmtree(folder)
    back, words = tmp_path / "back", []
    if url := states.named(back):
        words = ["--state", url]
    made = publica("restore", str(file), str(back), *words, "--accept-loss")
    assert made.code == 0 and "does not hold all" in made.err and "recover --accept-loss" in made.err
    assert publica("ledger", "recover", "--accept-loss", instance=back).code == 5, "without keys"
    for kind in KINDS:
        assert publica("keys", "create", kind, instance=back).code == 0
    assert publica("ledger", "verify", instance=back).code == 4, "behind"
    assert publica("ledger", "recover", "--accept-loss", instance=back).code == 0
    support.sound(back)
    with closing(Instance.open(back)) as instance:
        assert instance.verify_ledger()["kinds"]["key"] == len(KINDS)
        assert support.ask(instance, HOW_MANY).receipt


@pytest.mark.sqlite
def test_a_state_put_back_by_hand_does_not_open(folder: Path, tmp_path: Path) -> None:
    key = consented(folder)
    shutil.copy(folder / "state.db", tmp_path / "old.db")
    withdraw(folder, key)
    assert publica("ledger", "checkpoint", instance=folder).code == 0
    for file in folder.glob("state.db*"):
        file.unlink()
    shutil.copy(tmp_path / "old.db", folder / "state.db")
    ran = publica("choice", "status", "--subject", key, "--activity", RESEARCH, instance=folder)
    assert ran.code == 4 and "recover --accept-loss" in ran.err
    assert publica("ledger", "verify", instance=folder).code == 4
    assert publica("ledger", "recover", instance=folder).code == 2, "it must be said"
    assert publica("ledger", "recover", "--accept-loss", instance=folder).code == 0
    support.sound(folder)
    again = publica("ledger", "recover", "--accept-loss", instance=folder)
    assert again.code == 1 and "Nothing" in again.err


def test_what_is_no_checkpoint_of_this_ledger_is_not_passed_over(folder: Path, tmp_path: Path) -> None:
    latest = folder / "checkpoints" / "latest"
    kept = latest.read_text("utf-8")
    for text in ("", "nonsense", kept.replace("town.example", "other.example"), kept[:-10] + kept[-8:]):
        latest.write_text(text, "utf-8")
        with pytest.raises(PublicaError):
            Instance.open(folder)
    latest.write_text(kept, "utf-8")
    support.sound(folder)


def test_an_older_checkpoint_never_replaces_a_newer_one(folder: Path) -> None:
    latest = folder / "checkpoints" / "latest"
    old = latest.read_text("utf-8")
    with closing(Instance.open(folder)) as instance:
        support.ask(instance, HOW_MANY)
        new = instance.checkpoint()
        instance.published.publish(old)
        assert latest.read_text("utf-8") == new
