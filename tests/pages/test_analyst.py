"""The analyst's journeys: ask, explain, be refused, ask whoever can supply it; past uses and requests."""

from __future__ import annotations

import csv
import io

import pytest
from playwright.sync_api import expect

from .visit import NARROW, WIDE, Visit, Visits

MEANS = """SELECT sex, count(*) AS people, avg(income) AS mean
FROM population JOIN incomes USING (person_id)
WHERE year = 2025 AND sex IN ('F', 'M') GROUP BY sex ORDER BY sex"""
ADDRESSES = "SELECT municipality, address FROM population"


def ask(visit: Visit, activity: str, sql: str, button: str = "Ask") -> None:
    visit.page.get_by_label("What do you need the data for?").select_option(activity)
    visit.page.get_by_label("Your question, in SQL").fill(sql)
    if visit.script:
        visit.page.keyboard.press("Escape")  # the suggestions
    visit.press(button)
    visit.page.wait_for_load_state()


@pytest.mark.parametrize("script", [True, False])
def test_totals_come_with_a_picture_and_their_uncertainty(visits: Visits, script: bool) -> None:
    visit = visits(persona="stella", script=script)
    visit.open("/workbench")
    visit.check()
    ask(visit, "labour_statistics", MEANS)
    visit.check()
    outcome = visit.page.locator("#outcome")
    expect(outcome.get_by_role("heading", level=2)).to_have_text("Answer: 2 rows")
    expect(outcome.locator("tbody tr")).to_have_count(2)
    assert outcome.get_by_role("cell", name="±").count() == 4
    # one picture for each of the two figures, with two bars and their intervals
    assert outcome.locator("svg").count() == 2
    assert outcome.locator("svg rect").count() == 4
    assert outcome.locator("svg .wb-whisker").count() == 12
    if script:
        visit.picture("analyst-answer-en-1280")


def test_the_side_says_what_the_activity_lets_through(visits: Visits) -> None:
    visit = visits(persona="stella", script=False)
    visit.open("/workbench?activity=health_research")
    stays = visit.page.locator('[data-table="hospital_stays"]')
    expect(stays.locator('[data-column="person_id"]')).to_contain_text("as a pseudonym")
    people = visit.page.locator('[data-table="population"]')
    expect(people.locator('[data-column="birth_date"]')).to_contain_text("the year only")
    expect(people.locator('[data-column="address"]')).to_contain_text("not in the activity")
    visit.page.get_by_label("What do you need the data for?").select_option("labour_statistics")
    visit.press("Show what it allows")
    income = visit.page.locator('[data-table="incomes"] [data-column="income"]')
    expect(income).to_contain_text("EUR")
    expect(income).to_contain_text("as it is")
    expect(visit.page.locator(".wb-terms")).to_contain_text("Totals only")


def test_a_download_is_the_whole_answer_and_a_use_of_its_own(visits: Visits) -> None:
    visit = visits(persona="stella")
    visit.open("/workbench")
    ask(visit, "open-access", "SELECT name, region FROM municipalities ORDER BY name")
    with visit.page.expect_download() as waiting:
        visit.press("Download as CSV")
    rows = list(csv.reader(io.StringIO(waiting.value.path().read_text("utf-8"))))
    assert rows[0] == ["name", "region"]
    assert len(rows) == 13
    with visit.page.expect_download() as waiting:
        visit.press("Download as Parquet")
    assert waiting.value.path().read_bytes()[:4] == b"PAR1"


def test_what_somebody_wrote_is_shown_as_text(visits: Visits) -> None:
    visit = visits(persona="stella")
    visit.open("/workbench")
    text = """<b id="x">bold</b>"""
    ask(visit, "open-access", f"SELECT name, '{text}' AS \"<i id='y'>\" FROM municipalities")
    expect(visit.page.locator("#outcome")).to_contain_text(text)
    assert visit.page.locator("#x, #y").count() == 0


def test_explain_runs_nothing(visits: Visits) -> None:
    visit = visits(persona="stella")
    visit.open("/workbench/uses")
    before = visit.page.locator("tbody tr").count()
    visit.open("/workbench")
    ask(visit, "health_research", "SELECT count(*) AS n FROM hospital_stays", "Explain without asking")
    visit.check()
    outcome = visit.page.locator("#outcome")
    expect(outcome.get_by_role("heading", level=2)).to_have_text("This would be allowed")
    expect(outcome).to_contain_text("only people who consented are included")
    expect(outcome.locator("pre")).to_contain_text("choice_and_scope")
    visit.open("/workbench/uses")
    assert visit.page.locator("tbody tr").count() == before
    visit.page.get_by_label("Show", exact=True).select_option("refused")
    visit.press("Show these")
    outcomes = set(visit.page.locator("tbody .govuk-tag").all_inner_texts())
    assert outcomes <= {"refused"}


def test_the_editor_suggests_and_obeys_the_keyboard(visits: Visits) -> None:
    visit = visits(persona="stella")
    visit.open("/workbench?activity=labour_statistics")
    area = visit.page.get_by_label("Your question, in SQL")
    area.fill("SELECT count(*) AS n FROM ")
    area.press_sequentially("popu")
    listed = visit.page.get_by_role("listbox", name="Suggestions")
    expect(listed.get_by_role("option")).to_have_count(1)
    visit.page.keyboard.press("ArrowDown")
    visit.page.keyboard.press("Enter")
    expect(area).to_have_value("SELECT count(*) AS n FROM population")
    expect(listed).to_be_hidden()
    area.press_sequentially(" GROUP BY mun")
    visit.page.keyboard.press("Escape")
    expect(listed).to_be_hidden()
    area.fill("SELECT count(*) AS n FROM ")
    visit.page.get_by_role("button", name="income", exact=True).click()
    expect(area).to_have_value("SELECT count(*) AS n FROM income")
    area.fill("SELECT count(*) AS n FROM population")
    visit.page.keyboard.press("Control+Enter")
    expect(visit.page.locator("#outcome")).to_be_focused()
    expect(visit.page.locator("#outcome h2")).to_have_text("Answer: one row")
    visit.page.get_by_label("Your question, in SQL").focus()
    visit.page.keyboard.press("Control+Shift+Enter")
    expect(visit.page.locator("#outcome h2")).to_have_text("This would be allowed")


def test_the_keyboard_alone_suffices(visits: Visits) -> None:
    visit = visits(persona="ana")
    visit.open("/workbench")
    visit.tab_to(visit.page.get_by_label("Your question, in SQL"))
    visit.page.keyboard.press("Control+a")
    visit.page.keyboard.type("SELECT address FROM population")
    visit.page.keyboard.press("Escape")
    visit.tab_to(visit.page.get_by_role("button", name="Ask", exact=True))
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("#outcome h2")).to_have_text("Refused")
    visit.tab_to(visit.page.locator("#outcome summary").first)
    visit.page.keyboard.press("Enter")
    visit.tab_to(visit.page.get_by_label("Why do you need it? Ivo Horvat will read this."))


@pytest.mark.parametrize("script", [True, False])
def test_a_refusal_leads_to_a_request_which_is_answered(visits: Visits, script: bool) -> None:
    """Axel asks, is refused, asks Sam for it; Sam declines with a reason; Axel reads it."""
    axel = visits(persona="axel", script=script)
    axel.open("/workbench")
    ask(axel, "software_tests", ADDRESSES)
    axel.check()
    outcome = axel.page.locator("#outcome")
    expect(outcome).to_contain_text("Civil Registry has no agreement with Acme Systems")
    if script:
        axel.picture("analyst-refusal-en-1280")
    outcome.locator("summary").first.click()
    axel.press("Ask Sam Winther")  # without a word
    axel.check()
    expect(axel.page.get_by_role("alert")).to_contain_text("Say why")
    axel.page.get_by_label("Why do you need it?").fill("To test letters with addresses.")
    axel.press("Ask Sam Winther")
    axel.page.wait_for_url("**/requests/req_*")
    axel.check()
    place = axel.page.url.removeprefix(axel.address)
    expect(axel.page.locator("main")).to_contain_text("waits")
    sam = visits(persona="sam", script=script)
    sam.open("/stewardship")
    sam.check()
    if script:
        sam.picture("steward-queue-en-1280")
    sam.page.locator(f'a[href="{place}"]').click()
    sam.check()
    sam.press("Send the answer")
    expect(sam.page.get_by_role("alert")).to_contain_text("Choose whether you agree.")
    sam.page.get_by_label("I decline").check()
    sam.press("Send the answer")
    expect(sam.page.get_by_role("alert")).to_contain_text("Give a reason")
    sam.page.get_by_label("I decline").check()
    sam.page.get_by_label("Why? Axel Brandt will read this.").fill("Synthetic addresses will do.")
    sam.press("Send the answer")
    sam.check()
    axel.open(place)
    axel.check()
    expect(axel.page.locator("main")).to_contain_text("Synthetic addresses will do.")
    assert axel.page.get_by_role("button", name="Take the request back").count() == 0


def test_a_past_use_is_looked_at_and_asked_again(visits: Visits) -> None:
    visit = visits(persona="stella")
    visit.open("/workbench")
    ask(visit, "labour_statistics", "SELECT count(*) AS n FROM population WHERE sex = $sex")
    expect(visit.page.locator("#outcome")).to_contain_text("$sex has no value")
    visit.page.locator("summary", has_text="Values for $names").click()
    visit.page.get_by_label("One on each line").fill("sex = F")
    visit.press("Ask")
    expect(visit.page.locator("#outcome h2")).to_have_text("Answer: one row")
    visit.page.get_by_role("link", name="My past uses").click()
    visit.check()
    visit.picture("analyst-past-uses-en-1280")
    visit.page.locator("tbody a").first.click()
    visit.check()
    expect(visit.page.locator("pre")).to_contain_text("WHERE sex = $sex")
    visit.page.get_by_role("link", name="Take it to the workbench").click()
    expect(visit.page.get_by_label("Your question, in SQL")).to_have_value(
        "SELECT count(*) AS n FROM population WHERE sex = $sex"
    )
    expect(visit.page.get_by_label("One on each line")).to_have_value("sex = F")


def test_what_is_anothers_is_not_there(visits: Visits) -> None:
    """A use, and a request, by their ids; and pages of other askers."""
    axel = visits(persona="axel", script=False)
    axel.open("/workbench")
    ask(axel, "software_tests", "SELECT name FROM population")
    use = axel.page.locator("#outcome a.pub-code").get_attribute("href") or ""
    axel.page.locator("#outcome summary").first.click()
    axel.page.get_by_label("Why do you need it?").fill("To test names.")
    axel.press("Ask Sam Winther")
    request = axel.page.url.removeprefix(axel.address)
    for persona in ("stella", "ivo"):
        other = visits(persona=persona, script=False)
        other.open(use, status=404)
        other.open(request, status=404)
        other.open("/office", status=403)
    for persona in ("citizen-1", None):
        other = visits(persona=persona, script=False)
        for place in ("/workbench", use, request, "/stewardship", "/office", "/office/breach"):
            other.open(place, status=403 if persona else 401)
    auditor = visits(persona="audra", script=False)
    auditor.open(request)  # she sees requests, and asks for no data
    assert auditor.page.get_by_role("button", name="Send the answer").count() == 0
    auditor.open("/workbench", status=403)
    axel.press("Take the request back")
    expect(axel.page.locator("h1")).to_contain_text("taken back")


@pytest.mark.parametrize(("language", "width"), [("fr", WIDE), ("fr", NARROW), ("en", NARROW)])
def test_every_page_in_both_languages_and_widths(visits: Visits, language: str, width: int) -> None:
    visit = visits(persona="stella", language=language, width=width)
    for place in ("/workbench", "/workbench/uses", "/requests", "/datasets/hospital_stays"):
        visit.open(place)
        visit.check()
    visit.open("/workbench")
    visit.page.locator("#activity").select_option("labour_statistics")
    visit.page.locator("#sql").fill("SELECT max(income) FROM incomes")
    visit.page.locator("#run").click()
    expect(visit.page.locator("#outcome h2")).to_have_text("Refusé" if language == "fr" else "Refused")
    visit.check()
    visit.picture(f"analyst-refused-{language}-{width}")
