from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

from patter_mcp.conversation.frame_filter import MOST_WAITING_FRAMES, FrameFilter
from patter_mcp.hooks import HookContext, HookLimits, HookRunner, PipelineHooks

pytestmark = pytest.mark.anyio


class Ear:
    """Frames that came through, and how many of them the test waits for."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self._wanted = 0
        self._there = anyio.Event()

    def feed(self, frame: bytes) -> None:
        self.frames.append(frame)
        if len(self.frames) >= self._wanted:
            self._there.set()

    async def has(self, count: int) -> None:
        self._wanted, self._there = count, anyio.Event()
        if len(self.frames) < count:
            await self._there.wait()


@asynccontextmanager
async def filtering(ear: Ear, hooks: PipelineHooks) -> AsyncGenerator[FrameFilter]:
    context = HookContext(call_id="call_1")
    async with anyio.create_task_group() as tasks:
        frames = FrameFilter(HookRunner(hooks, context, limits=HookLimits(audio_sec=60)), ear.feed)
        tasks.start_soon(frames.run)
        yield frames
        tasks.cancel_scope.cancel()


async def test_frames_keep_their_order_though_one_takes_long() -> None:
    async def shape(frame: bytes, _: HookContext) -> bytes:
        await anyio.sleep(0.5 if frame == b"a" else 0)
        return frame.upper()

    ear = Ear()
    async with filtering(ear, PipelineHooks(before_send_to_stt=shape)) as frames:
        for frame in (b"a", b"b", b"c"):
            frames.hear(frame)
        await ear.has(3)
    assert ear.frames == [b"A", b"B", b"C"]


async def test_dropped_frames_are_not_heard() -> None:
    ear = Ear()
    hooks = PipelineHooks(before_send_to_stt=lambda frame, _: None if frame == b"b" else frame)
    async with filtering(ear, hooks) as frames:
        for frame in (b"a", b"b", b"c"):
            frames.hear(frame)
        await ear.has(2)
    assert ear.frames == [b"a", b"c"]


async def test_hook_slower_than_speech_is_left_out_until_it_has_caught_up(caplog: pytest.LogCaptureFixture) -> None:
    async def shape(frame: bytes, _: HookContext) -> bytes:
        await anyio.sleep(0.1)
        return b"shaped"

    ear = Ear()
    async with filtering(ear, PipelineHooks(before_send_to_stt=shape)) as frames:
        for _ in range(3 * MOST_WAITING_FRAMES):
            frames.hear(b"raw")
        await ear.has(3 * MOST_WAITING_FRAMES)
    assert ear.frames.index(b"shaped") == 2 * MOST_WAITING_FRAMES - 1
    assert ear.frames.count(b"raw") == 2 * MOST_WAITING_FRAMES - 1
    assert len(caplog.records) == 1
