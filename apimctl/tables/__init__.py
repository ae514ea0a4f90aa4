"""SQL, one module per aggregate: rows to domain records and back, nothing else.

Every function takes the connection it works on and neither begins nor ends a transaction. The SQL
stays in what SQLite and PostgreSQL share.
"""
