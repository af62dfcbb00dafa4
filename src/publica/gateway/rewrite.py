"""Step 6: base tables become governed relations, and the statement accounts for itself."""

from __future__ import annotations

from collections.abc import Mapping, Set

from sqlglot import exp

from publica.gateway import surface
from publica.gateway.complete import complete_limits, complete_order, complete_windows, is_scan, width
from publica.gateway.joins import join_by_position
from publica.gateway.model import Governed, Occurrence, Resolved, Rewritten, outside
from publica.gateway.opaque import check_opaque
from publica.gateway.parse import DIALECT, shallow
from publica.gateway.released import SUBJECT, Carrier
from publica.gateway.scope import identifier
from publica.gateway.touched import all_leave, touches

CTE = "__c"
"""What the names that WITH defines are called: no name that somebody wrote is left to the engine."""

PLACED = "placed"
"""Marks the tables that we wrote."""

ROW = "__row"
"""The one column of a relation that no column is read of, as in count(*)."""


@shallow
def rewrite(
    resolved: Resolved,
    governed: Mapping[str, Governed],
    *,
    pseudonymous: bool,
    params: Mapping[str, object] | None = None,
) -> Rewritten:
    """The statement over governed relations. `params` narrow what is touched; without them, what is compared
    with a parameter counts as looked through. Raises Outside for what pseudonyms do not allow."""
    if pseudonymous:
        check_opaque(resolved)
    query = resolved.query.copy()
    carrier = Carrier(resolved, governed, query)
    visible, exact = width(query), carrier.exact(query)
    hidden = carrier.carry(query) if exact else []
    complete_windows(resolved, query)
    complete_limits(query)
    if pseudonymous or not is_scan(query):
        complete_order(query, visible)
    traced = carrier.used | join_by_position(query, resolved, governed)
    place(query, resolved, governed, traced)
    return Rewritten(
        sql=DIALECT.generate(query, identify=True, normalize_functions=False),
        columns=resolved.columns,
        hidden=tuple(hidden),
        exact=exact,
        touches=touches(resolved, governed, params or {}),
        all_leave=exact and all_leave(resolved, governed, params or {}),
        parameters=resolved.parameters,
        tree=query,
    )


def place(
    query: exp.Expr,
    resolved: Resolved,
    governed: Mapping[str, Governed],
    traced: Set[int],
    ours: Set[str] = frozenset(),
) -> None:
    """Each base table becomes its relation, each name that WITH defines a name of ours.

    `ours`: relations of our making that are in the statement already.
    """
    names = set(ours)
    for cte in query.find_all(exp.CTE):
        names.add(f"{CTE}{cte.meta['cte']}")
        cte.args["alias"].set("this", identifier(f"{CTE}{cte.meta['cte']}"))
    for table in list(query.find_all(exp.Table)):
        number, defined = table.meta.get("occurrence"), table.meta.get("from_cte")
        if number is not None:
            occurrence = resolved.occurrences[number]
            table.replace(relation(occurrence, governed[occurrence.dataset], number in traced))
        elif defined is not None:
            columns = table.args["alias"].args.get("columns") if table.args.get("alias") else None
            alias = identifier(table.alias or table.name)
            table.set("alias", exp.TableAlias(this=alias, columns=columns))
            table.set("this", identifier(f"{CTE}{defined}"))
    check_placed(query, names, {(r.table, r.given) for r in governed.values()})


def check_placed(query: exp.Expr, ctes: Set[str], relations: Set[tuple[str, bool]]) -> None:
    """Refuse a statement with a table left in it that is none of ours: a second look, after step 2."""
    for table in query.find_all(exp.Table):
        function, name, schema = table.this, table.name, table.text("db")
        if isinstance(function, exp.Anonymous):
            known = function.this in surface.TABLE_FUNCTIONS
        elif table.meta.get(PLACED):
            known = schema in ("main", "") and (name, not schema) in relations
        else:
            known = not schema and name in ctes
        if not known or table.text("catalog"):
            raise outside("sql-unknown-table", table=name)


def relation(occurrence: Occurrence, governed: Governed, traced: bool) -> exp.Subquery:
    """`(SELECT columns read [, subjects] FROM table WHERE mask) AS alias`."""
    columns: list[exp.Expr] = [
        exp.Alias(this=exp.Var(this=governed.columns[column]), alias=identifier(name))
        for name, column in occurrence.columns.items()
    ]
    if traced:
        columns += (
            exp.Alias(this=exp.Column(this=identifier(subject)), alias=identifier(f"{SUBJECT}{number}"))
            for number, subject in enumerate(governed.subjects)
        )
    if not columns:
        columns = [exp.Alias(this=exp.Literal.number(1), alias=identifier(ROW))]
    schema = None if governed.given else identifier("main")
    table = exp.Table(this=identifier(governed.table), db=schema)
    table.meta[PLACED] = True
    select = exp.Select(expressions=columns, from_=exp.From(this=table))
    if governed.mask is not None:
        select.set("where", exp.Where(this=exp.Column(this=identifier(governed.mask))))
    return exp.Subquery(this=select, alias=exp.TableAlias(this=identifier(occurrence.alias)))
