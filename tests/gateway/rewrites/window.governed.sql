SELECT
  "population"."person_id" AS "person_id",
  row_number() OVER (
    PARTITION BY "population"."sex"
    ORDER BY "population"."income", "population"."person_id", "population"."sex", "population"."__s0"
  ) AS "r",
  "population"."__s0" AS "__h1"
FROM (
  SELECT
    "person_id" AS "person_id",
    "income" AS "income",
    "sex" AS "sex",
    "__subject_person_id" AS "__s0"
  FROM "main"."population@1"
  WHERE
    "__mask"
) AS "population"
QUALIFY
  (
    row_number() OVER (
      PARTITION BY "population"."sex"
      ORDER BY "population"."income", "population"."person_id", "population"."sex", "population"."__s0"
    )
  ) <= 2
ORDER BY
  1,
  2
-- exact: yes; hidden: __h1
-- touched: SELECT (bitstring_agg("__subject_person_id", 0, $__size - 1))::BLOB FROM "main"."population@1" WHERE "__mask"
