SELECT p.person_id, i.income FROM population p LEFT JOIN incomes i ON p.person_id = i.person_id AND i.year = 2020 WHERE p.sex = 'F'
