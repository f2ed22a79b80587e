"""The file itself: its modes, its version, and what people are told when it cannot be used."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Barrier, Event, Thread

import anyio
import pytest
from anyio import to_thread
from anyio.abc import TaskGroup
from store_nodes import NO_LIMITS, admitted, new_call, said, words

from patter_mcp import events as ev
from patter_mcp.errors import CallNotFound, StoreError
from patter_mcp.store.base import Admitted
from patter_mcp.store.sqlite import SqliteStore, schema
from patter_mcp.store.sqlite.ledger import KEPT_NOTICES
from patter_mcp.store.sqlite.writer import Writer

pytestmark = pytest.mark.anyio

SYNCHRONOUS_FULL = 2


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "calls.db"


@pytest.fixture
def open_directory(tmp_path: Path) -> Path:
    directory = tmp_path / "open"
    directory.mkdir()
    directory.chmod(0o755)
    return directory


@pytest.fixture
async def store(path: Path) -> AsyncGenerator[SqliteStore]:
    async with SqliteStore.open(path, "a") as store:
        yield store


@contextmanager
def raw(path: Path) -> Generator[sqlite3.Connection]:
    """Another program's hand in the file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def modes(directory: Path) -> dict[str, int]:
    return {file.name: mode(file) for file in directory.iterdir()}


def damage(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + b"\xff" * (len(whole) - len(whole) // 2))


# The file


async def test_the_directory_and_every_file_in_it_are_for_their_owner_alone(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        await admitted(store)
        assert mode(path.parent) == 0o700
        assert modes(path.parent) == {"calls.db": 0o600, "calls.db-wal": 0o600, "calls.db-shm": 0o600}


async def test_a_directory_that_was_there_keeps_its_mode(open_directory: Path) -> None:
    async with SqliteStore.open(open_directory / "calls.db"):
        assert mode(open_directory) == 0o755
        assert modes(open_directory)["calls.db"] == 0o600


@pytest.mark.parametrize("attempt", range(5))
def test_those_who_open_a_new_file_at_once_all_get_in(path: Path, attempt: int) -> None:
    ready = Barrier(6)
    modes: list[tuple[str, int]] = []

    def open_it() -> None:
        ready.wait()
        with closing(schema.open_database(path)) as connection:
            (journal,) = connection.execute("PRAGMA journal_mode").fetchone()
            (synchronous,) = connection.execute("PRAGMA synchronous").fetchone()
            modes.append((journal, synchronous))

    threads = [Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert modes == [("wal", SYNCHRONOUS_FULL)] * 6


async def test_a_newer_file_is_refused_and_left_alone(path: Path, store: SqliteStore) -> None:
    record = await admitted(store)
    await store.aclose()
    with raw(path) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    with pytest.raises(StoreError, match=r"newer patter-mcp .*Upgrade patter-mcp, or name another file"):
        async with SqliteStore.open(path):
            pass
    with raw(path) as connection:
        assert connection.execute("SELECT call_id FROM calls").fetchall() == [(record.call_id,)]


async def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with raw(path) as connection:
        connection.execute("CREATE TABLE photos (name)")
    with pytest.raises(StoreError, match="another program's database"):
        async with SqliteStore.open(path):
            pass
    with raw(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("photos",)]
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


async def test_a_file_that_is_no_database_is_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    path.write_bytes(b"not a database at all " * 200)
    with pytest.raises(StoreError, match=r"damaged or is not a database\. Move it away"):
        async with SqliteStore.open(path):
            pass


async def test_damage_found_later_is_told_too(path: Path, store: SqliteStore) -> None:
    record = await admitted(store)
    await store.append(record.call_id, 1, said(*["words " * 50] * 500))
    await store.aclose()
    damage(path)
    with pytest.raises(StoreError, match="damaged"):
        async with SqliteStore.open(path) as reopened:
            await reopened.events(record.call_id)


@pytest.mark.parametrize("place", ["a-directory", "a-file/calls.db"])
async def test_a_place_that_cannot_hold_a_file_is_told(tmp_path: Path, place: str) -> None:
    (tmp_path / "a-directory").mkdir()
    (tmp_path / "a-file").touch()
    with pytest.raises(StoreError, match="may write to the file and its directory"):
        async with SqliteStore.open(tmp_path / place):
            pass


# Rows of other versions


async def test_events_and_fields_of_another_version_are_kept(path: Path, store: SqliteStore) -> None:
    record = await admitted(store)
    with raw(path) as connection:
        connection.execute(
            "INSERT INTO events VALUES (?, 2, ?)",
            (record.call_id, '{"kind": "smell-noticed", "at": "2030-01-01T00:00:00+00:00", "smell": "toast"}'),
        )
        connection.execute("UPDATE calls SET request = json_set(request, '$.mood', 'cheerful')")
    await store.append(record.call_id, 1, said("hello"))
    _, unknown, _ = await store.events(record.call_id)
    assert isinstance(unknown.event, ev.Unknown)
    assert (unknown.event.original_kind, unknown.event.data) == ("smell-noticed", {"smell": "toast"})
    assert await store.get(record.call_id) == record


# Opening and closing


async def test_what_goes_wrong_inside_the_block_comes_out_as_it_is(path: Path) -> None:
    with pytest.raises(CallNotFound):
        async with SqliteStore.open(path):
            raise CallNotFound("nobody")


async def test_a_closed_store_refuses_politely_and_has_kept_everything(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        record = await admitted(store)
        async with anyio.create_task_group() as tasks:
            for number in range(50):
                tasks.start_soon(store.append, record.call_id, 1, said(str(number)))
            await anyio.lowlevel.checkpoint()
            await store.aclose()
        with pytest.raises(StoreError, match="is closed"):
            await store.get(record.call_id)
        with anyio.fail_after(5):
            await store.aclose()
    async with SqliteStore.open(path) as store:
        assert words(await store.events(record.call_id))[1:] == [str(number) for number in range(50)]


async def ignore(uri: str) -> None:
    pass


async def test_cancelling_the_block_closes_the_file(path: Path) -> None:
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks, SqliteStore.open(path) as store:
            await admitted(store)
            store.subscribe(ignore)
            tasks.cancel_scope.cancel()
            await anyio.sleep_forever()
    assert list(modes(path.parent)) == ["calls.db"]


async def test_a_cancelled_write_is_done_and_its_outcome_known(store: SqliteStore) -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        outcome = await store.create(new_call(), "key", NO_LIMITS)
        assert isinstance(outcome, Admitted)
        assert await store.get(outcome.record.call_id) == outcome.record


async def test_old_notices_are_not_kept(path: Path, store: SqliteStore) -> None:
    async with anyio.create_task_group() as tasks:
        for number in range(KEPT_NOTICES + 100):
            tasks.start_soon(store.publish, f"call://{number}")
    with raw(path) as connection:
        assert connection.execute("SELECT count(*) FROM notices").fetchone() == (KEPT_NOTICES,)


# The writer


@asynccontextmanager
async def writer_on(path: Path) -> AsyncGenerator[tuple[Writer, sqlite3.Connection]]:
    connection = schema.open_database(path)
    connection.execute("CREATE TABLE notes (note)")
    async with anyio.create_task_group() as tasks:
        writer = Writer(connection, path)
        tasks.start_soon(writer.serve)
        try:
            yield writer, connection
        finally:
            writer.stop()


@asynccontextmanager
async def busy(writer: Writer) -> AsyncGenerator[TaskGroup]:
    """What is started in the group is queued while the writer is busy."""
    running, go_on = Event(), Event()

    def work() -> None:
        running.set()
        go_on.wait()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(writer.read, work)
        await to_thread.run_sync(running.wait)
        try:
            yield tasks
            await anyio.lowlevel.checkpoint()
        finally:
            go_on.set()


def note(connection: sqlite3.Connection, text: object) -> None:
    connection.execute("INSERT INTO notes VALUES (?)", (text,))


def notes(connection: sqlite3.Connection) -> list[object]:
    return [row[0] for row in connection.execute("SELECT note FROM notes")]


async def test_what_is_queued_meanwhile_shares_one_commit(path: Path) -> None:
    async with writer_on(path) as (writer, connection):
        statements: list[str] = []
        connection.set_trace_callback(statements.append)
        async with busy(writer) as tasks:
            for number in range(100):
                tasks.start_soon(writer.write, partial(note, connection, number))
        assert await writer.read(partial(notes, connection)) == list(range(100))
        assert statements.count("BEGIN IMMEDIATE") == 1


async def test_work_that_fails_takes_back_only_its_own(path: Path) -> None:
    def note_and_fail(connection: sqlite3.Connection, error: Callable[[], object]) -> None:
        note(connection, "half done")
        error()

    failures: list[type[Exception]] = []

    async def fail(writer: Writer, connection: sqlite3.Connection, error: Callable[[], object]) -> None:
        try:
            await writer.write(partial(note_and_fail, connection, error))
        except (StoreError, ZeroDivisionError) as failure:
            failures.append(type(failure))

    async with writer_on(path) as (writer, connection):
        async with busy(writer) as tasks:
            tasks.start_soon(writer.write, partial(note, connection, "before"))
            tasks.start_soon(fail, writer, connection, lambda: 1 / 0)
            tasks.start_soon(fail, writer, connection, lambda: connection.execute("SELECT nonsense"))
            tasks.start_soon(writer.write, partial(note, connection, "after"))
        assert failures == [ZeroDivisionError, StoreError]
        assert await writer.read(partial(notes, connection)) == ["before", "after"]


async def test_a_commit_that_fails_is_taken_back_as_a_whole(path: Path) -> None:
    async with writer_on(path) as (writer, connection):
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("CREATE TABLE authors (name PRIMARY KEY)")
        connection.execute("CREATE TABLE books (author REFERENCES authors DEFERRABLE INITIALLY DEFERRED)")
        with pytest.raises(StoreError, match="FOREIGN KEY constraint failed"):
            await writer.write(lambda: connection.execute("INSERT INTO books VALUES ('nobody')"))
        await writer.write(partial(note, connection, "on we go"))
        assert await writer.read(lambda: connection.execute("SELECT * FROM books").fetchall()) == []
        assert await writer.read(partial(notes, connection)) == ["on we go"]


async def refused(writer: Writer, connection: sqlite3.Connection, text: object = "more") -> StoreError:
    with pytest.raises(StoreError) as caught:
        await writer.write(partial(note, connection, text))
    return caught.value


async def test_a_full_disk_is_told_and_survived(path: Path) -> None:
    async with writer_on(path) as (writer, connection):
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        assert "disk is full" in (await refused(writer, connection, b"x" * 100_000)).message
        connection.execute("PRAGMA max_page_count = 1000000")
        await writer.write(partial(note, connection, "room again"))
        assert await writer.read(partial(notes, connection)) == ["room again"]


async def test_what_is_there_can_be_read_while_nothing_can_be_written(path: Path) -> None:
    async with writer_on(path) as (writer, connection):
        await writer.write(partial(note, connection, "before"))
        connection.execute("PRAGMA query_only = 1")
        read: list[list[object]] = []

        async def look() -> None:
            read.append(await writer.read(partial(notes, connection)))

        # All three in one commit.
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(look)
            tasks.start_soon(refused, writer, connection, "in vain")
            tasks.start_soon(look)
        assert read == [["before"], ["before"]]


async def test_a_file_held_by_another_program_is_told_and_may_be_tried_again(path: Path) -> None:
    async with writer_on(path) as (writer, connection):
        connection.execute("PRAGMA busy_timeout = 20")
        with raw(path) as other:
            other.execute("BEGIN IMMEDIATE")
            error = await refused(writer, connection)
            assert "Another program is holding" in error.message
            assert error.retryable
            assert await writer.read(partial(notes, connection)) == []
        await writer.write(partial(note, connection, "free again"))
        assert await writer.read(partial(notes, connection)) == ["free again"]


async def test_a_file_that_cannot_be_written_is_told(path: Path) -> None:
    async with writer_on(path) as (writer, connection):
        connection.execute("PRAGMA query_only = 1")
        error = await refused(writer, connection)
        assert "may write to the file" in error.message
        assert not error.retryable
