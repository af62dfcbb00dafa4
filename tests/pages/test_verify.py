"""Checking a proof in the browser: what holds is shown, tampering is found out, nothing leaves."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from publica.instance import offline
from publica.kernel.actor import Actor
from publica.kernel.errors import BadInput, IntegrityBroken
from publica.trust.transparency import verify_proof

from .town import Town
from .visit import Visits

OPERATOR = Actor("operator", "operator", "test")
IN_BROWSER = """async ([address, texts, keys]) => {
  const { verify, NotProved } = await import(address);
  const found = [];
  for (const text of texts) {
    try {
      found.push(await verify(text, keys));
    } catch (error) {
      if (!(error instanceof NotProved)) throw error;
      found.push(error.step ?? error.code);
    }
  }
  return found;
}"""


@pytest.fixture(scope="module")
def proofs(town: Town) -> list[dict[str, Any]]:
    """Of citizen 1: a use in which their row left, one in which it did not; of citizen 3, one of neither."""
    uses = town.instance.uses(town.citizens[0], OPERATOR)
    left = next(use["use"] for use in uses if use["how"] == "left" and use["activity"] == "health_research")
    other = next(use["use"] for use in uses if use["how"] != "left")
    return [
        town.instance.prove(town.citizens[0], left, OPERATOR),
        town.instance.prove(town.citizens[0], other, OPERATOR),
        town.instance.prove(town.citizens[2], left, OPERATOR),
    ]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every value in a proof."""
    yield path
    if isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(each, (*path, name))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from leaves(each, (*path, number))


def tampered(proof: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The proof with one thing changed, each thing once in several ways."""
    for place in leaves(proof):
        if not place:
            continue
        for change in (_other, _without, lambda _: None, lambda _: True, lambda _: 0, lambda _: []):
            changed = copy.deepcopy(proof)
            within = changed
            for part in place[:-1]:
                within = within[part]
            value = change(within[place[-1]])
            if json.dumps(value) != json.dumps(within[place[-1]]):
                within[place[-1]] = value
                yield changed


def _other(value: Any) -> Any:
    """Of the same kind, nearly the same."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        middle = len(value) // 2
        return value[:middle] + ("A" if value[middle : middle + 1] != "A" else "B") + value[middle + 1 :]
    return {**value, "more": 1} if isinstance(value, dict) else [*value, "AAAA"] if value else ["AAAA"]


def _without(value: Any) -> Any:
    """A part less."""
    if isinstance(value, dict):
        return dict(list(value.items())[1:])
    return value[1:] if isinstance(value, list | str) else value


def test_the_browser_says_of_every_proof_what_the_program_says(
    visits: Visits, town: Town, proofs: list[dict[str, Any]]
) -> None:
    """Of sound ones the same verdict; of those tampered with that they are."""
    visit = visits()
    visit.open("/ledger/verify")
    address = visit.page.locator("script[data-verify]").get_attribute("data-verify")
    changed = [each for proof in proofs for each in tampered(proof)]
    texts = [json.dumps(each) for each in (*proofs, *changed)]
    found = visit.page.evaluate(IN_BROWSER, [address, texts, town.instance.verifier_key])
    for proof, verdict in zip(proofs, found, strict=False):
        expected = verify_proof(proof, town.instance.verifier_key)
        names = ("use", "organisation", "activity", "key", "touched", "released", "form")
        assert {name: verdict[name] for name in names} == {name: getattr(expected, name) for name in names}
    assert len(changed) > 700
    for each, verdict in zip(changed, found[len(proofs) :], strict=True):
        with pytest.raises((IntegrityBroken, BadInput)):
            verify_proof(each, town.instance.verifier_key)
        assert isinstance(verdict, str), each
    kinds = {verdict for verdict in found if isinstance(verdict, str)}
    assert kinds >= {
        "checkpoint",
        "receipt",
        "directory",
        "subject",
        "touched",
        "released",
        "says",
        "not-a-proof",
    }


def spelled(proof: dict[str, Any]) -> Iterator[str]:
    """The proof in other words for the same: as JSON readers and the blanks of notes differ about it."""
    text = json.dumps(proof, ensure_ascii=False)
    for place in ("receipt", "directory", "subject"):
        for spelling in (".0", "e0", "E+0"):
            number = proof[place]["position"]
            start = text.index(f'"{place}": {{')
            yield text[:start] + text[start:].replace(
                f'"position": {number}', f'"position": {number}{spelling}', 1
            )
    yield "\ufeff" + text
    yield "\xa0" + text
    yield "\n\t " + text + "\r\n"
    yield text[:-1] + ', "says": ' + json.dumps(proof["says"]) + "}"
    yield text[:-1] + ', "more": 1.0}'
    for letter in "\x1c\x7f\x85\xa0\u180e\u200b\u2028\u3000\ufeffé":
        note = proof["checkpoint"] + f"— other{letter}name YWJjZGVmZ2g=\n"
        yield json.dumps({**proof, "checkpoint": note}, ensure_ascii=False)


def test_browser_and_program_agree_however_a_proof_is_spelled(
    visits: Visits, town: Town, proofs: list[dict[str, Any]], tmp_path: Path
) -> None:
    visit = visits()
    visit.open("/ledger/verify")
    address = visit.page.locator("script[data-verify]").get_attribute("data-verify")
    texts = list(spelled(proofs[0]))
    found = visit.page.evaluate(IN_BROWSER, [address, texts, town.instance.verifier_key])
    file, told = tmp_path / "proof.json", []
    for text in texts:
        file.write_text(text, "utf-8", newline="")
        try:
            told.append(offline.verify(file, (town.instance.verifier_key,))["valid"])
        except (IntegrityBroken, BadInput):
            told.append(False)
    assert [isinstance(verdict, dict) for verdict in found] == told
    assert True in told and False in told
    file.write_text(texts[9], "utf-8", newline="")
    visit.page.set_input_files("#file", str(file))
    visit.page.locator("#check button").click()
    expect(visit.page.locator("#outcome")).to_contain_text("This file is not a proof")


def test_another_ledgers_key_does_not_do(visits: Visits, town: Town, proofs: list[dict[str, Any]]) -> None:
    visit = visits()
    visit.open("/ledger/verify")
    address = visit.page.locator("script[data-verify]").get_attribute("data-verify")
    name, _, rest = town.instance.verifier_key.partition("+")
    for key, said in (("", "no-key"), ("nonsense", "no-key"), (f"{name}x+{rest}", "no-key")):
        assert visit.page.evaluate(IN_BROWSER, [address, [json.dumps(proofs[0])], key]) == [said]


WORDS = {
    "en": ("The proof holds", "Their data was part of this use, and it came out.", "The proof does not hold"),
    "fr": (
        "La preuve tient",
        "Ses données étaient dans cette utilisation, et elles sont sorties.",
        "La preuve ne tient pas",
    ),
}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_person_checks_a_proof(
    visits: Visits, tmp_path: Path, proofs: list[dict[str, Any]], language: str
) -> None:
    visit = visits(language=language)
    visit.open("/ledger/verify")
    requests: list[str] = []
    visit.page.on("request", lambda request: requests.append(f"{request.method} {request.url}"))
    good, said, bad = WORDS[language]
    name = {"en": "Check", "fr": "Vérifier"}[language]
    (tmp_path / "proof.json").write_text(json.dumps(proofs[0]), "utf-8")
    visit.page.locator("#file").set_input_files(tmp_path / "proof.json")
    visit.press(name)
    visit.page.get_by_role("heading", name=good).wait_for()
    assert said in visit.page.locator("#outcome").inner_text()
    assert visit.page.locator(".pub-checks li").count() == 7
    assert visit.page.evaluate("document.activeElement.id") == "outcome"
    visit.check()
    if language == "en":
        visit.picture("public-verified-en-1280")
    forged = copy.deepcopy(proofs[0])
    forged["says"]["released"] = False
    (tmp_path / "forged.json").write_text(json.dumps(forged), "utf-8")
    visit.page.locator("#file").set_input_files(tmp_path / "forged.json")
    visit.press(name)
    visit.page.get_by_role("heading", name=bad).wait_for()
    assert visit.page.locator(".pub-checks li.pub-failed").count() == 1
    visit.check()
    assert [each for each in requests if not re.match(r"GET \S+/static/mark\.svg\?v=\w+\Z", each)] == []


def test_without_a_script_the_page_says_what_to_do(visits: Visits) -> None:
    visit = visits(script=False)
    visit.open("/ledger/verify")
    assert "publica verify proof.json" in visit.page.locator("main").inner_text()
    assert not visit.page.locator("#check").is_visible()
