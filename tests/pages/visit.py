"""A person at a browser: what tests of pages do, and what must hold for every page that they open."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Response

from .pictures import keep

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first that is there is taken: the shell has no windows to keep, which take half of the time."""
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
WIDE, NARROW = 1280, 390
PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures" / "pages"
TALL, MOST_PICTURE = 2_400, 150_000
AXE = Axe()


class Visit:
    """One window. Every page opened in it is checked: see `open`."""

    def __init__(
        self, context: BrowserContext, address: str, *, script: bool, language: str, pictures: bool
    ) -> None:
        self.address, self.script, self.language = address, script, language
        self.pictures = pictures
        self.page: Page = context.new_page()
        self.wrong: list[str] = []
        self.page.on("request", self._note_request)
        self.page.on("console", self._note_console)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error in a script: {error}"))

    def open(self, path: str, status: int = 200) -> Response:
        """Go to a page of ours, by its path."""
        answer = self.page.goto(self.address + path)
        assert answer is not None
        assert answer.status == status, (path, answer.status)
        return answer

    def become(self, persona: str) -> None:
        """Sign in as one of the cast: an official's id, or `citizen-1`."""
        self.page.goto(f"{self.address}/sign-in/{persona}")

    def check(self) -> None:
        """The page shown: nothing that axe finds, nothing cut off sideways, the right language, one heading.

        What is wrong is told when the window closes, of all pages at once.
        """
        where = f"{self.page.url.removeprefix(self.address)} ({self.language}, {self.page.viewport_size})"
        if self.page.locator("html").get_attribute("lang") != self.language:
            self.wrong.append(f"{where}: in another language")
        if self.page.locator("h1").count() != 1:
            self.wrong.append(f"{where}: not one heading of the first level")
        if not self.script:
            return
        wide = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if wide > 0:
            self.wrong.append(f"{where}: {wide} pixels too wide")
        found: Any = AXE.run(self.page)
        for each in found.response["violations"]:
            targets = [node["target"] for node in each["nodes"]]
            self.wrong.append(f"{where}: {each['id']}: {each['help']}: {targets}")

    def picture(self, name: str) -> None:
        """Keep what is shown as docs/pictures/pages/NAME.png (`./dev test-pages`), of a long page its top."""
        if not self.pictures:
            return
        file = PICTURES / f"{name}.png"
        width, height = self.page.evaluate(
            "[document.documentElement.clientWidth, document.documentElement.scrollHeight]"
        )
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, TALL)}
        keep(self.page.context, self.page.screenshot(full_page=True, clip=clip), file)
        assert file.stat().st_size <= MOST_PICTURE, f"{file.name} is too large"

    def press(self, name: str) -> None:
        """Press the button of that name."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        """Follow the first link of that name."""
        self.page.get_by_role("link", name=name, exact=True).first.click()

    def tab_to(self, target: Locator, most: int = 120) -> None:
        """Reach something with the Tab key alone."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            if target.evaluate("each => each === document.activeElement"):
                return
        raise AssertionError(f"{target} is out of the keyboard's reach")

    def _note_request(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.wrong.append(f"a request left the server: {request.url}")

    def _note_console(self, message: Any) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.wrong.append(f"console: {message.text}")


class Visits:
    """Opens windows, and closes them."""

    def __init__(self, browser: Browser, address: str, *, pictures: bool) -> None:
        self._browser, self._address, self._pictures = browser, address, pictures
        self._contexts: list[BrowserContext] = []
        self._visits: list[Visit] = []

    def __call__(
        self, *, language: str = "en", width: int = WIDE, script: bool = True, persona: str | None = None
    ) -> Visit:
        """A new window of somebody nobody knows, or of one of the cast."""
        context = self._browser.new_context(
            viewport={"width": width, "height": 900 if width == WIDE else 844},
            locale={"en": "en-GB", "fr": "fr-FR"}[language],
            java_script_enabled=script,
            reduced_motion="reduce",
        )
        self._contexts.append(context)
        opened = Visit(context, self._address, script=script, language=language, pictures=self._pictures)
        self._visits.append(opened)
        if persona is not None:
            opened.become(persona)
        return opened

    def close(self) -> None:
        for context in self._contexts:
            context.close()
        wrong = [each for visit in self._visits for each in visit.wrong]
        assert not wrong, "\n".join(wrong)
