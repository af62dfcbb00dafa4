"""Step 6, accounting: whose rows a statement can look at.

A base table counts with its mask and those conditions of its SELECT that compare its columns with constants.
Soundness (whoever is outside could be deleted and the answer would be the same) needs two things: that
the condition drops the row before anything else uses it (so all joins beside it are inner), and that nothing
can fail on a dropped row, for the engine evaluates conditions in an order of its own and moves them about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp

from publica.gateway.complete import is_scan
from publica.gateway.constants import safe, simple
from publica.gateway.model import SIZE, Chosen, Governed, Occurrence, Resolved, Touch
from publica.gateway.parse import DIALECT


def touches(
    resolved: Resolved, governed: Mapping[str, Governed], params: Mapping[str, object]
) -> tuple[Touch, ...]:
    """One touch for each set to unite. A whole mask makes the parts of it superfluous."""
    narrow = safe(resolved, params)
    found: dict[str, Touch] = {}
    for select, chosen, occurrence in _places(resolved):
        relation = governed[occurrence.dataset]
        if relation.subjects:
            conditions = _conditions(select, chosen, occurrence, resolved, params) if narrow else []
            touch = _touch(occurrence, relation, conditions)
            found.setdefault(touch.sql, touch)
    whole = {touch.dataset for touch in found.values() if touch.shared}
    return tuple(touch for touch in found.values() if touch.shared or touch.dataset not in whole)


def all_leave(resolved: Resolved, governed: Mapping[str, Governed], params: Mapping[str, object]) -> bool:
    """Whether exactly those whose rows are looked at have a row that leaves: the rows of one table about one
    person each, under conditions that all count."""
    query, places = resolved.query, list(_places(resolved))
    cut = query.args.get("limit") or query.args.get("offset")
    if not is_scan(query) or cut or len(places) != 1 or not safe(resolved, params):
        return False
    where, ((select, chosen, occurrence),) = query.args.get("where"), places
    if where is None or len(governed[occurrence.dataset].subjects) != 1:
        return False
    return len(_conditions(select, chosen, occurrence, resolved, params)) == len(list(conjuncts(where.this)))


def whole_masks(resolved: Resolved, governed: Mapping[str, Governed]) -> tuple[Touch, ...]:
    """Everybody whom the masks let through, of every table about people."""
    found = {
        occurrence.dataset: _touch(occurrence, governed[occurrence.dataset], [])
        for occurrence in resolved.occurrences
        if governed[occurrence.dataset].subjects
    }
    return tuple(found.values())


def _places(resolved: Resolved) -> Iterator[tuple[exp.Expr, Chosen, Occurrence]]:
    for select in resolved.query.find_all(exp.Select):
        chosen = resolved.chosen[select.meta["chosen"]]
        for source in chosen.sources:
            if source.occurrence is not None:
                yield select, chosen, resolved.occurrences[source.occurrence]


def _conditions(
    select: exp.Expr,
    chosen: Chosen,
    occurrence: Occurrence,
    resolved: Resolved,
    params: Mapping[str, object],
) -> list[exp.Expr]:
    where = select.args.get("where")
    if where is None or not chosen.inner:
        return []
    return [
        condition for condition in conjuncts(where.this) if simple(condition, occurrence, resolved, params)
    ]


def conjuncts(condition: exp.Expr) -> Iterator[exp.Expr]:
    """The parts that must all hold."""
    pending = [condition]
    while pending:
        node = pending.pop()
        if isinstance(node, exp.And):
            pending += (node.expression, node.this)
        elif isinstance(node, exp.Paren):
            pending.append(node.this)
        else:
            yield node


def _touch(occurrence: Occurrence, relation: Governed, conditions: list[exp.Expr]) -> Touch:
    parts = [f'"{relation.mask}"'] if relation.mask else []
    parts += (f"({_over_table(condition, occurrence, relation)})" for condition in conditions)
    where = f" WHERE {' AND '.join(parts)}" if parts else ""
    table = f"{relation.source}{where}"
    sets = [f'bitstring_agg("{subject}", 0, ${SIZE} - 1)' for subject in relation.subjects]
    sql = f"SELECT ({sets[0]})::BLOB FROM {table}" if len(sets) == 1 else _either(sets, table)
    return Touch(
        dataset=occurrence.dataset,
        subjects=relation.subjects,
        sql=sql,
        shared=not conditions,
        parameters=frozenset(p.name for part in conditions for p in part.find_all(exp.Placeholder)),
    )


def _either(sets: list[str], table: str) -> str:
    """SQL for the union of several sets, any of which may be NULL: then nobody is in it."""
    names = [f"b{number}" for number in range(len(sets))]
    union = names[0]
    for name in names[1:]:
        union = f"coalesce({union} | {name}, {union}, {name})"
    made = ", ".join(f"{value} AS {name}" for value, name in zip(sets, names, strict=True))
    return f"SELECT ({union})::BLOB FROM (SELECT {made} FROM {table}) AS sets"


def _over_table(condition: exp.Expr, occurrence: Occurrence, relation: Governed) -> str:
    """The condition over the table itself, each column through its transform."""
    holder = exp.Paren(this=condition.copy())
    for column in list(holder.find_all(exp.Column)):
        column.replace(exp.Paren(this=exp.Var(this=relation.columns[occurrence.columns[column.name]])))
    return DIALECT.generate(holder.this, identify=True, normalize_functions=False)
