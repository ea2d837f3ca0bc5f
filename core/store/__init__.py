"""The one store, on SQLite or PostgreSQL: its tables, how it is opened, how it is brought up to date.

`tables/` declares them, `open.py` opens and checks, `migrations/` changes them, `samples.py` holds the two statements
that see every sample.
"""
