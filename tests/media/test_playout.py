"""Pacing, marks and clears against a carrier that plays in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.media.playout import PacedPlayout
from patter_mcp.testing.virtual_time import VirtualTimeLoop

pytestmark = pytest.mark.anyio

LEAD_MS = 300
BACKEND: Any = ("asyncio", {"loop_factory": VirtualTimeLoop})


@pytest.fixture
def anyio_backend() -> Any:
    return BACKEND


class PlainCodec:
    """Just enough of a codec: what was sent, as JSON."""

    def decode(self, message: str) -> Any:
        raise AssertionError("nothing is received here")

    def encode_audio(self, audio: bytes) -> str:
        return json.dumps({"audio": audio.hex()})

    def encode_mark(self, name: str) -> str:
        return json.dumps({"mark": name})

    def encode_clear(self) -> str:
        return json.dumps({"clear": True})


class FarEnd:
    """A carrier's queue: plays in real time, returns marks when they are reached, and all of them at a clear."""

    def __init__(self, late_ms: float = 0) -> None:
        self.playout = PacedPlayout(PlainCodec(), self._receive, lead_ms=LEAD_MS, loop=asyncio.get_running_loop())
        self._late_sec = late_ms / 1000
        self._empty_at = 0.0
        self._marks: list[tuple[float, str]] = []
        self.received_bytes = 0
        self.played = bytearray()
        self.longest_queue_ms = 0.0
        self.gaps = 0
        self.clears = 0

    @property
    def queued_ms(self) -> float:
        return max(0.0, (self._empty_at - anyio.current_time()) * 1000)

    def _receive(self, text: str) -> None:
        message = json.loads(text)
        now = anyio.current_time()
        if "audio" in message:
            audio = bytes.fromhex(message["audio"])
            if self.received_bytes and self._empty_at < now - 1e-9:
                self.gaps += 1
            start = max(now + self._late_sec, self._empty_at) if self._empty_at <= now else self._empty_at
            self._empty_at = start + len(audio) / BYTES_PER_MS / 1000
            self.received_bytes += len(audio)
            self.played += audio
            self.longest_queue_ms = max(self.longest_queue_ms, self.queued_ms)
        elif "mark" in message:
            self._marks.append((self._empty_at, message["mark"]))
        else:
            self.clears += 1
            self._empty_at = now
            self._marks = [(now, name) for _, name in self._marks]

    async def run(self) -> None:
        while True:
            await anyio.sleep(0.005)
            now = anyio.current_time()
            due = [name for at, name in self._marks if at <= now]
            self._marks = [(at, name) for at, name in self._marks if at > now]
            for name in due:
                self.playout.mark_returned(name)


@asynccontextmanager
async def far_end(late_ms: float = 0) -> AsyncGenerator[FarEnd]:
    line = FarEnd(late_ms)
    with anyio.fail_after(600):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(line.run)
            yield line
            tasks.cancel_scope.cancel()


def sound(ms: int) -> bytes:
    return bytes(index % 251 for index in range(ms * BYTES_PER_MS))


async def test_carrier_that_returns_no_marks_is_followed_by_the_clock() -> None:
    playout = PacedPlayout(PlainCodec(), lambda _: None, lead_ms=LEAD_MS, loop=asyncio.get_running_loop())
    begun_at = anyio.current_time()
    playout.write(sound(5000))
    await anyio.sleep(2)
    # The first mark, after the first message, might still come.
    assert playout.heard_ms <= 500
    await anyio.sleep(2)
    assert playout.heard_ms == pytest.approx(4000, abs=1)
    await playout.drained()
    assert (playout.heard_ms, anyio.current_time() - begun_at) == (5000, pytest.approx(5.0, abs=0.1))
    playout.write(sound(1000))
    await playout.drained()
    assert anyio.current_time() - begun_at == pytest.approx(6.0, abs=0.1)


async def test_marks_count_again_once_one_has_come_back() -> None:
    sent: list[str] = []
    playout = PacedPlayout(PlainCodec(), sent.append, lead_ms=LEAD_MS, loop=asyncio.get_running_loop())
    playout.write(sound(5000))
    await anyio.sleep(4)
    first = next(message for message in map(json.loads, sent) if "mark" in message)
    playout.mark_returned(first["mark"])
    await anyio.sleep(0.5)
    assert playout.heard_ms == pytest.approx(4000, abs=1)


async def test_all_audio_arrives_in_order_without_a_gap_and_never_far_ahead() -> None:
    async with far_end() as line:
        line.playout.write(sound(5000))
        await line.playout.drained()
        assert bytes(line.played) == sound(5000)
        assert line.gaps == 0
        assert line.longest_queue_ms <= 500


async def test_first_audio_leaves_at_once() -> None:
    async with far_end() as line:
        await anyio.sleep(1)
        line.playout.write(sound(20))
        assert line.received_bytes == 20 * BYTES_PER_MS
        assert line.playout.first_sent_at == anyio.current_time()


async def test_drained_waits_for_the_far_ends_word() -> None:
    async with far_end(late_ms=400) as line:
        started_at = anyio.current_time()
        line.playout.write(sound(1000))
        await line.playout.drained()
        assert anyio.current_time() - started_at >= 1.39


async def test_drained_does_not_wait_for_ever_for_marks_that_never_come() -> None:
    line = FarEnd()
    with anyio.fail_after(60):
        line.playout.write(sound(100))
        await line.playout.drained()


async def test_clear_tells_what_was_heard_and_forgets_the_rest() -> None:
    async with far_end() as line:
        line.playout.write(sound(5000))
        await anyio.sleep(1.0)
        heard_ms = line.playout.clear()
        assert heard_ms == pytest.approx(1000, abs=120)
        assert line.playout.written_ms == heard_ms
        await anyio.sleep(0.05)
        assert line.clears == 1
        received = line.received_bytes
        await anyio.sleep(2)
        assert line.received_bytes == received


async def test_marks_of_cleared_audio_do_not_count_as_heard() -> None:
    async with far_end() as line:
        line.playout.write(sound(3000))
        await anyio.sleep(0.3)
        heard_ms = line.playout.clear()
        await anyio.sleep(1)
        assert line.playout.heard_ms == heard_ms
        line.playout.write(sound(500))
        await line.playout.drained()
        assert line.playout.heard_ms == pytest.approx(heard_ms + 500)


async def test_clear_on_an_idle_line_sends_nothing() -> None:
    async with far_end() as line:
        line.playout.write(sound(200))
        await line.playout.drained()
        line.playout.clear()
        await anyio.sleep(0.1)
        assert line.clears == 0


async def test_held_audio_stays_until_it_is_released() -> None:
    async with far_end() as line:
        line.playout.hold(True)
        line.playout.write(sound(400))
        await anyio.sleep(5)
        assert line.received_bytes == 0
        line.playout.hold(False)
        await line.playout.drained()
        assert bytes(line.played) == sound(400)


async def test_closed_line_lets_waiters_go() -> None:
    async with far_end() as line, anyio.create_task_group() as tasks:
        line.playout.write(sound(60_000))
        tasks.start_soon(line.playout.drained)
        await anyio.sleep(0.1)
        line.playout.close()


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.integers(1, 900)),
            st.tuples(st.just("wait"), st.integers(0, 700)),
            st.tuples(st.just("clear"), st.just(0)),
        ),
        max_size=25,
    ),
    st.sampled_from([0, 150, 600]),
)
@settings(max_examples=80, deadline=None)
def test_position_never_runs_back_or_beyond_what_was_written(steps: list[tuple[str, int]], late_ms: int) -> None:
    async def play() -> None:
        async with far_end(late_ms) as line:
            last_ms = 0.0
            for action, amount in steps:
                if action == "write":
                    line.playout.write(sound(amount))
                elif action == "wait":
                    await anyio.sleep(amount / 1000)
                else:
                    line.playout.clear()
                assert last_ms <= line.playout.heard_ms + 1e-6
                assert line.playout.heard_ms <= line.playout.written_ms + 1e-6
                last_ms = line.playout.heard_ms
            await line.playout.drained()
            assert line.playout.heard_ms == pytest.approx(line.playout.written_ms)
            assert line.longest_queue_ms <= 500 + late_ms

    anyio.run(play, backend=BACKEND[0], backend_options=BACKEND[1])
