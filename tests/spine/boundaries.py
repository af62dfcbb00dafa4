"""The steps of every operation, at each of which a crash is tried, and what the source says they are."""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
import types
from collections.abc import Iterator
from dataclasses import dataclass

from .crash import COMMIT

GATEWAY, WRITE = "publica.gateway.use", "publica.gateway.receipts"
CELLS = "publica.gateway.aggregate.run"
RECORDS, CONSENT = "publica.kernel.records.actions", "publica.trust.consent.actions"
RECORDING = "publica.trust.consent.recording"
LOAD, PUBLISH = "publica.data.ingest.actions", "publica.data.ingest.publish"
MAPPING, WORK = "publica.data.ingest.mapping", "publica.data.ingest.work"


def _in(module: str, names: str) -> tuple[str, ...]:
    """The steps of these names, called in this module."""
    return tuple(f"{module}:{name}" for name in names.split())


STEPS: dict[str, tuple[str, ...]] = {
    "use": (
        *_in(GATEWAY, "understand know decide govern compute protect"),
        *_in(WRITE, "_receipt _private _form"),
        "publica.trust.transparency.receipts:prepare",
        *_in(WRITE, "moment"),
        *_in(WRITE, "reserve"),
        "publica.trust.transparency.receipts:write",
        COMMIT,
        "publica.gateway.receipts:released",
        *_in(GATEWAY, "write"),
        "publica.gateway.again:keep",
        *_in(GATEWAY, "release"),
    ),
    "totals": (
        *_in(GATEWAY, "know decide govern execute_cells compute"),
        *_in(CELLS, "stock choose answer"),
        *_in(GATEWAY, "protect"),
        *_in(WRITE, "reserve fresh digest"),
        "publica.trust.transparency.receipts:write",
        *_in(WRITE, "remember _write"),
        COMMIT,
        "publica.gateway.receipts:released",
        *_in(GATEWAY, "write"),
        "publica.gateway.again:keep",
        *_in(GATEWAY, "release"),
    ),
    "failed totals": (
        *_in(CELLS, "choose"),
        *_in(WRITE, "fresh remember _write"),
        COMMIT,
        *_in(WRITE, "failed"),
        *_in(GATEWAY, "_failed"),
    ),
    "refused use": (COMMIT, "publica.gateway.receipts:refused", *_in(GATEWAY, "refuse")),
    "failed use": (*_in(GATEWAY, "account"), COMMIT, "publica.gateway.receipts:failed"),
    "open use": ("publica.gateway.opened:count", *_in(GATEWAY, "release")),
    "load": (
        *_in(LOAD, "_refuse_unusable identify clean _published working"),
        *_in(WORK, "make_folder"),
        *_in(LOAD, "_engine _read_all _map"),
        *_in(MAPPING, "_write _leaves settle settle#2 settle#3 root"),
        *_in(LOAD, "write_segment"),
        *_in(PUBLISH, "_rows settle"),
        *_in(LOAD, "write_version publish"),
        *_in(PUBLISH, "_enter_segment commit"),
        COMMIT,
        "publica.data.versions:get",
        *_in(LOAD, "_publish"),
    ),
    "open load": (*_in(PUBLISH, "settle"), COMMIT),
    "apply": (
        *_in(RECORDS, "read book _checked changes _write _revision"),
        "publica.kernel.records.store:stamp",
        "publica.kernel.records.store:add",
        COMMIT,
        *_in(RECORDS, "_apply"),
    ),
    "lapse": (*_in("publica.trust.consent.notices", "record _begin"), COMMIT),
    "choice": (
        *_in(CONSENT, "_action _may"),
        "publica.trust.consent.reading:basis_of",
        "publica.trust.consent.reading:state_of",
        "publica.trust.consent.store:step",
        "publica.trust.consent.notices:agreed",
        *_in(RECORDING, "new_salt commit entry_of actor_context"),
        "publica.trust.consent.store:add",
        *_in(CONSENT, "record"),
        COMMIT,
        *_in(CONSENT, "keep_if_due"),
    ),
    "choices": (
        "publica.trust.consent.rules:overlap",
        "publica.trust.consent.reading:fold",
        "publica.trust.consent.rules:changing",
        *_in(CONSENT, "_record_many"),
        COMMIT,
        f"{COMMIT}#2",  # the folded state is kept
        *_in(CONSENT, "keep_if_due"),
    ),
    "checkpoint": (COMMIT, f"{COMMIT}#2"),
}
"""In the order in which they are passed."""

PROCEDURES = {
    "use": (
        f"{GATEWAY}:use",
        f"{GATEWAY}:compute",
        f"{GATEWAY}:write",
        f"{GATEWAY}:refuse",
        f"{WRITE}:released",
        f"{WRITE}:failed",
        f"{WRITE}:_write",
    ),
    "load": (f"{LOAD}:load", f"{LOAD}:_publish", f"{PUBLISH}:write_version", f"{PUBLISH}:publish"),
    "segment": (f"{MAPPING}:write_segment",),
    "apply": (f"{RECORDS}:apply", f"{RECORDS}:_apply", f"{RECORDS}:_write"),
    "choice": (
        f"{CONSENT}:choose",
        f"{CONSENT}:choose_many",
        f"{CONSENT}:_record_many",
        f"{RECORDING}:record",
    ),
}
"""Functions whose every call of a function of ours is a step."""

PASSED_OVER = {
    f"{GATEWAY}:seen": "begins to read the state database; `understand` and `know` are steps",
    f"{GATEWAY}:made": "steps 6 to 8, each of them a step",
    "publica.gateway.again:question": "names a question; nothing is kept",
    "publica.gateway.again:find": "looks into memory; nothing is kept",
    f"{GATEWAY}:refusing": "a refusal: one transaction, tried as `refused use`",
    "publica.trust.consent.reading:counter": "reads a number",
    f"{GATEWAY}:execute": "the engine computes; nothing is kept, and `compute` is a step",
    f"{GATEWAY}:patiently": "computes again where there was no memory; `compute` is a step",
    f"{GATEWAY}:withhold": "a refusal: one transaction, tried as `refused use`",
    "publica.kernel.records.actions:apply_reading": "tries `_apply` again; its steps are tried",
    f"{WRITE}:agreements_of": "pure",
    f"{WRITE}:_without_release": "`prepare` is a step",
    f"{LOAD}:_refuse_to_empty": "reads the manifest, before anything is written",
    "publica.data.subjects:size": "reads a number inside the transaction",
    "publica.kernel.clock:now": "reads the time",
    "publica.kernel.clock:text": "formats a time",
    f"{PUBLISH}:new_salt": "draws random bytes",
    f"{PUBLISH}:literal": "quotes a text",
    "publica.trust.consent.rules:allows": "pure",
    "publica.trust.consent.rules:changes": "pure",
    f"{WRITE}:locks": "names what is to be locked",
    f"{WRITE}:standing": "names what is to be locked",
    "publica.trust.consent.reading:standing": "names what is to be locked",
    "publica.trust.consent.store:lock": "names what is to be locked",
}
"""Calls at which no crash is tried, and why."""


@dataclass(frozen=True)
class Boundary:
    """Just before or just after a step of an operation."""

    operation: str
    step: str
    side: str
    done: bool
    """Whether the operation counts as done by then: the transaction was committed."""

    def __str__(self) -> str:
        return f"{self.operation}: {self.side} {self.step.rpartition(':')[2]}"


def boundaries() -> Iterator[Boundary]:
    """Every one."""
    for operation, steps in STEPS.items():
        committed = False
        for step in steps:
            for side in ("before", "after"):
                outer = step in OUTER and side == "before"
                committed = committed or (step == COMMIT and side == "after")
                yield Boundary(operation, step, side, committed and not outer)


OUTER = {
    f"{WRITE}:released",
    f"{WRITE}:refused",
    f"{WRITE}:failed",
    f"{GATEWAY}:_failed",
    f"{GATEWAY}:write",
    f"{GATEWAY}:refuse",
    f"{LOAD}:_publish",
    f"{RECORDS}:_apply",
}
"""Steps that hold the transaction within them: listed after it, for when they end, they begin before it."""


def called(procedure: str) -> set[str]:
    """The functions of ours that a procedure calls, as `module:name` where a patch of it takes effect."""
    module_name, _, name = procedure.partition(":")
    module = importlib.import_module(module_name)
    tree = ast.parse(textwrap.dedent(inspect.getsource(getattr(module, name))))
    targets = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {found for target in targets if (found := _ours(module, target))}


def _ours(module: types.ModuleType, target: ast.expr) -> str | None:
    where, name = module, ""
    if isinstance(target, ast.Name):
        name = target.id
    elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        holder = getattr(module, target.value.id, None)
        if not isinstance(holder, types.ModuleType):
            return None
        where, name = holder, target.attr
    function = inspect.unwrap(getattr(where, name, None)) if name else None  # type: ignore[arg-type]
    if not isinstance(function, types.FunctionType) or not function.__module__.startswith("publica."):
        return None
    return f"{where.__name__}:{name}"
