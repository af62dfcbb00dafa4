SELECT count(*) FROM incomes
