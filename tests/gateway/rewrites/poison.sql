SELECT person_id FROM population WHERE note::INTEGER = 12 AND sex = 'M'
