SELECT DISTINCT sex, year(birth_date) AS y FROM population ORDER BY y LIMIT 5
