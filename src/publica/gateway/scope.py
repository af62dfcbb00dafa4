"""Step 2, the names: what a column may refer to at a place in a statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from publica.gateway.model import Output, Source, fold, outside


def identifier(name: str) -> exp.Identifier:
    """A quoted identifier."""
    return exp.Identifier(this=name, quoted=True)


@dataclass(frozen=True)
class Merged:
    """A column that JOIN … USING made one: the source where `*` shows it, its members, and what it is."""

    first: str
    members: frozenset[str]
    value: exp.Expr


class Scope:
    """The sources of one SELECT, in the order of its FROM, and the scope around it (for correlation)."""

    def __init__(self, outer: Scope | None) -> None:
        self.outer = outer
        self.sources: list[Source] = []
        self.merged: dict[str, Merged] = {}

    def add(self, source: Source) -> None:
        """One more source; its alias must be new in this scope."""
        if self.source(source.alias) is not None:
            raise outside("sql-ambiguous-column", column=source.alias)
        self.sources.append(source)

    def source(self, alias: str) -> Source | None:
        wanted = fold(alias)
        return next((source for source in self.sources if fold(source.alias) == wanted), None)

    def remove(self, source: Source) -> None:
        """The right side of a SEMI or ANTI join is out of sight after its condition."""
        self.sources.remove(source)

    def having(self, name: str) -> list[Source]:
        """The sources with a column of that name; a merged column counts once, at its first source."""
        wanted = fold(name)
        merged = self.merged.get(wanted)
        return [
            source
            for source in self.sources
            if wanted in source.columns
            and (merged is None or source.alias not in merged.members or source.alias == merged.first)
        ]

    def around(self, name: str) -> Scope | None:
        """The nearest outer scope with a column of that name."""
        scope = self.outer
        while scope is not None and not scope.having(name):
            scope = scope.outer
        return scope

    def hides(self, alias: str, place: Scope) -> bool:
        """Whether a source of that alias stands between here and an outer scope."""
        scope: Scope | None = self
        while scope is not None and scope is not place:
            if scope.source(alias) is not None:
                return True
            scope = scope.outer
        return False

    def qualified(self, alias: str) -> Source | None:
        """The nearest source of that alias, outwards."""
        scope: Scope | None = self
        while scope is not None:
            source = scope.source(alias)
            if source is not None:
                return source
            scope = scope.outer
        return None


def renamed(outputs: tuple[Output, ...], names: list[str], table: str) -> dict[str, Output]:
    """Columns by lower-case name, the first ones renamed as in `t(a, b)`."""
    if len(names) > len(outputs):
        raise outside("sql-unknown-column", column=f"{table}.{names[len(outputs)]}")
    columns = {}
    for index, output in enumerate(outputs):
        name = names[index] if index < len(names) else output.name
        if fold(name) in columns:
            raise outside("sql-ambiguous-column", column=name)
        columns[fold(name)] = Output(name, output.origins)
    return columns


def alias_names(node: exp.Expr) -> list[str]:
    """The column names of a table alias, `a` and `b` of `t(a, b)`."""
    alias = node.args.get("alias")
    return [column.name for column in alias.args.get("columns") or ()] if alias is not None else []


def set_alias(node: exp.Expr, alias: str, columns: Mapping[str, Output] | None = None) -> None:
    """Write a table alias out in full, so that no name is left to the engine."""
    names = [identifier(output.name) for output in columns.values()] if columns else None
    node.set("alias", exp.TableAlias(this=identifier(alias), columns=names))
