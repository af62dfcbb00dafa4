SELECT
  "municipalities"."name" AS "name",
  sum("i"."income") AS "total",
  CASE WHEN min("p"."__s0") = max("p"."__s0") THEN min("p"."__s0") END AS "__h1",
  CASE WHEN min("i"."__s0") = max("i"."__s0") THEN min("i"."__s0") END AS "__h2"
FROM (
  SELECT
    "person_id" AS "person_id",
    "municipality" AS "municipality",
    "sex" AS "sex",
    "__subject_person_id" AS "__s0"
  FROM "main"."population@1"
  WHERE
    "__mask"
) AS "p"
JOIN (
  SELECT
    "person_id" AS "person_id",
    "income" AS "income",
    "year" AS "year",
    "__subject_person_id" AS "__s0"
  FROM "main"."incomes@1"
  WHERE
    "__mask"
) AS "i"
  ON "p"."__s0" = "i"."__s0"
JOIN (
  SELECT
    "code" AS "code",
    "name" AS "name"
  FROM "main"."municipalities@1"
) AS "municipalities"
  ON "municipalities"."code" = "p"."municipality"
WHERE
  "i"."year" = 2020 AND "p"."sex" = 'F'
GROUP BY
  "municipalities"."name"
ORDER BY
  2 DESC,
  1,
  3,
  4
LIMIT 3
-- exact: yes; hidden: __h1, __h2
-- touched: SELECT (bitstring_agg("__subject_person_id", 0, $__size - 1))::BLOB FROM "main"."population@1" WHERE "__mask" AND (("sex") = 'F')
-- touched: SELECT (bitstring_agg("__subject_person_id", 0, $__size - 1))::BLOB FROM "main"."incomes@1" WHERE "__mask" AND (("year") = 2020)
