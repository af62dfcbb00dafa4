SELECT municipality, avg(income) AS mean, count(*) AS n
FROM population
WHERE birth_date > DATE '1980-01-01'
GROUP BY municipality
