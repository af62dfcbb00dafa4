SELECT name FROM municipalities WHERE code IN (SELECT municipality FROM population WHERE income > 10)
