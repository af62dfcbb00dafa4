"""What is outside the surface is refused, each thing with its own code."""

from __future__ import annotations

import pytest

from publica.gateway import surface

from .world import refusal

DOUBLED = "WITH c0 AS (SELECT sex FROM population)" + "".join(
    f", c{n} AS (SELECT * FROM c{n - 1} UNION ALL SELECT * FROM c{n - 1})" for n in range(1, 25)
) + " SELECT * FROM c24"  # fmt: skip
WIDER = "WITH c0 AS (SELECT sex FROM population)" + "".join(
    f", c{n} AS (SELECT *, * FROM c{n - 1})" for n in range(1, 25)
) + " SELECT * FROM c24"  # fmt: skip
STARS = " UNION ALL ".join(["SELECT " + ",".join(["*"] * 300) + " FROM population"] * 20)
AGAIN = "SELECT 'x' AS a0" + "".join(f", a{n - 1} || a{n - 1} AS a{n}" for n in range(1, 40))


def filters(count: int) -> str:
    return ", ".join(f"count(*) FILTER (WHERE income > {n})" for n in range(count))


REFUSED = {
    "sql-unparsed": [
        "SELEC 1", "SELECT", "SELECT FROM population", "SELECT 1 +", "SELECT 'open", "SELECT 1\0",
        "SELECT 1 UNION SELECT 1, 2",
    ],
    "sql-empty": ["", "   ", "-- nothing", ";", "/* */"],
    "sql-not-a-query": [
        "DROP TABLE population", "UPDATE population SET income = 1", "DELETE FROM population",
        "CREATE TABLE x AS SELECT 1", "SET threads = 1", "PRAGMA show_tables", "COPY population TO 'x'",
        "ATTACH 'x'", "EXPLAIN SELECT 1", "SHOW TABLES", "DESCRIBE population", "CALL pragma_version()",
        "PIVOT population ON sex USING sum(income)", "SUMMARIZE population", "BEGIN", "VACUUM",
        "INSTALL httpfs", "PREPARE s AS SELECT 1", "EXECUTE s(1)",
    ],
    "sql-several-statements": ["SELECT 1; SELECT 2", "SELECT 1; DROP TABLE population",
    "SELECT $$;$$; SELECT 1"],
    "sql-too-long": ["SELECT '" + "x" * surface.CHARACTERS + "'"],
    "sql-too-deep": [
        "SELECT " + "(" * 200 + "1" + ")" * 200, "SELECT " + "[" * 3000 + "]" * 3000,
        "SELECT 1 FROM " + ", ".join(f"municipalities t{n}" for n in range(40)), DOUBLED, WIDER, AGAIN, STARS,
        "SELECT " + "- " * 5000 + "1", "SELECT " + "NOT " * 5000 + "TRUE",
        "SELECT " + ", ".join(["1"] * (surface.COLUMNS + 1)),
    ],
    "sql-too-many-filters": [
        f"SELECT {filters(surface.FILTERS + 1)} FROM population",
        f"WITH f AS (SELECT {filters(150)} FROM population) SELECT 1 FROM f a, f b, f c",
    ],
    "sql-node": [
        "SELECT * FROM (VALUES (1), (2, 3)) t", "VALUES (1, 2), (3)",
        "SELECT list_transform(l, lambda x: list_transform(l, lambda y: x + y)) FROM (SELECT [1] AS l)",
        "SELECT 'a' COLLATE NOCASE", "SELECT #1 FROM population",
        "SELECT {'a': 1}", "SELECT current_date", "SELECT current_timestamp", "SELECT [x FOR x, i IN [1]]",
        "SELECT sex FROM population ASOF JOIN incomes USING (person_id)",
        "SELECT sex FROM population POSITIONAL JOIN incomes", "SELECT DISTINCT ON (sex) sex FROM population",
        "SELECT 1 AS a UNION ALL BY NAME SELECT 2 AS a", "SELECT sex FROM population FOR UPDATE",
        "SELECT * FROM population PIVOT (sum(income) FOR sex IN ('F'))", "SELECT * LIKE 'a%' FROM population",
        "SELECT ?", "SELECT $1", "SELECT upper(sex).lower() FROM population",
        "SELECT sex FROM population AT (VERSION => 3)", "SELECT 1::JSON", "SELECT 1::STRUCT(a INT)",
        "SELECT 'a'::ENUM('a')", "SELECT '1'::BLOB", "SELECT now() AT TIME ZONE 'UTC'",
        "SELECT sex INTO x FROM population",
        "SELECT sex FROM (population JOIN incomes USING (person_id))",
        "SELECT DISTINCT sex FROM population ORDER BY income",
        "SELECT count(DISTINCT sex, income) FROM population", "SELECT sex.a.b.c.d FROM population",
        "SELECT sum(income) OVER (w ROWS 1 PRECEDING) FROM population WINDOW w AS (ORDER BY income)",
    ],
    "sql-function": [
        "SELECT random()", "SELECT uuid()", "SELECT now()", "SELECT getvariable('x')", "SELECT version()",
        "SELECT current_setting('threads')", "SELECT error('x')", "SELECT printf('%d', 1)",
        "SELECT pg_sleep(1)",
        "SELECT first(sex) FROM population", "SELECT any_value(sex) FROM population",
        "SELECT arg_max(sex, income) FROM population", "SELECT mode(sex) FROM population",
        "SELECT approx_count_distinct(sex) FROM population", "SELECT stats(sex) FROM population",
        "SELECT list(sex) FROM population", "SELECT list(sex ORDER BY income) FROM population",
        "SELECT string_agg(sex, ',' ORDER BY income) FROM population",
        "SELECT sum(income ORDER BY income) FROM population",
        "SELECT COLUMNS(*) FROM population", "SELECT max(COLUMNS(*)) FROM population",
        "SELECT * FROM read_csv('x')", "SELECT * FROM query('SELECT 1')",
        "SELECT * FROM query_table('population')",
        "SELECT * FROM duckdb_columns()", "SELECT * FROM glob('*')", "SELECT row_number() FROM population",
        "SELECT repeat('x', 100000000)", "SELECT repeat('x', income) FROM population",
        "SELECT lpad('x', 1000000, 'y')", "SELECT repeat(repeat('x', 1000), 1000)",
        "WITH q AS (SELECT repeat('x', 1000) AS s) SELECT repeat(s, 1000) FROM q",
        "SELECT repeat(range(1000), 1000)", "SELECT range(100000)", "SELECT range(income) FROM population",
        "SELECT unnest(generate_series(-9000, 9000))", "SELECT generate_series(1, 10000000000, 1)",
        "SELECT range(DATE '2020-01-01', DATE '2021-01-01', INTERVAL 1 SECOND)",
        "SELECT replace(replace(replace(sex, 'F', note), 'F', note), 'F', note) FROM population",
        *(f"SELECT {name}(note, sex) FROM population" for name in (
            "levenshtein", "damerau_levenshtein", "editdist3", "jaccard", "jaro_similarity", "hamming",
            "jaro_winkler_similarity", "mismatches",
        )),
        "SELECT struct_pack(a := 1)",
        "SELECT to_json(p) FROM population p", 'SELECT "lower"(sex) FROM population',
        "SELECT nosuchfunction(1)", "SELECT setseed(0.5)", "SELECT nextval('x')",
        "SELECT upper(DISTINCT sex) FROM population",
    ],
    "sql-unknown-table": [
        "SELECT * FROM nothing", "SELECT * FROM 'x.csv'", "FROM 'https://127.0.0.1/x.parquet'",
        "SELECT * FROM other.population", "SELECT * FROM duckdb_tables", "SELECT * FROM sqlite_master",
        "SELECT * FROM pg_catalog.pg_class", "SELECT * FROM information_schema.columns",
        'SELECT * FROM "population@1"', "SELECT (SELECT 1 FROM nothing)",
        "WITH q AS (SELECT * FROM r), r AS (SELECT 1) SELECT * FROM q",
    ],
    "sql-unknown-column": [
        "SELECT sex FROM population ORDER BY 2", "SELECT sex FROM population ORDER BY 0",
        "SELECT sex FROM population GROUP BY 2", "SELECT 1 UNION SELECT 2 ORDER BY 2",
        "SELECT sex FROM population GROUP BY ROLLUP (1, 99999999999)",
        "SELECT nope FROM population", "SELECT p.nope FROM population p", "SELECT x.sex FROM population p",
        "SELECT * EXCLUDE (nope) FROM population", "SELECT nope.* FROM population", "SELECT *",
        "SELECT note.field FROM population", "SELECT sex FROM (SELECT income FROM population)",
        "SELECT i.income FROM population SEMI JOIN incomes i USING (person_id)",
        "SELECT 1 FROM population GROUP BY nope", "SELECT sex FROM population UNION SELECT 'x' ORDER BY nope",
        "SELECT list_transform([1], lambda x: x + y)", "SELECT sum(income) OVER nope FROM population",
    ],
    "sql-ambiguous-column": [
        "SELECT person_id FROM population, incomes", "SELECT sex FROM population, population",
        "SELECT income FROM population JOIN incomes USING (person_id)",
        "SELECT max(income) AS income FROM population GROUP BY sex HAVING income > 5",
        "WITH a AS (SELECT 1), a AS (SELECT 2) SELECT 1",
        "SELECT (SELECT max(year) FROM incomes population WHERE sex = 'F') FROM population",
    ],
    "sql-whole-row": [
        "SELECT population FROM population", "SELECT p FROM population p",
        "SELECT count(p) FROM population p",
        "SELECT p::VARCHAR FROM population p", "SELECT list(p ORDER BY p) FROM population p",
        "SELECT 1 FROM population p WHERE p IS NOT NULL", "SELECT (SELECT p) FROM population p",
    ],
    "sql-window-order": [
        "SELECT row_number() OVER () FROM population",
        "SELECT lag(income) OVER (PARTITION BY sex) FROM population",
        "SELECT sum(income) OVER (ROWS 1 PRECEDING) FROM population",
        "SELECT last_value(income) OVER (ORDER BY sex) FROM population",
        "SELECT nth_value(income, 2) OVER (ORDER BY sex) FROM population",
    ],
    "sql-limit": [
        "SELECT sex FROM population LIMIT 10%", "SELECT sex FROM population LIMIT $n",
        "SELECT sex FROM population LIMIT (SELECT 1)", "SELECT sex FROM population LIMIT 1 OFFSET 1 + 1",
        "SELECT sex FROM population FETCH FIRST 3 ROWS ONLY",
    ],
    "sql-recursive": ["WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT * FROM r"],
    "sql-natural-join": ["SELECT sex FROM population NATURAL JOIN incomes"],
    "sql-sample": [
        "SELECT sex FROM population TABLESAMPLE 1%", "SELECT sex FROM population USING SAMPLE 5",
    ],
    "sql-hidden-name": [
        "SELECT rowid FROM population", "SELECT __subject_person_id FROM population",
        "SELECT p.__mask FROM population p",
        "SELECT 1 AS __h1", "WITH __q AS (SELECT 1) SELECT 1", "FROM population |> SELECT sex",
    ],
    "meaning-mismatch": [
        "SELECT 1 FROM population p JOIN municipalities m ON p.person_id = m.code",
        "SELECT person_id FROM population UNION SELECT code FROM municipalities",
        "SELECT 1 FROM population WHERE person_id IN (SELECT code FROM municipalities)",
        "SELECT 1 FROM population WHERE (sex, person_id) = (sex, municipality)",
        "WITH q AS (SELECT person_id AS k FROM population) SELECT 1 FROM q JOIN municipalities ON q.k = code",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "sql"), [(code, sql) for code, statements in REFUSED.items() for sql in statements]
)
def test_it_is_refused(code: str, sql: str) -> None:
    assert refusal(sql) == code


OPAQUE = [
    "SELECT upper(person_id) FROM population", "SELECT min(person_id) FROM population",
    "SELECT person_id || 'x' FROM population", "SELECT 1 FROM population WHERE person_id < 'p5'",
    "SELECT 1 FROM population WHERE person_id LIKE 'p%'",
    "SELECT CASE WHEN TRUE THEN person_id END FROM population",
    "SELECT person_id::VARCHAR FROM population", "SELECT lag(person_id) OVER (ORDER BY sex) FROM population",
    "SELECT hash(k) FROM (SELECT person_id AS k FROM population)",
    "SELECT list(person_id ORDER BY person_id) FROM population",
    "SELECT upper((SELECT person_id FROM population LIMIT 1))", "SELECT person_id[1] FROM population",
    "WITH q(a) AS (SELECT person_id FROM population UNION ALL SELECT 'x') SELECT a || '' FROM q",
    "SELECT coalesce(person_id, 'x') FROM population",
    "SELECT 1 FROM population WHERE person_id BETWEEN 'a' AND 'b'",
]  # fmt: skip
MATCHED = [
    "SELECT person_id FROM population", "SELECT person_id, count(*) FROM incomes GROUP BY person_id",
    "SELECT count(DISTINCT person_id), count(person_id) FROM incomes",
    "SELECT * FROM population JOIN incomes USING (person_id)",
    "SELECT person_id FROM population FULL JOIN incomes USING (person_id)",
    "SELECT 1 FROM population WHERE person_id = 'p1'",
    "SELECT 1 FROM population WHERE person_id IN (SELECT person_id FROM incomes)",
    "SELECT DISTINCT person_id FROM incomes",
    "SELECT 1 FROM incomes i WHERE EXISTS (SELECT 1 FROM population p WHERE p.person_id = i.person_id)",
    "SELECT sum(income) OVER (PARTITION BY person_id) FROM incomes",
    "SELECT person_id FROM population ORDER BY person_id",
    "SELECT k FROM (SELECT person_id AS k FROM population) WHERE k IS NOT NULL",
]  # fmt: skip


@pytest.mark.parametrize("sql", OPAQUE)
def test_a_pseudonym_is_not_looked_into(sql: str) -> None:
    assert refusal(sql, pseudonymous=True) == "sql-pseudonym-opaque"
    assert refusal(sql) is None


@pytest.mark.parametrize("sql", MATCHED)
def test_a_pseudonym_may_be_matched(sql: str) -> None:
    assert refusal(sql, pseudonymous=True) is None
