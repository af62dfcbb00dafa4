-- Each statement must give the same answer through the surface as on plain DuckDB. One per line.
SELECT * FROM population
SELECT p.* FROM population AS p
FROM population
FROM population SELECT person_id, sex
TABLE municipalities
SELECT * EXCLUDE (income, note) FROM population
SELECT * REPLACE (income + 1 AS income) FROM population
SELECT * RENAME (income AS money) FROM population
SELECT * EXCLUDE (note) REPLACE (upper(sex) AS sex), 1 AS one FROM population
SELECT p.*, i.* EXCLUDE (person_id) FROM population p JOIN incomes i USING (person_id)
SELECT * FROM population JOIN incomes USING (person_id)
SELECT * FROM population LEFT JOIN incomes USING (person_id)
SELECT * FROM population RIGHT JOIN incomes USING (person_id)
SELECT * FROM population FULL JOIN incomes USING (person_id)
SELECT person_id, * FROM population FULL JOIN incomes USING (person_id)
SELECT person_id, count(*) FROM population FULL JOIN incomes USING (person_id) GROUP BY person_id
SELECT person_id FROM population a LEFT JOIN incomes b USING (person_id) LEFT JOIN incomes c USING (person_id, year)
SELECT person_id, a.person_id, b.person_id FROM population a FULL JOIN incomes b USING (person_id) FULL JOIN incomes c USING (person_id)
SELECT income FROM population JOIN incomes USING (person_id, income)
SELECT p.sex, m.name FROM population p, municipalities m WHERE p.municipality = m.code
SELECT p.sex, m.name FROM population p CROSS JOIN municipalities m
SELECT p.person_id FROM population p SEMI JOIN incomes i ON p.person_id = i.person_id AND i.income > 20
SELECT p.person_id FROM population p ANTI JOIN incomes i USING (person_id)
SELECT count(*) FROM population
SELECT count(*), count(income), count(DISTINCT income), sum(income), avg(income), min(note), max(birth_date) FROM population
SELECT municipality, count(*) AS n FROM population GROUP BY municipality HAVING n > 1
SELECT municipality, count(*) AS n FROM population GROUP BY 1 HAVING count(*) > 1
SELECT municipality, sex, count(*) FROM population GROUP BY ALL
SELECT year(birth_date) AS y, count(*) FROM population GROUP BY y
SELECT income % 2 AS income, count(*) FROM population GROUP BY ALL
SELECT -income AS income FROM population ORDER BY abs(income), income
SELECT sum(income) AS income FROM population GROUP BY sex HAVING sum(income) > 5
SELECT municipality, sex, count(*) FROM population GROUP BY GROUPING SETS ((municipality), (sex), ())
SELECT municipality, sex, count(*), grouping(sex) FROM population GROUP BY ROLLUP (municipality, sex)
SELECT municipality AS m, sex, count(*) FROM population GROUP BY CUBE (m, sex)
SELECT sex, count(*) FROM population GROUP BY sex, ()
SELECT count(*) FROM population GROUP BY ()
SELECT sex, sum(income) FILTER (WHERE income > 0) FROM population GROUP BY sex
SELECT DISTINCT sex, municipality FROM population
SELECT DISTINCT income % 3 FROM population ORDER BY income % 3
SELECT DISTINCT count(*) FROM population GROUP BY sex
SELECT DISTINCT sex AS s FROM population ORDER BY s NULLS FIRST LIMIT 2
SELECT person_id, income FROM population ORDER BY income NULLS FIRST, person_id DESC
SELECT person_id, income FROM population ORDER BY 2 DESC, 1
SELECT sex, income FROM population ORDER BY ALL
SELECT sex, income FROM population ORDER BY ALL DESC NULLS LAST
SELECT person_id FROM population ORDER BY person_id LIMIT 3
SELECT person_id FROM population ORDER BY person_id LIMIT 3 OFFSET 2
SELECT person_id, income FROM population ORDER BY income DESC, person_id LIMIT 2
SELECT count(*) FROM (SELECT person_id FROM population ORDER BY income, person_id LIMIT 3)
SELECT income + 1 AS b, b * 2 AS c FROM population WHERE c > 20
SELECT income AS b FROM population WHERE b > 15
SELECT person_id FROM population WHERE birth_date > DATE '1979-01-01' AND income BETWEEN 5 AND 30
SELECT person_id FROM population WHERE sex IN ('F', 'X') OR municipality IS NULL
SELECT person_id FROM population WHERE income NOT IN (10, 20)
SELECT person_id FROM population WHERE sex IS NOT DISTINCT FROM NULL
SELECT person_id FROM population WHERE sex IS DISTINCT FROM 'F'
SELECT person_id FROM population WHERE note LIKE 'a%' OR note LIKE '%!%%' ESCAPE '!' OR note ILIKE 'X' OR note NOT LIKE '%'
SELECT person_id FROM population WHERE note SIMILAR TO '[0-9]+' OR note GLOB 'x*' OR note ~ 'N' OR note ^@ 'O'
SELECT NOT income > 5 AND sex = 'F' OR sex IS NULL AND NOT sex = 'M' FROM population
SELECT 7 // 2, -7 // 2, 7 / 2, -7 / 2, 7 % 3, -7 % 3, 7.5 // 2, 2 ** 3, 2 ^ 3, -2 ** 2, 2 ** 3 ** 2, 5 & 3, 5 | 3, ~5, 1 << 3, 8 >> 1, xor(5, 3)
SELECT 1 + 2 * 3 - 4 / 5, (1 + 2) * 3, - - 3, -(-3), +3, 1 - -1, 10 - 3 - 2, 100 / 10 / 2, 2 + 3 || 'x', 'a' || 1 + 2
SELECT income // 3, income / 3, income % 3, income ** 2, -income, income * 1.5, income::DOUBLE / 7 FROM population
SELECT 1e3, 1.5, .5, 12345678901234567890, 'it''s', $$dollar 'quoted'$$, $x$a$x$, 'back\slash', 'new\nline', 'tab	tab', TRUE, NULL
SELECT CAST('2020-02-29' AS DATE), DATE '2020-02-29' + 1, DATE '2020-02-29' + INTERVAL 1 YEAR, DATE '2020-03-01' - DATE '2020-02-28', TIMESTAMP '2020-01-01 10:00:00' - INTERVAL '90' MINUTE
SELECT birth_date + INTERVAL (income) DAY, birth_date - INTERVAL '1 year 2 months', birth_date + to_days(3) FROM population WHERE income IS NOT NULL
SELECT EXTRACT(year FROM birth_date), EXTRACT(dow FROM birth_date), date_part('month', birth_date), year(birth_date), month(birth_date), day(birth_date), quarter(birth_date), week(birth_date), dayofweek(birth_date), isodow(birth_date), dayofyear(birth_date), dayname(birth_date), monthname(birth_date), last_day(birth_date) FROM population
SELECT date_trunc('month', birth_date), date_diff('year', birth_date, DATE '2020-01-01'), datediff('day', birth_date, DATE '2020-01-01'), date_sub('month', birth_date, DATE '2020-01-01'), date_add(birth_date, INTERVAL 3 MONTH), age(DATE '2020-01-01', birth_date), strftime(birth_date, '%d/%m/%Y'), strftime(birth_date, '%a %b %-d %j') FROM population
SELECT strptime('05/01/1980', '%d/%m/%Y'), try_strptime('x', '%Y'), make_date(2020, 2, 3), make_timestamp(2020, 1, 2, 3, 4, 5.5), time_bucket(INTERVAL '1 month', DATE '2020-05-05'), epoch(TIMESTAMP '2020-01-01'), epoch_ms(TIMESTAMP '2020-01-01'), julian(DATE '2020-01-01'), yearweek(DATE '2020-01-01'), days_in_month(DATE '2020-02-01')
SELECT substring(note, 1, 2), substring(note FROM 2), substring(note FROM 1 FOR 2), substr(note, 2), note[1], note[1:2], note[-1], note[2:], left(note, 1), right(note, 2), note || '!', concat(note, 1, NULL), concat_ws('-', note, sex, 'z') FROM population
SELECT trim('  a '), trim('xax', 'x'), ltrim(' a'), rtrim('a '), lpad('a', 3, '*'), rpad('a', 3, '*'), repeat('ab', 3), replace('abc', 'b', 'x'), reverse('abc'), upper('a'), lower('A'), length('zażółć'), strlen('zażółć'), ascii('a'), chr(65), translate('abc', 'ab', 'xy'), position('b' IN 'abc'), strpos('abc', 'c'), instr('abc', 'b'), split_part('a,b', ',', 2), starts_with('abc', 'a'), ends_with('abc', 'c'), contains('abc', 'b'), strip_accents('é')
SELECT string_split('a,b', ','), str_split('a b', ' '), regexp_matches('abc', 'b'), regexp_replace('aaa', 'a', 'b'), regexp_replace('aaa', 'a', 'b', 'g'), regexp_extract('ab12', '[0-9]+'), regexp_extract('ab12', '([a-z]+)([0-9]+)', 2), regexp_extract_all('a1b2', '[0-9]'), regexp_full_match('abc', 'a.c'), regexp_split_to_array('a1b', '[0-9]'), array_to_string(['a', 'b'], '-')
SELECT abs(-1), ceil(1.2), floor(1.8), round(1.567, 2), round(-1.5), trunc(1.9), sign(-3), sqrt(2), cbrt(8), exp(1), ln(2), log(100), log2(8), log10(1000), pow(2, 3), power(2, 0.5), mod(7, 3), gcd(12, 8), lcm(4, 6), factorial(5), pi(), sin(1), cos(1), tan(1), atan2(1, 2), degrees(1), radians(180), isnan(1.0), greatest(1, 3, 2), least(1, NULL, 2), bit_count(7), fmod(7, 2), fdiv(7, 2), even(3), radians(90)
SELECT CASE WHEN income > 10 THEN 'a' WHEN income IS NULL THEN 'b' ELSE 'c' END, CASE sex WHEN 'F' THEN 1 WHEN 'M' THEN 2 END, coalesce(sex, municipality, '?'), nullif(income, 20), ifnull(income, 0), if(income > 10, 'x', 'y') FROM population
SELECT TRY_CAST(note AS INTEGER), note::VARCHAR, income::VARCHAR, income::DECIMAL(10, 2), CAST(income AS DOUBLE), income::BOOLEAN, CAST(birth_date AS TIMESTAMP), birth_date::VARCHAR, 1.5::INT, 2.5::INTEGER, '12'::HUGEINT, 1::FLOAT, '1.25'::DECIMAL, [1, 2]::VARCHAR[], ['1', '2']::INT[] FROM population
SELECT list_transform([1, 2, 3], lambda x: x + 1), list_filter([1, 2, 3], lambda x: x > 1), list_transform([1, 2], lambda x, i: x * i), list_sort([3, 1, 2]), list_reverse_sort([1, 3, 2]), [1, 2, 3][2], [1, 2, 3][-1], [1, 2, 3][1:2], [1, 2, 3][2:], len([1, 2]), list_contains([1, 2], 2), list_sum([1, 2]), list_avg([1, 2]), list_distinct([1, 1]), list_concat([1], [2]), list_append([1], 2), list_position([1, 2], 2), flatten([[1], [2]]), array_length([1, 2]), list_unique([1, 1])
SELECT list_transform([1, 2], lambda x: x + income), list_filter([5, 15], lambda x: x > income) FROM population
SELECT list_transform([[1, 2], [3]], lambda l: list_transform(l, lambda x: x + len(l)))
SELECT unnest([1, 2]), person_id FROM population
SELECT * FROM range(5) t(i)
SELECT i FROM range(2, 10, 3) t(i)
SELECT * FROM generate_series(1, 3)
SELECT * FROM range(3) t
SELECT * FROM unnest([1, 2, 3]) u(x)
SELECT p.person_id, u.x FROM population p, unnest([p.income, 1]) u(x)
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) v(n, s)
SELECT * FROM (VALUES (1, 'a'))
VALUES (1, 'a'), (2, 'b')
SELECT 1 UNION ALL VALUES (2)
SELECT 1 AS x UNION ALL SELECT 2 ORDER BY x DESC
SELECT 1 + 1
SELECT sex FROM population UNION SELECT name FROM municipalities
SELECT sex FROM population UNION ALL SELECT name FROM municipalities
SELECT municipality FROM population INTERSECT SELECT code FROM municipalities
SELECT municipality FROM population EXCEPT SELECT code FROM municipalities
SELECT code FROM municipalities EXCEPT ALL SELECT municipality FROM population
SELECT municipality FROM population INTERSECT ALL SELECT municipality FROM population WHERE sex = 'F'
(SELECT 1) UNION (SELECT 2) EXCEPT (SELECT 1)
SELECT 1 UNION SELECT 2 INTERSECT SELECT 3
SELECT 1 UNION ALL SELECT 1 EXCEPT SELECT 2 UNION ALL SELECT 3
(SELECT person_id FROM population ORDER BY person_id LIMIT 1) UNION ALL (SELECT person_id FROM population ORDER BY person_id DESC LIMIT 1)
SELECT sex AS s, income FROM population UNION ALL SELECT name, 1 FROM municipalities ORDER BY s NULLS FIRST, 2
WITH a AS (SELECT * FROM population), b(x) AS (SELECT income FROM a) SELECT x, (SELECT count(*) FROM b c WHERE c.x < b.x) FROM b
WITH a AS (SELECT 1 AS x), a2 AS (WITH a AS (SELECT 2 AS x) SELECT x FROM a) SELECT * FROM a, a2
WITH municipalities AS (SELECT * FROM population) SELECT count(*) FROM municipalities
WITH population AS (SELECT * FROM population WHERE sex = 'F') SELECT count(*) FROM population
WITH q AS MATERIALIZED (SELECT income FROM incomes) SELECT sum(a.income), count(*) FROM q a, q b WHERE a.income < b.income
SELECT name FROM municipalities WHERE code IN (SELECT municipality FROM population WHERE income > 5)
SELECT name FROM municipalities WHERE code NOT IN (SELECT municipality FROM population WHERE municipality IS NOT NULL)
SELECT name FROM municipalities m WHERE EXISTS (SELECT 1 FROM population p WHERE p.municipality = m.code AND p.income > 15)
SELECT name FROM municipalities m WHERE NOT EXISTS (SELECT * FROM population WHERE municipality = m.code)
SELECT name, (SELECT max(income) FROM population WHERE municipality = code) FROM municipalities
SELECT name FROM municipalities WHERE code = ANY (SELECT municipality FROM population)
SELECT person_id FROM population WHERE (sex, municipality) IN (SELECT 'F', code FROM municipalities)
SELECT person_id FROM population WHERE (sex, income) = ('F', 10)
SELECT person_id FROM population WHERE (sex, income) IN (('F', 10), ('M', -5))
SELECT income FROM population WHERE income > (SELECT avg(income) FROM population)
SELECT * FROM (SELECT sex, count(*) FROM population GROUP BY sex) AS t(s, n) WHERE n > 1
SELECT * FROM (SELECT sex, sex FROM population)
SELECT * FROM (SELECT p.person_id, i.person_id FROM population p JOIN incomes i USING (person_id))
SELECT z FROM population p, (SELECT p.income + 1 AS z) s WHERE z > 3
SELECT z FROM population p, LATERAL (SELECT max(income) AS z FROM incomes i WHERE i.person_id = p.person_id) s
SELECT p.person_id, z FROM population p LEFT JOIN LATERAL (SELECT sum(income) AS z FROM incomes i WHERE i.person_id = p.person_id) s ON TRUE
SELECT a.x FROM population AS a(x, y) WHERE y = 'F'
SELECT c FROM (SELECT income FROM population) t(c)
SELECT person_id, row_number() OVER (ORDER BY person_id), rank() OVER (ORDER BY income), dense_rank() OVER (ORDER BY income DESC), percent_rank() OVER (ORDER BY income), cume_dist() OVER (ORDER BY income), ntile(2) OVER (ORDER BY person_id) FROM population
SELECT person_id, lag(income) OVER (ORDER BY person_id), lead(income, 2, -1) OVER (ORDER BY person_id), first_value(income) OVER (ORDER BY person_id), last_value(income) OVER (ORDER BY person_id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), nth_value(income, 2) OVER (ORDER BY person_id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM population
SELECT person_id, lag(income IGNORE NULLS) OVER (ORDER BY person_id), last_value(income IGNORE NULLS) OVER (ORDER BY person_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM population
SELECT person_id, sum(income) OVER (PARTITION BY sex), sum(income) OVER (ORDER BY income), avg(income) OVER (ORDER BY person_id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), count(*) FILTER (WHERE sex = 'F') OVER (), sum(income) OVER (ORDER BY income RANGE BETWEEN 5 PRECEDING AND 5 FOLLOWING), count(*) OVER (ORDER BY sex GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM population
SELECT person_id, sum(income) OVER w, count(*) OVER w FROM population WINDOW w AS (PARTITION BY sex ORDER BY birth_date)
SELECT sex, sum(income), sum(sum(income)) OVER (ORDER BY sex), row_number() OVER (ORDER BY sum(income) DESC, sex) FROM population GROUP BY sex
SELECT person_id FROM population QUALIFY row_number() OVER (PARTITION BY sex ORDER BY birth_date, person_id) = 1
SELECT person_id, rank() OVER (ORDER BY income DESC) AS r FROM population QUALIFY r <= 2
SELECT median(income), quantile_cont(income, 0.25), quantile_disc(income, 0.75), stddev(income), var_pop(income), corr(income, length(note)), regr_slope(income, length(note)), skewness(income), kurtosis(income), entropy(income), mad(income), bool_or(income > 5), bit_xor(income), product(income), sem(income), count_if(income > 5), max(income, 2), min(income, 2) FROM population
SELECT list(income ORDER BY income), array_agg(income ORDER BY income DESC), string_agg(note, ',' ORDER BY note), list(DISTINCT sex ORDER BY sex) FROM population
SELECT "Population"."PERSON_ID", "sex" FROM "POPULATION"
SELECT main.population.sex FROM main.population
SELECT /* comment */ sex FROM population -- another
SELECT mu.name, count(*), avg(i.income) FROM population p JOIN municipalities mu ON mu.code = p.municipality JOIN incomes i ON i.person_id = p.person_id AND i.year = 2020 GROUP BY mu.name ORDER BY mu.name
SELECT count(*) FROM population p LEFT JOIN incomes i ON p.person_id = i.person_id AND i.year = 2020 WHERE i.person_id IS NULL
SELECT sex, income > 10 AS rich, count(*) FROM population GROUP BY sex, rich ORDER BY sex, rich
SELECT sex, count(*) c FROM population GROUP BY sex ORDER BY count(*) DESC, sex
SELECT sex, count(*) c FROM population GROUP BY sex ORDER BY c + 1, sex
SELECT (SELECT sex FROM population WHERE person_id = 'p1') AS s, count(*) FROM municipalities GROUP BY s
SELECT p.person_id AS income FROM population p ORDER BY income
SELECT md5(sex), hash(sex) = hash('F'), sha256('a'), hex('a') FROM population
