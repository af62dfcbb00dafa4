SELECT
  "population"."person_id" AS "person_id"
FROM (
  SELECT
    "person_id" AS "person_id"
  FROM "main"."population@1"
  WHERE
    "__mask"
) AS "population"
EXCEPT
SELECT
  "incomes"."person_id" AS "person_id"
FROM (
  SELECT
    "person_id" AS "person_id",
    "year" AS "year"
  FROM "main"."incomes@1"
  WHERE
    "__mask"
) AS "incomes"
WHERE
  "incomes"."year" = 2021
ORDER BY
  1
-- exact: no; hidden: none
-- touched: SELECT (bitstring_agg("__subject_person_id", 0, $__size - 1))::BLOB FROM "main"."population@1" WHERE "__mask"
-- touched: SELECT (bitstring_agg("__subject_person_id", 0, $__size - 1))::BLOB FROM "main"."incomes@1" WHERE "__mask" AND (("year") = 2021)
