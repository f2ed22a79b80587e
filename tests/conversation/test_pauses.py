"""The end of a turn is guessed before a detector that hangs on to a voice admits it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from patter_mcp.audio.frame import FRAME_MS
from patter_mcp.stt.base import Final, Interim
from patter_mcp.testing.scripted import Say
from patter_mcp.vad.base import VoiceActivity

pytestmark = pytest.mark.anyio

HANGS_ON_FRAMES = 12


class HesitantDetector:
    """Hears a voice for 240 ms longer than there is one."""

    def load(self) -> None: ...

    def open(self, listener: Callable[[VoiceActivity], None]) -> HesitantStream:
        return HesitantStream(listener)


class HesitantStream:
    def __init__(self, listener: Callable[[VoiceActivity], None]) -> None:
        self._listener = listener
        self._frames = 0
        self._quiet_frames = HANGS_ON_FRAMES

    def feed(self, frame: bytes) -> None:
        self._frames += 1
        self._quiet_frames = self._quiet_frames + 1 if frame.count(0xFF) == len(frame) else 0
        voiced = self._quiet_frames < HANGS_ON_FRAMES
        at_ms = self._frames * FRAME_MS
        self._listener(VoiceActivity(probability=float(voiced), at_ms=at_ms, window_ms=FRAME_MS))

    def close(self) -> None: ...


async def test_reply_is_begun_80_ms_after_the_last_sound(stage: Any) -> None:
    async with stage(Say("At three."), detector=HesitantDetector) as s:
        await s.agent_has_spoken()
        await s.leg.speak(1.0)
        s.words.emit(Interim(text="What time?"))
        await s.leg.quiet(0.06)
        assert len(s.llm.requests) == 0
        await s.leg.quiet(0.02)
        assert len(s.llm.requests) == 1
        await s.leg.quiet(0.2)
        s.words.emit(Final(text="What time?", end_of_turn=True))
        await s.agent_has_spoken()
    assert len(s.llm.requests) == 1
    assert s.journal.transcript[-1] == ("agent", "At three.")


async def test_what_sounds_while_a_voicemail_records_us_begins_no_reply(stage: Any) -> None:
    async with stage(Say("Please call back."), detector=HesitantDetector) as s:
        await s.agent_has_spoken()
        await s.leg.speak(1.0)
        s.words.emit(Final(text="Please leave a message after the tone.", end_of_turn=True))
        await s.leg.quiet(6)
        asked = len(s.llm.requests)
        await s.leg.speak(1.0)
        await s.leg.quiet(1.0)
        assert len(s.llm.requests) == asked


async def test_a_stop_between_two_sounds_over_our_speech_does_not_make_an_interruption_later(stage: Any) -> None:
    async with stage(Say("This is a long answer. " * 40), detector=HesitantDetector) as s:
        await s.agent_has_spoken()
        await s.user_says("Tell me all of it.")
        await s.leg.quiet(1)
        await s.leg.speak(0.3)
        await s.leg.quiet(3)
        assert s.leg.playout.cleared_count == 1, "a cough; the next sound has to last"
        await s.leg.speak(0.3)
        await s.leg.quiet(0.1)
        await s.leg.speak(0.2)
        assert s.leg.playout.cleared_count == 2


async def test_frames_that_come_when_the_conversation_is_over_begin_nothing(stage: Any) -> None:
    async with stage(detector=HesitantDetector) as s:
        await s.agent_has_spoken()
        await s.leg.speak(1.0)
        s.words.emit(Interim(text="What time?"))
        await s.leg.quiet(0.04)
    await s.leg.quiet(0.2)
    assert s.llm.requests == []
