SELECT name, sum(i.income) AS total
FROM population p JOIN incomes i USING (person_id) JOIN municipalities ON code = municipality
WHERE i.year = 2020 AND sex = 'F'
GROUP BY name
ORDER BY total DESC
LIMIT 3
