"""The SQL of a core: its cells, with what is needed to judge them; and the exact account of doubtful ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from publica.data.engines.records import ROW, RecordKeys
from publica.gateway.aggregate.model import Core, Leaf, group_name, member_alias, part_name
from publica.gateway.model import Governed
from publica.trust.privacy.exposure import Exposure

SUBJECT, NUMBER, LOW, HIGH = "__s", "__n", "__l", "__h"
DOUBTFUL, CODE = "__doubtful", "__c_"


@dataclass(frozen=True)
class Stock:
    """What the engine has for each member of a core: its relation and its keys; and how much of one person
    the core shows."""

    governed: tuple[Governed, ...]
    keys: tuple[RecordKeys, ...]
    codes: Mapping[Leaf, str]
    exposure: Exposure
    stands: tuple[object, ...]  # what its cells depend on, beside choices
    transforms: Mapping[str, str]  # of dataset.column, where agreements make it another

    @property
    def keyed(self) -> tuple[int, ...]:
        """The members whose keys stand for a row: all in which a person may have several, so that it does not
        matter which is named first."""
        return tuple(number for number, keys in enumerate(self.keys) if keys is ROW) or (0,)


def cells_sql(core: Core, stock: Stock, k: int) -> str:
    """The cells with at least k rows: groups; rows, number, bits; per measure count, sum, largest, least, and
    (if some rows lack a value) number and bits of those with one.

    Where conditions choose among several values of a dimension, each of its values is a cell of its own:
    these values come after the groups.
    """
    keyed = [member_alias(number) for number in stock.keyed]
    together = ((NUMBER, "::BIGINT + "), (LOW, " | "), (HIGH, " | "))
    own = [f"({sign.join(f'{member}.{name}' for member in keyed)})" for name, sign in together]
    items = _groups(core, stock.codes)
    by = len(items)
    items += ["count(*)", f"sum({own[0]})", f"bit_xor({own[1]})", f"bit_xor({own[2]})"]
    for number, leaf in enumerate(core.measures):
        value = _leaf(leaf)
        items += [f"count({value})", f"sum({value})", f"max({value})", f"min({value})"]
        if not core.required[number]:
            some = f"FILTER (WHERE {value} IS NOT NULL)"
            items += [f"sum({own[0]}) {some}", f"bit_xor({own[1]}) {some}", f"bit_xor({own[2]}) {some}"]
    body = _body(core, stock)
    grouped = f"SELECT {', '.join(items)} {body}{_by(by)} HAVING count(*) >= {int(k)}"
    coded = [name for leaf, name in zip(core.keys, key_names(core), strict=True) if leaf in stock.codes]
    if not coded:
        return grouped
    decoded = ", ".join(f'"{name}"::VARCHAR AS "{name}"' for name in coded)
    return f"SELECT * REPLACE ({decoded}) FROM ({grouped})"


def exact_sql(core: Core, stock: Stock, *, only: bool) -> str:
    """Per cell: persons, and per measure how many persons have a value, and of their absolute
    contributions the total, the largest and the second. `only`: of the cells in the relation DOUBTFUL."""
    subject = _column(member_alias(0), SUBJECT)
    inner = [*_groups(core), f"{subject} AS __p"]
    width = len(inner) - 1
    outer = [*(f'"{name}"' for name in key_names(core)), "count(*)"]
    for n, leaf in enumerate(core.measures):
        inner.append(f"sum(abs({_leaf(leaf)}::DOUBLE)) AS __a{n}")
        outer += [f"count(__a{n})", f"sum(__a{n})", f"max(__a{n})", f"list_sum(max(__a{n}, 2))"]
    body = _body(core, stock, _doubtful(core) if only and width else "")
    per_person = f"SELECT {', '.join(inner)} {body}{_by(width + 1)}"
    return f"SELECT {', '.join(outer)} FROM ({per_person}){_by(width)}"


def _keys(core: Core) -> list[tuple[Leaf, str]]:
    """What tells a core's cells apart: groups, axis, then parts; with the names of their columns."""
    groups = [(leaf, group_name(n)) for n, leaf in enumerate(core.shown)]
    return groups + [(leaf, part_name(n)) for n, leaf in enumerate(core.parts)]


def _groups(core: Core, codes: Mapping[Leaf, str] | None = None) -> list[str]:
    """The columns to group by; those that are coded, as codes."""

    def column(leaf: Leaf) -> str:
        coded = leaf in (codes or {})
        return _column(member_alias(leaf.member), CODE + leaf.column) if coded else _leaf(leaf)

    return [f'{column(leaf)} AS "{name}"' for leaf, name in _keys(core)]


def key_names(core: Core) -> list[str]:
    """The names of the columns that tell a core's cells apart."""
    return [name for _, name in _keys(core)]


def _by(count: int) -> str:
    return f" GROUP BY {', '.join(str(n + 1) for n in range(count))}" if count else ""


def _doubtful(core: Core) -> str:
    same = (f'{_leaf(leaf)} IS NOT DISTINCT FROM {DOUBTFUL}."{name}"' for leaf, name in _keys(core))
    return f"JOIN {DOUBTFUL} ON {' AND '.join(same)}"


def _body(core: Core, stock: Stock, narrowed: str = "") -> str:
    """FROM the members, joined by subject, WHERE the conditions hold."""
    first = member_alias(0)
    members = [_member(core, number, stock) for number in range(len(core.members))]
    parts = [f"FROM {members[0]} AS {first}"]
    for number, member in enumerate(members[1:], 1):
        same = f"{_column(member_alias(number), SUBJECT)} = {_column(first, SUBJECT)}"
        parts.append(f"JOIN {member} AS {member_alias(number)} ON {same}")
    return " ".join(
        [*parts, narrowed, "WHERE", " AND ".join(["TRUE", *core.filters, *core.choices, *core.sides])]
    )


def _member(core: Core, number: int, stock: Stock) -> str:
    governed, keys = stock.governed[number], stock.keys[number]
    columns = [f'{governed.columns[column]} AS "{column}"' for column in sorted(core.columns[number])]
    columns += (
        f'"{code}" AS {CODE}{leaf.column}' for leaf, code in stock.codes.items() if leaf.member == number
    )
    columns.append(f'"{governed.subjects[0]}" AS {SUBJECT}')
    columns += (
        f'"{name}" AS {alias}' for name, alias in ((keys.number, NUMBER), (keys.low, LOW), (keys.high, HIGH))
    )
    where = f' WHERE "{governed.mask}"' if governed.mask else ""
    return f'(SELECT {", ".join(columns)} FROM "main"."{governed.table}"{where})'


def _leaf(leaf: Leaf) -> str:
    column = _column(member_alias(leaf.member), f'"{leaf.column}"')
    return column if leaf.power == 1 else f"({column}::DOUBLE * {column}::DOUBLE)"


def _column(table: str, column: str) -> str:
    return f"{table}.{column}"
