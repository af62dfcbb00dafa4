"""Statements outside the closed form, in other words that may be inside it.

Whoever asks could have written these words; what they give is proved closed, or refused, like any other. So
nothing here has to be right for the sake of protection, only for the sake of the answer:

- `sum(CASE WHEN c THEN x END)` is `sum(x) FILTER (WHERE c)`; SELECT DISTINCT of dimensions groups by them;
  `NOT x > 5` is `x <= 5`; rows `WHERE x IS NOT NULL` are those that `count(x)` counts;
- grouping by something computed from dimensions, or by columns of open tables that rows about people are
  joined with, is done with the totals by each value of the dimensions, which are added up (`fold`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from functools import partial

from sqlglot import exp

from publica.gateway.aggregate.flatten import flatten
from publica.gateway.aggregate.fold import fold
from publica.gateway.aggregate.frames import People
from publica.gateway.aggregate.outputs import arguments, bare, own_nodes
from publica.gateway.model import Outside, Resolved
from publica.gateway.order import is_aggregate
from publica.gateway.resolve import resolve
from publica.gateway.touched import conjuncts

MOST_NESTED = 4
"""How many derived tables inside each other are looked through."""

ADDING = frozenset({"sum", "avg", "mean", "count"})
COUNTING = frozenset({"count_if", "countif"})
TRUTHS = (exp.Predicate, exp.And, exp.Or, exp.Not, exp.Boolean)
OPPOSITE: dict[type[exp.Expr], type[exp.Binary]] = {
    exp.GT: exp.LTE,
    exp.GTE: exp.LT,
    exp.LT: exp.GTE,
    exp.LTE: exp.GT,
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
}
Respell = Callable[[People, exp.Expr], None]


def spellings(resolved: Resolved, single: Set[str]) -> Iterator[Resolved]:
    """The statement as it is, then in other words; each time with every name placed anew.

    `single`: the datasets in which nobody has more than one row.
    """
    yield resolved
    for _ in range(MOST_NESTED):
        resolved = _again(resolved, flatten) or resolved
    resolved = _again(resolved, partial(plain_totals, single=single)) or resolved
    yield resolved
    for outside in (False, True):
        folded = _again(resolved, partial(fold, outside=outside, single=single))
        if folded is not None:
            yield folded


def _again(resolved: Resolved, respell: Respell) -> Resolved | None:
    """The statement with each SELECT on people respelt; None where that cannot be done."""
    query = resolved.query.copy()
    people = People(resolved, query)
    selects: list[exp.Expr] = [node for node in query.find_all(exp.Select) if "chosen" in node.meta]
    try:
        for select in selects:
            if select.root() is query and people.on_people(select):
                respell(people, select)
        for node in query.walk():
            node.meta.clear()
        return resolve(query, resolved.shapes)
    except Outside:
        return None


def plain_totals(people: People, select: exp.Expr, single: Set[str]) -> None:
    """CASE inside totals becomes FILTER, DISTINCT becomes GROUP BY, and so on."""
    if select.args.get("distinct") and not people.aggregated(select) and not select.find(exp.Window):
        items = [item.this if isinstance(item, exp.Alias) else item for item in select.expressions]
        varied = [item.copy() for item in items if item.find(exp.Column)]
        if varied:
            select.set("distinct", None)
            select.set("group", exp.Group(expressions=varied))
    for node in list(own_nodes(select, sets=True)):
        if is_aggregate(node):
            _persons(people, select, node, single)
            _filtered(node)
    for node in list(select.find_all(exp.Not)):
        _positive(node)
    _known_only(people, select)


def _persons(people: People, select: exp.Expr, call: exp.Expr, single: Set[str]) -> None:
    """Persons are as many as rows, where each has one, and nothing beside repeats it."""
    given, distinct = arguments(call)
    origins = people.resolved.origins(given[0]) if given else frozenset()
    (source, node), *others = people.sources(select)
    joins = select.args.get("joins") or ()
    alone = source.occurrence is not None and people.about(source, node)
    alone = alone and not any(people.about(*other) for other in others)
    alone = alone and all(join.kind in ("SEMI", "ANTI") for join in joins) and len(joins) == len(others)
    keys = all(people.resolved.shape(origin).part == "key" and origin[0] in single for origin in origins)
    if call.this == "count" and distinct and len(given) == 1 and origins and keys and alone:
        call.set("expressions", [given[0].copy()])


def _positive(node: exp.Expr) -> None:
    """NOT of a comparison is the opposite one (both are unknown where a side is NULL); not so of = ANY."""
    inner = bare(node.this)
    if type(inner) in OPPOSITE and not inner.find(exp.Any, exp.All, exp.Tuple, exp.Query):
        node.replace(OPPOSITE[type(inner)](this=inner.this.copy(), expression=inner.expression.copy()))


def _known_only(people: People, select: exp.Expr) -> None:
    """`SELECT count(*) … WHERE x IS NOT NULL` counts x, in groups that have any."""
    where = select.args.get("where")
    nodes = (node.this if isinstance(node, exp.Filter) else node for node in own_nodes(select, sets=True))
    totals = [node for node in nodes if is_aggregate(node)]
    given = [arguments(total)[0] for total in totals]
    rows = [not one or isinstance(one[0], (exp.Star, exp.Literal)) for one in given]
    for condition in list(conjuncts(where.this)) if where else []:
        column = _known(condition)
        if column is None or not people.measure(column):
            continue
        if all(all_rows or one == [column] for all_rows, one in zip(rows, given, strict=True)):
            condition.replace(exp.true())
            for total, all_rows in zip(totals, rows, strict=True):
                if all_rows:
                    total.replace(exp.Anonymous(this="count", expressions=[column.copy()]))
            if select.args.get("group"):
                _having(select, column)
            return


def _having(select: exp.Expr, column: exp.Column) -> None:
    """Also at least one value of a column."""
    count = exp.Anonymous(this="count", expressions=[column.copy()])
    some: exp.Expr = exp.GT(this=count, expression=exp.Literal.number(0))
    if select.args.get("having"):
        some = exp.And(this=exp.Paren(this=select.args["having"].this), expression=some)
    select.set("having", exp.Having(this=some))


def _known(condition: exp.Expr) -> exp.Column | None:
    """The column of `column IS NOT NULL`."""
    inner = bare(condition.this) if isinstance(condition, exp.Not) else None
    known = isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Null)
    return inner.this if inner is not None and known and isinstance(inner.this, exp.Column) else None


def _filtered(call: exp.Expr) -> None:
    """A total of what a condition lets through, as such."""
    given, distinct = arguments(call)
    if len(given) != 1 or distinct:
        return
    found = _condition(str(call.this), given[0])
    if found is None:
        return
    condition, value = found
    total = exp.Anonymous(this="count_star", expressions=[])
    if value is not None:
        total = exp.Anonymous(this=call.this, expressions=[value.copy()])
    call.replace(exp.Filter(this=total, expression=exp.Where(this=condition.copy())))


def _condition(name: str, given: exp.Expr) -> tuple[exp.Expr, exp.Expr | None] | None:
    """The condition in a total, and what is added up where it holds; None for rows."""
    if name in COUNTING:
        return given, None
    if name == "sum" and isinstance(given, exp.Cast) and isinstance(bare(given.this), TRUTHS):
        return bare(given.this), None
    branch = _branch(given)
    if name not in ADDING or branch is None:
        return None
    condition, value, default = branch
    nothing = isinstance(default, exp.Null) or (name == "sum" and _is(default, "0"))
    if not nothing:
        return None
    if isinstance(value, exp.Column):
        return condition, value
    counts = (_is(value, "1") and name == "sum") or (name == "count" and isinstance(value, exp.Literal))
    return (condition, None) if counts else None


def _branch(given: exp.Expr) -> tuple[exp.Expr, exp.Expr, exp.Expr] | None:
    """The condition, value and default of CASE with one branch, or of if()."""
    if isinstance(given, exp.Case) and given.this is None and len(given.args["ifs"]) == 1:
        (only,) = given.args["ifs"]
        return only.this, bare(only.args["true"]), bare(given.args.get("default") or exp.Null())
    if isinstance(given, exp.Anonymous) and given.this == "if" and len(given.expressions) == 3:
        condition, value, default = given.expressions
        return condition, bare(value), bare(default)
    return None


def _is(node: exp.Expr, number: str) -> bool:
    return isinstance(node, exp.Literal) and not node.is_string and node.name == number
