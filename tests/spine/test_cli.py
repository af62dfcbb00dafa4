"""The command line: what each command does, its exit code, and that nothing breaks it."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from publica.cli.main import publica as root
from publica.instance import Instance

from . import support
from .support import RESEARCH, Ran, executable, publica

BLNS = Path(__file__).parents[1] / "data" / "blns" / "blns.json"
NAUGHTY: list[str] = json.loads(BLNS.read_text("utf-8"))
HOSTILE = (
    *("\0", "a\0b", "(" * 3_000, "[" * 100_000, f"SELECT {'(' * 400}1{')' * 400}", "x" * 200_000),
    *(
        "1e999",
        "NaN",
        "-Infinity",
        "9" * 5_000,
        '{"a": 1}',
        "\u202e",
        "\r\n",
        "\x1b[31m",
        "'; DROP TABLE use; --",
    ),
)
NOT_TEXT = ("\udcff", "\ud800x")
QUERY = ("query", "--as", "ana", "--activity", "heating_grant")
NAMES = "SELECT person_id, birth_date FROM population ORDER BY person_id LIMIT 3"


@pytest.fixture
def folder(tmp_path: Path, state: str) -> Path:
    return support.copy(tmp_path / "town")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One town for the tests that leave receipts and nothing else."""
    folder = support.copy(tmp_path_factory.mktemp("cli") / "town")
    with support.kept_open(folder):
        yield folder


def strict(ran: Ran) -> Any:
    """The one JSON document on stdout, by RFC 8259: no NaN, no name twice."""

    def no_constant(name: str) -> None:
        raise ValueError(name)

    def no_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    return json.loads(ran.out, parse_constant=no_constant, object_pairs_hook=no_twice)


def missing(ran: Ran) -> list[str]:
    """The reason codes of a refusal."""
    return [clause["reason"] for clause in strict(ran)["clauses"] if not clause["holds"]]


def commands(
    command: click.Command = root, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    if path:
        yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))


# what every command has


@pytest.mark.parametrize("path", [path for path, _ in commands()], ids=" ".join)
def test_help_has_an_example(path: tuple[str, ...]) -> None:
    ran = publica(*path, "--help")
    assert ran.code == 0
    assert "Example" in ran.text and f"publica {path[0]}" in ran.text.split("Example")[1]


@pytest.mark.parametrize(
    "words",
    [
        ("query", "SELECT 1"),
        ("query", "--as", "ana", "SELECT 1"),
        (*QUERY, "--format", "xml", "SELECT 1"),
        (*QUERY, "--param", "novalue", "SELECT 1"),
        (*QUERY, "--param", "1x=2", "SELECT 1"),
        (*QUERY, "--nonsense", "SELECT 1"),
        (*QUERY, "SELECT 1", "SELECT 2"),
        (*QUERY, "--out", "/no/such/folder/answer.csv", "SELECT 1"),
        ("apply", "/no/such/file.yaml"),
        ("load", "population"),
        ("load", "population", "/no/such/file.csv"),
        ("choice", "grant", "--subject", "P-0000001"),
        ("choice", "revoke", "--subject", "P-0000001", "--activity", RESEARCH),
        ("uses",),
        ("uses", "prove", "--subject", "P-0000001"),
        ("verify", "/no/such/proof.json"),
        ("accountable", "population", "--at", "yesterday"),
        ("ledger", "burn"),
        ("nonsense",),
        ("demo", "--persons", "3"),
        *((*QUERY, text) for text in NOT_TEXT),
        *(("uses", f"--subject={text}") for text in NOT_TEXT),
    ],
    ids=lambda words: " ".join(words)[:60].encode("ascii", "replace").decode(),
)
def test_wrong_usage(words: tuple[str, ...], town: Path) -> None:
    ran = publica(*words, instance=town)
    assert (ran.code, ran.out) == (2, b"")
    assert ran.err.strip()


@pytest.mark.parametrize(
    "words",
    [
        (*QUERY, "SELECT 1"),
        ("apply", str(BLNS)),
        ("load", "population", str(BLNS)),
        ("export", "x"),
        ("accountable", "population"),
        ("choice", "status", "--subject", "P", "--activity", "a"),
        ("choice", "load", str(BLNS), "--activity", "a"),
        ("uses", "--subject", "P"),
        ("uses", "prove", "--subject", "P", "--use", "u", "--out", "x"),
        ("ledger", "verify"),
        ("ledger", "checkpoint"),
        ("ledger", "key"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_no_instance(words: tuple[str, ...], tmp_path: Path) -> None:
    ran = publica(*words, instance=tmp_path)
    assert (ran.code, ran.out) == (1, b"")
    assert "is not a Publica instance" in ran.err and "publica init" in ran.err
    assert not list(tmp_path.iterdir())


# query


def test_forms_of_an_answer(town: Path, tmp_path: Path) -> None:
    table = publica(*QUERY, NAMES, instance=town)
    assert table.code == 0 and "receipt use_" in table.err and ": 3 rows" in table.err
    assert table.text.split()[:2] == ["person_id", "birth_date"]
    found = strict(publica(*QUERY, "--format", "json", NAMES, instance=town))
    rows = found["rows"]
    assert found["receipt"].startswith("use_") and len(rows) == 3
    text = publica(*QUERY, "--format", "csv", NAMES, instance=town).text
    assert list(csv.DictReader(io.StringIO(text))) == rows
    arrow = pa.ipc.open_stream(publica(*QUERY, "--format", "arrow", NAMES, instance=town).out).read_all()
    assert [{k: str(v) for k, v in row.items()} for row in arrow.to_pylist()] == rows
    out = tmp_path / "answer.parquet"
    ran = publica(*QUERY, "--format", "parquet", "--out", str(out), NAMES, instance=town)
    assert (ran.code, ran.out) == (0, b"") and f"written to {out}" in ran.err
    assert pq.read_table(out).equals(arrow)
    assert [path.name for path in tmp_path.iterdir()] == ["answer.parquet"]


AWKWARD = (
    "SELECT 1 AS a, 2 AS a",
    "SELECT CAST('nan' AS DOUBLE) AS x, CAST('-inf' AS DOUBLE) AS y",
    "SELECT [1, 2] AS l, [CAST('nan' AS DOUBLE)] AS m",
    "SELECT INTERVAL 1 DAY AS i",
    "SELECT DATE '9999-12-31' + 366 AS d, CAST('infinity' AS DATE) AS e",
    "SELECT CAST('294246-01-01' AS TIMESTAMP) AS t",
    "SELECT 170141183460469231731687303715884105727::HUGEINT AS h, 1.10::DECIMAL(5,2) AS n, NULL AS z",
    "SELECT 'a' || chr(0) || chr(27) || '[31m' AS c",
    "SELECT person_id FROM population WHERE FALSE",
    'SELECT count(*) AS "näme ""q""" FROM population',
)


@pytest.mark.parametrize("form", ["table", "csv", "json", "arrow", "parquet"])
@pytest.mark.parametrize("sql", AWKWARD)
def test_every_value_has_every_form(sql: str, form: str, town: Path) -> None:
    ran = publica(*QUERY, "--format", form, sql, instance=town)
    assert ran.code == 0, ran.err
    if form == "json":
        assert strict(ran)["rows"] is not None
    if form == "table":
        assert b"\0" not in ran.out and b"\x1b" not in ran.out


def test_json_numbers_the_columns_that_have_one_name(town: Path) -> None:
    ran = publica(*QUERY, "--format", "json", AWKWARD[0], instance=town)
    assert strict(ran)["rows"] == [{"a": 1, "a_2": 2}]


def test_parameters(town: Path) -> None:
    sql = "SELECT $n + 1 AS n, $t AS t, $b AS b, $z IS NULL AS z"
    given = [word for pair in ("n=2", "t=O'Neil = x", "b=true", "z=null") for word in ("--param", pair)]
    ran = publica(*QUERY, "--format", "json", *given, sql, instance=town)
    assert strict(ran)["rows"] == [{"n": 3, "t": "O'Neil = x", "b": True, "z": True}]
    ran = publica(*QUERY, "--format", "json", "SELECT $missing AS x", instance=town)
    assert ran.code == 3 and missing(ran) == ["sql-parameter-missing"]


def test_a_statement_from_stdin(town: Path) -> None:
    ran = publica(*QUERY, "--format", "json", "-", instance=town, stdin="SELECT 41 + 1 AS x")
    assert strict(ran)["rows"] == [{"x": 42}]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--as", "nobody", "--activity", "heating_grant", NAMES), "actor-known"),
        (("--as", "ana", "--activity", "nothing", "SELECT 1 AS x"), "activity-known"),
        (("--as", "stella", "--activity", "heating_grant", NAMES), "actor-organisation"),
        (("--as", "ana", "--activity", "heating_grant", "SELECT FROM WHERE"), "sql-unparsed"),
        (("--as", "ana", "--activity", "heating_grant", ""), "sql-empty"),
        (("--as", "ana", "--activity", "heating_grant", "SELECT name FROM population"),
         "columns-in-activity"),
        (("--as", "stella", "--activity", "labour_statistics", "SELECT max(income) AS i FROM incomes"),
         "aggregate-form"),
    ],
)  # fmt: skip
def test_refused(words: tuple[str, ...], reason: str, town: Path) -> None:
    plain = publica("query", *words, instance=town)
    assert (plain.code, plain.out) == (3, b"")
    assert f"[{reason}]" in plain.err and "receipt use_" in plain.err
    ran = publica("query", "--format=json", *words, instance=town)
    said = strict(ran)
    assert ran.code == 3 and said["refused"] is True and said["receipt"].startswith("use_")
    assert reason in missing(ran)


def test_explaining_runs_nothing_and_leaves_no_trace(folder: Path) -> None:
    before = support.state(folder)
    ran = publica(*QUERY, "--explain", NAMES, instance=folder)
    assert ran.code == 0 and "✓" in ran.text and "SELECT" in ran.text and "nothing was run" in ran.err
    ran = publica(*QUERY, "--explain", "--format", "json", NAMES, instance=folder)
    said = strict(ran)
    assert said["allowed"] is True and said["protection"] == "rows" and "choice_and_scope" in said["sql"]
    for sql in (
        "SELECT name FROM population",
        "SELECT FROM",
        "SELECT CAST(household_id AS DATE) FROM population",
    ):
        ran = publica(*QUERY, "--explain", "--format", "json", sql, instance=folder)
        assert ran.code in (0, 3) and strict(ran)["allowed"] is (ran.code == 0)
    assert support.state(folder) == before


# choices


def choice(folder: Path, *words: str) -> Ran:
    return publica("choice", *words, "--format", "json", instance=folder)


def test_choices(folder: Path) -> None:
    who = ("--subject", "P-0000001", "--activity", RESEARCH)
    first = strict(choice(folder, "status", *who))["allowed"]
    for action in ("withdraw", "grant") if first else ("grant", "withdraw"):
        made = strict(choice(folder, action, *who))
        assert (made["allowed"], made["changed"]) == (action == "grant", True)
        assert strict(choice(folder, action, *who))["changed"] is False
    status = strict(choice(folder, "status", *who))
    assert status["allowed"] is first and len(status["history"]) >= 2
    assert "data may" in publica("choice", "status", *who, instance=folder).text


@pytest.mark.parametrize(
    ("action", "activity", "reason"),
    [
        ("grant", "heating_grant", "choice-basis-is-law"),
        ("grant", "labour_statistics", "choice-basis-is-law"),
        ("object", "heating_grant", "choice-no-objection"),
        ("object", RESEARCH, "choice-no-objection"),
    ],
)
def test_a_choice_that_the_basis_does_not_give(action: str, activity: str, reason: str, folder: Path) -> None:
    before = support.state(folder)
    ran = choice(folder, action, "--subject", "P-0000001", "--activity", activity)
    assert ran.code == 3 and missing(ran) == [reason]
    assert f"[{reason}]" in ran.err
    assert support.state(folder) == before


def test_many_choices(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "choices.csv"
    file.write_text("person_key,action\nP-0000001,grant\nP-0000002,withdraw\n", "utf-8")
    ran = choice(folder, "load", str(file), "--activity", RESEARCH)
    assert strict(ran) == {"activity": RESEARCH, "loaded": {"grant": 1, "withdraw": 1}}
    before = support.state(folder)
    for bad in (
        "person_key,action\nP-0000001,perhaps\n",
        "person_key,action\nP-9999999,grant\n",
        "key\n",
        "\0",
    ):
        file.write_text(bad, "utf-8")
        assert choice(folder, "load", str(file), "--activity", RESEARCH).code == 1
    assert support.state(folder) == before


@pytest.mark.parametrize("mask", [0o000, 0o022])
def test_an_instance_is_private_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    """Nobody but its owner reads the state database or the data."""
    before = os.umask(mask)
    try:
        assert publica("init", str(tmp_path / "office")).code == 0
    finally:
        os.umask(before)
    office = tmp_path / "office"
    modes = {path.name: path.stat().st_mode & 0o777 for path in (office, *office.glob("**/*"))}
    assert {modes[name] for name in ("office", "keys", "data")} == {0o700}
    assert {mode for name, mode in modes.items() if name.startswith("state.db")} == {0o600}
    assert modes["sealing.key"] == 0o600
    assert all(path.stat().st_mode & 0o400 for path in (office / "ledger.pub", office / "publica.toml"))


# records and data


def test_records(folder: Path, tmp_path: Path) -> None:
    exported = tmp_path / "exported"
    ran = publica("export", str(exported), instance=folder)
    assert ran.code == 0 and "records written" in ran.text
    ran = publica("apply", str(exported), "--format", "json", instance=folder)
    assert {difference["what"] for difference in strict(ran)} == {"unchanged"}
    file = tmp_path / "new.yaml"
    document = {"kind": "official", "id": "nora", "spec": {"name": "Nora", "organisation": "health"}}
    file.write_text(yaml.safe_dump(document), "utf-8")
    before = support.state(folder)
    assert "1 added, 0 changed" in publica("apply", "--dry-run", str(file), instance=folder).text
    assert support.state(folder) == before
    ran = publica("apply", str(file), instance=folder)
    assert ran.code == 0 and "+ official nora" in ran.text
    document["spec"]["organisation"] = "nowhere"  # type: ignore[index]
    file.write_text(yaml.safe_dump(document), "utf-8")
    ran = publica("apply", str(file), instance=folder)
    assert ran.code == 1 and f"{file}:" in ran.err and "nowhere" in ran.err
    steward = strict(publica("accountable", "population", "--format", "json", instance=folder))
    assert (steward["steward"], steward["role"]) == ("sam", "sam-steward")


def test_loading(folder: Path, tmp_path: Path) -> None:
    good = support.file_of(support.template().material, "municipalities")
    ran = publica("load", "municipalities", str(good), "--format", "json", instance=folder)
    assert strict(ran)["version"]["id"] == "municipalities@2"
    ran = publica("load", "municipalities", str(good), "--dry-run", instance=folder)
    assert ran.code == 0 and "nothing was published" in ran.text
    before = support.state(folder)
    bad = tmp_path / "bad.csv"
    bad.write_text(good.read_text("utf-8") + "9999,Nowhere,Coast,much,3\n", "utf-8")
    ran = publica("load", "municipalities", str(bad), instance=folder)
    assert (ran.code, ran.out) == (1, b"")
    assert f"{bad.name}:14, column area_km2" in ran.err
    assert publica("load", "nothing", str(good), instance=folder).code == 1
    assert support.state(folder) == before


NOBODY = ("--as", "nobody")


def test_nobody_acts_who_is_not_registered(folder: Path, tmp_path: Path) -> None:
    """The operator, officials, and for their own data a person; anybody else is told so, nothing is done."""
    material = support.template().material
    who = ("--subject", "P-0000001")
    other = ("--subject", "P-0000002")
    for words in (
        ("apply", str(material.records / "laws.yaml")),
        ("load", "municipalities", str(support.file_of(material, "municipalities"))),
        ("choice", "withdraw", *who, "--activity", RESEARCH),
        ("uses", *who),
        ("uses", "prove", *who, "--use", "u", "--out", str(tmp_path / "p.json")),
    ):
        before = support.state(folder)
        ran = publica(*words, *NOBODY, instance=folder)
        assert ran.code == 1 and "registered as nobody" in ran.err
        assert support.state(folder) == before
    withdraw = ("choice", "withdraw", *who, "--activity", RESEARCH, "--as")
    assert publica(*withdraw, other[1], instance=folder).code == 1
    assert publica(*withdraw, who[1], instance=folder).code == 0
    assert publica("uses", *who, "--as", who[1], instance=folder).code == 0
    assert publica("uses", *other, "--as", who[1], instance=folder).code == 1
    assert publica("uses", *who, "--as", "ana", instance=folder).code == 0


def test_the_first_officials_register_themselves(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "newcomer.yaml"
    file.write_text("kind: official\nid: nora\nspec: {name: Nora, organisation: data-office}\n", "utf-8")
    assert publica("apply", str(file), *NOBODY, instance=folder).code == 1
    ran = publica("apply", str(file), "--as", "nora", instance=folder)
    assert ran.code == 0, ran.err


def test_only_a_steward_who_answers_for_it_loads(folder: Path) -> None:
    file = support.file_of(support.template().material, "municipalities")
    for official in ("ana", "sam"):
        ran = publica("load", "municipalities", str(file), "--as", official, instance=folder)
        reason = "load-steward"
        assert ran.code == 3 and f"[{reason}]" in ran.err
    for official in ("mira", "operator"):
        assert publica("load", "municipalities", str(file), "--as", official, instance=folder).code == 0


# what a person can find out


def test_uses_proofs_and_the_ledger(folder: Path, tmp_path: Path) -> None:
    key = strict(publica(*QUERY, "--format", "json", NAMES, instance=folder))["rows"][0]["person_id"]
    assert "your row left" in publica("uses", "--subject", key, instance=folder).text
    [use] = strict(publica("uses", "--subject", key, "--format", "json", instance=folder))
    proof = tmp_path / "proof.json"
    words = ("uses", "prove", "--subject", key, "--use", use["use"], "--out", str(proof))
    assert publica(*words, instance=folder).code == 0
    ran = publica("verify", str(proof), instance=folder)
    assert ran.code == 0 and ran.text.startswith("✓")
    forged = json.loads(proof.read_text("utf-8"))
    proof.write_text(json.dumps(forged).replace("heating_grant", "heating_grand"), "utf-8")
    ran = publica("verify", str(proof), instance=folder)
    assert (ran.code, ran.out) == (4, b"")
    for nothing in ("", "{", "[]", "{}", "null", "[" * 10_000, '{"entry": 1}'):
        proof.write_text(nothing, "utf-8")
        assert publica("verify", str(proof), instance=folder).code in (1, 4)
    key_text = publica("ledger", "key", instance=folder).text
    assert key_text == (folder / "ledger.pub").read_text("ascii")
    assert publica("ledger", "checkpoint", instance=folder).text.startswith("town.example/ledger\n")
    assert strict(publica("ledger", "verify", "--format", "json", instance=folder))["sound"] is True


@pytest.mark.sqlite
def test_a_tampered_ledger(folder: Path) -> None:
    assert publica(*QUERY, NAMES, instance=folder).code == 0
    with closing(sqlite3.connect(folder / "state.db")) as database:
        database.execute("UPDATE use SET rows = 1")
        database.commit()
    ran = publica("ledger", "verify", instance=folder)
    assert (ran.code, ran.out) == (4, b"") and "✗" in ran.err
    ran = publica("ledger", "verify", "--format", "json", instance=folder)
    assert ran.code == 4 and strict(ran)["sound"] is False


def test_a_kept_checkpoint(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_bytes(publica("ledger", "checkpoint", instance=folder).out)
    assert publica(*QUERY, NAMES, instance=folder).code == 0
    assert publica("ledger", "verify", "--kept", str(kept), instance=folder).code == 0
    for nonsense in (b"", b"\xff\xfe", kept.read_bytes().replace(b"town", b"city")):
        kept.write_bytes(nonsense)
        ran = publica("ledger", "verify", "--kept", str(kept), instance=folder)
        assert ran.code in (1, 4) and "fault inside" not in ran.err


# hostile input


def harmless(ran: Ran, *codes: int) -> None:
    assert ran.code in codes, ran.err[:500]
    assert "fault inside" not in ran.err
    assert "\x1b" not in ran.err and "\0" not in ran.err


def chunks(texts: list[str], size: int) -> list[list[str]]:
    return [texts[at : at + size] for at in range(0, len(texts), size)]


@pytest.mark.parametrize("texts", chunks([*NAUGHTY, *HOSTILE], 60), ids=lambda texts: repr(texts[0])[:20])
def test_hostile_statements_and_actors(texts: list[str], town: Path) -> None:
    for text in texts:
        ran = publica(*QUERY, "--format", "json", "--", text, instance=town)
        harmless(ran, 3)
        assert strict(ran)["refused"] is True
        words = ("--format", "json", "--activity", "heating_grant", "SELECT 1 AS x")
        ran = publica("query", f"--as={text}", *words, instance=town)
        harmless(ran, 3)
        assert missing(ran)[0] == "actor-known"


@pytest.mark.parametrize("texts", chunks([*NAUGHTY, *HOSTILE], 60), ids=lambda texts: repr(texts[0])[:20])
def test_hostile_parameters_and_keys(texts: list[str], town: Path) -> None:
    """A parameter is a value: all of them together find nobody, and change nothing about the statement."""
    listed = ", ".join(f"CAST($p{number} AS VARCHAR)" for number in range(len(texts)))
    sql = f"SELECT person_id FROM population WHERE person_id IN ({listed})"
    for write, codes in (
        (json.dumps, (0,)),
        (str, (0, 1)),
    ):  # as JSON texts; and bare: numbers may be too long
        given = [word for n, text in enumerate(texts) for word in ("--param", f"p{n}={write(text)}")]
        ran = publica(*QUERY, "--format", "json", *given, sql, instance=town)
        harmless(ran, *codes)
        assert ran.code == 1 or strict(ran)["rows"] == []
    for text in texts:
        for words in (("choice", "status", "--activity", RESEARCH), ("uses",)):
            ran = publica(*words, f"--subject={text}", "--format", "json", instance=town)
            harmless(ran, 1)
            assert ran.out == b""


def test_hostile_names(town: Path, tmp_path: Path) -> None:
    for text in (*NAUGHTY[::12], *HOSTILE):
        harmless(publica(*QUERY, f"--param={text}=1", "SELECT 1 AS x", instance=town), 0, 2)
        harmless(publica("query", "--as=ana", f"--activity={text}", "SELECT 1 AS x", instance=town), 3)
        harmless(publica("accountable", "--", text, instance=town), 1)
        harmless(publica("load", "--", text, str(BLNS), instance=town), 1)
        words = ("uses", "prove", "--subject", "P-0000001", f"--use={text}", "--out", str(tmp_path / "p"))
        harmless(publica(*words, instance=town), 1)
        harmless(publica("choice", "withdraw", "--subject=P-0000001", f"--activity={text}", instance=town), 1)


def test_the_ledger_after_all_that(town: Path) -> None:
    ran = publica("ledger", "verify", "--format", "json", instance=town)
    assert ran.code == 0 and strict(ran)["kinds"]["receipt"] > 100


# the real executable


@pytest.mark.slow
def test_the_executable(tmp_path: Path) -> None:
    """Each exit code; the instance as the current folder, as PUBLICA_INSTANCE and as --instance."""
    made = executable("init", str(tmp_path / "office"))
    assert made.code == 0 and "public key" in made.text
    assert executable("ledger", "verify", cwd=tmp_path / "office").code == 0
    folder = support.copy(tmp_path / "town")
    at = {**os.environ, "PUBLICA_INSTANCE": str(folder)}
    ran = executable(*QUERY, "--format", "csv", NAMES, env=at)
    assert ran.code == 0 and len(ran.text.splitlines()) == 4
    assert ran.err.startswith("receipt use_") and len(ran.err.splitlines()) == 1
    assert executable("--instance", str(tmp_path / "none"), *QUERY, NAMES, env=at).code == 1
    assert executable(*QUERY, env=at).code == 2
    ran = executable(*QUERY, "--format", "json", "SELECT name FROM population", env=at)
    assert ran.code == 3 and strict(ran)["refused"] is True
    (folder / "keys" / "sealing.key").unlink()
    ran = executable(*QUERY, NAMES, env=at)
    assert (ran.code, ran.out) == (5, b"") and len(ran.err.splitlines()) == 1


@pytest.mark.slow
def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    folder = support.copy(tmp_path / "town")
    publica_path = Path(sys.executable).with_name("publica")
    words = [publica_path, "--instance", folder, *QUERY]
    env = {**os.environ, "PYTHONUTF8": "1"}
    done = subprocess.run([*words, b"SELECT '\xff' AS x"], capture_output=True, timeout=60, env=env)
    assert done.returncode == 2 and b"UTF-8" in done.stderr
    done = subprocess.run(
        [*words, "-"], input=b"SELECT '\xff' AS x", capture_output=True, timeout=60, env=env
    )
    assert done.returncode == 1 and b"Traceback" not in done.stderr


@pytest.mark.slow
def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    folder = support.copy(tmp_path / "town")
    path = Path(sys.executable).with_name("publica")
    done = subprocess.run(
        f"'{path}' --instance '{folder}' {' '.join(QUERY)} --format csv "
        "'SELECT a.person_id FROM population a, population b' | head -1; exit ${PIPESTATUS[0]}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        timeout=60,
    )
    assert done.stdout == b'"person_id"\n' and b"Traceback" not in done.stderr
    assert done.returncode == 0
    with closing(Instance.open(folder)) as instance:
        assert len(support.receipts(instance)) == 1
