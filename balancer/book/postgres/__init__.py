"""The order book in PostgreSQL, which several balancers may share.

Nothing here is imported while the book is a SQLite file: the driver takes 0.1 s of a start (docs/adr/0050). The
database is the only authority: a balancer keeps nothing of a book but its id and a reading of its clock.
"""
