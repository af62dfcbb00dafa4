"""The import law, and who may import what."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from .order import LEVEL, ORDER, SIGNPOSTS, area_of
from .source import MODULES, Module, outside, targets

ENGINES = {"duckdb", "pyspark"}
ENGINE_AREAS = {"publica.data", "publica.gateway"}
ENGINE_KEEPERS = ENGINE_AREAS | {"publica.instance"}
"""Who may hold an engine. Text a user wrote reaches one only from the gateway."""

STORES = {"sqlalchemy", "sqlite3", "duckdb", "pyarrow"}
STORE_MODULES = ("publica.kernel.database",)


def named(file: str) -> list[Module]:
    return [module for module in MODULES.values() if module.path.name == file]


def test_the_source_is_seen() -> None:
    assert len(MODULES) > 12
    assert "publica.kernel.database" in MODULES
    assert "publica.kernel.errors" in {name for name, _ in targets(MODULES["publica.kernel.database"])}


def test_the_order_names_each_area_once() -> None:
    assert len(LEVEL) == sum(len(areas) for areas in ORDER)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_has_its_place_in_the_order(name: str) -> None:
    assert name in SIGNPOSTS or area_of(name), f"{name} is in no area of tests/house/order.py"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_go_down(name: str) -> None:
    area, wrong = area_of(name), []
    for target, found in targets(MODULES[name]):
        other = area_of(target)
        if other is None or other == area:
            continue
        if area is None or LEVEL[other] >= LEVEL[area]:
            wrong.append(f"{MODULES[name].shown}:{found.line} imports {target}")
    assert not wrong


def test_no_module_imports_itself_round_a_corner() -> None:
    """Depth-first search with colours: a grey module met again is a cycle."""
    colour: dict[str, str] = {}
    cycles: list[str] = []

    def visit(name: str, trail: tuple[str, ...]) -> None:
        colour[name] = "grey"
        for target in sorted({target for target, _ in targets(MODULES[name])} - {name}):
            if colour.get(target) == "grey":
                cycles.append(" → ".join([*trail[trail.index(target) :], target]))
            elif target not in colour:
                visit(target, (*trail, target))
        colour[name] = "black"

    for name in MODULES:
        if name not in colour:
            visit(name, (name,))
    assert not cycles


def test_only_data_and_gateway_import_an_engine() -> None:
    users = {name for name, module in MODULES.items() if outside(module) & ENGINES}
    assert not {name for name in users if area_of(name) not in ENGINE_AREAS}


def test_nobody_else_holds_an_engine() -> None:
    wrong = [
        f"{module.shown}:{found.line}"
        for name, module in MODULES.items()
        if area_of(name) not in ENGINE_KEEPERS
        for target, found in targets(module)
        if target.startswith("publica.data.engines")
        and (target.endswith(".duckdb") or found.name in ("Engine", "Snapshot"))
    ]
    assert not wrong


def test_rules_are_pure() -> None:
    """`rules.py` gets facts and returns a decision: it reads no store."""
    wrong = []
    for module in named("rules.py"):
        if outside(module) & STORES:
            wrong.append(f"{module.shown} imports {outside(module) & STORES}")
        for target, found in targets(module):
            if target.endswith((".store", ".actions")) or target in STORE_MODULES:
                wrong.append(f"{module.shown}:{found.line} imports {target}")
    assert not wrong


def test_only_the_command_line_imports_by_a_computed_name() -> None:
    """The law sees names, and strings that are names; the highest area cannot break it by computing one."""
    wrong = [
        f"{module.shown}:{node.lineno}"
        for name, module in MODULES.items()
        if area_of(name) != "publica.cli"
        for node in ast.walk(module.tree)
        if isinstance(node, (ast.Name, ast.Attribute, ast.alias))
        and (getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "name", None))
        in ("import_module", "__import__")
    ]
    assert not wrong


def test_no_private_name_crosses_an_area() -> None:
    wrong = []
    for name, module in MODULES.items():
        for target, found in targets(module):
            if area_of(target) != area_of(name) and is_private(found.name or target.rpartition(".")[2]):
                wrong.append(f"{module.shown}:{found.line} takes {found.name} from {target}")
        wrong += [f"{module.shown}:{node.lineno} uses {node.attr}" for node in private_uses(name, module)]
    assert not wrong


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def private_uses(name: str, module: Module) -> Iterator[ast.Attribute]:
    """`other._name`, where `other` is a module of another area."""
    foreign = {
        found.name
        for target, found in targets(module)
        if found.name and target.endswith(f".{found.name}") and area_of(target) != area_of(name)
    }
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in foreign
            and is_private(node.attr)
        ):
            yield node
