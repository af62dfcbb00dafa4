"""What the gateway's first steps pass on: shapes, resolved statements, governed relations, rewritten SQL."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from publica.gateway.aggregate.model import Core
from publica.gateway.dialect import Surface
from publica.kernel.decision import Clause

Origin = tuple[str, str]
"""A column of a dataset: (dataset id, column name)."""

HIDDEN = "__"
"""Names that begin so are ours: no user may write one."""

_CASE = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def fold(name: str) -> str:
    """A name as the engine compares it: A to Z as a to z, and no other letter (`str.lower` folds more)."""
    return name.translate(_CASE)


MERGED = "merged"
"""Marks the coalesce(…) that FULL JOIN … USING makes: still the same column, from either side."""

SIZE = "__size"
"""The parameter of a touch: how many positions the directory of subjects has."""


class Outside(Exception):
    """The statement is outside the supported surface: steps 1 to 3 refuse it. Carries the missing clause."""

    def __init__(self, clause: Clause) -> None:
        self.clause = clause
        super().__init__(f"{clause.reason} {dict(clause.params)}")


def outside(reason: str, **params: str) -> Outside:
    """The exception for a refusal code of `publica.kernel.reasons`."""
    return Outside(Clause(reason, False, params))


@dataclass(frozen=True)
class ColumnShape:
    """A column as the statement sees it: its DuckDB type and its meaning, after the agreement's transform.

    `part`: what it may do in a total: "key" (join, count), "dimension" (select, group), "measure" (be added
    up), or nothing. `required`: it has a value in every row. `period`: "year" if it is the year of a date.
    `limits`: of a measure, the values that a condition on people may compare it with.
    """

    type: str
    role: str = "attribute"
    concept: str | None = None
    unit: str | None = None
    code_list: str | None = None
    code_list_version: str | None = None
    part: str = ""
    required: bool = False
    period: str = ""
    limits: tuple[float, ...] = ()


@dataclass(frozen=True)
class Shape:
    """A dataset as the statement sees it; the columns in the order of its schema.

    `open`: anybody may read it; its rows need no protection.
    """

    dataset: str
    columns: Mapping[str, ColumnShape]
    open: bool = False


@dataclass(frozen=True)
class Output:
    """One column of a source or of a query: its name, and the dataset columns that it is, unchanged.

    `origins` is empty for a computed value; it has several members after a set operation or a full join.
    """

    name: str
    origins: frozenset[Origin] = frozenset()


@dataclass
class Occurrence:
    """One base table in the statement. `columns` are those read: name in the statement → column."""

    dataset: str
    alias: str
    names: Mapping[str, Output]
    columns: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """One member of a FROM clause: its alias, its columns by lower-case name, what it is made of.

    `carried`: rows of this source can be in the output (not the right side of a SEMI or ANTI join).
    `occurrence` and `cte`: the number of the base table or of the CTE that it is.
    """

    alias: str
    columns: Mapping[str, Output]
    occurrence: int | None = None
    cte: int | None = None
    carried: bool = True


@dataclass(frozen=True)
class Chosen:
    """What resolving found out about one SELECT. `inner`: all its joins are inner or cross joins.

    `aggregated`: it makes groups; `distinct`: it takes equal rows together.
    """

    sources: tuple[Source, ...]
    outputs: tuple[Output, ...]
    inner: bool
    aggregated: bool
    distinct: bool = False


def origins(node: exp.Expr | None, columns: Sequence[Output]) -> frozenset[Origin]:
    """The dataset columns that an expression is, unchanged; empty for anything computed."""
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.Column) and "bound" in node.meta:
        return columns[int(node.meta["bound"])].origins
    if node is not None and node.meta.get(MERGED):
        return frozenset[Origin]().union(*(origins(side, columns) for side in node.expressions))
    return frozenset()


@dataclass(frozen=True)
class Resolved:
    """A statement whose every table and column is placed. Immutable: rewriting works on a copy.

    Nodes of `query` carry numbers in `meta`: a Table its `occurrence`, a Column its `bound`, a Select its
    `chosen`, a CTE its `cte`; they index the tuples here.
    """

    query: exp.Query
    shapes: Mapping[str, Shape]
    reads: Mapping[str, frozenset[str]]
    parameters: frozenset[str]
    occurrences: tuple[Occurrence, ...]
    bound: tuple[Output, ...]
    chosen: tuple[Chosen, ...]
    met: tuple[tuple[frozenset[Origin], frozenset[Origin]], ...]
    columns: tuple[str, ...]

    def origins(self, node: exp.Expr | None) -> frozenset[Origin]:
        """The dataset columns that an expression of the statement is, unchanged."""
        return origins(node, self.bound)

    @property
    def totals(self) -> bool:
        """Whether anything in it takes people together."""
        return any(select.aggregated or select.distinct for select in self.chosen)

    def shape(self, origin: Origin) -> ColumnShape:
        """The shape of a column of a dataset."""
        return self.shapes[origin[0]].columns[origin[1]]


@dataclass(frozen=True)
class Governed:
    """What a base table becomes: SQL per column over `table`, its stored mask, its subject columns.

    `given`: the rows are handed to the engine under that name; they stand in no table.
    """

    table: str
    columns: Mapping[str, str]
    mask: str | None = None
    subjects: tuple[str, ...] = ()
    given: bool = False
    single: bool = True  # nobody has more than one row

    @property
    def source(self) -> str:
        """Where the rows are, in SQL."""
        return f'"{self.table}"' if self.given else f'"main"."{self.table}"'

    @property
    def identity(self) -> Hashable:
        """Equal for relations that are written alike."""
        return self.source, tuple(self.columns.items()), self.mask, self.subjects, self.single


@dataclass(frozen=True)
class Touch:
    """SQL for one packed set of subjects (may give NULL for nobody). Needs `parameters` and `SIZE`.

    `shared`: the set is the whole mask, the same for every statement.
    """

    dataset: str
    subjects: tuple[str, ...]
    sql: str
    shared: bool
    parameters: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Rewritten:
    """What runs: its visible columns come first, then the hidden ones, which hold subject positions or NULL.

    `exact`: the hidden columns hold exactly the subjects whose rows are in the output; otherwise there are
    none, and everybody touched counts as released.

    `all_leave`: whoever is touched is in the output, so that the touched need not be asked for.

    Under `aggregates` the statement is over the protected cells of its `cores`, and the columns after the
    visible ones are the margins of those whose positions `margins` names.
    """

    sql: str
    columns: tuple[str, ...]
    hidden: tuple[str, ...]
    exact: bool
    touches: tuple[Touch, ...]
    parameters: frozenset[str]
    tree: exp.Query = field(repr=False, compare=False)
    all_leave: bool = False
    cores: tuple[Core, ...] = ()
    margins: tuple[int, ...] = ()
    governed: Mapping[str, Governed] = field(default_factory=dict, repr=False, compare=False)

    @property
    def whole(self) -> bool:
        """Whether whole masks are touched: the same set for every statement, which can be stored once.

        Parts of them never are: that two uses name the same set would tell that they asked the same.
        """
        return all(touch.shared for touch in self.touches)

    @property
    def readable(self) -> str:
        """The statement laid out over several lines, for an explanation."""
        return str(self.tree.sql(dialect=Surface, identify=True, pretty=True, normalize_functions=False))
