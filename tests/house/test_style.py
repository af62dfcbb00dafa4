"""What the source may not hold, and what each area must say."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from .order import LEVEL
from .source import MODULES, ROOT, Function, Module

UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX|Not" + r"ImplementedError)\b")
MACHINE = re.compile(r"(?<![\w.:/~-])/(?:home|root|Users|work|mnt|srv)/\w")
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".sh", ".svg", ".txt", ".in", ".sql", ".json", ".lock", ""}
FOLDERS = ("src", "tests", "docs", "bench", "requirements", ".ci")
WORDS_OF_AN_AREA = 12


def test_nothing_is_unfinished() -> None:
    wrong = [
        f"{module.shown}:{number}"
        for module in MODULES.values()
        for number, line in enumerate(module.text.splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert not wrong


def test_no_function_is_a_stub() -> None:
    """A body does something. May be empty: a protocol's method, a decorated function (a group of commands)
    with its docstring, and one whose docstring begins with "Nothing" and says why."""
    wrong = [
        f"{module.shown}:{function.lineno} {function.name}"
        for module in MODULES.values()
        for function in module.functions
        if is_stub(function) and function not in protocol_methods(module)
    ]
    assert not wrong


def is_stub(function: Function) -> bool:
    said = ast.get_docstring(function)
    body = function.body[1:] if said else function.body
    if said and not body and (function.decorator_list or said.startswith("Nothing")):
        return False
    return all(
        isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in body
    )


def protocol_methods(module: Module) -> set[ast.AST]:
    return {
        method
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and any("Protocol" in ast.unparse(base) for base in node.bases)
        for method in node.body
    }


def test_only_the_command_line_prints() -> None:
    wrong = [
        f"{name}:{node.lineno}"
        for name, module in MODULES.items()
        if not name.startswith("publica.cli")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not wrong


@pytest.mark.parametrize("area", sorted(set(LEVEL) & set(MODULES)))
def test_an_area_says_its_job(area: str) -> None:
    module = MODULES[area]
    said = ast.get_docstring(module.tree) or ""
    assert not module.is_package or len(said.split()) >= WORDS_OF_AN_AREA, (
        f"{module.shown} does not say its job"
    )
    assert said, f"{module.shown} has no docstring"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_has_a_docstring(name: str) -> None:
    assert ast.get_docstring(MODULES[name].tree), f"{MODULES[name].shown} has no docstring"


def files() -> list[Path]:
    found = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in FOLDERS:
        found += (path for path in (ROOT / folder).rglob("*") if path.is_file())
    return [path for path in found if path.suffix in TEXT and not {"__pycache__", ".cache"} & set(path.parts)]


def test_no_file_names_a_path_of_one_machine() -> None:
    seen = files()
    assert len(seen) > 30
    wrong = []
    for path in seen:
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1):
            if MACHINE.search(line) and path != Path(__file__):
                wrong.append(f"{path.relative_to(ROOT)}:{number}")
    assert not wrong


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text("utf-8")
    articles = [int(number) for number in re.findall(r"^(\d+)\.[A-Z]", text, re.MULTILINE)]
    assert articles == list(range(1, 16))
    assert "EUROPEAN UNION PUBLIC LICENCE v. 1.2" in text
    assert re.search(r"^\s+Appendix$", text, re.MULTILINE)
