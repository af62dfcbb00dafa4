SELECT person_id, row_number() OVER (PARTITION BY sex ORDER BY income) AS r FROM population QUALIFY r <= 2
