"""Calls in one SQLite file: the default, for one machine and any number of processes on it.

`store` is what the rest of the program sees. Behind it `writer` is the one thread that touches the
database, `ledger` the SQL of each operation, `schema` the file and its tables, `failures` what SQLite's
errors mean to people.
"""

from patter_mcp.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
