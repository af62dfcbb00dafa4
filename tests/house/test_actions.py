"""Every action writes its ledger entries; what needs none is named here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from publica.kernel.database import Change, Database
from publica.kernel.errors import IntegrityBroken

from .source import MODULES, Function, Module

MAY_MAINTAIN: dict[str, str] = {
    "publica.governance.identity.repeats": "keeps answers for requests that are sent again; they expire",
    "publica.instance.readiness": "looks whether the database can be written, with a transaction of nothing",
    "publica.kernel.ledger.sequencer": "gives entries their positions and tiles; changes no entry",
    "publica.kernel.ledger.checkpoint": "keeps what it signed; a checkpoint follows from the entries",
    "publica.gateway.opened": "counts uses of open data by the hour, which have no receipt each",
    "publica.demo.tour": "forges a copy of an instance, to show that it is found out",
    "publica.trust.transparency.index": "compacts the index of subject sets; the sets stay",
    "publica.governance.identity.credentials": "notes in which hour a token was used last",
    "publica.governance.identity.sessions": "notes that a session is in use; keeps sign-ins under way",
    "publica.trust.consent.keeping": "keeps what all choices so far amount to; it follows from them",
}
"""Modules that may use `Database.maintain`, which asks for no entry, and why."""

READ_ONLY: dict[str, str] = {}
"""`module:function` of an actions.py that changes nothing, and why it stands there all the same."""


def actions() -> list[Module]:
    return [module for module in MODULES.values() if module.path.name == "actions.py"]


def called(node: ast.AST) -> set[str]:
    """The last part of the name of everything called: `db.write(...)` is `write`."""
    names = set()
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            target = call.func
            names.add(
                target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "<expression>")
            )
    return names


def entering(module: Module) -> set[str]:
    """Names of the functions of a module that write, enter, or hand their change to something that does."""
    top = {node.name: node for node in module.tree.body if isinstance(node, Function)}
    found = {
        name for name, node in top.items() if called(node) & {"write", "enter"} or hands_its_change_on(node)
    }
    while more := {name for name, node in top.items() if name not in found and called(node) & found}:
        found |= more
    return found


def hands_its_change_on(node: ast.AST) -> bool:
    calls = (call for call in ast.walk(node) if isinstance(call, ast.Call))
    return any(isinstance(given, ast.Name) and given.id == "change" for call in calls for given in call.args)


def test_every_action_writes() -> None:
    wrong = [
        f"{module.shown}:{node.lineno} {node.name}"
        for module in actions()
        for node in module.tree.body
        if isinstance(node, Function)
        and not node.name.startswith("_")
        and node.name not in entering(module)
        and f"{module.name}:{node.name}" not in READ_ONLY
    ]
    assert not wrong, "an action that writes nothing belongs in another file"


def test_what_needs_no_entry_is_named() -> None:
    users = {
        name
        for name, module in MODULES.items()
        if name != "publica.kernel.database" and "maintain" in called(module.tree)
    }
    assert users <= set(MAY_MAINTAIN)


def test_a_change_without_an_entry_is_undone(tmp_path: Path) -> None:
    """Such a change would leave no trace in the ledger: the law that makes the static tests above enough."""
    db = Database(f"sqlite:///{tmp_path / 'state.db'}")
    db.create()
    try:
        db.write(
            lambda change: (
                change.connection.exec_driver_sql("CREATE TABLE kept (n INTEGER)") and _enter(change)
            )
        )
        with pytest.raises(IntegrityBroken):
            db.write(lambda change: change.connection.exec_driver_sql("INSERT INTO kept VALUES (1)"))
        with db.read() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM kept").scalar() == 0
            assert connection.exec_driver_sql("SELECT count(*) FROM ledger_entry").scalar() == 1
        db.write(
            lambda change: change.connection.exec_driver_sql("INSERT INTO kept VALUES (1)") and _enter(change)
        )
        with db.read() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM kept").scalar() == 1
    finally:
        db.close()


def _enter(change: Change) -> bytes:
    return change.enter("test", {})
