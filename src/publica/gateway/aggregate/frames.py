"""Which rows about people a SELECT stands on: base tables, and derived tables that only select and rename.

A derived table or CTE without grouping is looked through, so that `FROM (SELECT … FROM population WHERE …)`
is the same core as its plain spelling.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from publica.gateway.aggregate.model import Leaf
from publica.gateway.model import Outside, Resolved, Source, outside
from publica.gateway.touched import conjuncts

MEMBERS = 10
"""Most tables of one core."""

PLAIN_JOINS = ("", "INNER", "CROSS")
NARROWING = ("distinct", "limit", "offset", "qualify", "having", "group")


def refused(what: str) -> Outside:
    """The refusal of anything that is not proved closed."""
    return outside("aggregate-form", what=what)


@dataclass
class Frame:
    """One SELECT of rows about people: what each alias in it stands for, and its conditions."""

    select: exp.Expr
    sources: dict[str, tuple[Source, int | Frame]] = field(default_factory=dict)
    conditions: list[exp.Expr] = field(default_factory=list)


class People:
    """Finds the SELECTs whose rows are rows of people, and looks through them to the base tables."""

    def __init__(self, resolved: Resolved, query: exp.Query) -> None:
        self.resolved = resolved
        self.ctes = {cte.meta["cte"]: cte for cte in query.find_all(exp.CTE)}
        self.consumed: set[int] = set()
        self.consumed_ctes: set[int] = set()
        self.copied = 0  # nodes written out instead of a name
        self._rows: dict[int, bool] = {}

    def personal(self, node: exp.Expr) -> bool:
        """Whether a dataset that is not open occurs anywhere below, CTEs included."""
        for table in node.find_all(exp.Table):
            number, cte = table.meta.get("occurrence"), table.meta.get("from_cte")
            if number is not None and not self.open(number):
                return True
            if cte is not None and self.personal(self.ctes[cte].this):
                return True
        return False

    def open(self, occurrence: int) -> bool:
        return self.resolved.shapes[self.resolved.occurrences[occurrence].dataset].open

    def rows(self, query: exp.Expr) -> bool:
        """Whether a query gives rows of people, not totals."""
        while isinstance(query, exp.Subquery):
            query = query.this
        known = self._rows.get(id(query))
        if known is None:
            if isinstance(query, exp.SetOperation):
                known = self.rows(query.this) or self.rows(query.expression)
            else:
                known = not self.aggregated(query) and self.on_people(query)
            self._rows[id(query)] = known
        return bool(known)

    def aggregated(self, select: exp.Expr) -> bool:
        return bool(self.resolved.chosen[select.meta["chosen"]].aggregated)

    def on_people(self, select: exp.Expr) -> bool:
        """Whether any source of a SELECT gives rows of people."""
        return any(self.about(source, node) for source, node in self.sources(select))

    def sources(self, select: exp.Expr) -> list[tuple[Source, exp.Expr]]:
        nodes = [select.args["from_"].this] if select.args.get("from_") else []
        nodes += (join.this for join in select.args.get("joins") or ())
        return list(zip(self.resolved.chosen[select.meta["chosen"]].sources, nodes, strict=True))

    def about(self, source: Source, node: exp.Expr) -> bool:
        """Whether a source gives rows of people."""
        if source.occurrence is not None:
            return not self.open(source.occurrence)
        inner = self.inner(source, node)
        return inner is not None and self.rows(inner)

    def inner(self, source: Source, node: exp.Expr) -> exp.Expr | None:
        """The query that a source is, if it is one."""
        if source.cte is not None:
            inner: exp.Expr = self.ctes[source.cte].this
            return inner
        node = node.this if isinstance(node, exp.Lateral) else node
        return node.this if isinstance(node, exp.Subquery) else None

    def measure(self, column: exp.Expr) -> bool:
        """Whether a column is a measure of rows about people."""
        found = self.resolved.origins(column)
        return bool(found) and all(self.resolved.shape(origin).part == "measure" for origin in found)

    def remove(self, cte: exp.Expr) -> None:
        """Take out a CTE that was looked through: its rows are read by nobody any more."""
        clause = cte.parent
        cte.pop()
        if clause is not None and not clause.expressions:
            clause.pop()

    # looking through

    def frame(self, select: exp.Expr, members: list[int], *, beside: bool = False) -> Frame:
        """The frame of a SELECT on people; the occurrences that it stands on are appended to `members`.

        `beside`: open tables may stand beside them, and conditions are not looked at.
        """
        frame = Frame(select)
        for source, node in self.sources(select):
            if not self.about(source, node):
                if beside:
                    continue
                raise refused(f"joining rows about people with {source.alias}; join it with the totals")
            if isinstance(node, exp.Lateral):
                raise refused("LATERAL")
            if source.occurrence is not None:
                frame.sources[source.alias.lower()] = (source, len(members))
                members.append(source.occurrence)
            else:
                inner = self._plain(source, node)
                frame.sources[source.alias.lower()] = (source, self.frame(inner, members))
            if len(members) > MEMBERS:
                raise refused(f"more than {MEMBERS} tables")
        frame.conditions = [] if beside else list(self._conditions(select))
        return frame

    def _plain(self, source: Source, node: exp.Expr) -> exp.Expr:
        """The SELECT inside a derived table or CTE, which must do nothing but select rows and columns."""
        inner = self.inner(source, node)
        while isinstance(inner, exp.Subquery):
            inner = inner.this
        if not isinstance(inner, exp.Select):
            raise refused("UNION, INTERSECT or EXCEPT of rows about people")
        for clause in NARROWING:
            if inner.args.get(clause):
                raise refused(f"{clause.upper()} of rows about people")
        if inner.find(exp.Window):
            raise refused("a window over rows about people")
        self.consumed.add(id(inner))
        if source.cte is not None:
            self.consumed_ctes.add(source.cte)
        return inner

    def _conditions(self, select: exp.Expr) -> Iterator[exp.Expr]:
        for join in select.args.get("joins") or ():
            if join.side or join.kind not in PLAIN_JOINS:
                raise refused(f"a {(join.side or join.kind)} JOIN of rows about people")
            if join.args.get("on"):
                yield from conjuncts(join.args["on"])
        if select.args.get("where"):
            yield from conjuncts(select.args["where"].this)

    def leaf(self, column: exp.Expr, frame: Frame) -> Leaf | None:
        """The dataset column that a column of a frame is; None when it is another scope's."""
        found = frame.sources.get(column.text("table").lower())
        if found is None or "bound" not in column.meta:
            return None
        source, stands = found
        output = source.columns.get(column.name.lower())
        if output is None or self.resolved.bound[column.meta["bound"]] is not output:
            return None
        if isinstance(stands, int):
            assert source.occurrence is not None  # noqa: S101 (a member is a base table)
            occurrence = self.resolved.occurrences[source.occurrence]
            return Leaf(stands, occurrence.columns[output.name])
        at = list(source.columns).index(column.name.lower())
        value = stands.select.expressions[at].this
        while isinstance(value, exp.Paren):
            value = value.this
        if not isinstance(value, exp.Column):
            raise refused(f"the computed column {column.name}")
        inner = self.leaf(value, stands)
        if inner is None:
            raise refused("a subquery about people that depends on the rows around it")
        return inner
