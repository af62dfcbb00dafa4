"""Step 6 under `aggregates`: the statement over the protected cells of its cores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlglot import exp

from publica.gateway.aggregate.form import find_cores
from publica.gateway.aggregate.frames import refused
from publica.gateway.aggregate.margins import append_margins
from publica.gateway.aggregate.model import Family, value_name
from publica.gateway.aggregate.respell import spellings
from publica.gateway.complete import complete_limits, complete_order, complete_windows, width
from publica.gateway.model import Governed, Outside, Resolved, Rewritten
from publica.gateway.parse import DIALECT, shallow
from publica.gateway.resolve import require_few_filters
from publica.gateway.rewrite import place
from publica.gateway.scope import identifier
from publica.gateway.touched import whole_masks


@shallow
def over_cells(
    resolved: Resolved, governed: Mapping[str, Governed], params: Mapping[str, object]
) -> Rewritten:
    """The statement over cells and open tables, as it is or else in other words.

    Raises Outside (`aggregate-form`), with what is wrong with it as it is.
    """
    single = {dataset for dataset, relation in governed.items() if relation.single}
    wrong: Outside | None = None
    for spelling in spellings(resolved, single):
        try:
            return replace(_over_cells(spelling, governed, params), columns=resolved.columns)
        except Outside as outside:
            wrong = wrong or outside
    assert wrong is not None  # noqa: S101 (the statement as it is comes first)
    raise wrong


def _over_cells(
    resolved: Resolved, governed: Mapping[str, Governed], params: Mapping[str, object]
) -> Rewritten:
    """The statement over cells and open tables. Raises Outside (`aggregate-form`).

    No table about people is left in it, so whatever it computes, it computes of what may come out.
    """
    query = resolved.query.copy()
    visible = width(query)
    complete_windows(resolved, query)
    complete_limits(query)
    complete_order(query, visible)
    query, families = find_cores(resolved, query, params, _condition)
    require_few_filters(query)
    cores = tuple(core for family in families for core in family.cores)
    for dataset in {member for core in cores for member in core.members}:
        if len(governed[dataset].subjects) != 1:
            raise refused(f"totals over {dataset}, whose rows are not about one person each")
    margins = append_margins(resolved, query, families)
    _replace_tables(query, resolved, governed, {family.name: family for family in families})
    return Rewritten(
        sql=DIALECT.generate(query, identify=True, normalize_functions=False),
        columns=resolved.columns,
        hidden=(),
        exact=True,
        touches=whole_masks(resolved, governed),
        parameters=frozenset(node.name for node in query.find_all(exp.Placeholder)),
        tree=query,
        cores=cores,
        margins=margins,
        governed=governed,
    )


def _replace_tables(
    query: exp.Expr, resolved: Resolved, governed: Mapping[str, Governed], families: Mapping[str, Family]
) -> None:
    """Open tables become their relations, cells get their types; any other table is refused."""
    for table in list(query.find_all(exp.Table)):
        number = table.meta.get("occurrence")
        if number is not None and not resolved.shapes[resolved.occurrences[number].dataset].open:
            raise refused(f"rows of {resolved.occurrences[number].dataset}")
        if isinstance(table.this, exp.Identifier) and table.name in families:
            table.replace(_typed(families[table.name]))
    place(query, resolved, governed, frozenset(), families.keys())


def _typed(family: Family) -> exp.Subquery:
    """The cells as the engine would have them: sums of whole numbers as HUGEINT."""
    items: list[exp.Expr] = [
        exp.Cast(this=exp.Column(this=identifier(value_name(n))), to=exp.DataType.build("INT128"))
        for n in sorted(family.whole)
    ]
    replaced = [exp.Alias(this=item, alias=item.this.this.copy()) for item in items]
    star = exp.Star(replace=replaced) if replaced else exp.Star()
    table = exp.Table(this=identifier(family.name), db=None)
    select = exp.Select(expressions=[star], from_=exp.From(this=table))
    return exp.Subquery(this=select, alias=exp.TableAlias(this=identifier(family.name)))


def _condition(node: exp.Expr) -> str:
    """A condition's SQL, over the members of a core alone."""
    if node.find(exp.Query):
        raise refused("a subquery in a condition on people")
    return DIALECT.generate(exp.Paren(this=node.copy()), identify=True, normalize_functions=False)
