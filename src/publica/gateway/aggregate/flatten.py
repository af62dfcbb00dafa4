"""A SELECT over a derived table of people's rows as one over the tables in it.

SELECT area, count(*) FROM (SELECT left(place, 2) AS area FROM persons WHERE sex = 'F') GROUP BY area
SELECT left(place, 2), count(*) FROM persons WHERE sex = 'F' GROUP BY left(place, 2)
"""

from __future__ import annotations

from sqlglot import exp

from publica.gateway import surface
from publica.gateway.aggregate.frames import NARROWING, PLAIN_JOINS, People
from publica.gateway.model import Source, outside
from publica.gateway.scope import identifier
from publica.gateway.touched import conjuncts

PREFIX = "__flat"


def flatten(people: People, select: exp.Expr) -> None:
    """Write the first such table out, where that is plain to do."""
    (source, node), *_ = people.sources(select)
    inner = people.inner(source, node)
    while isinstance(inner, exp.Subquery):
        inner = inner.this
    if not people.about(source, node) or not isinstance(inner, exp.Select) or not _plain(inner):
        return
    sources = people.sources(inner)
    inner = inner.copy()
    for column in inner.find_all(exp.Column):
        column.set("table", identifier(_renamed(select, column.text("table"))))
    for (each, _), table in zip(sources, _tables(inner), strict=True):
        table.set("alias", _alias(select, each))
    _read_through(people, select, source, inner)
    _conditions(select, inner)
    select.set("from_", inner.args["from_"])
    select.set("joins", [*(inner.args.get("joins") or ()), *(select.args.get("joins") or ())])
    if source.cte is not None and not _used(select.root(), source.cte):
        people.remove(people.ctes[source.cte])


def _plain(inner: exp.Expr) -> bool:
    """Whether a SELECT only picks and computes columns of rows of inner joins."""
    joins = inner.args.get("joins") or ()
    return (
        not any(inner.args.get(clause) for clause in (*NARROWING, "with_"))
        and inner.find(exp.Window, exp.Subquery, exp.Lateral, exp.Exists) is None
        and all(not join.side and join.kind in PLAIN_JOINS for join in joins)
        and all(isinstance(table, exp.Table) for table in _tables(inner))
    )


def _used(query: exp.Expr, cte: int) -> bool:
    return any(table.meta.get("from_cte") == cte for table in query.find_all(exp.Table))


def _tables(select: exp.Expr) -> list[exp.Expr]:
    return [select.args["from_"].this, *(join.this for join in select.args.get("joins") or ())]


def _renamed(select: exp.Expr, alias: str) -> str:
    return f"{PREFIX}{select.meta['chosen']}_{alias.lower()}"


def _alias(select: exp.Expr, source: Source) -> exp.TableAlias:
    names = [identifier(output.name) for output in source.columns.values()]
    return exp.TableAlias(this=identifier(_renamed(select, source.alias)), columns=names)


def _read_through(people: People, select: exp.Expr, source: Source, inner: exp.Expr) -> None:
    """Columns of the derived table become what they are in it."""
    outputs = list(source.columns.values())
    for column in list(select.find_all(exp.Column)):
        if column.text("table").lower() != source.alias.lower() or "bound" not in column.meta:
            continue
        bound = people.resolved.bound[column.meta["bound"]]
        place = next((n for n, output in enumerate(outputs) if output is bound), None)
        if place is not None:
            value = inner.expressions[place]
            value = value.this if isinstance(value, exp.Alias) else value
            people.copied += sum(1 for _ in value.walk())
            if people.copied > surface.COPIES:
                raise outside("sql-too-deep")
            column.replace(value.copy() if isinstance(value, exp.Column) else exp.Paren(this=value.copy()))


def _conditions(select: exp.Expr, inner: exp.Expr) -> None:
    """Both conditions hold."""
    found = [
        exp.Paren(this=condition.copy())
        for where in (inner.args.get("where"), select.args.get("where"))
        if where
        for condition in conjuncts(where.this)
    ]
    if found:
        select.set("where", exp.Where(this=exp.and_(*found, copy=False, wrap=False)))
