"""Conditions of a core: over dimensions and constants alone, and such that they cannot fail on any value.

Whatever such a condition computes, whether a row is in a cell follows from its dimensions. One that could
fail would tell by its error that somebody has a certain value, and one that takes long by its time. So it has
no subquery (those are evaluated of totals, after protection: `fold`), and is short.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from publica.gateway.aggregate.frames import Frame, People, refused
from publica.gateway.aggregate.model import Leaf, member_alias
from publica.gateway.constants import COMPARISONS, fits, kind_of
from publica.gateway.model import ColumnShape
from publica.gateway.scope import identifier
from publica.gateway.surface import words

_TEXT = words("lower upper lcase ucase trim ltrim rtrim")
_LENGTH = words("length len strlen char_length character_length")
_HAS = words("starts_with prefix ends_with suffix contains")
FUNCTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    **dict.fromkeys(_TEXT, (("text",), "text")),
    **dict.fromkeys(_LENGTH, (("text",), "number")),
    **dict.fromkeys(_HAS, (("text", "text"), "boolean")),
    **dict.fromkeys(words("left right"), (("text", "number"), "text")),
    **dict.fromkeys(words("substr substring"), (("text", "number", "number"), "text")),
    **dict.fromkeys(words("year month day quarter"), (("date",), "number")),
}
"""Functions that cannot fail on any value: the kinds of their arguments, the kind of their result."""

SAME = frozenset({"coalesce", "ifnull", "nullif"})
"""Functions over values of one kind."""

LONGEST = 200
"""Most characters of a text in a condition on people."""

WEIGHT = 1_000
"""Most nodes, but for constants, in all conditions on people of a statement."""

CONSTANT = (exp.Literal, exp.Boolean, exp.Null, exp.Placeholder, exp.Neg, exp.Cast)


class Conditions:
    """Checks and rewrites the conditions of one core."""

    def __init__(
        self, people: People, frame: Frame, shape: Callable[[Leaf], ColumnShape], params: Mapping[str, object]
    ) -> None:
        self.people, self.frame, self.shape, self.params = people, frame, shape, params
        self.used: set[Leaf] = set()

    def rewritten(self, node: exp.Expr) -> exp.Expr:
        """The condition over the core's members. Raises Outside (`aggregate-form`)."""
        self._all((node,), "boolean", "boolean")
        return self.placed(node)

    def placed(self, node: exp.Expr) -> exp.Expr:
        """The same over the core's members."""
        holder = exp.Paren(this=node.copy())
        for column in list(holder.find_all(exp.Column)):
            leaf = self.people.leaf(column, self.frame)
            if leaf is not None:
                table = identifier(member_alias(leaf.member))
                column.replace(exp.Column(this=identifier(leaf.column), table=table))
        return holder

    def dimension(self, column: exp.Expr) -> ColumnShape:
        """The shape of a column that may select and group."""
        leaf = self.people.leaf(column, self.frame)
        if leaf is None:
            raise refused(f"{column.name} of another SELECT in a condition on people")
        shape = self.shape(leaf)
        if shape.part != "dimension":
            raise refused(f"{leaf.column} in a condition: it is no dimension")
        self.used.add(leaf)
        return shape

    def kind(self, node: exp.Expr) -> str | None:
        """text, number, date, timestamp, boolean; "nothing" for NULL. Raises Outside where it could fail."""
        if isinstance(node, exp.Paren):
            return self.kind(node.this)
        if isinstance(node, exp.Column):
            return kind_of(self.dimension(node).type)
        if isinstance(node, CONSTANT):
            return self._constant(node)
        if isinstance(node, (exp.And, exp.Or)):
            return self._all((node.this, node.expression), "boolean", "boolean")
        if isinstance(node, exp.Not):
            return self._all((node.this,), "boolean", "boolean")
        if isinstance(node, exp.Is):
            return self._is(node)
        if isinstance(node, (exp.Like, exp.ILike)) and isinstance(node.expression, CONSTANT):
            return self._all((node.this, node.expression), "text", "boolean")
        if node.find(exp.Query):
            raise refused("a subquery in a condition on people")
        return self._compared(node)

    def _is(self, node: exp.Is) -> str:
        """IS NULL of anything; IS TRUE of what is true or false, for a text would be converted."""
        if isinstance(node.expression, exp.Null):
            self.kind(node.this)
            return "boolean"
        if not isinstance(node.expression, exp.Boolean):
            raise refused("IS in a condition on people")
        return self._all((node.this,), "boolean", "boolean")

    def _compared(self, node: exp.Expr) -> str | None:
        if isinstance(node, COMPARISONS):
            return self._same((node.this, node.expression), "boolean")
        if isinstance(node, exp.Between):
            return self._same((node.this, node.args["low"], node.args["high"]), "boolean")
        if isinstance(node, exp.In):
            return self._same((node.this, *node.expressions), "boolean")
        if isinstance(node, exp.Case):
            return self._case(node)
        if isinstance(node, exp.Substring):
            parts = [node.this, *(node.args[part] for part in ("start", "length") if node.args.get(part))]
            return self._called(parts, ("text", "number", "number"), "text")
        if isinstance(node, exp.Anonymous) and node.this in FUNCTIONS:
            return self._called(node.expressions, *FUNCTIONS[node.this])
        if isinstance(node, exp.Anonymous) and node.this in SAME:
            return self._same(node.expressions, None)
        named = f"{node.this}()" if isinstance(node, exp.Anonymous) else type(node).__name__.upper()
        raise refused(f"{named} in a condition on people")

    def _constant(self, node: exp.Expr) -> str | None:
        if isinstance(node, exp.Null):
            return "nothing"
        if isinstance(node, exp.Placeholder) and node.name not in self.params:
            return "unknown"  # an explanation: what is run has values
        for kind in ("number", "boolean", "date", "timestamp", "text"):
            if self._fits(node, kind) and not (
                isinstance(node, exp.Literal) and node.is_string and kind != "text"
            ):
                return (
                    "nothing"
                    if isinstance(node, exp.Placeholder) and self.params[node.name] is None
                    else kind
                )
        raise refused("a constant whose conversion could fail")

    def _same(self, nodes: tuple[exp.Expr, ...] | list[exp.Expr], result: str | None) -> str | None:
        """All of one kind (a text constant may be a date), so that nothing is converted."""
        kinds = {self.kind(node) for node in nodes if not isinstance(node, CONSTANT)}
        if not kinds:
            kinds = {self._constant(node) for node in nodes}
        known = [kind for kind in kinds if kind not in ("nothing", "unknown")]
        if len(known) > 1 or None in known:
            raise refused("a comparison of values of different kinds")
        kind = known[0] if known else "nothing"
        for node in nodes:
            if isinstance(node, CONSTANT) and kind != "nothing" and not self._fits(node, kind):
                raise refused("a comparison of values of different kinds")
        return result or kind

    def _fits(self, node: exp.Expr, kind: str | None) -> bool:
        if isinstance(node, exp.Null) or (isinstance(node, exp.Placeholder) and node.name not in self.params):
            return True
        return fits(node, kind, self.params) and len(_text(node, self.params)) <= LONGEST

    def _all(self, nodes: tuple[exp.Expr, ...], kind: str, result: str) -> str:
        if any(self.kind(node) not in (kind, "nothing", "unknown") for node in nodes):
            raise refused(f"a condition that takes something else for {kind}")
        return result

    def _called(self, nodes: list[exp.Expr], kinds: tuple[str, ...], result: str) -> str:
        if not 0 < len(nodes) <= len(kinds):
            raise refused("a function with other arguments in a condition on people")
        for number, (node, kind) in enumerate(zip(nodes, kinds, strict=False)):
            whole = number == 0 or kind == "text" or (node.name.isdecimal() and len(node.name) < 5)
            found = self.kind(node)
            if not whole or (
                found not in (kind, "nothing", "unknown") and (found, kind) != ("timestamp", "date")
            ):
                raise refused("a function with other arguments in a condition on people")
        return result

    def _case(self, node: exp.Case) -> str | None:
        if node.this is not None:
            raise refused("CASE with a value")
        for branch in node.args["ifs"]:
            self._all((branch.this,), "boolean", "boolean")
        values = [branch.args["true"] for branch in node.args["ifs"]]
        return self._same([*values, *([node.args["default"]] if node.args.get("default") else [])], None)


def weight(condition: exp.Expr) -> int:
    """How much there is to evaluate in a condition."""
    return sum(not isinstance(node, (*CONSTANT, exp.Identifier)) for node in condition.walk())


def _text(node: exp.Expr, params: Mapping[str, object]) -> str:
    value = params.get(node.name) if isinstance(node, exp.Placeholder) else node.name
    return value if isinstance(value, str) else ""
