"""SQLite's errors as sentences somebody can act on."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from patter_mcp.errors import StoreError

_PRIMARY_CODE_MASK = 0xFF
"""Extended result codes keep the primary code in the low byte: https://www.sqlite.org/rescode.html"""

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_FORBIDDEN = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def store_error(error: Exception, path: Path) -> StoreError:
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE_MASK
    if code in _BUSY:
        return StoreError(f"Another program is holding the call database {path}. Try again.", retryable=True)
    return StoreError(f"The call database {path} {_trouble(code, error)}")


def _trouble(code: int, error: Exception) -> str:
    if code in _FORBIDDEN or isinstance(error, OSError):
        return f"cannot be written ({error}). Check that this user may write to the file and its directory."
    if code in _DAMAGED:
        return "is damaged or is not a database. Move it away; a new one is made at the next start."
    if code == sqlite3.SQLITE_FULL:
        return "cannot grow: the disk is full. Free some space."
    return f"failed: {error}."
