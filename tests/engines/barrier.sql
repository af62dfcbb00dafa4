-- Shapes of statements over {p}, a relation with poison in the rows that its mask leaves out.
-- `-- name: …` begins a shape. test_mask_barrier.py runs each over the masked table and over a copy.


-- In WHERE.

-- name: where cast
SELECT count(*) FROM {p} AS p WHERE CAST(p.t AS INTEGER) > 10
-- name: where cast equal
SELECT count(*) FROM {p} AS p WHERE CAST(p.t AS INTEGER) = 10
-- name: where cast in list
SELECT count(*) FROM {p} AS p WHERE CAST(p.t AS INTEGER) IN (1, 2, 3)
-- name: where cast between
SELECT count(*) FROM {p} AS p WHERE CAST(p.t AS INTEGER) BETWEEN 5 AND 9
-- name: where cast is null
SELECT count(*) FROM {p} AS p WHERE CAST(p.t AS INTEGER) IS NULL
-- name: where and cheap
SELECT count(*) FROM {p} AS p WHERE p.g = 'g1' AND CAST(p.t AS INTEGER) > 10
-- name: where or
SELECT count(*) FROM {p} AS p WHERE p.g = 'g1' OR CAST(p.t AS INTEGER) > 10
-- name: where not
SELECT count(*) FROM {p} AS p WHERE NOT (CAST(p.t AS INTEGER) > 10)
-- name: where case
SELECT count(*) FROM {p} AS p WHERE CASE WHEN p.g <> 'g1' THEN CAST(p.t AS INTEGER) > 3 END
-- name: where coalesce
SELECT count(*) FROM {p} AS p WHERE coalesce(CAST(p.t AS INTEGER), 0) > 10
-- name: where add
SELECT count(*) FROM {p} AS p WHERE p.n + p.n > 5
-- name: where multiply
SELECT count(*) FROM {p} AS p WHERE p.n * 3 > 5
-- name: where negate
SELECT count(*) FROM {p} AS p WHERE -p.z + p.n < 5
-- name: where abs
SELECT count(*) FROM {p} AS p WHERE abs(p.z) < 5
-- name: where narrow
SELECT count(*) FROM {p} AS p WHERE CAST(p.n AS TINYINT) < 50
-- name: where narrow equal
SELECT count(*) FROM {p} AS p WHERE CAST(p.n AS TINYINT) = 50
-- name: where decimal
SELECT count(*) FROM {p} AS p WHERE CAST(p.n AS DECIMAL(5,2)) < 50
-- name: where regex
SELECT count(*) FROM {p} AS p WHERE regexp_matches('a1x', p.p)
-- name: where regex extract
SELECT count(*) FROM {p} AS p WHERE regexp_extract('a1x', p.p) <> ''
-- name: where json
SELECT count(*) FROM {p} AS p WHERE CAST(p.j AS JSON) IS NOT NULL
-- name: where json path
SELECT count(*) FROM {p} AS p WHERE json_extract(p.j, '$.a')::INTEGER > 1
-- name: where date overflow
SELECT count(*) FROM {p} AS p WHERE p.d + CAST(p.n AS INTEGER) > DATE '2001-01-01'
-- name: where date cast
SELECT count(*) FROM {p} AS p WHERE CAST('20' || p.t || '-01-01' AS DATE) IS NOT NULL OR true
-- name: where strptime
SELECT count(*) FROM {p} AS p WHERE strptime(p.t, '%M') IS NOT NULL
-- name: where log
SELECT count(*) FROM {p} AS p WHERE ln(p.f) > 1
-- name: where exponent
SELECT count(*) FROM {p} AS p WHERE CAST(p.f * 10 AS INTEGER) > 20
-- name: where factorial
SELECT count(*) FROM {p} AS p WHERE factorial(CAST(p.z AS INTEGER)) > 20
-- name: where repeat
SELECT count(*) FROM {p} AS p WHERE length(repeat('x', p.n)) > 20
-- name: where lpad
SELECT count(*) FROM {p} AS p WHERE length(lpad('x', CAST(p.n AS INTEGER), 'y')) > 20
-- name: where chr
SELECT count(*) FROM {p} AS p WHERE chr(CAST(p.n AS INTEGER)) = 'A'
-- name: where unhex
SELECT count(*) FROM {p} AS p WHERE unhex(p.t) IS NOT NULL
-- name: where error
SELECT count(*) FROM {p} AS p WHERE CASE WHEN p.t LIKE 'poison%' THEN error(p.t) ELSE true END
-- name: where date part
SELECT count(*) FROM {p} AS p WHERE date_part(CASE WHEN p.f < 0 THEN 'x' ELSE 'year' END, p.d) > 1
-- name: where range
SELECT count(*) FROM {p} AS p WHERE len(range(p.n)) > 20
-- name: where interval
SELECT count(*) FROM {p} AS p WHERE p.d + to_days(CAST(p.n AS INTEGER)) > DATE '2001-01-01'
-- name: where uuid
SELECT count(*) FROM {p} AS p WHERE CAST(md5(p.t)[1:CASE WHEN p.f < 0 THEN 3 ELSE 32 END] AS UUID) IS NOT NULL

-- In SELECT and ORDER BY.

-- name: select cast
SELECT CAST(p.t AS INTEGER) FROM {p} AS p
-- name: select cast limit
SELECT CAST(p.t AS INTEGER) FROM {p} AS p ORDER BY p.id LIMIT 10
-- name: select case
SELECT CASE WHEN p.g = 'g1' THEN CAST(p.t AS INTEGER) END FROM {p} AS p
-- name: select shift
SELECT p.n + 100, p.n * 2 FROM {p} AS p
-- name: select distinct
SELECT DISTINCT CAST(p.t AS INTEGER) FROM {p} AS p
-- name: select order
SELECT p.id FROM {p} AS p ORDER BY CAST(p.t AS INTEGER), p.id LIMIT 7

-- In aggregates.

-- name: sum cast
SELECT sum(CAST(p.t AS INTEGER)) FROM {p} AS p
-- name: group by cast
SELECT CAST(p.t AS INTEGER), count(*) FROM {p} AS p GROUP BY 1
-- name: group by narrow
SELECT CAST(p.n AS TINYINT), count(*) FROM {p} AS p GROUP BY 1
-- name: filter cast
SELECT p.g, count(*) FILTER (WHERE CAST(p.t AS INTEGER) > 9) FROM {p} AS p GROUP BY 1
-- name: having cast
SELECT p.g FROM {p} AS p GROUP BY 1 HAVING sum(CAST(p.t AS INTEGER)) > 100
-- name: having min
SELECT p.g FROM {p} AS p GROUP BY 1 HAVING CAST(min(p.t) AS INTEGER) >= 0
-- name: count distinct
SELECT count(DISTINCT CAST(p.t AS INTEGER)) FROM {p} AS p
-- name: max overflow
SELECT max(p.n) + 100 FROM {p} AS p
-- name: grouping sets
SELECT p.g, CAST(p.t AS INTEGER), count(*) FROM {p} AS p GROUP BY GROUPING SETS ((1), (2))
-- name: quantile
SELECT quantile_cont(CAST(p.t AS INTEGER), 0.5) FROM {p} AS p
-- name: stddev
SELECT p.g, count(stddev_pop(p.f) > 0) OVER () FROM {p} AS p WHERE ln(p.f) >= 0 GROUP BY 1

-- In windows.

-- name: window sum
SELECT sum(CAST(p.t AS INTEGER)) OVER (PARTITION BY p.g ORDER BY p.id) FROM {p} AS p
-- name: window order
SELECT p.id, rank() OVER (ORDER BY CAST(p.t AS INTEGER)) FROM {p} AS p
-- name: window partition
SELECT count(*) OVER (PARTITION BY CAST(p.t AS INTEGER)) FROM {p} AS p
-- name: qualify
SELECT p.id FROM {p} AS p QUALIFY row_number() OVER (PARTITION BY p.g ORDER BY CAST(p.t AS INTEGER), p.id) = 1

-- In joins and subqueries.

-- name: join on cast
SELECT count(*) FROM {p} AS p JOIN range(20) AS r(i) ON CAST(p.t AS INTEGER) = r.i
-- name: join on cast range
SELECT count(*) FROM {p} AS p JOIN range(3) AS r(i) ON CAST(p.t AS INTEGER) < r.i
-- name: join extra
SELECT count(*) FROM {p} AS p JOIN {p} AS q ON p.id = q.id AND CAST(q.t AS INTEGER) > 3
-- name: left join on
SELECT count(q.id) FROM {p} AS p LEFT JOIN {p} AS q ON p.id = q.id AND CAST(q.t AS INTEGER) > 3
-- name: right join
SELECT count(*) FROM (SELECT range AS i FROM range(20)) AS r RIGHT JOIN {p} AS p ON CAST(p.t AS INTEGER) = r.i
-- name: full join
SELECT count(*) FROM range(20) AS r(i) FULL JOIN {p} AS p ON CAST(p.t AS INTEGER) = r.i
-- name: join then where
SELECT count(*) FROM {p} AS p JOIN {p} AS q ON p.id = q.id WHERE p.n + q.n + 100 > 5
-- name: semi join
SELECT count(*) FROM range(20) AS r(i) WHERE r.i IN (SELECT CAST(p.t AS INTEGER) FROM {p} AS p)
-- name: anti join
SELECT count(*) FROM range(90) AS r(i) WHERE r.i NOT IN (SELECT CAST(p.t AS INTEGER) FROM {p} AS p)
-- name: exists
SELECT count(*) FROM range(20) AS r(i) WHERE EXISTS (SELECT 1 FROM {p} AS p WHERE CAST(p.t AS INTEGER) = r.i)
-- name: scalar subquery
SELECT (SELECT max(CAST(p.t AS INTEGER)) FROM {p} AS p)
-- name: lateral
SELECT sum(x.v) FROM {p} AS p, LATERAL (SELECT CAST(p.t AS INTEGER) + 1 AS v) AS x
-- name: unnest
SELECT count(*) FROM {p} AS p, unnest(range(CAST(p.t AS BIGINT) % 3)) AS u(i)

-- Through CTEs, set operations, derived tables and lambdas.

-- name: cte
WITH c AS (SELECT CAST(t AS INTEGER) AS v, g FROM {p} AS p) SELECT g, sum(v) FROM c WHERE v > 3 GROUP BY 1
-- name: cte materialized
WITH c AS MATERIALIZED (SELECT * FROM {p} AS p) SELECT count(*) FROM c WHERE CAST(t AS INTEGER) > 3
-- name: cte twice
WITH c AS (SELECT * FROM {p} AS p) SELECT count(*) FROM c JOIN c AS e USING (id) WHERE CAST(e.t AS INTEGER) > 3
-- name: union all
SELECT CAST(p.t AS INTEGER) FROM {p} AS p UNION ALL SELECT 1
-- name: except
SELECT CAST(p.t AS INTEGER) FROM {p} AS p EXCEPT SELECT 1
-- name: intersect
SELECT CAST(p.t AS INTEGER) FROM {p} AS p INTERSECT SELECT range::INTEGER FROM range(9)
-- name: derived
SELECT count(*) FROM (SELECT p.g AS g, CAST(p.t AS INTEGER) AS v FROM {p} AS p) AS s WHERE s.v > 3 AND s.g = 'g1'
-- name: list lambda
SELECT sum(list_sum(list_transform([p.t], lambda x: CAST(x AS INTEGER)))) FROM {p} AS p
-- name: list of casts
SELECT len(list(CAST(p.t AS INTEGER))) FROM {p} AS p
-- name: string agg
SELECT md5(string_agg(chr(CAST(p.n AS INTEGER)), '' ORDER BY p.id)) FROM {p} AS p
