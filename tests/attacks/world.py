"""The policy's world as real instances, one per data variant, with the same keys and the same choices."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select

from publica.gateway.again import answers
from publica.gateway.door import Request
from publica.instance import Instance
from publica.kernel.actor import Actor
from publica.kernel.errors import PublicaError, Refused
from publica.kernel.ledger.store import entries
from publica.trust.privacy import store
from publica.wording import sentence

from . import policy, variants
from .policy import Policy
from .variants import VARIANTS, World

OPERATOR = Actor("operator", "operator", "tester")
OPEN = "open-access"
SETTINGS = (
    '\n[limits]\nseconds = {seconds}\nrows = 100000\nbytes = 20000000\n\n[engine]\nmemory = "{memory}"\n'
)
SHELF = Path("/dev/shm")
BAIT = "TOPSECRET-FILE"
"""What stands in the files that attacks try to read."""


@dataclass(frozen=True)
class Outcome:
    """What came of a statement, all that whoever asked can see.

    `kind`: answered, refused (by a decision), failed (an error of ours), crashed (anything else).
    """

    kind: str
    columns: tuple[tuple[str, str], ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    reasons: tuple[str, ...] = ()
    text: str = ""
    entry: str = ""
    """The receipt's entry in the ledger."""


@dataclass
class Variant:
    """One instance, with the world that was loaded into it."""

    name: str
    instance: Instance
    world: World
    officials: dict[str, str]

    def ask(
        self,
        activity: str,
        sql: str,
        params: Mapping[str, Any] | None = None,
        *,
        actor: str | None = None,
        fresh: bool = True,
    ) -> Outcome:
        """Through the one door; `fresh`: with no memory of what came out before."""
        who = Actor(actor or self.officials.get(activity, "ana"), "operator", "tester")
        if fresh:
            self.forget()
        try:
            request = Request(who, activity, sql, dict(params or {}))
            answer = self.instance.use(request)
            table = answer.table()
        except Refused as refused:
            missing = refused.decision.missing
            reasons = tuple(f"{c.reason} {json.dumps(dict(c.params), sort_keys=True)}" for c in missing)
            told = "\n".join([str(refused), *(sentence(clause) for clause in missing)])
            return Outcome("refused", reasons=reasons, text=told, entry=self._entry(refused.receipt))
        except PublicaError as wrong:
            return Outcome("failed", text=f"{type(wrong).__name__}: {wrong}", entry=self._entry(None))
        except Exception as wrong:  # noqa: BLE001 (whatever it is, it is judged)
            return Outcome("crashed", text=f"{type(wrong).__name__}: {wrong}")
        values = [column.to_pylist() for column in table.columns]
        columns = tuple((f.name, str(f.type)) for f in table.schema)
        margins = json.dumps(answer.margins, sort_keys=True)
        rows = tuple(zip(*values, strict=True))
        return Outcome("answered", columns, rows, text=margins, entry=self._entry(answer.receipt))

    def forget(self) -> None:
        """Nothing was released so far: each attack is judged by itself, whatever was asked before it."""
        with self.instance.db.read() as connection:
            known = connection.execute(select(store.released.c.id).limit(1)).first()
        if known is not None:
            self.instance.db.maintain(lambda change: change.connection.execute(delete(store.released)))
            self.instance._door = replace(self.instance.door, answers=answers(1))

    def _entry(self, receipt: str | None) -> str:
        """The newest entry; that of the receipt, if there is one."""
        with self.instance.db.read() as connection:
            newest = select(entries.c.body).order_by(entries.c.id.desc()).limit(1)
            body = connection.execute(newest).scalar_one()
        text = body.decode() if isinstance(body, bytes) else str(body)
        return text if receipt is None or receipt in text else ""


@dataclass
class Arena:
    """All variants, and a folder with baits that no attack may read and where none may write."""

    policy: Policy
    folder: Path
    baits: Path
    variants: dict[str, Variant] = field(default_factory=dict)
    judges: dict[tuple[str, str | None], Any] = field(default_factory=dict)
    """Those of `oracle.publica`, by activity and actor."""

    @property
    def base(self) -> Variant:
        return self.variants["A"]

    def written(self, sql: str) -> str:
        """A statement of a corpus, which calls the folder with the baits {T}."""
        return sql.replace("{T}", str(self.baits))


@contextmanager
def arena(
    corpus: Path, data: Path, *, seconds: float = 20, memory: str = "1GB", only: str = VARIANTS
) -> Iterator[Arena]:
    """The world of the corpus in `corpus`, with the tables in `data`, in every variant."""
    place = SHELF if SHELF.is_dir() else None
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="publica-attacks-", dir=place)))
        ruled = policy.read(corpus / "policy.md")
        world = variants.load(ruled, data)
        made = Arena(ruled, folder, bait(folder / "baits"))
        base = build(folder / "A", world, seconds, memory)
        base.close()
        for name in only:
            instance = _twin(folder, world, name)
            stack.callback(instance.close)
            officials = {activity: t.official for activity, t in policy.activities(ruled).items()}
            made.variants[name] = Variant(name, instance, world.variant(name), officials)
        yield made


def build(folder: Path, world: World, seconds: float, memory: str) -> Instance:
    """The base: records, data and everybody's choice, by our own documents."""
    instance = Instance.create(folder, "attacks.example/ledger")
    with (folder / "publica.toml").open("a", encoding="utf-8") as file:
        file.write(SETTINGS.format(seconds=seconds, memory=memory))
    instance.close()
    instance = Instance.open(folder)
    instance.apply(
        [policy.write(folder / "records.yaml", policy.documents(world.policy, world.types, world.limits()))],
        OPERATOR,
    )
    for table, file in world.write(folder / "files").items():
        instance.load(table, [file], OPERATOR)
    choices = _choices(world, folder / "choices.csv")
    for activity in policy.activities(world.policy):
        instance.choose_many(choices, activity, OPERATOR)
    return instance


def _choices(world: World, file: Path) -> Path:
    """TRUE is a grant, FALSE a withdrawal; whoever said nothing made no choice."""
    said = {"true": "grant", "false": "withdraw"}
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(("person_key", "action"))
        for row in world.people:
            if row[world.policy.consent]:
                writer.writerow((row[world.policy.governed.key], said[row[world.policy.consent].lower()]))
    return file


def _twin(folder: Path, world: World, name: str) -> Instance:
    """The same instance with other rows: a copy, so that secrets, positions and choices are the same."""
    if name == "A":
        return Instance.open(folder / "A")
    shutil.copytree(folder / "A", folder / name)
    instance = Instance.open(folder / name)
    people = world.policy.governed.name
    instance.load(people, [world.variant(name).write(folder / name / "files")[people]], OPERATOR)
    return instance


def bait(folder: Path) -> Path:
    """Files that an attack could read, were it let."""
    import duckdb

    folder.mkdir()
    (folder / "secret.csv").write_text(f"v\n{BAIT}\n", "utf-8")
    (folder / "secret.json").write_text(f'{{"v": "{BAIT}"}}\n', "utf-8")
    (folder / "secret.txt").write_text(f"{BAIT}\n", "utf-8")
    connection = duckdb.connect(str(folder / "other.duckdb"))
    connection.execute(f"CREATE TABLE loot AS SELECT '{BAIT}' AS v")
    connection.execute(f"COPY loot TO '{folder}/secret.parquet' (FORMAT parquet)")
    connection.close()
    return folder
