SELECT
  "p"."person_id" AS "person_id",
  "i"."income" AS "income",
  "p"."__s0" AS "__h1",
  "i"."__s0" AS "__h2"
FROM (
  SELECT
    "person_id" AS "person_id",
    "sex" AS "sex",
    "__subject_person_id" AS "__s0"
  FROM "main"."population@1"
  WHERE
    "__mask"
) AS "p"
LEFT JOIN (
  SELECT
    "year" AS "year",
    "person_id" AS "person_id",
    "income" AS "income",
    "__subject_person_id" AS "__s0"
  FROM "main"."incomes@1"
  WHERE
    "__mask"
) AS "i"
  ON "p"."__s0" = "i"."__s0" AND "i"."year" = 2020
WHERE
  "p"."sex" = 'F'
ORDER BY
  1,
  2
-- exact: yes; hidden: __h1, __h2
-- touched: SELECT (bitstring_agg("__subject_person_id", 0, $__size - 1))::BLOB FROM "main"."population@1" WHERE "__mask"
-- touched: SELECT (bitstring_agg("__subject_person_id", 0, $__size - 1))::BLOB FROM "main"."incomes@1" WHERE "__mask"
