"""Step 6, first half: what each base table becomes: only what is read, each through its transform, masked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from publica.data import subjects
from publica.data.engines import MaskUpdate, Scope
from publica.data.model import TableSchema, Version
from publica.gateway.door import Door
from publica.gateway.facts import Facts, Grant
from publica.gateway.model import ColumnShape, Governed, Shape
from publica.gateway.own import NOBODY, Own, own
from publica.governance.activities.model import Activity
from publica.governance.agreements.model import Transform
from publica.governance.agreements.rules import row_scope
from publica.governance.datasets.model import Column
from publica.governance.datasets.rules import table_schema
from publica.kernel.ledger.canonical import canonical
from publica.trust.consent import reading as consent
from publica.trust.privacy.pseudonyms import pseudonym_secret

YEAR: Final = "year"
AGE_BAND: Final = "age band"
REGION: Final = "region prefix"
PSEUDONYM: Final = "pseudonym"
AS_IS: Final = "as is"
WITHHELD: Final = "withheld"
DEFAULT_CONCEPT = "person"


@dataclass(frozen=True)
class MaskKey:
    """Which mask of which version a relation used; or, under own-data, which rows of it."""

    version: Version
    column: str | None
    own: Own | None = None


def effective(grant: Grant, column: Column, output: str) -> Transform:
    """What the column goes through: the agreement's transform; for pseudonymous rows keys become pseudonyms.

    Whatever an agreement says of a subject key: no other transform makes a key opaque.
    """
    agreed = grant.transforms.get(column.name, Transform(WITHHELD))
    opaque = output == "pseudonymous rows" and column.role == "subject key" and agreed.kind != WITHHELD
    return Transform(PSEUDONYM) if opaque else agreed


def shape(grant: Grant, output: str) -> Shape:
    """The dataset as the statement sees it: names, and types and meanings after the transforms."""
    types = {column.name: column.sql_type for column in table_schema(grant.dataset).columns}
    columns = {
        column.name: _column_shape(column, types[column.name], effective(grant, column, output))
        for column in grant.dataset.spec.columns
    }
    return Shape(grant.id, columns, open=grant.open)


def _column_shape(column: Column, sql_type: str, transform: Transform) -> ColumnShape:
    changed = {YEAR: "BIGINT", AGE_BAND: "VARCHAR", REGION: "VARCHAR", PSEUDONYM: "UUID"}
    meaning = transform.kind in (AS_IS, PSEUDONYM)
    return ColumnShape(
        type=changed.get(transform.kind, sql_type),
        role="pseudonym" if transform.kind == PSEUDONYM else str(column.role),
        concept=column.concept if meaning else None,
        unit=column.unit if meaning else None,
        code_list=column.code_list if meaning else None,
        code_list_version=column.code_list_version if meaning else None,
        part=_part(column, transform),
        period=YEAR if transform.kind == YEAR else "",
        limits=(column.limits or ()) if transform.kind == AS_IS else (),
        required=column.required,
    )


def _part(column: Column, transform: Transform) -> str:
    """What a column may do in a total. A time of whole numbers is a period, such as a year; any other time or
    attribute selects and groups only when the agreement coarsens it."""
    if column.role == "subject key":
        return "key"
    if column.role == "measure" and transform.kind == AS_IS:
        return "measure"
    period = column.role == "time" and column.type == "integer"
    coarse = column.role in ("time", "attribute") and transform.kind in (YEAR, AGE_BAND, REGION)
    return "dimension" if column.role == "dimension" or period or coarse else ""


def sketch(facts: Facts) -> dict[str, Governed]:
    """The relations by their readable names, for an explanation: no engine is asked, nothing is loaded."""
    return {
        dataset: _own(facts, grant, f"own_{dataset}", table_schema(grant.dataset))
        if facts.person_only and not grant.open
        else _governed(facts, grant, dataset, "choice_and_scope", lambda column: f'"{column} pseudonym"')
        for dataset, grant in facts.grants.items()
    }


def build(door: Door, facts: Facts) -> tuple[dict[str, Governed], dict[str, MaskKey]]:
    """The relations in the engine's working copy, masks brought to at least the facts' counter."""
    governed, masks = {}, {}
    for dataset, grant in facts.grants.items():
        version, schema = facts.versions[dataset], table_schema(grant.dataset)
        table = door.engine.table(version, schema)
        if facts.person_only and schema.subject_columns:
            rows = own(dataset, table, schema, NOBODY if facts.person is None else facts.person)
            governed[dataset] = _own(facts, grant, rows.name, schema)
            masks[dataset] = MaskKey(version, None, rows)
            continue
        mask = _mask(door, facts, grant, version, schema)
        relation = _governed(facts, grant, table, mask, _pseudonyms(door, facts, version, schema))
        counted = facts.output == "aggregates" and len(relation.subjects) == 1
        single = not counted or door.engine.most_rows(version, schema, ()) <= 1
        governed[dataset] = replace(relation, single=single)
        masks[dataset] = MaskKey(version, mask)
    return governed, masks


def _governed(
    facts: Facts, grant: Grant, table: str, mask: str | None, pseudonym: Callable[[str], str]
) -> Governed:
    output = facts.output
    on = facts.versions[grant.id].recorded_at.date() if grant.id in facts.versions else facts.date
    columns = {
        column.name: _expression(column.name, effective(grant, column, output), on, pseudonym)
        for column in grant.dataset.spec.columns
        if column.name in facts.reads[grant.id]
    }
    hidden = tuple(column.hidden_name for column in table_schema(grant.dataset).subject_columns)
    return Governed(table=table, columns=columns, mask=mask, subjects=hidden)


def _own(facts: Facts, grant: Grant, name: str, schema: TableSchema) -> Governed:
    """One person's rows: every column that is read, as it is."""
    columns = {column: f'"{column}"' for column in sorted(facts.reads[grant.id])}
    hidden = tuple(column.hidden_name for column in schema.subject_columns)
    return Governed(name, columns, None, hidden, given=True)


def _expression(name: str, transform: Transform, on: date, pseudonym: Callable[[str], str]) -> str:
    """The column's expression over the working copy. None of them can fail on any value."""
    quoted = f'"{name}"'
    if transform.kind == YEAR:
        return f"year({quoted})"
    if transform.kind == AGE_BAND:
        decade = f"(date_diff('year', {quoted}, DATE '{on}') // 10 * 10)"
        return f"({decade} || '-' || ({decade} + 9))"
    if transform.kind == REGION:
        return f"left({quoted}, {int(transform.length or 0)})"
    if transform.kind == PSEUDONYM:
        return pseudonym(name)
    return quoted


def _pseudonyms(door: Door, facts: Facts, version: Version, schema: TableSchema) -> Callable[[str], str]:
    """Stored pseudonyms for this recipient and activity, in the domain of the column's concept."""
    recipient = facts.activity.spec.organisation if facts.activity else ""
    secret = pseudonym_secret(door.keys, recipient, facts.activity_id)
    concepts = {
        column.name: column.concept or DEFAULT_CONCEPT
        for column in facts.grants[version.dataset].dataset.spec.columns
    }

    def stored(column: str) -> str:
        return f'"{door.engine.pseudonyms(version, schema, column, concepts[column], secret)}"'

    return stored


def _mask(door: Door, facts: Facts, grant: Grant, version: Version, schema: TableSchema) -> str | None:
    scope = _scope(grant)
    if facts.activity is None or (not schema.subject_columns and not scope):
        return None
    activity = facts.activity.spec
    key = mask_key(facts.activity_id, activity, grant)

    def fetch(since: int | None) -> MaskUpdate:
        with door.db.read() as connection:
            size = subjects.size(connection)
            return consent.update_since(connection, facts.activity_id, activity.basis, size, since)

    return door.engine.mask(version, schema, key, facts.counter, scope, fetch)


def mask_key(activity_id: str, activity: Activity, grant: Grant) -> str:
    """A mask is shared by all uses with the same choices and scope, across revisions that change neither."""
    basis, scope = activity.basis, _scope(grant)
    body: Mapping[str, object] = {
        "activity": activity_id,
        "basis": str(basis.kind),
        "objection": basis.objection,
        "scope": [[part.column, list(part.values)] for part in scope],
    }
    return hashlib.sha256(canonical(body)).hexdigest()[:32]


def _scope(grant: Grant) -> tuple[Scope, ...]:
    if grant.agreement is None or grant.open:
        return ()
    rules = row_scope(grant.agreement.spec, grant.id)
    return tuple(Scope(rule.column, tuple(rule.values)) for rule in rules)
