"""Applying documents: all of them or none, every problem at once, each with its file and line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import func, select

from publica.kernel.actor import Actor
from publica.kernel.database import Database
from publica.kernel.errors import BadInput
from publica.kernel.ledger.canonical import canonical, commit
from publica.kernel.ledger.store import entries
from publica.kernel.records import store

from .world import CARLA, WORLD, changed, current, document, everything, give, lines


def whats(differences: object) -> dict[str, str]:
    return {f"{each.kind}:{each.id}": each.what for each in differences}  # type: ignore[attr-defined]


def rows(db: Database) -> int:
    with db.read() as connection:
        return connection.execute(select(func.count()).select_from(store.revisions)).scalar_one()


def test_what_is_new_is_added_then_unchanged(db: Database, tmp_path: Path) -> None:
    assert whats(give(db, tmp_path, everything())) == dict.fromkeys(WORLD, "added")
    generation = current(db).generation
    assert whats(give(db, tmp_path, everything())) == dict.fromkeys(WORLD, "unchanged")
    assert current(db).generation == generation
    assert rows(db) == len(WORLD)


def test_how_it_is_written_does_not_matter(db: Database, tmp_path: Path) -> None:
    give(db, tmp_path, everything())
    spec = "spec:\n  type: 'public body'\n  name: >-\n    Civil\n    registry\n"
    text = f"{spec}id: registry\nkind: organisation\n"
    assert whats(give(db, tmp_path, text)) == {"organisation:registry": "unchanged"}


def test_a_change_names_its_fields(db: Database, tmp_path: Path) -> None:
    give(db, tmp_path, everything())
    text = changed("dataset:population", ("unit: EUR", "unit: NOK"), ("[NO, SE]", "[NO, SE, DK]"))
    [difference] = give(db, tmp_path, text)
    found = [(change.path, change.before, change.after) for change in difference.changes]
    assert found == [("columns[2].codes[2]", None, "DK"), ("columns[3].unit", "EUR", "NOK")]
    record = current(db).get("dataset", "population")
    assert record and (record.revision, record.actor, record.spec.columns[3].unit) == (2, "carla", "NOK")


def test_a_dry_run_changes_nothing(db: Database, tmp_path: Path) -> None:
    assert whats(give(db, tmp_path, everything(), dry_run=True)) == dict.fromkeys(WORLD, "added")
    assert rows(db) == 0


def test_references_may_lead_into_the_input_or_to_what_is_stored(db: Database, tmp_path: Path) -> None:
    give(db, tmp_path, document("organisation:registry"))
    give(db, tmp_path, document("official:sam"))
    assert current(db).get("official", "sam")


def test_every_revision_has_a_ledger_entry_that_commits_to_it(db: Database, tmp_path: Path) -> None:
    give(db, tmp_path, document("organisation:registry"), actor=Actor("carla", "operator", "root"))
    with db.read() as connection:
        [row] = store.with_entries(connection)
    entry = json.loads(row["entry_body"])
    record = current(db).get("organisation", "registry")
    assert record
    assert entry["kind"] == "record"
    assert (entry["record"], entry["revision"]) == ("organisation:registry", 1)
    assert entry["commitment"] == commit(row["body_salt"], canonical(record.spec.json_value))
    who = canonical({"id": "carla", "authenticated": "operator", "os_user": "root"})
    assert entry["actor"] == commit(row["actor_salt"], who)
    assert entry["at"] == row["recorded_at"]
    assert b"registry" not in row["entry_body"].replace(b"organisation:registry", b"")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "kind: datasett\nid: x\nspec: {}\n",
            "1: There is no kind of record 'datasett'. The kinds are: organisation,",
        ),
        (
            changed("organisation:social", ("name:", "nam:")),
            "3: There is no field 'nam' in organisation. Did you mean name?",
        ),
        (
            changed("organisation:social", ("name: Social services, ", "")),
            "3: The field name is missing. Add it.",
        ),
        (
            changed("organisation:social", ("public body", "club")),
            "3: 'club' is not one of the values of type. Choose",
        ),
        (changed("organisation:social", ("Social services", "[a]")), "3: name must be text."),
        (changed("organisation:social", ("Social services", "''")), "3: name is empty."),
        (
            changed("official:ana", ("social", "socail")),
            "3: There is no organisation 'socail', which official ana",
        ),
        (changed("official:ana", ("social", "socail")), "Did you mean social?"),
        (
            changed("role:ana-analyst", ("2020-01-01", "2020")),
            "3: '2020' does not fit valid_from. It must be a day",
        ),
        (changed("role:ana-analyst", ("2020-01-01", "2020-02-30")), "It must be a day"),
        (
            changed("role:ana-analyst", ("role: analyst,", "role: analyst, valid_to: 2019-12-31,")),
            "before it begins",
        ),
        (
            changed("dataset:population", ("required: true", "required: maybe")),
            "9: columns[0].required must be true or",
        ),
        (
            changed("dataset:population", ("precision: 12", "precision: 99")),
            "12: columns[3].precision must be at most 38",
        ),
        (
            changed("dataset:population", ("precision: 12", "precisoin: 12")),
            "in columns[3]. Did you mean precision?",
        ),
        (
            changed("dataset:population", ("name: income", "name: Income")),
            "12: 'Income' does not fit columns[3].name.",
        ),
        (
            changed("agreement:registry-social", ("year", "decade")),
            "9: 'decade' does not fit datasets[0].columns.birth_date",
        ),
        (
            changed("agreement:registry-social", ("in: [NO]", "values: [NO]")),
            "There is no field 'values' in datasets[0].rows",
        ),
        (
            document("organisation:social") + "---\n" + document("organisation:social"),
            "5: The organisation social stands",
        ),
    ],
)
def test_what_is_wrong_is_named_with_line_and_remedy(
    db: Database, tmp_path: Path, text: str, message: str
) -> None:
    give(db, tmp_path, everything())
    before = rows(db)
    with pytest.raises(BadInput) as caught:
        give(db, tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "given.yaml"))
    assert any(message in line for line in lines(caught.value)), str(caught.value)
    assert rows(db) == before


def test_all_problems_come_at_once_in_reading_order(db: Database, tmp_path: Path) -> None:
    wrong = everything(
        official_sam="kind: official\nid: sam\nspec: {name: Sam, organisation: nowhere, age: 7}\n",
        role_sam_steward=changed("role:sam-steward", ("official: sam", "official: sma")),
        law_grant_act=changed("law:grant-act", ("eli: eli/xx/act/2020/1, ", "")),
    )
    with pytest.raises(BadInput) as caught:
        give(db, tmp_path, wrong)
    assert [problem.place.line for problem in caught.value.problems if problem.place] == [11, 19, 27]
    assert caught.value.what == caught.value.problems[0].what
    assert rows(db) == 0


def test_one_broken_document_stops_all(db: Database, tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        give(db, tmp_path, everything() + "---\nkind: organisation\nid: x\nspec: {}\n")
    assert rows(db) == 0


def test_what_cannot_be_read_makes_no_broken_references(db: Database, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        give(
            db, tmp_path, everything(organisation_registry="kind: organisation\nid: registry\nspec: &a {}\n")
        )
    assert len(str(caught.value).splitlines()) == 1


def test_a_misfit_makes_no_other_problems(db: Database, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        give(db, tmp_path, everything(official_sam=changed("official:sam", ("name: Sam, ", ""))))
    assert len(str(caught.value).splitlines()) == 1


def test_dropping_a_column_in_use_names_both(db: Database, tmp_path: Path) -> None:
    give(db, tmp_path, everything())
    before = rows(db)
    smaller = changed("dataset:population", ("name: income", "name: wages"))
    with pytest.raises(BadInput) as caught:
        give(db, tmp_path, smaller)
    message = str(caught.value)
    assert "With this dataset population, the stored activity grant would no longer hold" in message
    assert "the stored agreement registry-social would no longer hold" in message
    assert "(at datasets[0].columns[1])" in message
    assert rows(db) == before


def test_a_column_may_be_dropped_together_with_its_uses(db: Database, tmp_path: Path) -> None:
    give(db, tmp_path, everything())
    together = "---\n".join(changed(name, ("income", "wages")) for name in WORLD if "income" in WORLD[name])
    assert set(whats(give(db, tmp_path, together)).values()) == {"changed"}


def test_an_unchanged_document_is_still_checked_against_what_changes(db: Database, tmp_path: Path) -> None:
    give(db, tmp_path, everything())
    text = (
        document("activity:grant") + "---\n" + changed("dataset:population", ("name: income", "name: wages"))
    )
    with pytest.raises(BadInput) as caught:
        give(db, tmp_path, text)
    assert any(
        line.startswith("9: The dataset population has no column income.") for line in lines(caught.value)
    )


def test_ending_a_role_that_a_signature_needs_is_refused(db: Database, tmp_path: Path) -> None:
    give(db, tmp_path, everything())
    moved = changed("official:sam", ("organisation: registry", "organisation: social"))
    assert whats(give(db, tmp_path, moved)) == {"official:sam": "changed"}
    ended = changed("role:sam-steward", ("2020-01-01", "2020-01-01, valid_to: 2020-06-30"))
    with pytest.raises(BadInput, match="sam did not work for registry on 2020-12-01"):
        give(db, tmp_path, ended)


def test_the_actor_is_kept(db: Database, tmp_path: Path) -> None:
    give(db, tmp_path, document("organisation:registry"), actor=CARLA)
    record = current(db).get("organisation", "registry")
    assert record and record.actor == "carla"
    assert str(CARLA) == "operator (test) acting as carla"
    assert str(Actor("ana", "oidc")) == "ana"


def test_a_ledger_entry_per_change_and_no_more(db: Database, tmp_path: Path) -> None:
    give(db, tmp_path, everything())
    give(db, tmp_path, everything())
    with db.read() as connection:
        assert connection.execute(select(func.count()).select_from(entries)).scalar_one() == len(WORLD)


def test_a_very_long_list_of_problems_is_cut(db: Database, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        give(db, tmp_path, "--- 1\n" * 5000)
    assert len(caught.value.problems) == 5000
    assert str(caught.value).endswith("… and 4900 more.")


def test_thousands_of_problems_are_all_found(db: Database, tmp_path: Path) -> None:
    spec = "{name: A, organisation: nowhere}"
    text = "---\n".join(document(f"official:o{number}", spec) for number in range(3000))
    with pytest.raises(BadInput) as caught:
        give(db, tmp_path, text)
    assert len(caught.value.problems) == 3000
