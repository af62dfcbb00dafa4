"""The journey: Stella asks, a citizen sees it, proves it, withdraws; Stella's next answer is another one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from publica.instance import offline
from publica.kernel.actor import Actor
from publica.trust.consent.lint import in_page

from .town import Town
from .visit import NARROW, Visit, Visits

OPERATOR = Actor("operator", "operator", "tester")
STAYS = "SELECT count(*) AS stays, count(DISTINCT person_id) AS people FROM hospital_stays"
NOTICE = "/my-choices/health_research"
RIGHT = "My data is not used for this"


def asks(visit: Visit) -> tuple[dict[str, int], str]:
    """Stella asks at the workbench: the row of the answer, and its receipt."""
    visit.open("/workbench?activity=health_research")
    visit.page.locator("#sql").fill(STAYS)
    visit.press("Ask")
    outcome = visit.page.locator("#outcome")
    names = outcome.locator("thead th").all_inner_texts()
    values = outcome.locator("tbody tr").first.locator("th, td").all_inner_texts()
    row = {name.strip(): int(value.replace(",", "")) for name, value in zip(names, values, strict=True)}
    return row, outcome.locator("a.pub-code").inner_text()


def agree(visit: Visit) -> None:
    """Say yes, having read the notice."""
    visit.open(NOTICE)
    page = visit.page
    options = page.locator("input[name=understood]")
    options.nth(
        [options.nth(i).get_attribute("value") for i in range(options.count())].index("right")
    ).check()
    visit.press("Yes, I agree")
    assert "You have said yes." in page.inner_text("main")


def downloaded(page: Page, name: str, to: Path) -> dict[str, Any]:
    with page.expect_download() as got:
        page.get_by_role("link", name=name, exact=True).first.click()
    got.value.save_as(to)
    found: dict[str, Any] = json.loads(to.read_text("utf-8"))
    return found


def verdict(town: Town, file: Path) -> dict[str, Any]:
    return offline.verify(file, offline.public_key(town.instance.folder, None))


def test_the_journey(visits: Visits, town: Town, tmp_path: Path) -> None:
    stella, peter = visits(persona="stella"), visits(persona="citizen-1")
    agree(peter)
    # Stella asks.
    before, use = asks(stella)
    # Peter sees it, in a sentence.
    peter.open("/my-uses")
    first = peter.page.locator(
        ".pub-timeline__item", has_text="Research on hospital stays"
    ).first.inner_text()
    assert "Statistics Office put you in a total" in first and "as you had said yes" in first
    # He proves it: the file stands alone, and the browser's page checks it.
    peter.open(f"/my-uses/{use}")
    downloaded(peter.page, "Get the proof", tmp_path / "in.json")
    found = verdict(town, tmp_path / "in.json")
    assert (found["use"], found["touched"]) == (use, True)
    # He withdraws, with one button, and gets a receipt of it.
    peter.open(NOTICE)
    peter.press("Take my yes back")
    assert "You have taken your yes back. Your data is left out." in peter.page.inner_text("main")
    receipt = downloaded(peter.page, "Get a signed receipt of my last choice", tmp_path / "choice.json")
    assert receipt["record"]["event"]["event_state"] == "consent withdrawn"
    # Stella's next answer is without him.
    after, later = asks(stella)
    assert before["people"] - after["people"] == 1
    assert before["stays"] - after["stays"] >= 1
    # He proves that this one left him out.
    peter.open(f"/my-uses/{later}")
    assert "This use left you out." in peter.page.inner_text("main")
    downloaded(peter.page, "Get the proof that it left me out", tmp_path / "out.json")
    assert verdict(town, tmp_path / "out.json")["touched"] is False
    # Another citizen, who never consented, proves that neither use touched them.
    other = visits(persona="citizen-3", width=NARROW)
    for number, name in enumerate((use, later)):
        other.open(f"/my-uses/{name}")
        file = tmp_path / f"other{number}.json"
        downloaded(other.page, "Get the proof that it left me out", file)
        found = verdict(town, file)
        assert (found["touched"], found["subject"]) == (False, town.citizens[2])
    assert not town.instance.verify_ledger()["problems"]


def test_choosing_without_script(visits: Visits) -> None:
    """A yes needs the right answer; a no needs nothing. Nothing is preselected, the buttons are equal."""
    visit = visits(script=False, persona="citizen-3")
    visit.open(NOTICE)
    assert in_page(visit.page.content()) == []
    visit.press("Yes, I agree")
    assert "Answer the question before you say yes." in visit.page.inner_text("main")
    visit.page.locator("input[name=understood]").first.check()
    visit.press("Yes, I agree")
    assert "Please read it once more" in visit.page.inner_text("main")
    visit.press("No, I do not agree")
    assert "You have said no. This leaves you out." in visit.page.inner_text("main")
    assert "You said no." in visit.page.locator(".pub-history").inner_text(), "the first no is recorded"
    visit.press("No, I do not agree")
    assert "Nothing has changed. You had said so before." in visit.page.inner_text("main")
    agree(visit)
    assert in_page(visit.page.content()) == []
    assert "answers to the question were right" in visit.page.inner_text("main")
    visit.press("Take my yes back")
    visit.open("/my-choices/heating_grant")
    assert visit.page.locator("main form").count() == 0, "where the law decides, nobody is asked"
    assert "This law gives no right to say no" in visit.page.inner_text("main")
    visit.open("/my-choices/labour_statistics")
    visit.press("I object")
    assert "You have objected." in visit.page.inner_text("main")
    visit.press("Take my objection back")
    assert "You have taken your objection back." in visit.page.inner_text("main")


def test_buttons_are_equal(visits: Visits) -> None:
    visit = visits(persona="citizen-3", width=NARROW)
    visit.open(NOTICE)
    looks = visit.page.locator(".pub-equal button").evaluate_all(
        """all => all.map(each => {
             const style = getComputedStyle(each), box = each.getBoundingClientRect();
             return [
               style.color, style.backgroundColor, style.fontSize, style.fontWeight, box.width].join(); })"""
    )
    assert len(looks) == 2 and len(set(looks)) == 1


def test_something_is_wrong(visits: Visits, town: Town) -> None:
    """A correction reaches the steward, and the answer reaches the citizen."""
    visit = visits(persona="citizen-2")
    visit.open("/my-corrections?dataset=incomes")
    visit.press("Send")
    assert "Say what is wrong, in your own words." in visit.page.inner_text("main")
    visit.page.get_by_label("What is wrong, and what would be right?").fill("My income of 2024 is too high.")
    visit.press("Send")
    assert "You have asked." in visit.page.inner_text("main")
    assert "Waits for an answer" in visit.page.inner_text("main")
    visit.check()
    visit.picture("citizen-asked-en-1280")
    # The steward of that data finds it in the queue, opens it, and answers.
    made = visit.page.locator("article h3").first.get_attribute("id")
    rosa = visits(persona="rosa")
    rosa.open("/stewardship")
    assert "too high" not in rosa.page.inner_text("main"), "what it says is sealed until it is opened"
    rosa.open(f"/stewardship/people/{made}")
    assert "My income of 2024 is too high." in rosa.page.inner_text("main")
    rosa.page.get_by_label("It is done").check()
    rosa.page.locator("#why").fill("You are right. It is corrected.")
    rosa.press("Send the answer")
    visit.open("/my-corrections")
    assert "You are right. It is corrected." in visit.page.inner_text("main")
    # Nobody else can: not another citizen, not another steward.
    for persona in ("sam", "ana", "citizen-1"):
        visits(persona=persona).open(f"/stewardship/people/{made}", status=403)
    assert not town.instance.verify_ledger()["problems"]


def test_a_citizen_reaches_nothing_of_another(visits: Visits, town: Town) -> None:
    """Ids guessed, swapped and replayed."""
    mine, other = visits(persona="citizen-1"), visits(persona="citizen-2")
    key, others = town.citizens[0], town.citizens[1]
    other.open("/my-corrections?dataset=population")
    other.page.locator("#said").fill("Something of citizen 2")
    other.press("Send")
    made = other.page.locator("article h3").first.get_attribute("id")
    theirs = other.page.locator('input[type="hidden"]').first.get_attribute("value")
    field = other.page.locator('input[type="hidden"]').first.get_attribute("name")
    mine.open("/my-corrections")
    assert "Something of citizen 2" not in mine.page.content()
    own = mine.page.locator('input[type="hidden"]').first.get_attribute("value")
    assert field and own and theirs and own != theirs
    post = mine.page.request.post
    for token, status in ((own, 404), (theirs, 403)):
        headers = {"Origin": town.address}
        answer = post(f"{town.address}/my-corrections/{made}/withdraw", form={field: token}, headers=headers)
        assert answer.status == status
    answer = post(
        f"{town.address}/my-choices/health_research",
        form={field: theirs, "action": "withdraw"},
        headers={"Origin": town.address},
    )
    assert answer.status == 403, "another's form does not pass"
    for path in (f"/my-data/{others}", f"/my-uses/{others}", f"/my-choices/{others}"):
        mine.open(path, status=404)
    for path in ("/my-data/all", "/my-uses", "/my-data/download"):
        found = mine.page.request.get(f"{town.address}{path}?subject={others}&person={others}&key={others}")
        assert others not in found.text().replace(f"={others}", "")
    use = town.instance.uses(others, OPERATOR)[0]["use"]
    proof = mine.page.request.get(f"{town.address}/my-uses/{use}/proof").json()
    assert (proof["subject"]["key"], others in json.dumps(proof)) == (key, False)
    # A session that ended opens nothing any more.
    cookies = mine.page.context.cookies()
    mine.press("Sign out")
    again = visits()
    again.page.context.add_cookies(cookies)
    found = again.page.request.get(f"{town.address}/my-data/download", max_redirects=0)
    assert found.status in (303, 401) and key not in found.text()
    for path in ("/my-data", "/my-uses", "/my-choices", "/my-corrections"):
        visits(persona="ana").open(path, status=403)


@pytest.mark.parametrize(
    "path", ["/my-uses/use_x", "/my-data/nothing", "/my-choices/nothing", "/my-data/municipalities"]
)
def test_what_there_is_not(visits: Visits, path: str) -> None:
    visit = visits(persona="citizen-1")
    visit.open(path, status=404)


def test_changed_words_ask_again(visits: Visits, town: Town, tmp_path: Path) -> None:
    """A consent ends with the words that it was given to; the page says so, and asks once more."""

    def study(title: str) -> None:
        file = tmp_path / "study.json"
        spec = town.instance.book().get("activity", "health_research")
        assert spec is not None
        said = {**spec.spec.json_value, "title": title}
        file.with_suffix(".yaml").write_text(
            json.dumps({"kind": "activity", "id": "sleep_research", "spec": said}), "utf-8"
        )
        town.instance.apply([file.with_suffix(".yaml")], OPERATOR)

    study("Research on sleep")
    town.instance.choose(town.citizens[0], "sleep_research", "grant", OPERATOR)
    visit = visits(persona="citizen-1")
    visit.open("/my-choices/sleep_research")
    assert "You have said yes." in visit.page.inner_text("main")
    stale = visit.page.locator("input[name=terms]").get_attribute("value")
    study("Research on sleep and dreams")
    visit.open("/my-choices")
    assert "Please choose again" in visit.page.inner_text("main")
    visit.open("/my-choices/sleep_research")
    text = visit.page.inner_text("main")
    assert "your yes has ended" in text and "This use changed, so your yes ended." in text
    assert visit.page.locator("input[name=terms]").get_attribute("value") != stale
    assert in_page(visit.page.content()) == []
    visit.check()
    visit.picture("citizen-lapsed-en-1280")
    # Who sends the old words gets the new ones to read.
    visit.page.evaluate("terms => document.querySelector('input[name=terms]').value = terms", stale)
    visit.page.locator("input[name=understood][value=right]").check()
    visit.press("Yes, I agree")
    assert "These words have just changed." in visit.page.inner_text("main")
    assert not town.instance.choice_status(town.citizens[0], "sleep_research")["allowed"]
