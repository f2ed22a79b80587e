from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import anyio
import pytest
from singing_helpers import first_sound, hear, hear_text, speak

from patter_mcp.testing.speech import FakeSpeech, Timing, TtsScript
from patter_mcp.tts.base import TtsOptions
from patter_mcp.tts.deepgram import FLUSHES_PER_MINUTE, SPARE_FLUSHES, DeepgramTTS

pytestmark = pytest.mark.anyio


@pytest.fixture
async def vendors() -> AsyncGenerator[FakeSpeech]:
    fake = FakeSpeech(tts=TtsScript(timing=Timing(first_byte_ms=2, speed=400), confirm_ms=2, late_audio=True))
    async with fake.run():
        yield fake


def aura(vendors: FakeSpeech, **settings: Any) -> DeepgramTTS:
    return DeepgramTTS(api_key="key", base_url=vendors.url, **settings)


def types(vendors: FakeSpeech, connection: int = 0) -> list[str]:
    return [message["type"] for message in vendors.connections[connection].messages()]


@pytest.mark.parametrize(
    ("settings", "options", "model"),
    [
        ({}, TtsOptions(), "aura-2-thalia-en"),
        ({"voice": "apollo"}, TtsOptions(), "aura-2-apollo-en"),
        ({"voice": "apollo"}, TtsOptions(voice="celeste", language="es-MX"), "aura-2-celeste-es"),
        ({"model": "aura-asteria-en"}, TtsOptions(language="de"), "aura-asteria-en"),
        ({}, TtsOptions(voice="aura-2-andromeda-en"), "aura-2-andromeda-en"),
    ],
)
async def test_family_voice_and_language_make_the_model(
    vendors: FakeSpeech, settings: dict[str, str], options: TtsOptions, model: str
) -> None:
    async with aura(vendors, **settings).open(options):
        pass
    asked = vendors.connections[0].asked
    assert asked.query == {"model": [model], "encoding": ["mulaw"], "sample_rate": ["8000"]}
    assert asked.headers["authorization"] == "Token key"


async def test_the_first_piece_is_flushed_and_the_rest_share_one_flush(vendors: FakeSpeech) -> None:
    async with aura(vendors).open(TtsOptions()) as voice:
        await hear(speak(voice, "One.", "Two.", "Three."))
        assert types(vendors) == ["Speak", "Flush", "Speak", "Speak", "Flush"]


async def test_flushes_run_short_before_the_ends_of_utterances_do(vendors: FakeSpeech) -> None:
    async with aura(vendors).open(TtsOptions()) as voice:
        for turn in range(FLUSHES_PER_MINUTE - SPARE_FLUSHES):
            await hear(speak(voice, f"{turn}."))
        utterance = voice.utterance()
        utterance.feed("This waits")
        with anyio.fail_after(5):
            await vendors.server.until(lambda: types(vendors)[-1] == "Speak")
        utterance.feed("for its end.")
        utterance.end()
        assert await hear_text(utterance) == "This waits for its end."
        assert types(vendors).count("Flush") == FLUSHES_PER_MINUTE - SPARE_FLUSHES + 1


async def test_the_next_utterance_is_not_sent_before_the_cancelled_one_is_cleared(vendors: FakeSpeech) -> None:
    vendors.tts.confirm_ms = 60
    vendors.tts.timing = Timing(first_byte_ms=2, speed=20)
    async with aura(vendors).open(TtsOptions()) as voice:
        interrupted = speak(voice, "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz")
        await first_sound(interrupted)
        interrupted.cancel()
        waiting = speak(voice, "Yes?")
        with anyio.fail_after(5):
            await vendors.server.until(lambda: types(vendors)[-1] == "Clear")
        assert await hear_text(waiting) == "Yes?"
        assert types(vendors) == ["Speak", "Flush", "Clear", "Speak", "Flush"]


async def test_a_clear_that_is_never_confirmed_costs_the_connection_and_no_word(vendors: FakeSpeech) -> None:
    vendors.tts.confirm_ms = 60_000
    async with aura(vendors).open(TtsOptions()) as voice:
        interrupted = speak(voice, "zzzzzzzz")
        await first_sound(interrupted)
        interrupted.cancel()
        assert await hear_text(speak(voice, "Yes?")) == "Yes?"
        assert types(vendors, connection=1) == ["Speak", "Flush"]
        with anyio.fail_after(5):
            await vendors.server.until(lambda: not vendors.connections[0].open)


async def test_what_had_not_begun_to_sound_is_spoken_over_the_next_connection(vendors: FakeSpeech) -> None:
    vendors.tts.stall = True
    async with aura(vendors).open(TtsOptions()) as voice:
        utterance = speak(voice, "Not a word", "had been said.")
        with anyio.fail_after(5):
            await vendors.server.until(lambda: "Flush" in types(vendors))
        vendors.tts.stall = False
        vendors.connections[0].close(1011, "NET-0000")
        assert await hear_text(utterance) == "Not a word had been said."
