SELECT
  "__d"."__d0" AS "sex",
  "__d"."__d1" AS "y",
  CASE WHEN min("__d"."__h1") = max("__d"."__h1") THEN min("__d"."__h1") END AS "__h2"
FROM (
  SELECT
    "population"."sex" AS "__d0",
    year("population"."birth_date") AS "__d1",
    "population"."__s0" AS "__h1"
  FROM (
    SELECT
      "sex" AS "sex",
      "birth_date" AS "birth_date",
      "__subject_person_id" AS "__s0"
    FROM "main"."population@1"
    WHERE
      "__mask"
  ) AS "population"
) AS "__d"
GROUP BY
  1,
  2
ORDER BY
  2,
  1,
  3
LIMIT 5
-- exact: yes; hidden: __h2
-- touched: SELECT (bitstring_agg("__subject_person_id", 0, $__size - 1))::BLOB FROM "main"."population@1" WHERE "__mask"
