"""Helper programs: started by the first who needs them, gone with the last, no matter how either side ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio
import pytest
from worker_echo import CRASH, ECHO, ENVIRONMENT, HANG, PID, PRINT, RAISE

from patter_mcp.errors import ProviderConnectionError, ProviderError
from patter_mcp.mailbox import Mailbox
from patter_mcp.worker import Channel, Helper

pytestmark = pytest.mark.anyio

HELPER = Helper("worker_echo", provider="echo")


class Line:
    """A channel and what came of it."""

    def __init__(self) -> None:
        self.messages: Mailbox[tuple[int, bytes]] = Mailbox()
        self.channel: Channel | None = None

    def received(self, kind: int, payload: bytes) -> None:
        self.messages.put((kind, payload))

    def lost(self, error: ProviderError) -> None:
        self.messages.end(error)

    def send(self, kind: int, payload: bytes = b"") -> None:
        assert self.channel is not None
        self.channel.send(kind, payload)

    async def ask(self, kind: int, payload: bytes = b"") -> bytes:
        self.send(kind, payload)
        with anyio.fail_after(5):
            answered, answer = await anext(aiter(self.messages))
        assert answered == kind
        return answer

    async def pid(self) -> int:
        return int(await self.ask(PID))


@asynccontextmanager
async def line(helper: Helper = HELPER, **options: object) -> AsyncGenerator[Line]:
    listener = Line()
    async with helper.open(options, listener) as channel:
        listener.channel = channel
        yield listener


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_messages_of_any_size_come_back_in_order_each_on_its_own_channel() -> None:
    async with line() as one, line() as other:
        sizes = [0, 1, 160, 70_000, 400_000, 3]
        for size in sizes:
            one.send(ECHO, b"1" * size)
            other.send(ECHO, b"2" * size)
        with anyio.fail_after(5):
            assert [await anext(aiter(one.messages)) for _ in sizes] == [(ECHO, b"1" * size) for size in sizes]
            assert [await anext(aiter(other.messages)) for _ in sizes] == [(ECHO, b"2" * size) for size in sizes]


async def test_the_first_channel_starts_the_program_and_the_last_to_close_ends_it() -> None:
    async with line() as first:
        pid = await first.pid()
        async with line() as second:
            assert await second.pid() == pid
        assert await first.pid() == pid
    assert not lives(pid)


async def test_calls_that_begin_at_once_share_one_program() -> None:
    pids: set[int] = set()
    asked = anyio.Semaphore(0)

    async def call() -> None:
        async with line() as mine:
            pids.add(await mine.pid())
            asked.release()
            await all_asked.wait()

    all_asked = anyio.Event()
    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(call)
        for _ in range(8):
            await asked.acquire()
        all_asked.set()
    assert len(pids) == 1


async def test_it_works_in_a_faster_event_loop_too() -> None:
    pytest.importorskip("uvloop")

    def apart() -> None:
        anyio.run(
            test_messages_of_any_size_come_back_in_order_each_on_its_own_channel, backend_options={"use_uvloop": True}
        )

    await anyio.to_thread.run_sync(apart)


async def test_a_full_program_is_joined_by_another_up_to_the_limit() -> None:
    pool = Helper("worker_echo", provider="echo", channels_each=2, limit=2)
    async with AsyncExitStack() as calls:
        lines = [await calls.enter_async_context(line(pool)) for _ in range(6)]
        pids = [await each.pid() for each in lines]
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [3, 3]
    assert not any(map(lives, pids))


async def test_a_crash_is_told_to_every_call_and_the_next_one_gets_a_new_program() -> None:
    async with line() as one, line() as other:
        dead = await one.pid()
        one.send(CRASH)
        for each in (one, other):
            with pytest.raises(ProviderConnectionError) as caught, anyio.fail_after(5):
                await anext(aiter(each.messages))
            assert caught.value.provider == "echo"
            assert caught.value.retryable
        other.send(ECHO)
        async with line() as next_one:
            assert await next_one.pid() != dead
    assert not lives(dead)


async def test_a_session_that_fails_takes_no_other_with_it() -> None:
    async with line() as one, line() as other:
        one.send(RAISE)
        with pytest.raises(ProviderError, match="told to"), anyio.fail_after(5):
            await anext(aiter(one.messages))
        assert await other.ask(ECHO, b"still here") == b"still here"


async def test_a_session_may_refuse_to_open() -> None:
    with pytest.raises(ProviderError, match="not today"):
        async with line(refuse="not today"):
            pytest.fail("it opened")


async def test_a_program_that_does_not_run_is_a_connection_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ProviderConnectionError):
        async with line(Helper("no_such_module_anywhere", provider="echo")):
            pytest.fail("it opened")
    assert "no_such_module_anywhere" in capfd.readouterr().err


async def test_cancelling_while_it_opens_leaves_no_program(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    os.mkfifo(note)
    pid = 0

    async def call() -> None:
        async with line(hang=True, note_pid_in=str(note)):
            pytest.fail("it opened")

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            pid = int(await anyio.to_thread.run_sync(note.read_text, abandon_on_cancel=True))
            tasks.cancel_scope.cancel()
    assert not lives(pid)


async def test_a_program_that_hangs_is_given_up_once_too_much_lies_unread() -> None:
    async with line() as stuck:
        pid = await stuck.pid()
        stuck.send(HANG)
        for _ in range(30):
            stuck.send(ECHO, bytes(100_000))
        with pytest.raises(ProviderConnectionError), anyio.fail_after(5):
            await anext(aiter(stuck.messages))
    assert not lives(pid)


async def test_an_interrupt_from_the_terminal_is_not_for_the_helper() -> None:
    async with line() as mine:
        os.kill(await mine.pid(), signal.SIGINT)
        assert await mine.ask(ECHO, b"x") == b"x"


async def test_our_keys_are_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_KEY", "secret")
    async with line() as mine:
        names = (await mine.ask(ENVIRONMENT)).decode().split()
    assert "PATH" in names
    assert "ACME_API_KEY" not in names


PARENT = f"""
import anyio
from test_worker import line

async def main():
    async with line() as mine:
        await mine.ask({PRINT})
        print(await mine.pid(), flush=True)
        await anyio.sleep_forever()

anyio.run(main)
"""


def test_the_helper_dies_with_its_parent_and_never_writes_to_its_stdout() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert lives(pid)
    parent.kill()
    out, _ = parent.communicate(timeout=5)  # stderr, which they share, ends when both are gone
    assert out == b""
