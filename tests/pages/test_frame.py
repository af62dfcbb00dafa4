"""What holds for every page: its frame, its errors, its language, its headers."""

from __future__ import annotations

import re
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from publica.http.problems import KINDS
from publica.web.errors import SAID
from publica.web.static import known
from publica.web.words import preferred

from .town import Town
from .visit import NARROW, Visits

HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
NEEDS_SIGN_IN = "/api/v1/tokens"
PUBLIC = ("/", "/sign-in", "/register", "/ledger", "/ledger/verify", "/accessibility")


def get(town: Town, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
    connection = HTTPConnection(urlsplit(town.address).netloc, timeout=60)
    connection.request(
        "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    answer = connection.getresponse()
    found = {name.lower(): value for name, value in answer.getheaders()}
    body = answer.read().decode()
    connection.close()
    return answer.status, found, body


def test_browsers_get_pages_and_programs_get_problems(town: Town) -> None:
    for path, status in (("/nowhere", 404), (NEEDS_SIGN_IN, 401), ("/register/activities/none", 404)):
        for accept in (HTML, "text/html"):
            found, headers, body = get(town, path, Accept=accept)
            assert (found, headers["content-type"]) == (status, "text/html; charset=utf-8")
            assert headers["content-security-policy"] == POLICY
            assert re.search(r"<h1[^>]*>", body)
        for accept in ("application/json", "*/*", "application/problem+json", "nonsense"):
            found, headers, _ = get(town, path, Accept=accept)
            assert (found, headers["content-type"]) == (status, "application/problem+json")


def test_every_kind_of_problem_has_a_heading() -> None:
    assert set(SAID) == set(KINDS)


@pytest.mark.parametrize("path", PUBLIC)
def test_a_page_runs_and_loads_only_files_of_this_server(town: Town, path: str) -> None:
    _, headers, body = get(town, path, Accept=HTML)
    assert headers["content-security-policy"] == POLICY
    assert not re.search(r"<style|style=|<script(?![^>]*\bsrc=)|\son\w+=|javascript:", body)
    for address in re.findall(r"\b(?:src|href|action)=\"([^\"]*)\"", body):
        assert address.startswith(("/", "#")), address
        assert not address.startswith("//"), address


def test_what_pages_load_stays_here_and_is_kept(town: Town) -> None:
    _, _, body = get(town, "/", Accept=HTML)
    loaded = re.findall(r"\"(/static/[^\"]+)\"", body)
    assert len(loaded) >= 4
    for address in loaded:
        status, headers, _ = get(town, address)
        assert (status, headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
        assert get(town, address, If_None_Match=headers["etag"])[0] == 304
    assert get(town, "/static/../site.py")[0] == 404
    assert get(town, "/static/none.css")[0] == 404


def test_no_file_that_pages_load_names_another_place() -> None:
    """But in comments that say which standard they follow, and as names of namespaces."""
    for name, file in known().items():
        for address in re.findall(r"url\(([^)]*)\)|(https?://\w[^\s\"')]*)", file.body.decode()):
            said = address[0] or address[1]
            assert said.startswith(("data:", "https://c2sp.org/", "http://www.w3.org/")), (name, said)


def test_the_language_is_the_browsers_until_somebody_chooses(town: Town, visits: Visits) -> None:
    assert 'lang="fr"' in get(town, "/", Accept=HTML, Accept_Language="de,fr-CH;q=0.9,en;q=0.5")[2]
    visit = visits()
    visit.open("/register?x=1")
    visit.follow("Français")
    visit.language = "fr"
    assert visit.page.url.endswith("/register?x=1&lang=fr")
    visit.check()
    visit.open("/ledger")
    visit.check()
    visit.follow("English")
    visit.language = "en"
    visit.check()


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CA,en;q=0.9", "fr"),
        ("en;q=0.3,fr;q=0.4", "fr"),
        ("de,nl", "en"),
        ("fr;q=x,en", "en"),
        ("fr;q=0", "en"),
        ("*", "en"),
        ("fr" * 5000, "en"),
    ],
)
def test_what_a_browser_prefers(header: str, language: str) -> None:
    assert preferred(header) == language


def test_the_keyboard_alone_suffices(visits: Visits) -> None:
    """From the first key on: to the content, the other language, signing in, and out again."""
    visit = visits()
    visit.open("/")
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.textContent") == "Skip to main content"
    visit.page.keyboard.press("Enter")
    assert visit.page.evaluate("document.activeElement.id") in ("main-content", "")
    visit.open("/")
    visit.tab_to(visit.page.get_by_role("link", name="Sign in", exact=True))
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**/sign-in*")
    visit.tab_to(visit.page.get_by_role("link", name="Stella Berg", exact=True))
    visit.page.keyboard.press("Enter")
    visit.page.get_by_text("Stella Berg").first.wait_for()
    visit.tab_to(visit.page.get_by_role("button", name="Sign out"))
    visit.page.keyboard.press("Enter")
    visit.page.get_by_role("link", name="Sign in", exact=True).wait_for()


@pytest.mark.parametrize("script", [True, False])
def test_one_signs_in_and_out_and_comes_back_to_the_same_place(visits: Visits, script: bool) -> None:
    visit = visits(script=script, width=NARROW)
    visit.open("/register")
    visit.follow("Sign in")
    visit.follow("Ana Pereira")
    assert visit.page.url.endswith("/register")
    assert "Ana Pereira" in visit.page.locator("header").inner_text()
    visit.check()
    visit.press("Sign out")
    visit.page.wait_for_url(re.compile(r"/$"))
    assert "Ana Pereira" not in visit.page.locator("header").inner_text()


def test_pages_are_whole_without_the_design_system(visits: Visits, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the plain style that stands in for it where it could not be fetched."""
    from publica.web import site

    monkeypatch.setitem(site.environment("en").globals, "design", False)
    for width in (1280, NARROW):
        visit = visits(width=width)
        for path in PUBLIC:
            visit.open(path)
            visit.check()
        visit.open("/ledger/verify")
        visit.page.get_by_role("button", name="Check", exact=True).wait_for()


def test_errors_are_in_order(visits: Visits) -> None:
    for language in ("en", "fr"):
        visit = visits(language=language)
        visit.open("/nowhere", 404)
        visit.check()
        visit.open(NEEDS_SIGN_IN, 401)
        visit.check()
        if language == "en":
            visit.picture("public-sign-in-needed-en-1280")
