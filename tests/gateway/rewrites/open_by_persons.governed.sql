SELECT
  "municipalities"."name" AS "name"
FROM (
  SELECT
    "name" AS "name",
    "code" AS "code"
  FROM "main"."municipalities@1"
) AS "municipalities"
WHERE
  "municipalities"."code" IN (
    SELECT
      "population"."municipality" AS "municipality"
    FROM (
      SELECT
        "municipality" AS "municipality",
        "income" AS "income"
      FROM "main"."population@1"
      WHERE
        "__mask"
    ) AS "population"
    WHERE
      "population"."income" > 10
  )
ORDER BY
  1
-- exact: no; hidden: none
-- touched: SELECT (bitstring_agg("__subject_person_id", 0, $__size - 1))::BLOB FROM "main"."population@1" WHERE "__mask" AND (("income") > 10)
