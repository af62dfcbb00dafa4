"""Steps 7 to 9 under `aggregates`: compute cells, protect them, answer from what is left, remember it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from publica.data.engines.records import PERSON, ROW
from publica.data.engines.snapshot import Snapshot
from publica.gateway.aggregate import protect, sql
from publica.gateway.aggregate.around import exposure
from publica.gateway.aggregate.assemble import assembled
from publica.gateway.aggregate.complement import completed
from publica.gateway.aggregate.model import Core, Leaf
from publica.gateway.aggregate.protect import Cell, Cells
from publica.gateway.door import Door, Margins
from publica.gateway.facts import Facts
from publica.gateway.model import Rewritten
from publica.gateway.relations import AS_IS, effective, mask_key
from publica.gateway.spool import Spool
from publica.governance.activities.model import Aggregates
from publica.governance.datasets.rules import table_schema
from publica.kernel.backends import Lock
from publica.kernel.database import Change
from publica.kernel.errors import IntegrityBroken
from publica.trust.privacy import store
from publica.trust.privacy.exposure import AGAIN
from publica.trust.privacy.keys import noise_secret, record_keys_id, record_salt
from publica.trust.privacy.rules import Parameters
from publica.trust.privacy.sketch import STATE, Sketch, admit, digest, too_near


@dataclass(frozen=True)
class Release:
    """The cells of one answer, as the release history will know them. `since`: the newest it knew then.

    `key` names the record keys that they were drawn with.
    """

    recipient: str
    activity: str
    k: int
    cells: tuple[tuple[Sketch, ...], ...]
    key: bytes
    since: int

    @property
    def sketches(self) -> list[Sketch]:
        return [sketch for cell in self.cells for sketch in cell]


def parameters(facts: Facts) -> Parameters:
    """How the activity wants its totals protected."""
    chosen = facts.activity.spec.aggregates if facts.activity else None
    chosen = chosen or Aggregates()
    return Parameters(chosen.k, chosen.dominance, chosen.noise)


def stock(door: Door, facts: Facts, plan: Rewritten) -> tuple[sql.Stock, ...]:
    """What the engine holds for each core; record keys are made on first use."""
    return tuple(_stock(door, facts, plan, core) for core in plan.cores)


def _stock(door: Door, facts: Facts, plan: Rewritten, core: Core) -> sql.Stock:
    salt, keys, in_cell, in_all = record_salt(door.keys), [], 1, 1
    for dataset, pinned in zip(core.members, core.pinned, strict=True):
        version, schema = facts.versions[dataset], table_schema(facts.grants[dataset].dataset)
        within = tuple(sorted(plan.governed[dataset].columns[column] for column in pinned))
        most = door.engine.most_rows(version, schema, ())
        in_cell *= door.engine.most_rows(version, schema, within)
        in_all *= most
        keys.append(door.engine.record_keys(version, schema, salt, ROW if most > 1 else PERSON))
    governed = tuple(plan.governed[dataset] for dataset in core.members)
    again = sum(keys[n] is ROW and d in core.members[:n] for n, d in enumerate(core.members))
    datasets = len(set(core.members)) * AGAIN**again
    shown = exposure(facts, core, in_cell=in_cell, in_all=in_all, datasets=datasets)
    codes, noise = _codes(door, facts, plan, core), shown.deviations(parameters(facts).noise)
    stands = (*_stands(facts, core), noise)
    return sql.Stock(governed, tuple(keys), codes, shown, stands, _transforms(facts, core))


def _stands(facts: Facts, core: Core) -> tuple[object, ...]:
    """Of each member the rows (a version loaded again unchanged is the same), the day on which ages are
    reckoned, and whom the mask lets through."""
    found: list[object] = []
    for dataset in sorted(set(core.members)):
        version, grant = facts.versions[dataset], facts.grants[dataset]
        key = mask_key(facts.activity_id, facts.activity.spec, grant) if facts.activity else ""
        found.append((version.digest, str(version.recorded_at.date()), key))
    return tuple(found)


def _transforms(facts: Facts, core: Core) -> dict[str, str]:
    """What the agreements make of the columns (dataset.column) that are no longer as they were."""
    found = {}
    for dataset in set(core.members):
        grant = facts.grants[dataset]
        for column in grant.dataset.spec.columns:
            transform = effective(grant, column, facts.output)
            if transform.kind != AS_IS:
                found[f"{dataset}.{column.name}"] = str(transform)
    return found


def _codes(door: Door, facts: Facts, plan: Rewritten, core: Core) -> dict[Leaf, str]:
    """The coded columns of those text columns, unchanged by any transform, that tell cells apart."""
    found = {}
    for leaf in core.keys:
        dataset = core.members[leaf.member]
        version, schema = facts.versions[dataset], table_schema(facts.grants[dataset].dataset)
        as_is = plan.governed[dataset].columns[leaf.column] == f'"{leaf.column}"'
        text = any(column.name == leaf.column and column.sql_type == "VARCHAR" for column in schema.columns)
        code = door.engine.codes(version, schema, leaf.column) if as_is and text else None
        if code is not None:
            found[leaf] = code
    return found


def compute(
    snapshot: Snapshot,
    plan: Rewritten,
    stocks: tuple[sql.Stock, ...],
    params: Mapping[str, Any],
    wanted: Parameters,
) -> tuple[Cells, ...]:
    """Step 7: the cells of every core, with exact accounts of those that the pigeonhole does not clear."""
    cores = (replace(core, transforms=held.transforms) for core, held in zip(plan.cores, stocks, strict=True))
    return tuple(
        _sided(snapshot, core, held, params, wanted) for core, held in zip(cores, stocks, strict=True)
    )


def _sided(
    snapshot: Snapshot, core: Core, held: sql.Stock, params: Mapping[str, Any], wanted: Parameters
) -> Cells:
    """The cells of a core; where it keeps one side of a limit, those whose other side is safe as well."""
    found = _compute(snapshot, core, held, params, wanted)
    if not core.sides:
        return found
    rest = _compute(snapshot, core.rest, held, params, wanted)
    return protect.with_rest(found, protect.keep_safe(rest, wanted))


def _state(snapshot: Snapshot, held: sql.Stock) -> bytes:
    """Names the rows and choices that a core stands on, and how large its noise is: at another size the same
    people have another draw, which would come to two values to average."""
    counters = {snapshot.counter(governed.mask) for governed in held.governed if governed.mask}
    return digest(STATE, held.stands, sorted(counters))


def _compute(
    snapshot: Snapshot, core: Core, held: sql.Stock, params: Mapping[str, Any], wanted: Parameters
) -> Cells:
    found = _table(snapshot, sql.cells_sql(core, held, wanted.k), params)
    cells = protect.read(core, held.exposure, found, _state(snapshot, held))
    doubtful = protect.doubtful(cells, wanted)
    if cells.doubtful_needed:
        accounts = _table(snapshot, sql.exact_sql(core, held, only=False), params)
    elif doubtful:
        with snapshot.relation(sql.DOUBTFUL, _groups(cells, doubtful)):
            accounts = _table(snapshot, sql.exact_sql(core, held, only=True), params)
    else:
        return cells
    return protect.with_accounts(cells, protect.exact_accounts(core, accounts))


def _groups(cells: Cells, some: list[Cell]) -> pa.Table:
    columns = {
        name: pa.array([cell.keys[n] for cell in some], cells.keys[n])
        for n, name in enumerate(sql.key_names(cells.core))
    }
    return pa.table(columns or {"__one": pa.array([1] * len(some))})


def _table(snapshot: Snapshot, text: str, params: Mapping[str, Any]) -> pa.Table:
    return pa.Table.from_batches(snapshot.batches(text, params))


def choose(
    door: Door, facts: Facts, found: tuple[Cells, ...], wanted: Parameters
) -> tuple[tuple[Cells, ...], Release]:
    """Step 8, first half: the cells that may come out, given those that came out before.

    Then the same for groups of several cells, taken together: a total less a small cell is no less telling
    for being added up from others. Raises TimedOut.
    """
    kept = tuple(protect.keep_safe(cells, wanted) for cells in found)
    recipient = facts.activity.spec.organisation if facts.activity else ""
    key, until = record_keys_id(door.keys), time.monotonic() + door.limits.seconds
    with door.db.read() as connection:
        since = store.last(connection, recipient, facts.activity_id)

        def admitted(asked: list[list[Sketch]], before: list[list[Sketch]]) -> Iterator[bool]:
            flat = [sketch for cell in asked for sketch in cell]
            known = store.near(connection, recipient, facts.activity_id, flat, wanted.k, key)
            released = [sketch for cell in before for sketch in cell]
            return iter(admit(protect.in_time(asked, until), [*known, *released], wanted.k))

        cells = protect.together(kept)
        fits = admitted(cells, [])
        chosen = tuple(replace(c, cells=tuple(cell for cell in c.cells if next(fits))) for c in kept)
        cells, groups = protect.together(chosen), protect.unions(chosen)
        fits = admitted([[sketch] for sketch in groups.values()], cells)
        outside = {place for place in groups if not next(fits)}
        chosen = tuple(protect.without(each, number, outside) for number, each in enumerate(chosen))
        whole = [(sketch,) for place, sketch in groups.items() if place not in outside]
        if not wanted.noise:

            def near(sketches: list[Sketch]) -> list[Sketch]:
                return store.near(connection, recipient, facts.activity_id, sketches, wanted.k, key)

            chosen, margins = completed(chosen, near, wanted.k, until)
            whole += ((sketch,) for sketch in margins)
    sketches = (*(tuple(cell) for cell in protect.together(chosen)), *whole)
    return chosen, Release(recipient, facts.activity_id, wanted.k, sketches, key, since)


def answer(
    door: Door,
    facts: Facts,
    plan: Rewritten,
    chosen: tuple[Cells, ...],
    params: Mapping[str, Any],
    wanted: Parameters,
) -> tuple[Spool, Margins]:
    """Step 8, second half: the statement over protected cells; and the margins of its columns."""
    secret, until = noise_secret(door.keys, facts.activity_id), time.monotonic() + door.limits.seconds
    given = {name: params[name] for name in plan.parameters}
    relations = assembled([(cells, protect.perturbed(cells, wanted, secret, until)) for cells in chosen])
    with door.engine.snapshot(door.limits.seconds) as snapshot:
        return _run(door, snapshot, plan, relations, given)


def _run(
    door: Door,
    snapshot: Snapshot,
    plan: Rewritten,
    relations: Mapping[str, pa.Table],
    given: Mapping[str, Any],
) -> tuple[Spool, Margins]:
    if relations:
        name, rows = next(iter(relations.items()))
        with snapshot.relation(name, rows):
            return _run(door, snapshot, plan, {k: v for k, v in relations.items() if k != name}, given)
    visible, spool = len(plan.columns), None
    margins: Margins = {}
    for batch in snapshot.batches(plan.sql, given):
        if spool is None:
            schema = pa.schema([batch.schema.field(i) for i in range(visible)])
            spool = Spool(schema, rows=door.limits.rows, size=door.limits.bytes)
        spool.add(pa.RecordBatch.from_arrays(batch.columns[:visible], schema=schema))
        for position, column in zip(plan.margins, batch.columns[visible:], strict=True):
            margins.setdefault(position, []).extend(column.to_pylist())
    if spool is None:
        raise IntegrityBroken("The engine gave no answer, not even an empty one.")
    spool.close()
    return spool, margins


class Nearer(Exception):
    """Another answer came out meanwhile, with a cell that one of ours is too near."""


def fresh(change: Change, release: Release) -> tuple[Sketch, ...]:
    """Step 9: the cells that the history does not know yet.

    Raises Nearer when it grew meanwhile by a cell that one of ours must not follow.
    """
    connection, ours = change.connection, (release.recipient, release.activity)
    sketches = release.sketches
    for other in store.near(connection, *ours, sketches, release.k, release.key, since=release.since):
        if any(too_near(sketch, other, release.k) for sketch in sketches):
            raise Nearer
    return store.unknown(connection, *ours, sketches)


def remember(change: Change, release: Release, cells: tuple[Sketch, ...], entry: bytes) -> None:
    """Step 9: these cells belong to the history from here on."""
    store.add(change.connection, release.recipient, release.activity, cells, release.key, entry)


def standing(release: Release | None) -> list[Lock]:
    """What must not move while cells are released: the history that they are held against."""
    return [] if release is None else [store.lock(release.recipient, release.activity)]
