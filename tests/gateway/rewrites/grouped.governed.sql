SELECT
  "population"."municipality" AS "municipality",
  avg("population"."income") AS "mean",
  count(*) AS "n",
  CASE
    WHEN min("population"."__s0") = max("population"."__s0")
    THEN min("population"."__s0")
  END AS "__h1"
FROM (
  SELECT
    "municipality" AS "municipality",
    "income" AS "income",
    "birth_date" AS "birth_date",
    "__subject_person_id" AS "__s0"
  FROM "main"."population@1"
  WHERE
    "__mask"
) AS "population"
WHERE
  "population"."birth_date" > CAST('1980-01-01' AS DATE)
GROUP BY
  "population"."municipality"
ORDER BY
  1,
  2,
  3
-- exact: yes; hidden: __h1
-- touched: SELECT (bitstring_agg("__subject_person_id", 0, $__size - 1))::BLOB FROM "main"."population@1" WHERE "__mask" AND (("birth_date") > CAST('1980-01-01' AS DATE))
