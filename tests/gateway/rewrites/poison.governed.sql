SELECT
  "population"."person_id" AS "person_id",
  "population"."__s0" AS "__h1"
FROM (
  SELECT
    "person_id" AS "person_id",
    "sex" AS "sex",
    "note" AS "note",
    "__subject_person_id" AS "__s0"
  FROM "main"."population@1"
  WHERE
    "__mask"
) AS "population"
WHERE
  CAST("population"."note" AS INT) = 12 AND "population"."sex" = 'M'
-- exact: yes; hidden: __h1
-- touched: SELECT (bitstring_agg("__subject_person_id", 0, $__size - 1))::BLOB FROM "main"."population@1" WHERE "__mask"
