WITH women AS (SELECT * EXCLUDE (note) FROM population WHERE sex = 'F')
SELECT person_id FROM women
UNION ALL
SELECT code FROM (SELECT NULL AS code FROM municipalities)
