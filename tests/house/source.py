"""The source as data: modules, their syntax trees, what they import, their functions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
DOTTED = re.compile(r"publica(?:\.[a-z_]\w*)+(?::\w+)?\Z")
"""A string that names a module of ours (as a lazy import would) counts as an import of it."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Import:
    """One imported thing: `module`, and the `name` taken from it (None for a whole module)."""

    module: str
    name: str | None
    line: int


@dataclass(frozen=True)
class Module:
    """One source file."""

    name: str
    path: Path

    @property
    def shown(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    @cached_property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """Everything imported anywhere in the file: at its top, in functions, for typing, by string."""
        return tuple(found for node in ast.walk(self.tree) for found in self._imports_of(node))

    def _imports_of(self, node: ast.AST) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, None, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield Import(self._absolute(node), alias.name, node.lineno)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and DOTTED.match(node.value):
            named = node.value.partition(":")[0]
            if not f"{self.name}.".startswith(f"{named}."):  # its own package, named to find its files
                yield Import(named, None, node.lineno)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        base = self.name.split(".")
        base = base[: len(base) - node.level + (1 if self.is_package else 0)]
        return ".".join([*base, *([node.module] if node.module else [])])

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """Every function and method, nested ones too."""
        return tuple(node for node in ast.walk(self.tree) if isinstance(node, Function))


def modules() -> dict[str, Module]:
    """Every module of the package, by dotted name."""
    found = {}
    for path in sorted((SOURCE / "publica").rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = Module(name, path)
    return found


MODULES = modules()


def targets(module: Module) -> Iterator[tuple[str, Import]]:
    """The modules of ours that a module imports; `from package import module` is the module."""
    for found in module.imports:
        inner = f"{found.module}.{found.name}" if found.name else found.module
        for name in (inner, found.module, found.module.rpartition(".")[0]):
            if name in MODULES:
                yield name, found
                break


def outside(module: Module) -> set[str]:
    """The top-level names of other people's packages (and the standard library) that a module imports."""
    return {found.module.partition(".")[0] for found in module.imports} - {"publica", ""}
