"""The corpus of attacks: none succeeds, every harmless question is answered; and the oracle sees what it must."""

# ruff: noqa: E501 (a statement stays on its line)
from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from publica.gateway import facts, relations
from publica.gateway.aggregate import run
from publica.trust.privacy.rules import Parameters
from tests.spine.support import publica as command

from . import corpus, policy
from .corpus import GIVEN, OURS, attacks, benign
from .oracle import Attack, Judge, Secrets, publica
from .unguarded import Unguarded
from .world import Arena, Outcome, arena

ATTACKS, BENIGN = 233, 30
UNSEEN = {
    "A201": "an error in the base and in B alike, for somebody else there has as much",
    "A261": "a sample, which is another one each time",
    "A395": "undone by its own ROLLBACK",
}
"""Attacks that tell nothing in our world even where nothing guards it."""
ALONE = {"B037": "one person is alone in her year of birth, so no slope may count her; see own/slope_*.yaml"}
"""Harmless questions whose stated answer would tell somebody's income."""


@pytest.mark.parametrize("activity", ("statistics", "casework", "research"))
def test_no_given_attack_succeeds(place: Arena, activity: str) -> None:
    """Under the policy that the corpus assumes; and where rows may leave, of those who consent alone."""
    given = attacks(GIVEN)
    assert len(given) == ATTACKS
    some = given[:: 3 if activity == "research" else 1]  # all of them: ./dev attack corpus --under research
    score = corpus.run(place, some, (), activity)
    assert len(score.verdicts) == len(some)
    assert score.succeeded == []
    assert score.changes == []


def test_every_harmless_question_is_answered(place: Arena) -> None:
    score = corpus.run(place, (), benign(GIVEN))
    assert len(score.replies) == BENIGN
    outcomes = {reply.benign.id: reply.outcome for reply in score.replies}
    assert {name for name, outcome in outcomes.items() if outcome != "expected"} == set(ALONE)
    assert all(outcomes[name] == "protected" for name in ALONE)


def test_the_oracle_sees_attacks_that_succeed(place: Arena) -> None:
    """With no gateway nearly all of them do, and it says so of each."""
    with closing(Unguarded(place)) as nothing:
        judge = nothing.judge()
        judge.judge(Attack("first", "", "SELECT 1"))
        verdicts = {a.id: corpus.judged(judge, place, a, "statistics") for a in attacks(GIVEN)}
    missed = {name for name, verdict in verdicts.items() if verdict.outcome != "succeeded"}
    assert missed == set(UNSEEN)


# a gateway with a fault of its own is found out


def tried(place: Arena, activity: str, sql: str, **more: Any) -> tuple[str, str]:
    verdict = publica(place, activity).judge(Attack("x", "x", sql, **more))
    return verdict.outcome, " ".join(verdict.why)


def test_a_missing_mask_is_found_out(place: Arena) -> None:
    with mock.patch.object(relations, "_mask", lambda *_: None):
        outcome, why = tried(place, "casework", "SELECT count(*) AS mask_test, max(income) FROM persons")
    assert outcome == "succeeded"
    assert "P1: B differs" in why or "P2" in why


def _as_is(dataset: Any, agreement: Any, *, own: bool) -> dict[str, Any]:
    return {column.name: relations.Transform("as is") for column in dataset.spec.columns}


@contextmanager
def forgetful(place: Arena) -> Iterator[None]:
    """What an activity may get is not remembered, neither before nor after; nor is what it got."""
    with ExitStack() as stack:
        for variant in place.variants.values():
            stack.enter_context(mock.patch.object(variant.instance.door.answers, "get", lambda _: None))
            stack.enter_context(mock.patch.object(variant.instance.door.granted, "_kept", OrderedDict()))
            stack.enter_context(mock.patch.object(variant.instance.door.statements, "_kept", OrderedDict()))
        yield


def test_a_withheld_column_is_found_out(place: Arena) -> None:
    sql = "SELECT min(subject_no) AS least, count(DISTINCT name) AS columns_test FROM persons"
    assert tried(place, "casework", sql)[0] == "refused"
    with (
        mock.patch.object(facts, "_transforms", _as_is),
        mock.patch("publica.gateway.decide._declared", lambda *_: iter(())),
        forgetful(place),
    ):
        outcome, why = tried(place, "casework", sql)
    assert outcome == "succeeded"
    assert "P2" in why or "P1: C differs" in why


def test_a_threshold_that_is_not_held_is_found_out(place: Arena) -> None:
    sql = "SELECT sum(income) FROM persons WHERE year(birth_date) = 1939"
    assert tried(place, "statistics", sql, canaries=("333333.33",))[0] == "harmless"
    bare = Parameters(k=1, dominance=1.0, noise=0)
    with forgetful(place), mock.patch.object(run, "parameters", lambda _: bare):
        assert tried(place, "statistics", sql, canaries=("333333.33",)) == (
            "succeeded",
            "P2: A shows 333333.33",
        )


def test_incomes_that_can_be_told_apart_within_a_cell_are_found_out(place: Arena) -> None:
    """D: only what is added up over a whole cell may be told."""
    judge = publica(place, "casework")
    everywhere = Judge(judge.ask, list(place.variants), judge.secrets, judge.state)
    verdict = everywhere.judge(Attack("x", "x", "SELECT sum(income) FROM persons WHERE person_id = 11"))
    assert any(why.startswith("P1: D differs") for why in verdict.why)


def test_a_side_effect_is_found_out(place: Arena) -> None:
    judge = publica(place, "casework")

    def writes(name: str, sql: str, params: Mapping[str, Any]) -> Outcome:
        (place.baits / "written").write_text(sql)
        return judge.ask(name, sql, params)

    try:
        verdict = Judge(writes, judge.variants, judge.secrets, judge.state).judge(
            Attack("x", "x", "SELECT 1")
        )
    finally:
        (place.baits / "written").unlink()
    assert verdict.why == ("P3: files changed: baits/written",)


@pytest.mark.parametrize("kind", ("write", "file", "network", "session", "metadata"))
def test_what_must_be_refused_is_not_let_off_for_telling_nothing(place: Arena, kind: str) -> None:
    assert tried(place, "casework", "SELECT 1", kind=kind) == ("succeeded", f"P4: {kind} was not refused")


def test_secrets_are_seen_as_words_of_their_own() -> None:
    values = {"987654.32", "1957-03-14", "Zoe Canary", "SN-000451-K"}
    secrets = Secrets.of(values)
    assert set(secrets.shown(["value '987654.32' is", "x Zoe Canary,1957-03-14", "(SN-000451-K)"])) == values
    assert not list(secrets.shown(["1987654.321", "Zoe", "1957-03-1", "SN-00045"]))


# the same at the command line


def test_a_sample_at_the_command_line(place: Arena) -> None:
    """Refused with exit code 3, or answered alike; nothing withheld on either stream, in any form."""
    secrets = Secrets.of(place.base.world.secrets())
    folder = place.base.instance.folder
    for number, attack in enumerate(attacks(GIVEN)[::20]):
        form = ("table", "csv", "json")[number % 3]
        words = (
            "query",
            "--as",
            "ana",
            "--activity",
            "statistics",
            "--format",
            form,
            "--",
            place.written(attack.sql),
        )
        ran = command(*words, instance=folder)
        assert ran.code in (0, 3), (attack.id, ran.err)
        told = [secret for secret in secrets.shown([ran.text, ran.err]) if secret not in attack.sql]
        assert told == [], attack.id


def test_answers_at_the_command_line(place: Arena) -> None:
    question = next(each for each in benign(GIVEN) if each.id == "B003")
    place.base.forget()
    words = ("query", "--as", "ana", "--activity", "statistics", "--format", "csv", question.sql)
    ran = command(*words, instance=place.base.instance.folder)
    assert ran.text.replace('"', "").splitlines()[1:] == [",".join(map(str, row)) for row in question.rows]


# other corpora


OTHER = """# Another policy
Tables: `citizens(citizen, nick, born, town, wage, agreed)` governed; `towns(town, size)` open.
1. Rows: only citizens with `agreed = TRUE` may influence any answer.
2. Columns: `nick`, the exact `born` (finer than the year) and `agreed` may not influence any answer.
3. Only aggregates over at least 20 distinct citizens.
"""


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another corpus, with a world of its own."""
    (tmp_path / "policy.md").write_text(OTHER, "utf-8")
    tried = [
        {"id": "X1", "category": "rows", "sql": "SELECT nick FROM citizens", "class": "data"},
        {
            "id": "X2",
            "category": "small",
            "sql": "SELECT town, sum(wage) FROM citizens GROUP BY town",
            "class": "data",
        },
        {"id": "X3", "category": "files", "sql": "FROM '{T}/secret.csv'", "class": "file"},
    ]
    asked = [
        {"id": "Y1", "sql": "SELECT count(*) FROM citizens", "expected_rows": [[60]]},
        {
            "id": "Y2",
            "sql": "SELECT town, count(*) FROM citizens GROUP BY 1 ORDER BY 1",
            "expected_rows": [["a", 21], ["b", 39]],
        },
        {"id": "Y3", "sql": "SELECT count(*) FROM citizens", "expected_rows": [[61]]},
    ]
    (tmp_path / "attacks.json").write_text(json.dumps(tried), "utf-8")
    (tmp_path / "benign.json").write_text(json.dumps(asked), "utf-8")
    data = tmp_path / "world"
    data.mkdir()
    rows = ["citizen,nick,born,town,wage,agreed"]
    for n in range(90):
        town = "a" if n < 21 else "b" if n < 60 else "ab"[n % 2]
        rows.append(
            f"{n},Nick-{n:03},19{50 + n % 40}-05-0{1 + n % 9},{town},{1000 + n}.50,{'true' if n < 60 else 'false'}"
        )
    (data / "citizens.csv").write_text("\n".join(rows) + "\n", "utf-8")
    (data / "towns.csv").write_text("town,size\na,5000\nb,7000\n", "utf-8")
    return tmp_path


def test_another_corpus_is_tried_under_its_own_policy(other: Path) -> None:
    read = policy.read(other / "policy.md")
    assert (read.k, read.consent, read.denied, read.coarse) == (20, "agreed", ("nick",), ("born",))
    with arena(other, other / "world") as place:
        score = corpus.run(place, attacks(other), benign(other))
    assert [v.outcome for v in score.verdicts] == ["refused", "harmless", "refused"]
    assert [r.outcome for r in score.replies] == ["expected", "expected", "plain"]
    assert score.held


def test_the_score_of_another_corpus_is_printed(other: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert corpus.main(["--corpus", str(other), "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["attacks"][-1] == {
        "category": "all",
        "attacks": 3,
        "refused": 2,
        "harmless": 1,
        "succeeded": 0,
    }
    assert told["benign"] == {"expected": 2, "plain": 1, "protected": 0, "other": 0, "refused": 0}
    assert corpus.main(["--corpus", str(other)]) == 0
    assert "3 benign questions: 2 expected, 1 plain" in capsys.readouterr().out


def test_a_policy_that_does_not_say_what_it_must_is_not_guessed(tmp_path: Path) -> None:
    file = tmp_path / "policy.md"
    whole = (GIVEN / "policy.md").read_text("utf-8")
    for gone in ("consented = TRUE", "at least 10 distinct", "may not influence", "governed"):
        file.write_text(whole.replace(gone, "…"), "utf-8")
        with pytest.raises(policy.UnreadPolicy):
            policy.read(file)
    assert (OURS / "persons.csv").is_file()
