"""The whole way, once: two processes, a person who changes their mind, and what they can prove of it."""

from __future__ import annotations

import csv
import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from publica.demo.material import chosen
from publica.instance import Instance

from . import support
from .support import HOW_MANY, PERSONS, RESEARCH, Process, executable, process, publica

STAYS = "SELECT person_id, admitted, diagnosis_code FROM hospital_stays"


def patient() -> tuple[str, int]:
    """Somebody who consented and was in hospital, and how often."""
    consented = set(chosen(RESEARCH, PERSONS))
    with support.file_of(support.template().material, "hospital_stays").open(encoding="utf-8") as lines:
        stays = [row["person_id"] for row in csv.DictReader(lines)]
    key = next(key for key in stays if key in consented)
    return key, stays.count(key)


def asked(where: Process, sql: str) -> tuple[list[dict[str, Any]], str]:
    answer = where.do(do="use", **{"as": "stella"}, activity=RESEARCH, sql=sql)
    return answer["rows"], answer["receipt"]


def choose(where: Process, key: str, action: str) -> None:
    assert where.do(do="choose", key=key, activity=RESEARCH, action=action)["changed"]


@pytest.mark.slow
def test_the_journey(tmp_path: Path, state: str) -> None:
    key, stays = patient()
    folder = support.copy(tmp_path / "town")
    inside: list[str] = []  # uses that found the person consenting
    outside: list[str] = []
    with process("worker.py", str(folder)) as one, process("worker.py", str(folder)) as other:
        # 1. Both engines are warm and answer alike.
        all_stays = len(asked(one, STAYS)[0])
        (people,), receipt = asked(one, HOW_MANY)
        assert asked(other, HOW_MANY)[0] == [people] == [{"n": PERSONS * 14 // 20}]
        inside.append(receipt)
        # 2. What is chosen in one process holds in the next use of the other, each time, both ways.
        for withdraws_in, asks_in in ((one, other), (other, one), (one, other), (other, one)):
            choose(withdraws_in, key, "withdraw")
            rows, receipt = asked(asks_in, STAYS)
            assert len(rows) == all_stays - stays
            outside.append(receipt)
            assert asked(withdraws_in, HOW_MANY)[0] == [{"n": people["n"] - 1}]
            choose(asks_in, key, "grant")
            rows, receipt = asked(withdraws_in, STAYS)
            assert len(rows) == all_stays
            inside.append(receipt)
        choose(other, key, "withdraw")
        assert len(asked(one, STAYS)[0]) == all_stays - stays
    with closing(Instance.open(folder)) as instance:
        _receipts_name_the_choices(instance, inside, outside)
    _citizen_reads_and_proves(folder, tmp_path, key, inside, outside)


def _receipts_name_the_choices(instance: Instance, inside: list[str], outside: list[str]) -> None:
    """The load of the town was choice 1; each later one raised the counter by one."""
    found = support.receipts(instance)
    assert [found[use]["choice_state"] for use in inside] == [{RESEARCH: n} for n in (1, 3, 5, 7, 9)]
    assert [found[use]["choice_state"] for use in outside] == [{RESEARCH: n} for n in (2, 4, 6, 8)]


def _citizen_reads_and_proves(
    folder: Path, desk: Path, key: str, inside: list[str], outside: list[str]
) -> None:
    at = {**os.environ, "PUBLICA_INSTANCE": str(folder)}
    listed = executable("uses", "--subject", key, "--format", "json", env=at)
    assert listed.code == 0, listed.err
    hows = {use["use"]: use["how"] for use in listed.json}
    assert [hows.get(use) for use in inside] == ["total", *["left"] * 4]
    assert not hows.keys() & set(outside)
    home = desk / "home"  # a machine that has the public key, and no instance
    home.mkdir()
    shutil.copy(folder / "ledger.pub", home)
    use = inside[-1]
    proved = executable("uses", "prove", "--subject", key, "--use", use, "--out", f"{home}/in.json", env=at)
    assert proved.code == 0, proved.err
    verdict = executable("verify", "in.json", "--key", "ledger.pub", "--format", "json", cwd=home)
    assert verdict.code == 0, verdict.err
    assert (verdict.json["touched"], verdict.json["released"]) == (True, True)
    _proof_of_absence(folder, home, key, outside[-1])
    verified = executable("ledger", "verify", "--format", "json", env=at)
    assert verified.code == 0, verified.err
    assert verified.json["sound"] and verified.json["checkpoints"] >= 1


def _proof_of_absence(folder: Path, home: Path, key: str, use: str) -> None:
    """That a use did not look at a person is proved as well; a proof made to name another person fails."""
    file = home / "out.json"
    proved = publica("uses", "prove", "--subject", key, "--use", use, "--out", str(file), instance=folder)
    assert proved.code == 0, proved.err
    check = ("verify", str(file), "--key", str(home / "ledger.pub"), "--format", "json")
    verdict = publica(*check, instance=home)
    assert verdict.code == 0, verdict.err
    assert (verdict.json["touched"], verdict.json["released"]) == (False, False)
    file.write_text(file.read_text("utf-8").replace(key, key[:-1] + "x"), "utf-8")
    assert publica(*check, instance=home).code == 4
