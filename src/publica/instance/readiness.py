"""Whether an instance can do its work now: write its state, sign, and keep answers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress

from publica.instance.instance import Instance
from publica.instance.settings import KEYS
from publica.kernel import keys
from publica.kernel.errors import PublicaError

ROOM = 64 * 1024 * 1024
"""Bytes of free disk without which nothing is begun."""


def missing(instance: Instance) -> list[str]:
    """What does not work now; empty when all does."""
    checks: dict[str, Callable[[Instance], bool]] = {
        "state database": _writes,
        "keys": _signs,
        "disk": _has_room,
    }
    return [name for name, holds in checks.items() if not _does(holds, instance)]


def _does(holds: Callable[[Instance], bool], instance: Instance) -> bool:
    with suppress(PublicaError, OSError):
        return holds(instance)
    return False


def _writes(instance: Instance) -> bool:
    instance.db.maintain(lambda change: None)  # noqa: ARG005 (a transaction of nothing)
    return True


def _signs(instance: Instance) -> bool:
    """The keys are there, and are those that were loaded."""
    return keys.load(instance.folder / KEYS).ledger == instance.keys.ledger


def _has_room(instance: Instance) -> bool:
    return all(shutil.disk_usage(place).free > ROOM for place in (instance.folder, instance.data))
