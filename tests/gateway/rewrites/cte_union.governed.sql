WITH "__c0" AS (
  SELECT
    "population"."person_id" AS "person_id",
    "population"."sex" AS "sex",
    "population"."birth_date" AS "birth_date",
    "population"."municipality" AS "municipality",
    "population"."income" AS "income",
    "population"."__s0" AS "__h1"
  FROM (
    SELECT
      "person_id" AS "person_id",
      "sex" AS "sex",
      "birth_date" AS "birth_date",
      "municipality" AS "municipality",
      "income" AS "income",
      "__subject_person_id" AS "__s0"
    FROM "main"."population@1"
    WHERE
      "__mask"
  ) AS "population"
  WHERE
    "population"."sex" = 'F'
)
SELECT
  "women"."person_id" AS "person_id",
  "women"."__h1" AS "__h2"
FROM "__c0" AS "women"
UNION ALL
SELECT
  "__q1"."code" AS "code",
  CAST(NULL AS UINTEGER) AS "__h3"
FROM (
  SELECT
    NULL AS "code"
  FROM (
    SELECT
      1 AS "__row"
    FROM "main"."municipalities@1"
  ) AS "municipalities"
) AS "__q1"("code")
ORDER BY
  1
-- exact: yes; hidden: __h2
-- touched: SELECT (bitstring_agg("__subject_person_id", 0, $__size - 1))::BLOB FROM "main"."population@1" WHERE "__mask" AND (("sex") = 'F')
