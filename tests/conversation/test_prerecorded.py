"""Words for a line on which no voice can be had: the recordings, and when they are heard. In virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import anyio
import pytest
from record_phrases import spoken

from patter_mcp import events as ev
from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.audio.g711 import decode
from patter_mcp.conversation.phrases import LANGUAGES, Phrases
from patter_mcp.conversation.prerecorded import Name, prerecorded
from patter_mcp.errors import ProviderConnectionError
from patter_mcp.hooks import HookContext, PipelineHooks
from patter_mcp.stt.base import Final, Interim
from patter_mcp.testing.scripted import ScriptedTTS
from patter_mcp.tts.espeak.library import installed
from patter_mcp.types import EndReason

pytestmark = pytest.mark.anyio

OpenStage = Callable[..., Any]
MOMENT, TROUBLE = prerecorded("one_moment", "en"), prerecorded("trouble", "en")
RINGING_SEC = 1.0
"""While which the stage makes the first message."""
GONE = ProviderConnectionError("The voice is gone.", provider="voice")


class TestRecordings:
    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("name", get_args(Name))
    def test_are_there_in_every_language_and_can_be_heard(self, name: Name, language: str) -> None:
        audio = prerecorded(name, language).audio
        loudest = max(abs(sample) for sample in memoryview(decode(audio)).cast("h"))
        assert 800 < len(audio) / BYTES_PER_MS < 6000
        assert loudest > 8000

    @pytest.mark.skipif(not installed(), reason="needs espeak-ng")
    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    @pytest.mark.parametrize("language", LANGUAGES)
    async def test_say_what_the_phrases_say_today(self, language: str) -> None:
        for name in get_args(Name):
            text, audio = prerecorded(name, language)
            # Another version of the voice may say it a little differently; other words take another time.
            assert len(audio) == pytest.approx(len(await spoken(text, language)), rel=0.01)

    def test_of_a_language_without_phrases_are_english(self) -> None:
        assert prerecorded("trouble", "pl") == TROUBLE
        assert prerecorded("trouble", "de-AT") == prerecorded("trouble", "de")


async def test_voice_that_fails_on_the_very_first_words_leaves_us_an_apology(stage: OpenStage) -> None:
    async with stage(tts=ScriptedTTS(first_byte_sec=RINGING_SEC + 0.5, error=GONE), language="fr-CA") as s:
        parting = await s.ended()
        assert s.leg.playout.heard_ms == len(prerecorded("trouble", "fr").audio) / BYTES_PER_MS
    assert parting.reason is EndReason.PROVIDER_FAILED
    assert s.journal.transcript == [("agent", prerecorded("trouble", "fr").text)]
    assert [(event.part, event.recovered) for event in s.journal.of(ev.ProviderTrouble)] == [("tts", False)]


async def test_first_words_that_are_late_are_bridged_and_then_said(stage: OpenStage) -> None:
    async with stage(tts=ScriptedTTS(first_byte_sec=RINGING_SEC + 5)) as s:
        answered_at = anyio.current_time()
        while not s.leg.playout.written_ms:
            await s.leg.quiet(0.02)
        assert anyio.current_time() - answered_at == pytest.approx(1.6, abs=0.15)
        while s.leg.playout.written_ms <= 2 * len(MOMENT.audio) / BYTES_PER_MS:
            await s.leg.quiet(0.02)
        await s.agent_has_spoken()
    assert s.journal.transcript == [("agent", f"{MOMENT.text} {MOMENT.text} Hi, this is Ann.")]


async def test_later_calls_are_bridged_in_the_agents_own_voice_and_words(stage: OpenStage) -> None:
    phrases = Phrases(one_moment="Just a second.", bear_with_me="Soon.")
    voice = ScriptedTTS()
    async with stage(tts=voice, phrases=phrases) as first:
        await first.agent_has_spoken()
        await first.leg.quiet(1)
    voice.first_byte_sec = RINGING_SEC + 3
    async with stage(after=first) as s:
        while s.leg.playout.written_ms <= len("Just a second.") * 60:
            await s.leg.quiet(0.02)
        await s.agent_has_spoken()
    assert s.journal.transcript == [("agent", "Just a second. Hi, this is Ann.")]


async def test_hello_over_a_bridged_silence_does_not_swallow_the_first_words(stage: OpenStage) -> None:
    voice = ScriptedTTS(first_byte_sec=RINGING_SEC + 4)
    async with stage(tts=voice, first_message="Hi, this is Ann, I am calling about a table.") as s:
        while s.leg.playout.written_ms <= 2 * len(MOMENT.audio) / BYTES_PER_MS:
            await s.leg.quiet(0.02)
        voice.first_byte_sec = 0.1
        await s.leg.speak(1)
        s.words.emit(Interim(text="hello who is there"))
        await s.leg.quiet(0.3)
        s.words.emit(Final(text="hello who is there", end_of_turn=True))
        await s.agent_has_spoken()
    assert s.journal.transcript[-1] == ("agent", "Hi, this is Ann, I am calling about a table.")


async def test_apology_that_the_voice_cannot_make_either_is_the_recorded_one(stage: OpenStage) -> None:
    voice = ScriptedTTS(first_byte_sec=RINGING_SEC + 0.5)
    async with stage(tts=voice) as s:
        await s.agent_has_spoken()
        voice.error = GONE
        s.words.emit(ProviderConnectionError("The ear is gone.", provider="ear"))
        await s.ended()
    assert s.journal.transcript == [("agent", "Hi, this is Ann."), ("agent", TROUBLE.text)]
    assert {event.part for event in s.journal.of(ev.ProviderTrouble)} == {"stt", "tts"}


async def test_no_hook_stands_in_the_way_of_the_last_resort(stage: OpenStage) -> None:
    async def louder(text: str, context: HookContext) -> str:
        return text.upper()

    hooks = PipelineHooks(before_synthesize=louder)
    async with stage(tts=ScriptedTTS(first_byte_sec=RINGING_SEC + 0.5, error=GONE), hooks=hooks) as s:
        await s.ended()
    assert s.journal.transcript == [("agent", TROUBLE.text)]
