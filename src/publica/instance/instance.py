"""The composition root: one folder becomes one running instance."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from pyroaring import BitMap
from sqlalchemy import Connection

from publica.data import ingest, subjects
from publica.data.engines.duckdb import Engine
from publica.data.engines.model import EngineLimits
from publica.data.model import LoadReport
from publica.gateway.again import answers
from publica.gateway.door import Answer, Door, Explanation, Limits, Request
from publica.gateway.use import explain, use
from publica.governance.activities import ACTIVITY
from publica.governance.agreements import AGREEMENT
from publica.governance.datasets import DATASET
from publica.governance.datasets.rules import table_schema
from publica.governance.identity import OFFICIAL, ORGANISATION, ROLE
from publica.governance.leadership.rules import accountable
from publica.governance.rules import LAW
from publica.instance import actors, rotation, settings
from publica.instance.laws import laws
from publica.instance.making import DATA, making
from publica.instance.published import FOLDER, PUBLIC_KEY, Published
from publica.instance.published import LATEST as LATEST_NAME
from publica.instance.settings import KEYS, STATE, state_url
from publica.kernel import clock, keys, records, schema
from publica.kernel.actor import Actor
from publica.kernel.database import Database
from publica.kernel.errors import BadInput, IntegrityBroken, PublicaError, Unavailable
from publica.kernel.files import PUBLIC, write_whole
from publica.kernel.ledger.canonical import b64
from publica.kernel.ledger.checkpoint import checkpoint, kept, latest, vkey
from publica.kernel.ledger.laws import Problem
from publica.kernel.ledger.verify import verify
from publica.kernel.records import Book, Difference
from publica.trust.consent import Lapsing, Shown, reading
from publica.trust.consent import actions as consent
from publica.trust.consent.asking import check_asking, check_holder
from publica.trust.consent.bulk import parse_choices
from publica.trust.transparency import actions as transparency
from publica.trust.transparency import proofs

KINDS = (ORGANISATION, OFFICIAL, ROLE, LAW, DATASET, ACTIVITY, AGREEMENT)
LATEST = Path(FOLDER, LATEST_NAME)
"""The latest signed checkpoint, kept outside the database."""
PERSON = "person"


class Instance:
    """One deployment, opened from its folder. Close it when done."""

    def __init__(self, folder: Path, configured: settings.Settings) -> None:
        self.folder, self.settings = folder, configured
        self.data = folder / (configured.data.folder or DATA)
        self.keys = keys.load(folder / KEYS)
        self.published = Published(folder, configured.ledger)
        self.db = Database(state_url(folder, configured))
        self._door: Door | None = None
        self._sound = True

    @classmethod
    def create(cls, folder: Path, origin: str | None = None, state: str | None = None) -> Instance:
        """Make a new instance, its state in the PostgreSQL database `state` if one is named.

        All of it is made, or nothing. Raises BadInput when the folder or the database already holds
        something; Unavailable when the database cannot be used.
        """
        name = origin or f"publica.example/{secrets.token_hex(8)}"
        text = settings.initial(name, state)
        with making(folder, state or f"sqlite:///{folder / STATE}") as made:
            keys.create(folder / KEYS)
            (folder / DATA).mkdir(mode=0o700)
            write_whole(folder / PUBLIC_KEY, f"{vkey(keys.load(folder / KEYS), name)}\n".encode(), PUBLIC)
            if state is None:  # what the database adds beside its file is as private
                (folder / STATE).touch(mode=0o600)
            made.fill(schema.create)
            # A checkpoint of nothing: from now on there always is one.
            with closing(Database(made.url)) as database:
                checkpoint(database, keys.load(folder / KEYS), name, folder / LATEST)
            made.finish(text)
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path, *, to_verify: bool = False) -> Instance:
        """Open an instance.

        Raises BadInput when the folder is none; Unavailable when its state database is of another version of
        Publica; IntegrityBroken when it is behind a checkpoint that was published (unless it is only opened
        `to_verify`, which tells more).
        """
        opened = cls(folder, settings.read(folder))
        try:
            opened.db.check()
            if rotation.pending(folder) and rotation.settle(folder, opened.settings, opened.db):
                opened.keys = keys.load(folder / KEYS)
            if not to_verify:
                opened.published.check(opened.db)
        except PublicaError:
            opened.db.close()
            raise
        return opened

    def close(self) -> None:
        """Sign the ledger with this process's entries, and let go of everything.

        A ledger that does not hold is left as it is: the next `verify` says what is wrong.
        """
        if self._door is not None:
            self._door.engine.close()
        try:
            if self._sound:
                with suppress(Unavailable, IntegrityBroken, OSError):  # entries keep until somebody can
                    self.checkpoint_unpublished()
        finally:
            self.db.close()

    # records

    @property
    def kinds(self) -> tuple[records.Kind, ...]:
        """The kinds of record, with what follows from changing them."""
        asking = replace(ACTIVITY, check=check_asking, follows=Lapsing(lambda: self.keys))
        holding = replace(ORGANISATION, check=check_holder)
        return tuple({ACTIVITY: asking, ORGANISATION: holding}.get(kind, kind) for kind in KINDS)

    def apply(self, paths: Sequence[Path], actor: Actor, *, dry_run: bool = False) -> tuple[Difference, ...]:
        """Bring the records to what these documents say; all or nothing.

        By somebody who is registered, if only in these documents.
        """
        actors.require(actor, self.book(), given=paths)
        return records.apply(self.db, self.kinds, paths, actor, dry_run=dry_run)

    def export(self, folder: Path) -> list[Path]:
        """Write every current record as YAML."""
        return records.export(self.db, KINDS, folder)

    def book(self, connection: Connection | None = None) -> Book:
        """The current records; as a connection sees them, where one is given."""
        if connection is not None:
            return records.book(connection, KINDS)
        with self.db.read() as connection:
            return records.book(connection, KINDS)

    def accountable(self, dataset: str, at: date | None = None) -> dict[str, Any]:
        """Who answers for a dataset on a day."""
        book = self.book()
        name = dataset.removeprefix("dataset:").partition(".")[0]
        if book.get("dataset", name) is None:
            raise BadInput(f"There is no dataset {name}.", do="Apply its record first.")
        day = at or clock.now().date()
        found = accountable(book, name, day)
        official = None if found is None else found.official.id
        return {"dataset": name, "on": str(day), "steward": official, "role": found and found.role.id}

    # data

    def load(
        self,
        dataset: str,
        files: Sequence[Path],
        actor: Actor,
        *,
        progress: Callable[[int, int, str], None] | None = None,
        dry_run: bool = False,
        allow_empty: bool = False,
    ) -> LoadReport:
        """Load files as the dataset's next version. An official must be a steward who answers for it."""
        book = self.book()
        actors.require(actor, book)
        record = book.get("dataset", dataset)
        if record is None:
            raise BadInput(
                f"There is no dataset {dataset}.", do="Apply its record first: publica apply FILE."
            )
        actors.require_steward(actor, book, record)
        schema = table_schema(record)
        return ingest.load(
            self.db,
            self.keys,
            self.data,
            schema,
            files,
            actor,
            progress=progress,
            dry_run=dry_run,
            allow_empty=allow_empty,
        )

    # uses

    @property
    def door(self) -> Door:
        """The one door, with this process's engine; opened on first use."""
        if self._door is None:
            limits, engine = self.settings.limits, self.settings.engine
            self._door = Door(
                db=self.db,
                keys=self.keys,
                kinds=KINDS,
                folder=self.data,
                engine=Engine(self.data, EngineLimits(engine.memory, engine.threads)),
                limits=Limits(limits.seconds, limits.rows, limits.bytes),
                answers=answers(engine.answers),
            )
        return self._door

    def use(self, request: Request) -> Answer:
        """Answer a question, with its receipt."""
        return use(self.door, request)

    def explain(self, request: Request) -> Explanation:
        """Decide, rewrite, run nothing."""
        return explain(self.door, request)

    # choices

    def choose(
        self, key: str, activity: str, action: str, actor: Actor, *, shown: Shown | None = None
    ) -> dict[str, Any]:
        """Grant, refuse, withdraw or object, for one person: by themselves, an official or the operator.

        `shown`: the notice that the person saw. Raises BadInput when it does not hold any more.
        """
        position, book = self.position(key), self.book()
        actors.require(actor, book, person=key)
        made = consent.choose(self.db, self.keys, book, activity, position, action, actor, shown=shown)
        return {"subject": key, "activity": activity, "allowed": made.allowed, "changed": made.changed}

    def choice_status(self, key: str, activity: str) -> dict[str, Any]:
        """What a person chose, and whether their data may be used."""
        position, book = self.position(key), self.book()
        with self.db.read() as connection:
            found = reading.status(connection, book, activity, position)
        history = [{"at": clock.text(step.at), "action": str(step.action)} for step in found.history]
        return {"subject": key, "activity": activity, "allowed": found.allowed, "history": history}

    def choose_many(
        self, file: Path, activity: str, actor: Actor, *, shown: Shown | None = None
    ) -> dict[str, int]:
        """Load many choices: one batch, one ledger entry per kind of action. All or nothing.

        `shown`: the notice that those who consent saw. Raises BadInput when it does not hold any more, and
        when it is not said although the activity had other terms before.
        """
        actors.require(actor, self.book())
        lines = parse_choices(file)
        with self.db.read() as connection:
            found = subjects.positions(connection, self.data, [line[0] for line in lines])
        unknown = [key for key, _ in lines if key not in found]
        if unknown:
            raise BadInput(f"{len(unknown)} unknown persons, first {unknown[0]!r}.", do="Nothing was loaded.")
        sets: dict[str, BitMap] = {}
        for key, action in lines:
            sets.setdefault(action, BitMap()).add(found[key])
        consent.choose_many(self.db, self.keys, self.book(), activity, sets, actor, shown=shown)
        return {action: len(positions) for action, positions in sets.items()}

    def position(self, key: str) -> int:
        """A person's position. Raises BadInput when nothing is held about them."""
        with self.db.read() as connection:
            found = subjects.position(connection, self.data, key)
        if found is None:
            raise BadInput(f"Nothing is held about {key!r}.", do="Check the person's key.")
        return found

    # transparency

    def uses(self, key: str, actor: Actor) -> list[dict[str, Any]]:
        """Every use that touched a person, newest first. Looking is recorded too."""
        actors.require(actor, self.book(), person=key)
        found = transparency.uses_of(self.db, self.keys, self.position(key), actor)
        return [use.as_json() for use in found]

    def prove(self, key: str, use_id: str, actor: Actor) -> dict[str, Any]:
        """The proof of what a use's receipt commits to about a person."""
        actors.require(actor, self.book(), person=key)
        origin, data = self.settings.ledger.origin, self.data
        made = proofs.prove(self.db, self.keys, origin, data, PERSON, key, use_id, actor)
        self.published.publish(made["checkpoint"])  # it leaves with the proof
        return made

    @property
    def verifier_key(self) -> str:
        """The ledger's public key (C2SP signed note)."""
        return vkey(self.keys, self.settings.ledger.origin)

    @property
    def verifier_keys(self) -> tuple[str, ...]:
        """The ledger's public keys, the present one first, then those that were replaced."""
        return (self.verifier_key, *keys.retired(self.folder / KEYS))

    def checkpoint(self) -> str:
        """Sign the ledger's present state, publish that, and return it."""
        signed = self.checkpoint_unpublished()
        self.published.publish(signed)
        return signed

    def checkpoint_unpublished(self) -> str:
        """Sign the ledger's present state, and keep that in the folder alone."""
        return checkpoint(self.db, self.keys, self.settings.ledger.origin, self.folder / LATEST)

    def verify_ledger(self, others: Sequence[str] = ()) -> dict[str, Any]:
        """Check the whole ledger from scratch, and that every table says what its entries say.

        Changes nothing. `others`: checkpoints kept elsewhere, besides those that were published.
        """
        own = kept(self.folder / LATEST)
        published = (note for place in self.published.places if (note := kept(place)) is not None)
        notes = list(dict.fromkeys((*others, *published)))
        with self.db.read() as connection:
            report = verify(connection, self.verifier_keys, laws(self.keys, self.data, KINDS), notes)
        problems = [_problem(problem) for problem in report.problems]
        if own is None:
            problems.append(f"The latest checkpoint, {LATEST}, is gone. {_ASK}")
        if not report.checkpoints:
            problems.append(f"The ledger has no checkpoint, though every ledger begins with one. {_ASK}")
        if report.further:
            problems.append(f"… and {report.further} more problems")
        self._sound = not problems
        return {
            "sound": not problems,
            "size": report.size,
            "waiting": report.waiting,
            "unsigned": report.unsigned,
            "kinds": dict(report.kinds),
            "checkpoints": report.checkpoints,
            "signed": self._signed() if self._sound else None,
            "problems": problems,
        }

    def _signed(self) -> dict[str, Any] | None:
        with self.db.read() as connection:
            signed = latest(connection)
        return None if signed is None else {"size": signed.size, "root": b64(signed.root)}


_ASK = "Find out who could write to the instance's folder, and compare with a checkpoint kept elsewhere."


def _problem(problem: Problem) -> str:
    where = "" if problem.position is None else f"entry {problem.position}: "
    return f"{where}{problem.what} {problem.do}"
