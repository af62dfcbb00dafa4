SELECT
  count(*) AS "count_star()",
  CASE
    WHEN min("incomes"."__s0") = max("incomes"."__s0")
    THEN min("incomes"."__s0")
  END AS "__h1"
FROM (
  SELECT
    "__subject_person_id" AS "__s0"
  FROM "main"."incomes@1"
  WHERE
    "__mask"
) AS "incomes"
ORDER BY
  1
-- exact: yes; hidden: __h1
-- touched: SELECT (bitstring_agg("__subject_person_id", 0, $__size - 1))::BLOB FROM "main"."incomes@1" WHERE "__mask"
