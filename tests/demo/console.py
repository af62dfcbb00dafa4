"""Runs the ```console blocks of a page in one shell and compares what they print.

A line that begins with `$ ` is a command; a here-document (`<<'EOF'`) belongs to it up to its end. The lines
after it are its output. Dates, times and ids of uses are compared by their form alone; `…` stands for
anything within a line, a line `…` for any lines. A command without output shown is only run.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
HERE_DOCUMENT = re.compile(r"<<'(\w+)'")
VARIES = (
    (re.compile(r"\buse_[0-9a-z]{20}\b"), "use_ID"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+Z)?"), "TIME"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "DATE"),
)
MARK = "@@@ end of command, exit code "


@dataclass(frozen=True)
class Step:
    """One command and the output that the page shows."""

    command: str
    shown: tuple[str, ...]


@dataclass(frozen=True)
class Ran:
    """What a step did."""

    code: int
    printed: tuple[str, ...]


def steps(page: str) -> list[Step]:
    """The page's commands, in order."""
    return [step for block in BLOCK.findall(page) for step in _steps(block.splitlines())]


def _steps(lines: list[str]) -> list[Step]:
    found: list[tuple[list[str], list[str]]] = []
    until: str | None = None
    for line in lines:
        if until is not None:
            found[-1][0].append(line)
            until = None if line == until else until
        elif line.startswith("$ "):
            found.append(([line[2:]], []))
            here = HERE_DOCUMENT.search(line)
            until = here.group(1) if here else None
        else:
            found[-1][1].append(line)
    return [Step("\n".join(command), tuple(shown)) for command, shown in found]


def run(commands: list[Step], folder: Path, environment: Mapping[str, str]) -> list[Ran]:
    """Run the steps in one shell, stopping at the first that fails; standard error is part of the output."""
    script = "".join(
        f'{step.command}\ncode=$?; echo; echo "{MARK}$code"; [ $code = 0 ] || exit $code\n'
        for step in commands
    )
    done = subprocess.run(
        [shutil.which("bash") or "bash", "-c", script],
        cwd=folder,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=300,
    )
    parts = re.split(re.escape(MARK) + r"(\d+)\n", done.stdout)
    outputs, codes = parts[:-1:2], parts[1::2]
    return [
        Ran(int(code), tuple(output.rstrip("\n").splitlines()))
        for output, code in zip(outputs, codes, strict=True)
    ]


def agrees(shown: tuple[str, ...], printed: tuple[str, ...]) -> bool:
    """Whether what was printed is what the page shows."""
    if not shown:
        return True
    pattern = "".join(_pattern(_settled(line)) for line in shown)
    return re.fullmatch(pattern, "".join(f"{_settled(line)}\n" for line in printed)) is not None


def _settled(line: str) -> str:
    for varies, name in VARIES:
        line = varies.sub(name, line)
    return line


def _pattern(line: str) -> str:
    if line == "…":
        return r"(?:[^\n]*\n)*"
    return ".*".join(map(re.escape, line.split("…"))) + "\n"
