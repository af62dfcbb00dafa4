"""Records say what they say in several languages: for showing, in the reader's."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from publica.kernel.errors import BadInput
from publica.kernel.records import Book, as_yaml, said_in

from .world import current, database, document, everything, give, in_memory, lines

TRANSLATED = (
    document("dataset:population")
    .replace(
        "  holder: registry",
        "  translations: {fr: {title: Habitants, source: État civil}}\n  holder: registry",
    )
    .replace("name: birth_date,", "name: birth_date, labels: {en: day of birth, fr: date de naissance},")
)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return in_memory(tmp_path, everything(dataset_population=TRANSLATED))


def shown(book: Book, language: str) -> tuple[str, str, str | None]:
    spec = said_in(book, language).get("dataset", "population").spec  # type: ignore[union-attr]
    return spec.title, spec.description, spec.column("birth_date").title


def test_a_record_is_shown_in_a_language_that_it_has(book: Book) -> None:
    """What has no text in it stands as it is; so does the record itself, whatever it is shown in."""
    before = book.get("dataset", "population")
    assert shown(book, "fr") == ("Habitants", "Who lives here.", "date de naissance")
    assert shown(book, "en") == ("Population", "Who lives here.", "day of birth")
    assert shown(book, "de") == ("Population", "Who lives here.", None)
    assert book.get("dataset", "population") is before
    assert said_in(book, "fr").get("activity", "grant") is book.get("activity", "grant")


def test_records_without_translations_stay_as_they_were(tmp_path: Path) -> None:
    with database(tmp_path) as db:
        give(db, tmp_path, everything())
        assert {each.what for each in give(db, tmp_path, everything())} == {"unchanged"}
        changes = give(db, tmp_path, TRANSLATED)[0].changes
        assert {change.path for change in changes} == {
            "translations.fr",
            "columns[1].labels.en",
            "columns[1].labels.fr",
        }
        spec = yaml.safe_load(as_yaml(current(db).get("dataset", "population")))["spec"]  # type: ignore[arg-type]
        assert spec["translations"]["fr"]["title"] == "Habitants"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("fr: {title: Habitants", "fr: {holder: registry"),
        ("fr: {title: Habitants", "français: {title: Habitants"),
        ("fr: {title: Habitants", "fr: {title: ''"),
        ("fr: date de naissance", "FR: date de naissance"),
    ],
)
def test_a_translation_is_of_a_text_and_in_a_language(tmp_path: Path, before: str, after: str) -> None:
    with database(tmp_path) as db, pytest.raises(BadInput) as refused:
        give(db, tmp_path, everything(dataset_population=TRANSLATED.replace(before, after)))
    assert any("translations" in line or "labels" in line for line in lines(refused.value))
