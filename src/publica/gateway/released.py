"""Step 6, accounting: whose rows are in what leaves, by hidden columns carried to the last projection.

A row of a group counts as released when the whole group is one person's rows. Where rows lose their trace
(UNION, INTERSECT, EXCEPT, values taken from elsewhere, or conditions on them) nothing is carried, and
everybody touched counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp

from publica.gateway import order, surface
from publica.gateway.model import Governed, Resolved, Source
from publica.gateway.scope import identifier

SUBJECT, CARRIED, DISTINCT = "__s", "__h", "__d"
DECIDING = ("where", "group", "having", "qualify", "order")
OTHER_ROWS = frozenset({"lag", "lead", "first_value", "last_value", "nth_value"})


class Carrier:
    """Carries hidden columns through a copy of a resolved statement."""

    def __init__(self, resolved: Resolved, governed: Mapping[str, Governed], query: exp.Query) -> None:
        self.resolved, self.governed, self.query = resolved, governed, query
        self.ctes = {cte.meta["cte"]: cte for cte in query.find_all(exp.CTE)}
        self.done: dict[int, list[str]] = {}
        self.known: dict[tuple[str, int], bool] = {}
        self.used: set[int] = set()
        self.names = 0

    # can it be traced?

    def exact(self, query: exp.Expr) -> bool:
        """Whether the rows of every person in the output of a query can be traced."""
        if isinstance(query, exp.Subquery):
            return self.exact(query.this)
        if isinstance(query, exp.SetOperation):
            both = isinstance(query, exp.Union) and query.args.get("distinct") is False
            traced = both and self.exact(query.this) and self.exact(query.expression)
            return traced or not self.personal(query)
        if not self.personal(query):
            return True
        return not self._brings_others(query) and all(
            self._traced(source, node) for source, node in self._sources(query)
        )

    def personal(self, node: exp.Expr) -> bool:
        """Whether a personal table occurs anywhere below."""
        for table in node.find_all(exp.Table):
            number, cte = table.meta.get("occurrence"), table.meta.get("from_cte")
            if number is not None and self._subjects(number):
                return True
            if cte is not None and self._once("personal", cte):
                return True
        return False

    def _once(self, question: str, cte: int) -> bool:
        """`personal` or `exact` of what a name of WITH stands for, asked once however often it is used."""
        if (question, cte) not in self.known:
            ask = self.personal if question == "personal" else self.exact
            self.known[question, cte] = ask(self.ctes[cte].this)
        return self.known[question, cte]

    def _traced(self, source: Source, node: exp.Expr) -> bool:
        """Whether the persons of a source can be traced."""
        if source.cte is not None:
            return self._once("exact", source.cte)
        inner = self._inner(source, node)
        return inner is None or self.exact(inner)

    def _brings_others(self, select: exp.Expr) -> bool:
        """An output may hold or depend on values of rows other than its own: a subquery's, lag(), list()."""
        for part in _parts(select):
            if any(self.personal(query) for query in part.find_all(exp.Select)):
                return True
            if any(_of_several_rows(window) for window in part.find_all(exp.Window)):
                return True
        if any(
            call.this in surface.COLLECTING
            for item in select.expressions
            for call in item.find_all(exp.Anonymous)
        ):
            return True
        sources = self.resolved.chosen[select.meta["chosen"]].sources
        return any(
            self.personal(node)
            for source, node in zip(sources, _from(select), strict=True)
            if not (source.carried and (source.occurrence is not None or self._inner(source, node)))
        )

    def _subjects(self, occurrence: int) -> tuple[str, ...]:
        return self.governed[self.resolved.occurrences[occurrence].dataset].subjects

    def _sources(self, select: exp.Expr) -> list[tuple[Source, exp.Expr]]:
        """The sources whose rows can be in the output, each with its node."""
        chosen = self.resolved.chosen[select.meta["chosen"]]
        return [pair for pair in zip(chosen.sources, _from(select), strict=True) if pair[0].carried]

    def _inner(self, source: Source, node: exp.Expr) -> exp.Expr | None:
        """The query that a source is, if it is one."""
        if source.cte is not None:
            inner: exp.Expr = self.ctes[source.cte].this
            return inner
        node = node.this if isinstance(node, exp.Lateral) else node
        return node.this if isinstance(node, exp.Subquery) else None

    # carrying

    def carry(self, query: exp.Expr) -> list[str]:
        """Append the hidden columns to a query's output; their names."""
        if isinstance(query, exp.Subquery):
            return self.carry(query.this)
        if isinstance(query, exp.SetOperation):
            return self._carry_union(query) if self.personal(query) else []
        hidden = self.hidden(query)
        if hidden and query.args.get("distinct"):
            return self._carry_distinct(query, hidden)
        aggregated = self.resolved.chosen[query.meta["chosen"]].aggregated
        return self._append(query, [only_one(value) for value in hidden] if aggregated else hidden)

    def hidden(self, select: exp.Expr) -> list[exp.Expr]:
        """The hidden columns that the sources of a SELECT offer."""
        found: list[exp.Expr] = []
        for source, node in self._sources(select):
            if source.occurrence is not None:
                names = [f"{SUBJECT}{k}" for k in range(len(self._subjects(source.occurrence)))]
                self.used.add(source.occurrence)
            elif source.cte is not None:
                if source.cte not in self.done:
                    self.done[source.cte] = self.carry(self.ctes[source.cte].this)
                names = self.done[source.cte]
            else:
                inner = self._inner(source, node)
                names = self.carry(inner) if inner is not None else []
            found += (exp.Column(this=identifier(name), table=identifier(source.alias)) for name in names)
        return found

    def _append(self, select: exp.Expr, values: list[exp.Expr]) -> list[str]:
        names = []
        for value in values:
            self.names += 1
            names.append(f"{CARRIED}{self.names}")
            select.append("expressions", exp.Alias(this=value, alias=identifier(names[-1])))
        return names

    def _carry_union(self, union: exp.Expr) -> list[str]:
        """UNION ALL: the operands' hidden columns side by side, the shorter list filled up with NULL."""
        left, right = self.carry(union.this), self.carry(union.expression)
        for operand, short in (
            (union.this, len(right) - len(left)),
            (union.expression, len(left) - len(right)),
        ):
            added = self._fill(operand, short)
            left = left + added if operand is union.this else left
        return left

    def _fill(self, operand: exp.Expr, count: int) -> list[str]:
        while isinstance(operand, exp.Subquery):
            operand = operand.this
        if count <= 0:
            return []
        if isinstance(operand, exp.SetOperation):
            self._fill(operand.expression, count)
            return self._fill(operand.this, count)
        nothing = exp.Cast(this=exp.Null(), to=exp.DataType.build("uinteger", dialect="duckdb"))
        return self._append(operand, [nothing.copy() for _ in range(count)])

    def _carry_distinct(self, select: exp.Expr, hidden: list[exp.Expr]) -> list[str]:
        """DISTINCT as groups of equal rows, over the same SELECT without it."""
        chosen = self.resolved.chosen[select.meta["chosen"]]
        inner = select.copy()
        for clause in ("with_", "distinct", "order", "limit", "offset"):
            inner.set(clause, None)
        shown = []
        for number, item in enumerate(inner.expressions):
            column = exp.Column(this=identifier(f"{DISTINCT}{number}"), table=identifier(DISTINCT))
            shown.append(exp.Alias(this=column, alias=item.args["alias"].copy()))
            item.set("alias", identifier(f"{DISTINCT}{number}"))
        names = self._append(inner, [only_one(v) for v in hidden] if chosen.aggregated else hidden)
        select.set("expressions", shown)
        carried = [exp.Column(this=identifier(name), table=identifier(DISTINCT)) for name in names]
        for clause in ("distinct", "joins", "where", "having", "qualify"):
            select.set(clause, None)
        table = exp.Subquery(this=inner, alias=exp.TableAlias(this=identifier(DISTINCT)))
        select.set("from_", exp.From(this=table))
        positions = [exp.Literal.number(n + 1) for n in range(len(shown))]
        select.set("group", exp.Group(expressions=positions))
        del select.meta["chosen"]
        return self._append(select, [only_one(value) for value in carried])


def _from(select: exp.Expr) -> list[exp.Expr]:
    """The nodes of the sources of a SELECT."""
    first = [select.args["from_"].this] if select.args.get("from_") else []
    return first + [join.this for join in select.args.get("joins") or ()]


def _parts(select: exp.Expr) -> Iterator[exp.Expr]:
    """All expressions of a SELECT: what it shows, and what decides which rows are in it."""
    yield from select.expressions
    yield from (select.args[clause] for clause in DECIDING if select.args.get(clause))
    yield from (join.args["on"] for join in select.args.get("joins") or () if join.args.get("on"))


def _of_several_rows(window: exp.Expr) -> bool:
    """Whether a window function gives values of other rows, or adds them up."""
    call = order.function_of(window)
    return bool(window.args.get("spec")) or call.this in OTHER_ROWS or order.is_aggregate(call)


def only_one(value: exp.Expr) -> exp.Expr:
    """The subject of a group made of one subject's rows; NULL for any other group."""
    least, most = (exp.Anonymous(this=name, expressions=[value.copy()]) for name in ("min", "max"))
    same = exp.If(this=exp.EQ(this=least, expression=most), true=least.copy())
    return exp.Case(ifs=[same])
