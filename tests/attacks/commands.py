"""Attacks at the command line: documents, files, names, proofs. Judged by what is printed and left behind."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publica.instance import Instance
from tests.spine.support import Ran, kept_open
from tests.spine.support import publica as command

from .oracle import Secrets
from .world import BAIT, OPERATOR, Arena, Request

MOST_PRINTED = 200_000
"""Bytes on either stream: who tries something wrong is told so shortly."""


@dataclass
class Bench:
    """An instance of its own to try commands on, and a folder for their files."""

    place: Arena
    folder: Path
    files: Path
    instance: Instance
    secrets: Secrets
    proof: str

    def try_out(self, said: Mapping[str, Any]) -> list[str]:
        """What is wrong about what came of it; nothing if it is harmless."""
        shutil.rmtree(self.files, ignore_errors=True)
        self.files.mkdir()
        for name, content in said.get("files", {}).items():
            path = self.files / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(made(content))
        if "proof" in said:
            (self.files / "proof.json").write_text(tampered(self.proof, said["proof"]), "utf-8")
        before = self.state()
        ran = command(*(self.word(word) for word in said["command"]), instance=self.folder, plain=True)
        return [*self.wrong(said, ran), *self.changed(before)]

    def word(self, word: Any) -> str:
        """{D}: the folder with the files; {T}: baits; {I}: the instance; {L}: a very long name."""
        marks = {
            "{D}": str(self.files),
            "{T}": str(self.place.baits),
            "{I}": str(self.folder),
            "{L}": "x" * 5_000,
        }
        text = str(word)
        for mark, value in marks.items():
            text = text.replace(mark, value)
        return text

    def wrong(self, said: Mapping[str, Any], ran: Ran) -> Iterator[str]:
        told = ran.out.decode("utf-8", "replace") + ran.err
        if ran.code not in said.get("exit", [1, 2, 3]):
            yield f"exit code {ran.code}: {told[:200]!r}"
        if "Traceback" in ran.err or "a fault inside Publica" in ran.err:
            yield f"it broke: {ran.err[-200:]!r}"
        if len(told) > MOST_PRINTED:
            yield f"it printed {len(told)} characters"
        if any(ord(c) < 32 and c not in "\n\r\t" for c in told):
            yield "it printed what steers a terminal"
        if "says" in said and said["says"] not in told:
            yield f"it did not say {said['says']!r}: {told[:300]!r}"
        typed = " ".join(map(str, said["command"]))
        shown = [secret for secret in self.secrets.shown([told]) if secret not in typed]
        if BAIT in told or shown:
            yield f"it showed {shown or BAIT}"

    def state(self) -> dict[str, Any]:
        """All that an attack must not change."""
        instance = self.instance
        with instance.db.read() as connection:
            from .oracle import STANDS, func, metadata, select

            rows = {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in metadata.sorted_tables
                if table.name in STANDS
            }
        around = {
            str(path.relative_to(self.place.folder)): path.stat().st_size
            for path in self.place.folder.rglob("*")
            if path.is_file() and "state.db" not in path.name and self.files not in path.parents
        }
        kept = {name: size for name, size in around.items() if "/spill-" not in name}
        return {"rows": rows, "files": kept, "keys": sorted(p.name for p in (self.folder / "keys").iterdir())}

    def changed(self, before: Mapping[str, Any]) -> Iterator[str]:
        after = self.state()
        for name, value in before.items():
            if after[name] != value:
                differs = {key for key in {*value, *after[name]} if _at(value, key) != _at(after[name], key)}
                yield f"{name} changed: {sorted(map(str, differs))[:5]}"


def _at(value: Any, key: Any) -> Any:
    return value.get(key) if isinstance(value, dict) else key in value


def made(content: Any) -> bytes:
    """The bytes of a file: text; or `base64`, `hex`, or a text that is `repeat`ed so many `times` between a
    `head` and a `tail`; or a list of such, one after the other."""
    if isinstance(content, list):
        return b"".join(made(part) for part in content)
    if not isinstance(content, dict):
        return str(content).encode("utf-8", "surrogatepass")
    if "base64" in content:
        return base64.b64decode(content["base64"])
    if "hex" in content:
        return bytes.fromhex(content["hex"])
    head, tail = str(content.get("head", "")), str(content.get("tail", ""))
    return (head + str(content["repeat"]) * int(content["times"]) + tail).encode()


def tampered(proof: str, edits: Sequence[Mapping[str, Any]]) -> str:
    """A proof in which the values at some paths are others; `raw`: any other text altogether."""
    body = json.loads(proof)
    for edit in edits:
        if "raw" in edit:
            return str(edit["raw"])
        *path, last = edit["at"]
        holder = body
        for step in path:
            holder = holder[step]
        if "delete" in edit:
            del holder[last]
        elif "swap" in edit:
            holder[last] = holder[last].replace(*edit["swap"])
        else:
            holder[last] = edit["to"]
    return json.dumps(body)


@contextmanager
def bench(place: Arena) -> Iterator[Bench]:
    """A copy of the base, so that what commands do shows nowhere else."""
    folder, files = place.folder / "bench", place.folder / "files"
    shutil.copytree(place.folder / "A", folder, ignore=shutil.ignore_patterns("spill-*"))
    with kept_open(folder) as instance:
        asked = Request(
            OPERATOR.__class__("cyd", "operator", "tester"), "casework", "SELECT sex FROM persons", {}
        )
        receipt = instance.use(asked).receipt
        assert receipt
        key = next(row for row in place.base.world.people if place.base.world.consents(row))
        proof = instance.prove(key[place.policy.governed.key], receipt, OPERATOR)
        instance.checkpoint()
        secrets = Secrets.of(place.base.world.secrets())
        yield Bench(place, folder, files, instance, secrets, json.dumps(proof))
