"""Terms: what a consent is to, and that it ends when that changes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import states
from spine.office import OPERATOR, Office, documents

from publica.instance import citizens
from publica.kernel.errors import BadInput, IntegrityBroken
from publica.trust import consent
from publica.trust.consent import notices, reading
from publica.trust.consent.terms import digest, terms
from publica.web.shown import duration
from publica.wording import notice as wording

STUDY = ("activity", "study")
COUNT = "SELECT count(*) AS n FROM population"


@pytest.fixture
def office(tmp_path: Path, state: str) -> Iterator[Office]:
    del state
    made = Office(tmp_path)
    yield made
    made.instance.close()


def change(office: Office, **fields: Any) -> None:
    office.apply({STUDY: {**documents()[STUDY], **fields}})


def choose(office: Office, key: str, action: str, **given: Any) -> dict[str, Any]:
    return office.instance.choose(key, "study", action, OPERATOR, **given)


def allowed(office: Office, key: str = "P-1") -> bool:
    return bool(office.instance.choice_status(key, "study")["allowed"])


def version(office: Office) -> notices.Version:
    with office.instance.db.read() as connection:
        found = notices.current(connection, "study")
    assert found is not None
    return found


def rows(office: Office) -> int:
    """How many people's rows the study's next answer is of."""
    return len(office.rows("SELECT person_id FROM population", "study", "stella"))


def problems(office: Office) -> list[str]:
    return list(office.instance.verify_ledger()["problems"])


def test_a_consent_to_an_older_text_lets_nothing_through(office: Office) -> None:
    choose(office, "P-1", "grant")
    assert rows(office) == 1
    before = version(office)
    change(office, retention="P99Y")
    assert not allowed(office)
    assert rows(office) == 0
    after = version(office)
    assert (after.version, after.lapsed) == (before.version + 1, 1)
    assert after.hash != before.hash
    last = office.instance.choice_status("P-1", "study")["history"][-1]
    assert last["action"] == "lapse"
    choose(office, "P-1", "grant")
    assert rows(office) == 1
    assert problems(office) == []


def test_terms_that_come_back_do_not_bring_consents_back(office: Office) -> None:
    choose(office, "P-1", "grant")
    first = version(office)
    change(office, purpose="dpv:Marketing")
    change(office)
    assert version(office).hash == first.hash
    assert not allowed(office)


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "Something else"},
        {"translations": {"fr": {"title": "Autre chose"}}},
        {"purpose": "dpv:Marketing"},
        {"retention": "P99Y"},
        {"protection": "rows"},
        {"roles": ["analyst", "statistician"]},
        {"valid_to": "2090-01-01"},
        {"basis": {"kind": "law", "law": "care-act"}},
    ],
)
def test_whatever_is_told_to_people_ends_their_consent_when_it_changes(
    office: Office, fields: dict[str, Any]
) -> None:
    choose(office, "P-1", "grant")
    change(office, **fields)
    change(office)
    assert not allowed(office)


def test_what_the_data_is_belongs_to_the_terms(office: Office) -> None:
    """That a column is more sensitive than they were told ends consents; another title does not."""
    choose(office, "P-1", "grant")
    spec = documents()["dataset", "population"]
    office.apply({("dataset", "population"): {**spec, "title": "Another title"}})
    assert allowed(office)
    columns = [{**column, "sensitivity": "special"} for column in spec["columns"]]
    office.apply({("dataset", "population"): {**spec, "columns": columns, "special_category": True}})
    assert not allowed(office)


def test_nobody_consents_to_what_they_did_not_see(office: Office) -> None:
    seen = consent.Shown(version(office).hash, "en", "text")
    change(office, retention="P99Y")
    with pytest.raises(BadInput, match="changed meanwhile"):
        choose(office, "P-1", "grant", shown=seen)
    assert not allowed(office)
    choose(office, "P-1", "grant", shown=consent.Shown(version(office).hash, "en", "text"))
    with office.instance.db.read() as connection:
        position = office.instance.position("P-1")
        [step] = reading.status(connection, office.instance.book(), "study", position).history
    assert (step.terms, step.shown) == (version(office).hash, "en:text")
    assert problems(office) == []


@pytest.mark.parametrize("title", ["Help us save lives, hurry", "Recommandé : améliorer nos services"])
def test_a_title_that_presses_people_is_refused(office: Office, title: str) -> None:
    with pytest.raises(BadInput, match="press people"):
        change(office, title=title)
    office.apply({("activity", "care"): {**documents()["activity", "care"], "title": title}})


def test_an_objection_never_lapses(office: Office) -> None:
    office.instance.choose("P-1", "care", "object", OPERATOR)
    with office.changed("activity", "care", retention="P99Y"):
        assert not office.instance.choice_status("P-1", "care")["allowed"]


def test_a_consent_and_a_change_of_terms_at_once(office: Office) -> None:
    """Whichever comes first, nobody ends up consenting to what they were not shown."""
    for round_ in range(6):
        shown = consent.Shown(version(office).hash, "en", "text")
        errors: list[Exception] = []

        def grant(shown: consent.Shown = shown, errors: list[Exception] = errors) -> None:
            try:
                choose(office, "P-2", "grant", shown=shown)
            except BadInput as error:
                errors.append(error)

        thread = threading.Thread(target=grant)
        thread.start()
        change(office, retention=f"P{10 + round_}Y")
        thread.join()
        assert not allowed(office, "P-2")
    assert problems(office) == []


def test_terms_changed_beside_publica_are_found_and_refused(office: Office) -> None:
    choose(office, "P-1", "grant")
    db = office.instance.db
    states.tamper(db, "UPDATE notice SET hash = 'x' WHERE activity = 'study'")
    with pytest.raises(IntegrityBroken, match="other terms"):
        rows(office)
    assert any("terms of study" in problem for problem in problems(office))


def test_a_choice_says_under_which_terms_it_was_made(office: Office) -> None:
    choose(office, "P-1", "grant")
    states.tamper(office.instance.db, "UPDATE choice_change SET terms = 'x' WHERE activity = 'study'")
    assert any("not what its ledger entry" in problem for problem in problems(office))


def test_answers_are_counted_by_version_and_name_nobody(office: Office) -> None:
    now, db = version(office), office.instance.db
    for passed in (True, True, False):
        notices.answer(db, "study", now.version, now.question, "en", passed=passed)
    with db.read() as connection:
        [found] = notices.understood(connection, "study")
    assert (found.version, found.asked, found.passed) == (now.version, 3, 2)
    change(office, retention="P99Y")
    with pytest.raises(BadInput):
        notices.answer(db, "study", now.version, now.question, "en", passed=True)
    assert problems(office) == []
    states.tamper(db, "UPDATE notice_answer SET passed = NOT passed")
    assert len(problems(office)) == 3


def test_the_terms_are_hashed_as_they_are(office: Office) -> None:
    book = office.instance.book()
    found = book.get("activity", "study")
    assert found is not None
    assert digest(terms(book, found)) == version(office).hash
    assert notices.begin(office.instance.db, book, "study") == version(office)


def with_column(name: str, **fields: Any) -> dict[str, Any]:
    spec = documents()["dataset", "population"]
    columns = [{**each, **fields} if each["name"] == name else each for each in spec["columns"]]
    return {**spec, "columns": columns}


def asks_for_names(office: Office, **fields: Any) -> None:
    spec = documents()[STUDY]
    added = {"population": ["name"]}
    uses = [{**use, "columns": [*use["columns"], *added.get(use["dataset"], [])]} for use in spec["datasets"]]
    change(office, datasets=uses, **fields)


@pytest.mark.parametrize(
    ("column", "fields"),
    [
        ("name", {"role": "attribute"}),
        ("name", {"role": "dimension"}),
        ("name", {"title": "HIV status"}),
        ("name", {"labels": {"fr": "Statut sérologique"}}),
        ("name", {"type": "integer"}),
    ],
)
def test_what_a_column_is_belongs_to_the_terms(office: Office, column: str, fields: dict[str, Any]) -> None:
    """What may leave follows from it: a direct identifier that is called an attribute would."""
    asks_for_names(office)
    choose(office, "P-1", "grant")
    office.apply({("dataset", "population"): with_column(column, **fields)})
    assert not allowed(office)
    assert problems(office) == []


def test_whose_rows_they_are_belongs_to_the_terms(office: Office) -> None:
    """Also where the activity does not read the column that says so."""
    book = office.instance.book()
    study = book.get("activity", "study")
    assert study is not None
    subjects = {part["dataset"]: part["subjects"] for part in terms(book, study)["data"]}
    assert subjects["population"] == ["person_id"]
    assert subjects["guardianships"] == ["child_id", "parent_id"]


def said(office: Office, language: str, section: str) -> str:
    book = office.instance.book()
    now = version(office)
    made = wording.compiled(now.terms, wording.names_of(book, language), language, now.question)
    assert made.findings == []
    return " ".join(next(each.sentences for each in made.sections if each.name == section))


@pytest.mark.parametrize(
    ("language", "may", "may_not"),
    [
        ("en", "may leave too, and it shows who you are: ", "may not leave, as it shows who you are: "),
        (
            "fr",
            "peut sortir aussi, et dit qui vous êtes\N{NO-BREAK SPACE}: ",
            "ne peut pas sortir, car cela dit qui vous",
        ),
    ],
)
def test_a_notice_names_what_shows_who_somebody_is(
    office: Office, language: str, may: str, may_not: str
) -> None:
    asks_for_names(office, protection="rows")
    assert may in said(office, language, "out")
    asks_for_names(office, protection="pseudonymous rows")
    assert may_not in said(office, language, "out")
    office.apply({("dataset", "population"): with_column("name", role="attribute")})
    assert may_not not in said(office, language, "out")


@pytest.mark.parametrize(
    ("retention", "en", "fr"),
    [
        ("P1DT9999H", "9999 hours", "9999 heures"),
        ("PT1M", "1 minute", "1 minute"),
        ("PT9S", "9 sec", "9 sec"),
    ],
)
def test_hours_are_said(office: Office, retention: str, en: str, fr: str) -> None:
    change(office, retention=retention)
    assert en in said(office, "en", "kept")
    assert fr in said(office, "fr", "kept")
    assert en in duration("en", retention)
    assert fr in duration("fr", retention)


def test_a_no_keeps_what_was_shown_and_does_not_lapse(office: Office) -> None:
    """It needs no terms; those that it names held once; nobody's own words come into the ledger."""
    first = version(office)
    assert choose(office, "P-1", "refuse", shown=consent.Shown(first.hash, "en", "text"))["changed"]
    change(office, retention="P99Y")
    assert version(office).lapsed == 0
    choose(office, "P-2", "refuse", shown=consent.Shown(first.hash))
    choose(office, "P-3", "refuse", shown=consent.Shown("Words of my own", "en", "and more"))
    choose(office, "P-4", "refuse")
    steps = []
    with office.instance.db.read() as connection:
        for number in range(1, 5):
            position = office.instance.position(f"P-{number}")
            [step] = reading.status(connection, office.instance.book(), "study", position).history
            steps.append((step.action, step.terms, step.shown))
    assert steps == [
        ("refuse", first.hash, "en:text"),
        ("refuse", first.hash, None),
        ("refuse", None, None),
        ("refuse", None, None),
    ]
    assert problems(office) == []


def test_a_no_has_a_receipt(office: Office) -> None:
    """From the first on, and after a consent that lapsed."""
    shown = consent.Shown(version(office).hash)
    choose(office, "P-1", "refuse", shown=shown)
    made = citizens.receipt(office.instance, "P-1", "study")["record"]
    assert made["event"]["event_state"] == "consent refused"
    assert made["event"]["event_type"] == "explicit"
    assert made["pii_processing"]["privacy_notice"]["terms_hash"] == shown.terms
    choose(office, "P-1", "grant")
    change(office, retention="P99Y")
    assert choose(office, "P-1", "refuse")["changed"]
    history = office.instance.choice_status("P-1", "study")["history"]
    assert [step["action"] for step in history] == ["refuse", "grant", "lapse", "refuse"]
    assert not citizens.standing(office.instance, "P-1", "study").lapsed
    assert problems(office) == []


def load(office: Office, folder: Path, shown: str | None = None) -> None:
    file = folder / "choices.csv"
    file.write_text("person_key,action\nP-1,grant\nP-2,grant\n", "utf-8")
    given = None if shown is None else consent.Shown(shown)
    office.instance.choose_many(file, "study", OPERATOR, shown=given)


def test_a_file_loaded_again_revives_no_consent(office: Office, tmp_path: Path) -> None:
    """Once there were other terms, consents in bulk say to which they are."""
    load(office, tmp_path)
    first = version(office).hash
    change(office, protection="rows", retention="P99Y")
    for shown in (None, first):
        with pytest.raises(BadInput):
            load(office, tmp_path, shown)
        assert not allowed(office)
    change(office)  # what held at first does again: still nothing says that these consents are not older
    with pytest.raises(BadInput, match="--terms"):
        load(office, tmp_path)
    assert not allowed(office)
    load(office, tmp_path, version(office).hash)
    assert allowed(office)
    assert problems(office) == []


def test_withdrawals_in_bulk_need_no_terms(office: Office, tmp_path: Path) -> None:
    choose(office, "P-1", "grant")
    change(office, retention="P99Y")
    choose(office, "P-1", "grant")
    file = tmp_path / "choices.csv"
    file.write_text("person_key,action\nP-1,withdraw\n", "utf-8")
    office.instance.choose_many(file, "study", OPERATOR)
    assert not allowed(office)


HURRY = "Hurry: you must agree"


def in_french(**texts: str) -> dict[str, Any]:
    return {"translations": {"fr": texts}}


def test_a_notice_names_records_in_its_language(office: Office) -> None:
    records = documents()
    population = ("dataset", "population")
    office.apply(
        {
            STUDY: {**records[STUDY], **in_french(title="Étude des hôpitaux")},
            population: {**with_column("sex", labels={"fr": "sexe"}), **in_french(title="Habitants")},
        }
    )
    book, now = office.instance.book(), version(office)
    french, english = (
        wording.compiled(now.terms, wording.names_of(book, language), language, now.question).text
        for language in ("fr", "en")
    )
    for mine, other, text in (
        ("Étude des hôpitaux", records[STUDY]["title"], french),
        (records[STUDY]["title"], "Étude", english),
        ("Habitants", records[population]["title"], french),
        (records[population]["title"], "Habitants", english),
    ):
        assert mine in text
        assert other not in text


def test_no_name_that_reaches_a_notice_presses_people(office: Office) -> None:
    records = documents()
    population = ("dataset", "population")
    organisation = ("organisation", records[STUDY]["organisation"])
    holder = ("organisation", records[population]["holder"])
    assert holder != organisation
    for key, spec in (
        (organisation, {**records[organisation], "name": HURRY}),
        (holder, {**records[holder], "name": HURRY}),
        (population, {**records[population], "title": HURRY}),
        (population, with_column("municipality", title=HURRY)),
        (organisation, {**records[organisation], **in_french(name=HURRY)}),
        (holder, {**records[holder], **in_french(name=HURRY)}),
        (population, {**records[population], **in_french(title=HURRY)}),
        (population, with_column("municipality", labels={"fr": HURRY})),
        (STUDY, {**records[STUDY], **in_french(title=HURRY)}),
        (STUDY, {**records[STUDY], "purpose": "x:LastChanceYouMustAgree"}),
    ):
        with pytest.raises(BadInput, match="press people"):
            office.apply({key: spec})


def test_an_activity_that_asks_no_more_keeps_no_terms(office: Office) -> None:
    """Its later changes are no alarm; once it asks again, other terms hold and older consents have ended."""
    choose(office, "P-1", "grant")
    law = {"kind": "law", "law": "care-act"}
    change(office, basis=law)
    change(office, basis=law, retention="P9Y")
    assert problems(office) == []
    change(office)
    assert not allowed(office)
    assert problems(office) == []


def test_the_receipt_of_a_lapse_names_the_consent_that_ended(office: Office) -> None:
    choose(office, "P-1", "grant")
    given = version(office)
    change(office, retention="P99Y", purpose="dpv:Marketing")
    made = citizens.receipt(office.instance, "P-1", "study")["record"]
    assert made["event"]["event_state"] == "consent terminated"
    notice, [purpose] = made["pii_processing"]["privacy_notice"], made["pii_processing"]["purposes"]
    assert (notice["terms_hash"], notice["version"]) == (given.hash, given.version)
    assert purpose["retention_period"] == given.terms["kept"]
