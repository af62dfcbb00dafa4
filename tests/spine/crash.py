"""Does one thing to an instance, in a process that kills itself (SIGKILL) at one boundary on the way.

A server of forks: it has imported everything and has nothing open, so that each victim starts at once. Each
JSON line on stdin (`folder`, `operation`, `step`, `side`) makes one victim; the answer says how it ended and
what it had printed by then. What is to be rehearsed it does itself, unharmed: victims then need not compile
the same statements again.
"""

from __future__ import annotations

import functools
import importlib
import io
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from unittest import mock

import states
from sqlalchemy.engine.default import DefaultDialect

from publica.gateway.door import Request
from publica.instance import Instance, backup, keyring, recovery, upgrade
from publica.instance import restore as restoring
from publica.kernel import migrations
from publica.kernel.actor import Actor
from publica.kernel.errors import PublicaError, Refused
from publica.trust.consent import rules

COMMIT = "COMMIT"
"""The step in which a transaction becomes durable."""
PERSON = "P-0000001"
TOTALS = "SELECT sex, count(*) AS n FROM population GROUP BY sex"
FAILING = "SELECT CASE WHEN count(*) > 5 THEN CAST('no' || count(*) AS INTEGER) END AS n FROM population"
"""Fails, but not before it has seen what it would give out."""


def say(**words: Any) -> None:
    os.write(1, (json.dumps(words, default=str) + "\n").encode())


def actor(name: str) -> Actor:
    return Actor(name, "operator", "tester")


def ask(instance: Instance, who: str, activity: str, sql: str) -> None:
    """Give out an answer, or the reason why there is none; both only once there is a receipt."""
    try:
        answer = instance.use(Request(actor(who), activity, sql))
        say(receipt=answer.receipt, rows=answer.table().to_pylist())
    except Refused as refusal:
        say(receipt=refusal.receipt, refused=[clause.reason for clause in refusal.decision.missing])
    except PublicaError as error:
        say(error=error.what)


def load(instance: Instance, given: dict[str, str], dataset: str) -> None:
    report = instance.load(dataset, [Path(given[dataset])], actor("operator"))
    say(version=report.version and report.version.id)


def apply(instance: Instance, given: dict[str, str], file: str = "records") -> None:
    say(changed=[d.id for d in instance.apply([Path(given[file])], actor("carla")) if d.changes])


def choose_many(instance: Instance, given: dict[str, str]) -> None:
    with mock.patch.object(rules, "SNAPSHOT_EVERY", 1):  # keep the folded state after every change
        say(made=instance.choose_many(Path(given["choices"]), "health_research", actor("operator")))


OPERATIONS: dict[str, Callable[[Instance, dict[str, str]], None]] = {
    "use": lambda instance, _: ask(instance, "stella", "health_research", "SELECT person_id FROM population"),
    "refused use": lambda instance, _: ask(instance, "ana", "heating_grant", "SELECT name FROM population"),
    "failed use": lambda instance, _: ask(
        instance, "ana", "heating_grant", "SELECT CAST(household_id AS DATE) FROM population"
    ),
    "totals": lambda instance, _: ask(instance, "stella", "labour_statistics", TOTALS),
    "failed totals": lambda instance, _: ask(instance, "stella", "labour_statistics", FAILING),
    "open use": lambda instance, _: ask(instance, "ana", "open-access", "SELECT code FROM municipalities"),
    "load": lambda instance, given: load(instance, given, "population"),
    "open load": lambda instance, given: load(instance, given, "municipalities"),
    "apply": apply,
    "lapse": lambda instance, given: apply(instance, given, "terms"),
    "choice": lambda instance, _: say(
        **instance.choose(PERSON, "labour_statistics", "object", actor("operator"))
    ),
    "choices": choose_many,
    "checkpoint": lambda instance, _: say(note=instance.checkpoint()),
}


def init(given: dict[str, Any]) -> None:
    Instance.create(Path(given["folder"]), "town.example/ledger", given["state"]).close()


def back_up(given: dict[str, Any]) -> None:
    with closing(Instance.open(Path(given["folder"]))) as instance:
        backup.back_up(instance, Path(given["file"]), with_keys=True)


def restore(given: dict[str, Any]) -> None:
    folder, file = Path(given["folder"]), Path(given["file"])
    restoring.restore(file, folder, actor("operator"), state=given["state"], accept_loss=given["accept"])


WHOLE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "init": init,
    "backup": back_up,
    "restore": restore,
    "upgrade": lambda given: upgrade.upgrade(Path(given["folder"])),
    "recover": lambda given: recovery.recover(Path(given["folder"]), actor("operator")),
    "rotate": lambda given: keyring.rotate(Path(given["folder"]), given["kind"], actor("operator")),
    "create": lambda given: keyring.create(Path(given["folder"]), given["kind"], actor("operator")),
}
"""Operations on an instance as a whole, which make it, or change it while nobody has it open."""


def perform(given: dict[str, Any]) -> None:
    """One operation, on an instance opened for it."""
    if given["operation"] in WHOLE:
        try:
            WHOLE[given["operation"]](given)
            say(done=True)
        except PublicaError as error:
            say(error=type(error).__name__, what=error.what)
        return
    with closing(Instance.open(Path(given["folder"]))) as instance:
        OPERATIONS[given["operation"]](instance, given["files"])


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def deadly(call: Callable[..., Any], side: str, number: int) -> Callable[..., Any]:
    """`call`, but its `number`th time ends the process, before or after it."""
    left = number

    @functools.wraps(call)
    def wrapper(*words: Any, **named: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0 and side == "before":
            die()
        result = call(*words, **named)
        if left == 0:
            die()
        return result

    return wrapper


_FILES = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate", "os.link")
"""What leaves a file behind when the process dies, renamed or removed (PEP 578)."""
ALIKE = ".arrow"
"""Files of which there are many, made the same way: one of them stands for all."""
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def arm_effects(number: int, within: str, each: int) -> None:
    """Die before the `number`th effect, or after it where it may leave an empty file.

    Of effects on files only every `each`th counts.
    """
    left, files = number, 0

    def tick() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            die()

    def tick_file() -> None:
        nonlocal files
        files += 1
        if files % each == 0:
            tick()

    def counts(path: Any) -> bool:
        name = str(path)
        return name.startswith(within) and (not name.endswith(ALIKE) or name.endswith(f"use{ALIKE}"))

    def seen(event: str, given: tuple[Any, ...]) -> None:
        if event in _FILES and counts(given[0]) and (event != "open" or given[2] & _WRITES):
            tick_file()

    def then(call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def wrapper(path: Any, *words: Any, **named: Any) -> Any:
            opened = call(path, *words, **named)
            writes = named.get("mode", words[0] if words else "r")
            writes = writes & _WRITES if isinstance(writes, int) else set(writes) & set("wax+")
            if writes and counts(path):
                tick_file()
            return opened

        return wrapper

    def committed(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*words: Any) -> None:
            tick()
            call(*words)
            tick()

        return wrapper

    sys.addaudithook(seen)
    os.open, io.open = then(os.open), then(io.open)  # type: ignore[assignment]
    DefaultDialect.do_commit = committed(DefaultDialect.do_commit)  # type: ignore[method-assign]


def arm(step: str, side: str) -> None:
    """Make a step deadly: `module:function`, or COMMIT; `#2` after it means its second time."""
    name, _, number = step.partition("#")
    count = int(number or 1)
    if name == COMMIT:
        DefaultDialect.do_commit = deadly(DefaultDialect.do_commit, side, count)  # type: ignore[method-assign]
        return
    module_name, _, function = name.partition(":")
    module = importlib.import_module(module_name)
    setattr(module, function, deadly(getattr(module, function), side, count))


def keep_busy(given: dict[str, Any]) -> None:
    """Use, choose, load and apply from several threads until killed, saying what is done once it is."""
    names = ("use", "choice", "refused use", "open load", "apply", "checkpoint", "toggle")
    draw = random.Random(given["seed"])
    with closing(Instance.open(Path(given["folder"]))) as instance:

        def run(seed: int) -> None:
            chance = random.Random(seed)
            while True:
                name = chance.choice(names)
                if name == "toggle":
                    action = chance.choice(("grant", "withdraw"))
                    key = f"P-{chance.randrange(1, 100):07}"
                    made = instance.choose(key, "health_research", action, actor("operator"))
                    say(toggled=key, action=action if made["changed"] else None)
                else:
                    OPERATIONS[name](instance, given["files"])

        threads = [threading.Thread(target=run, args=(draw.randrange(10**9),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def victim(given: dict[str, Any], pipe: int) -> None:
    os.dup2(pipe, 1)
    if given.get("step"):
        arm(given["step"], given["side"])
    if given.get("effect"):
        arm_effects(given["effect"], str(Path(given["folder"]).parent), given["each"])
    (keep_busy if given["operation"] == "busy" else perform)(given)


def spawn(given: dict[str, Any]) -> dict[str, Any]:
    """Fork a victim; how it ended (negative: by that signal) and what it had said."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        with suppress(BaseException):
            os.close(reader)
            victim(given, writer)
            status = 0
        os._exit(status)
    os.close(writer)
    if given["operation"] == "busy":
        threading.Timer(given["seconds"], os.kill, (child, signal.SIGKILL)).start()
    with os.fdopen(reader, "rb") as said:
        lines = said.read().decode().splitlines(keepends=True)
    _, status = os.waitpid(child, 0)
    whole = [json.loads(line) for line in lines if line.endswith("\n")]
    return {"status": os.waitstatus_to_exitcode(status), "said": whole}


def rehearse(given: dict[str, Any]) -> dict[str, Any]:
    """Do it here; afterwards nothing may be left that a fork would share."""
    reader, writer = os.pipe()
    kept = os.dup(1)
    os.dup2(writer, 1)
    try:
        perform(given)
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(writer)
    assert threading.active_count() == 1, "a thread goes on (those of Arrow and jemalloc mind forks)"
    with os.fdopen(reader, "rb") as said:
        return {"status": 0, "said": [json.loads(line) for line in said]}


LAZY = (
    "pyarrow.dataset",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
)
"""Imported when first needed; here once for all victims."""


def main() -> None:
    for name in (*LAZY, migrations.__name__):
        importlib.import_module(name)
    states.compile_once()
    for line in sys.stdin:
        given = json.loads(line)
        answer = (rehearse if given.get("rehearsal") else spawn)(given)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
