"""The database file: made private, checked, brought to this version's tables."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

from patter_mcp.errors import StoreError
from patter_mcp.store.sqlite.failures import store_error

VERSION = 1
APPLICATION_ID = 0x50617474
"""Marks the file as ours (`PRAGMA application_id`): "Patt" in ASCII."""
BUSY_TIMEOUT_SEC = 5.0
"""How long to wait for another process's transaction; ours take milliseconds."""
WAL_RETRY_SEC = 0.01

_TABLES = """
CREATE TABLE calls (
    place INTEGER PRIMARY KEY,
    call_id TEXT NOT NULL UNIQUE,
    idem_key TEXT,
    principal TEXT NOT NULL,
    to_number TEXT NOT NULL,
    request TEXT NOT NULL,
    carrier TEXT NOT NULL,
    state TEXT NOT NULL,
    owner TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    carrier_id TEXT,
    created_at REAL NOT NULL,
    deadline_at REAL NOT NULL,
    ended_at REAL,
    delivered INTEGER NOT NULL
);
CREATE INDEX calls_by_key ON calls (principal, idem_key);
CREATE INDEX calls_by_principal ON calls (principal, created_at);
CREATE INDEX calls_by_number ON calls (to_number, created_at);
CREATE INDEX live_calls ON calls (deadline_at) WHERE ended_at IS NULL;

CREATE TABLE events (
    call_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (call_id, position)
) WITHOUT ROWID;

CREATE TABLE tokens (digest TEXT PRIMARY KEY, call_id TEXT NOT NULL, expires_at REAL NOT NULL);
CREATE TABLE nodes (node TEXT PRIMARY KEY, lease_until REAL NOT NULL, judges_from REAL NOT NULL);
CREATE TABLE notices (place INTEGER PRIMARY KEY AUTOINCREMENT, node TEXT NOT NULL, uri TEXT NOT NULL);
"""


def open_database(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode, for whichever thread; its transactions are begun by hand.

    Raises:
        StoreError: the file cannot be used, or belongs to a newer version or to another program.
    """
    try:
        _make_private(path)
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_SEC, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise store_error(error, path) from error
    try:
        _prepare(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise store_error(error, path) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _make_private(path: Path) -> None:
    """Transcripts are for their owner alone. SQLite gives its side files the mode of the main one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A file that is there is not opened: closing it would drop every lock this process holds on it
    # (https://www.sqlite.org/howtocorrupt.html, 2.2).
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA synchronous = FULL")
    # One transaction, so that of several processes that start together one makes the tables.
    connection.execute("BEGIN IMMEDIATE")
    if _is_new(connection, path):
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")
    if _journal_mode_wal(connection) != "wal":
        raise StoreError(f"The call database {path} is on a disk that processes cannot share. Use a local directory.")


def _journal_mode_wal(connection: sqlite3.Connection) -> str:
    """The mode in force afterwards. SQLite does not wait for others by itself where waiting could be mutual."""
    give_up_mono = time.monotonic() + BUSY_TIMEOUT_SEC
    while True:
        try:
            return connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_mono:
                raise
            time.sleep(WAL_RETRY_SEC)


def _is_new(connection: sqlite3.Connection, path: Path) -> bool:
    """Raises:
    StoreError: there is something in the file that we must not touch.
    """
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        return True
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise StoreError(f"{path} is another program's database. Name another file for the calls.")
    version = _pragma(connection, "user_version")
    if version > VERSION:
        raise StoreError(
            f"The call database {path} was written by a newer patter-mcp (format {version}, this one knows {VERSION}). "
            "Upgrade patter-mcp, or name another file."
        )
    return False


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]
