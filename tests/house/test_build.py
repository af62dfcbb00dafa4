"""The build fetches the design system when it can, checks it, changes it, and goes on without it."""

from __future__ import annotations

import importlib.util
import io
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from .source import ROOT

CSS = (
    "@font-face{font-family:GDS Transport;src:url(/assets/fonts/light.woff2) format('woff2')}"
    ".a{font-family:GDS Transport,arial,sans-serif;background-image:url(/assets/images/govuk-crest.svg)}"
    ".b{background:url(data:image/svg+xml,x)}\n/*# sourceMappingURL=govuk-frontend.min.css.map */"
)


@pytest.fixture
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def package(build: Any) -> bytes:
    """What npm would fetch, in small."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        for name, text in ((build.CSS, CSS), (build.SCRIPT, "export {}\n//# sourceMappingURL=x.js.map")):
            info = tarfile.TarInfo(build.WITHIN + name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return held.getvalue()


def npm(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A program called npm, and no other, on the path."""
    (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")
    assert (folder / "npm").is_file()


def test_typeface_crest_and_maps_are_taken_out(build: Any) -> None:
    made = build.plain(CSS)
    assert "GDS" not in made
    assert "crest" not in made
    assert "sourceMap" not in made
    assert "url(data:image/svg+xml,x)" in made
    assert "font-family:system-ui" in made


def test_a_style_that_names_another_place_is_not_taken(build: Any) -> None:
    with pytest.raises(build.NotFetched):
        build.plain(".a{content:'https://elsewhere.example'}")


def test_the_files_are_made_once(build: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(build, "packed", lambda: package(build))
    build.fetch(tmp_path / "design")
    assert {path.name for path in (tmp_path / "design").iterdir()} == {
        build.CSS, build.SCRIPT, build.NOTICE, "stamp",
    }  # fmt: skip
    monkeypatch.setattr(build, "packed", lambda: pytest.fail("fetched again"))
    build.fetch(tmp_path / "design")
    assert build.stands(tmp_path / "design")


@pytest.mark.parametrize(
    "script",
    ["exit 1", "exit 0", 'echo other > "$5/govuk-frontend-6.3.0.tgz"'],
    ids=("fails", "nothing", "another"),
)
def test_what_npm_does_not_bring_as_pinned_is_not_taken(
    build: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str
) -> None:
    npm(tmp_path, monkeypatch, script)
    with pytest.raises(build.NotFetched):
        build.packed()


def test_the_build_goes_on_without_it(build: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said: list[str] = []
    monkeypatch.setattr(build, "npm", list)
    hook = build.Design.__new__(build.Design)
    folder = tmp_path / "design"
    monkeypatch.setattr(build.Design, "_folder", property(lambda _: folder))
    monkeypatch.setattr(
        build.Design, "app", property(lambda _: type("App", (), {"display_warning": said.append}))
    )
    hook.initialize("standard", {})
    assert not folder.exists()
    assert said and "plain style" in said[0]
    assert hook.dependencies() == [build.NODE]


def test_nothing_of_it_is_in_the_repository() -> None:
    assert "/src/publica/web/static/design/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
