"""Step 1, the tables: which SQL is supported. What is not listed here is refused.

Syntax is allowed by node class and, within it, by argument; functions one by one, by DuckDB's names.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

CHARACTERS = 100_000
"""Longest statement, in characters."""

READING_SECONDS = 10.0
"""Longest work of reading a statement, and of rewriting it, in seconds of one thread."""

BRACKETS = 100
"""Deepest nesting of brackets."""

LARGEST_REPEAT = 10_000
"""Largest count in `repeat`, `lpad` and `rpad`, which must be a plain number: each could fill the memory."""


LARGEST_GROWTH = 100_000
"""How much longer `repeat`, `lpad`, `rpad`, `replace` and lists of `range` may make a value, all together."""

UNKNOWN_GROWTH = 100
"""What a replacement counts that is no plain text."""

REFERENCES = 20_000
"""Most column references in a statement, stars written out."""

FILTERS = 300
"""Most aggregates with FILTER: to plan them takes memory that grows with their square, 100 MB for so many."""

SOURCES, JOINS, COLUMNS, COPIES = 64, 32, 2_000, 10_000
"""Most tables (names of WITH count with all in them), joins, columns of a SELECT, nodes of reused aliases."""


def words(text: str) -> frozenset[str]:
    """The set of words of a text."""
    return frozenset(text.split())


_node = words


_BINARY = _node("this expression")
_UNARY = _node("this")

NODES: dict[type[exp.Expr], frozenset[str]] = {
    # statements
    exp.Select: _node(
        "with_ expressions distinct from_ joins where group having qualify windows order limit offset"
    ),
    exp.Union: _node("with_ this expression distinct order limit offset"),
    exp.Intersect: _node("with_ this expression distinct order limit offset"),
    exp.Except: _node("with_ this expression distinct order limit offset"),
    exp.Subquery: _node("this alias"),
    exp.Values: _node("expressions alias"),
    exp.With: _node("expressions"),
    exp.CTE: _node("this alias materialized"),
    # FROM
    exp.From: _UNARY,
    exp.Join: _node("this side kind on using"),
    exp.Table: _node("this db alias"),
    exp.TableAlias: _node("this columns"),
    exp.Lateral: _node("this alias"),
    exp.Unnest: _node("expressions alias"),
    # clauses
    exp.Distinct: _node("expressions"),
    exp.Where: _UNARY,
    exp.Having: _UNARY,
    exp.Qualify: _UNARY,
    exp.Group: _node("expressions all"),
    exp.GroupingSets: _node("expressions"),
    exp.Rollup: _node("expressions"),
    exp.Cube: _node("expressions"),
    exp.Order: _node("this expressions"),
    exp.Ordered: _node("this desc nulls_first"),
    exp.Limit: _node("expression"),
    exp.Offset: _node("expression"),
    # names and values
    exp.Identifier: _node("this quoted"),
    exp.Column: _node("this table db"),
    exp.Star: _node("except_ replace rename"),
    exp.Alias: _node("this alias"),
    exp.Literal: _node("this is_string"),
    exp.Boolean: _UNARY,
    exp.Null: _node(""),
    exp.Placeholder: _UNARY,
    exp.Interval: _node("this unit"),
    exp.Var: _UNARY,
    exp.Array: _node("expressions"),
    exp.Tuple: _node("expressions"),
    exp.Paren: _UNARY,
    # operators
    exp.And: _BINARY,
    exp.Or: _BINARY,
    exp.Not: _UNARY,
    exp.EQ: _BINARY,
    exp.NEQ: _BINARY,
    exp.GT: _BINARY,
    exp.GTE: _BINARY,
    exp.LT: _BINARY,
    exp.LTE: _BINARY,
    exp.NullSafeEQ: _BINARY,
    exp.NullSafeNEQ: _BINARY,
    exp.Is: _BINARY,
    exp.In: _node("this expressions query"),
    exp.Between: _node("this low high"),
    exp.Like: _node("this expression negate"),
    exp.ILike: _node("this expression negate"),
    exp.SimilarTo: _BINARY,
    exp.Glob: _BINARY,
    exp.Escape: _BINARY,
    exp.Exists: _UNARY,
    exp.Any: _UNARY,
    exp.Add: _BINARY,
    exp.Sub: _BINARY,
    exp.Mul: _BINARY,
    exp.Div: _node("this expression typed safe"),
    exp.IntDiv: _BINARY,
    exp.Mod: _BINARY,
    exp.Pow: _BINARY,
    exp.Neg: _UNARY,
    exp.DPipe: _node("this expression safe"),
    exp.BitwiseAnd: _BINARY,
    exp.BitwiseOr: _BINARY,
    exp.BitwiseNot: _UNARY,
    exp.BitwiseLeftShift: _BINARY,
    exp.BitwiseRightShift: _BINARY,
    # expressions with a syntax of their own
    exp.Case: _node("this ifs default"),
    exp.If: _node("this true"),
    exp.Cast: _node("this to"),
    exp.TryCast: _node("this to safe"),
    exp.DataType: _node("this expressions nested"),
    exp.DataTypeParam: _UNARY,
    exp.Substring: _node("this start length"),
    exp.Bracket: _node("this expressions"),
    exp.Slice: _BINARY,
    exp.Lambda: _node("this expressions"),
    exp.Anonymous: _node("this expressions"),
    exp.Filter: _BINARY,
    exp.IgnoreNulls: _UNARY,
    exp.RespectNulls: _UNARY,
    exp.Window: _node("this partition_by order spec alias over"),
    exp.WindowSpec: _node("kind start start_side end end_side exclude"),
}

TYPES = words(
    "BOOLEAN TINYINT SMALLINT INT BIGINT INT128 UTINYINT USMALLINT UINT UBIGINT UINT128 FLOAT DOUBLE DECIMAL "
    "TEXT VARCHAR CHAR DATE TIME TIMESTAMP TIMESTAMPNTZ INTERVAL UUID LIST ARRAY"
)
"""Types a CAST may name (sqlglot's names); lists of them too."""


@dataclass(frozen=True)
class Family:
    """Functions of one kind. `aggregate` and `window` say where they may stand."""

    title: str
    names: frozenset[str]
    aggregate: bool = False
    window: bool = False


def _family(title: str, names: str, *, aggregate: bool = False, window: bool = False) -> Family:
    return Family(title, words(names), aggregate, window)


FAMILIES = (
    _family(
        "Aggregates",
        "count count_star count_if countif sum avg mean min max product bool_and bool_or bit_and "
        "bit_or bit_xor median quantile quantile_cont quantile_disc mad stddev stddev_pop stddev_samp "
        "variance var_pop var_samp sem skewness kurtosis kurtosis_pop entropy fsum kahan_sum sumkahan "
        "favg corr covar_pop covar_samp regr_avgx regr_avgy regr_count regr_intercept regr_r2 "
        "regr_slope regr_sxx regr_sxy regr_syy geomean geometric_mean",
        aggregate=True,
    ),
    _family(
        "Aggregates that depend on order (only with an ORDER BY over the very value that they collect)",
        "list array_agg string_agg group_concat listagg",
        aggregate=True,
    ),
    _family("Of grouping sets", "grouping grouping_id"),
    _family(
        "Window functions determined by their peers", "rank dense_rank percent_rank cume_dist", window=True
    ),
    _family(
        "Window functions that depend on order (only with an ORDER BY in the window; it is completed)",
        "row_number ntile lag lead first_value last_value nth_value",
        window=True,
    ),
    _family("Conditions", "coalesce ifnull nullif if greatest least"),
    _family(
        "Numbers",
        "abs acos acosh asin asinh atan atan2 atanh bit_count cbrt ceil ceiling cos cosh cot degrees "
        "divide even exp factorial fdiv floor fmod gamma gcd greatest_common_divisor isfinite isinf "
        "isnan lcm least_common_multiple lgamma ln log log10 log2 mod multiply nextafter pi pow power "
        "radians round round_even roundbankers sign signbit sin sinh sqrt subtract add tan tanh trunc "
        "xor",
    ),
    _family(
        "Text",
        "array_to_string ascii bar bit_length char_length character_length chr concat concat_ws "
        "contains ends_with instr lcase left left_grapheme len length length_grapheme "
        "lower lpad ltrim nfc_normalize octet_length ord position prefix regexp_escape "
        "regexp_extract regexp_extract_all regexp_full_match regexp_matches regexp_replace "
        "regexp_split_to_array repeat replace reverse right right_grapheme rpad rtrim split "
        "split_part starts_with str_split str_split_regex string_split string_split_regex "
        "string_to_array strip_accents strlen strpos substr substring substring_grapheme suffix "
        "translate trim ucase unicode upper",
    ),
    _family(
        "Digests and codes", "base64 bin from_base64 from_hex hash hex md5 sha1 sha256 to_base64 to_hex unhex"
    ),
    _family(
        "Dates and times",
        "age century date_add date_diff date_part date_sub date_trunc datediff datepart datesub "
        "datetrunc day dayname dayofmonth dayofweek dayofyear days_in_month decade epoch epoch_ms "
        "epoch_us era hour isodow isoyear julian last_day make_date make_time make_timestamp "
        "microsecond millennium millisecond minute month monthname quarter second strftime strptime "
        "time_bucket to_centuries to_days to_decades to_hours to_microseconds to_millennia "
        "to_milliseconds to_minutes to_months to_quarters to_seconds to_weeks to_years try_strptime "
        "week weekday weekofyear year yearweek",
    ),
    _family(
        "Lists",
        "array_append array_apply array_cat array_concat array_contains array_distinct array_extract "
        "array_filter array_has array_has_all array_has_any array_indexof array_intersect "
        "array_length array_position array_prepend array_reverse array_reverse_sort array_select "
        "array_slice array_sort array_transform array_unique array_value array_where element_at "
        "flatten generate_series list_append list_apply list_avg list_cat list_concat list_contains "
        "list_count list_distinct list_element list_extract list_filter list_has list_has_all "
        "list_has_any list_indexof list_intersect list_max list_median list_min list_position "
        "list_prepend list_product list_reverse list_reverse_sort list_select list_slice list_sort "
        "list_sum list_transform list_unique list_value list_where range unnest",
    ),
)

TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest"})
"""Functions that may stand in FROM: they read no data."""

FUNCTIONS: dict[str, Family] = {name: family for family in FAMILIES for name in family.names}
COLLECTING, ORDERED = FAMILIES[1].names, FAMILIES[4].names
BOUNDED = {"repeat": 1, "lpad": 1, "rpad": 1}
"""Functions whose argument of that index must be a plain number, at most LARGEST_REPEAT."""

SERIES = frozenset({"range", "generate_series"})
"""Functions that make a list, which must be no longer than LARGEST_REPEAT; in FROM they make rows."""

SUPPORTED = (
    "SELECT with WHERE, GROUP BY (also ALL, GROUPING SETS, ROLLUP, CUBE), HAVING, QUALIFY, DISTINCT, FILTER",
    "ORDER BY (also ALL, by position, NULLS FIRST and LAST), LIMIT and OFFSET with a plain number",
    "`*` and `t.*`, with EXCLUDE, REPLACE and RENAME",
    "inner, left, right, full, cross, SEMI and ANTI joins, with ON or USING; LATERAL",
    "WITH (not recursive), derived tables, VALUES; subqueries: scalar, IN, EXISTS, = ANY, also correlated",
    "UNION, INTERSECT, EXCEPT, each also with ALL",
    "windows with PARTITION BY, ORDER BY and frames (ROWS, RANGE, GROUPS, EXCLUDE), and named windows",
    "CASE, BETWEEN, LIKE, ILIKE, SIMILAR TO, GLOB, IS [NOT] DISTINCT FROM, CAST, TRY_CAST, EXTRACT, INTERVAL",
    "lists, list indexes, slices and comprehensions, lambdas",
    "parameters by name, `$name`",
)

LEFT_OUT = (
    (
        "anything but a question (DDL, DML, SET, PRAGMA, COPY, ATTACH, SHOW, DESCRIBE, EXPLAIN …)",
        "it changes or reveals the engine",
    ),
    ("files, URLs, other databases, the catalogue and its functions", "only datasets can be read"),
    (
        "whole rows (`SELECT t FROM t`), structs, maps, JSON, `COLUMNS(…)`, `#1`, `t.column.field`",
        "each column read must be visible in the statement",
    ),
    (
        "`rowid`, samples, POSITIONAL and ASOF joins, PIVOT, DISTINCT ON, UNION BY NAME",
        "the result depends on storage order, or on the data's own values",
    ),
    (
        "`first`, `any_value`, `arg_min`, `arg_max`, `mode` and the like",
        "the result depends on the order of rows",
    ),
    (
        "`random`, `uuid`, `now`, `current_date`, `getvariable`, `current_setting`, `version` …",
        "the same question must have the same answer",
    ),
    ("`approx_…`, `reservoir_quantile`, `histogram`, `stats`", "approximate, or about storage"),
    (
        "`query`, `query_table`, `error`, `printf`, `format`, sleeping",
        "text that becomes SQL, leaks through errors, or fills the memory",
    ),
    (
        "time zones, COLLATE, blobs, bit strings, enums, host variables `?` and `$1`",
        "they depend on settings or on position",
    ),
    (
        "`levenshtein`, `jaccard`, `jaro_similarity`, `hamming` and the like; "
        "lambdas inside lambdas, except over the members of a list of lists",
        "the time they take grows with the square of their arguments, past any deadline",
    ),
    ("recursive WITH, NATURAL JOIN", "unbounded, or joined on whatever happens to have the same name"),
)


def markdown() -> str:
    """docs/surface.md: the published list."""
    lines = ["# The SQL that is supported", ""]
    lines += ["Statements are written in DuckDB's dialect. What is not listed here is refused (`sql-node`,"]
    lines += ["`sql-function`), whatever the engine could do with it.", ""]
    lines += ["## Statements", "", *(f"- {item}" for item in SUPPORTED), ""]
    lines += ["## Functions", ""]
    for family in FAMILIES:
        lines += [f"**{family.title}:** " + ", ".join(f"`{name}`" for name in sorted(family.names)) + ".", ""]
    lines += ["In FROM: " + ", ".join(f"`{name}`" for name in sorted(TABLE_FUNCTIONS)) + ".", ""]
    lines += ["## Limits", ""]
    lines += [f"- {CHARACTERS:,} characters, {BRACKETS} nested brackets"]
    lines += [f"- {READING_SECONDS:g} seconds of work to read it, and as many to rewrite it"]
    lines += [f"- {SOURCES} tables (a name of WITH counts with all that is in it), {JOINS} joins,"]
    lines += [f"  {COLUMNS:,} columns of a SELECT, {REFERENCES:,} references to columns, stars written out"]
    lines += [f"- the count in `repeat`, `lpad` and `rpad` is a plain number up to {LARGEST_REPEAT:,};"]
    lines += ["  a list of `range` or `generate_series` is one of plain numbers, and as long at most;"]
    lines += [f"  together they, and `replace`, make no value more than {LARGEST_GROWTH:,} times as long", ""]
    lines += ["## Left out", "", "| what | why |", "|---|---|"]
    lines += [f"| {what} | {why} |" for what, why in LEFT_OUT]
    return "\n".join(lines) + "\n"
