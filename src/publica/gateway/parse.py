"""Step 1: one statement, and nothing in it that is not allow-listed."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.tokenizer_core import Token

from publica.gateway import surface
from publica.gateway.allow import allow, check_growth
from publica.gateway.dialect import Surface
from publica.gateway.model import fold, outside

P = ParamSpec("P")
R = TypeVar("R")

QUERIES = (exp.Select, exp.SetOperation, exp.Subquery)
DIALECT = Surface()


def shallow(step: Callable[P, R]) -> Callable[P, R]:
    """A statement so deep that a step runs out of stack is refused; it is no error of ours."""

    @wraps(step)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return step(*args, **kwargs)
        except RecursionError:
            raise outside("sql-too-deep") from None

    return guarded


@shallow
def parse(sql: str) -> exp.Query:
    """The statement as a tree: identifiers quoted, function names in lower case, no comments.

    Raises Outside for the unparsed, the empty, and whatever is outside the published surface.
    """
    if len(sql) > surface.CHARACTERS:
        raise outside("sql-too-long", limit=f"{surface.CHARACTERS}")
    query = one(statements(sql))
    for found in list(query.find_all(exp.Comprehension)):
        written_out(found)
    for node in list(query.walk()):
        allow(plain(node))
    check_growth(query)
    while isinstance(query, exp.Subquery):
        query = query.this
        query.pop()
    round_trip(query)
    return query


def tokenize(sql: str) -> list[Token]:
    """Tokens. The line feed is for sqlglot, which takes `$name … ''` for an open text at the very end."""
    return list(DIALECT.tokenize(sql + "\n"))


def statements(sql: str) -> list[exp.Expr]:
    """What sqlglot makes of the text, or a refusal."""
    if "\0" in sql:
        raise outside("sql-unparsed")
    try:
        tokens = tokenize(sql)
        depth = deepest = 0
        for token in tokens:
            depth += (token.text in _OPEN) - (token.text in _CLOSE)
            deepest = max(deepest, depth)
        if deepest > surface.BRACKETS:
            raise outside("sql-too-deep")
        parsed = DIALECT.parser(error_level=ErrorLevel.RAISE).parse(tokens, sql)
    except (SqlglotError, ValueError):
        raise outside("sql-unparsed") from None
    return [found for found in parsed if found is not None and not isinstance(found, exp.Semicolon)]


_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")


def one(parsed: list[exp.Expr]) -> exp.Query:
    """The only statement, which must be a query."""
    if not parsed:
        raise outside("sql-empty")
    if len(parsed) > 1:
        raise outside("sql-several-statements")
    statement = parsed[0]
    if isinstance(statement, exp.Values):
        statement = exp.Select(expressions=[exp.Star()], from_=exp.From(this=statement))
    if not isinstance(statement, QUERIES):
        raise outside("sql-not-a-query")
    return statement


def plain(node: exp.Expr) -> exp.Expr:
    """The node in its plain spelling: what may be written in several ways is written in one from here on."""
    node.comments = None
    respelt = RESPELT.get(type(node))
    if respelt is not None:
        node = node.replace(respelt(node))
    if isinstance(node, exp.Identifier):
        node.set("quoted", True)
    elif isinstance(node, exp.Join) and isinstance(node.this, exp.Unnest) and not node.args.get("on"):
        node.set("kind", node.args.get("kind") or "CROSS")
    elif isinstance(node, exp.Anonymous) and isinstance(node.this, str):
        node.set("this", fold(node.this))
    elif isinstance(node, exp.WindowSpec):
        for part in ("kind", "start", "start_side", "end", "end_side"):
            if isinstance(node.args.get(part), str):
                node.set(part, node.args[part].upper())
        node.set("end", node.args.get("end") or "CURRENT ROW")  # ROWS 1 PRECEDING
    return node


def written_out(node: exp.Expr) -> None:
    """`[e FOR x IN l IF c]` as `list_transform(list_filter(l, lambda x: c), lambda x: e)`."""
    name, members, condition = node.expression, node.args["iterator"], node.args.get("condition")
    brackets = node.parent
    if (
        not isinstance(name, exp.Identifier)
        or not isinstance(brackets, exp.Array)
        or node.args.get("position")
    ):
        return

    def each(body: exp.Expr) -> exp.Expr:
        holder = exp.Paren(this=body.copy())
        for column in list(holder.find_all(exp.Column)):
            if not column.table and fold(column.name) == fold(name.name):
                column.replace(column.this)
        return exp.Lambda(this=holder.this, expressions=[name.copy()])

    if condition is not None:
        members = exp.Anonymous(this="list_filter", expressions=[members, each(condition)])
    brackets.replace(exp.Anonymous(this="list_transform", expressions=[members, each(node.this)]))


def _call(name: str, *arguments: str) -> Callable[[exp.Expr], exp.Expr]:
    return lambda node: exp.Anonymous(this=name, expressions=[node.args[part] for part in arguments])


RESPELT: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.RawString: lambda node: exp.Literal.string(node.name),  # $$text$$
    exp.RegexpLike: _call("regexp_matches", "this", "expression"),  # a ~ b
    exp.StartsWith: _call("starts_with", "this", "expression"),  # a ^@ b
    exp.StrPosition: _call("strpos", "this", "substr"),  # position(b IN a)
    exp.Extract: lambda node: exp.Anonymous(
        this="date_part", expressions=[exp.Literal.string(fold(node.name)), node.expression]
    ),
}


def round_trip(query: exp.Query) -> None:
    """What is written from the tree must read as the same tree: the engine is given written trees only."""
    try:
        written = query.sql(dialect=DIALECT, identify=True, unsupported_level=ErrorLevel.RAISE)
        again = DIALECT.parser(error_level=ErrorLevel.RAISE).parse(tokenize(written), written)
    except (SqlglotError, ValueError):
        raise outside("sql-unparsed") from None
    if len(again) != 1 or again[0] is None:
        raise outside("sql-unparsed")
    for node in list(again[0].walk()):
        plain(node)
    if again[0] != query:
        raise outside("sql-unparsed")
