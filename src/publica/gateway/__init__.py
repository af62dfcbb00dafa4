"""The gateway: the one door to data (all pillars meet here).

`use()` answers a question in ten numbered steps: parse, resolve, check meaning, gather facts, decide,
rewrite, execute and account, protect, write the receipt, release. The first three and the sixth are the
SQL surface: an allow-list of syntax and functions (`surface`), names resolved against schemas, and governed
relations in place of tables.
"""
