SELECT person_id FROM population EXCEPT SELECT person_id FROM incomes WHERE year = 2021
