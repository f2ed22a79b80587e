from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from singing_helpers import hear, hear_text, speak

from patter_mcp.errors import ProviderStatusError
from patter_mcp.testing.speech import FakeSpeech, Timing, TtsScript, sing
from patter_mcp.tts.base import TtsOptions
from patter_mcp.tts.cartesia import CartesiaTTS

pytestmark = pytest.mark.anyio


@pytest.fixture
async def vendors() -> AsyncGenerator[FakeSpeech]:
    fake = FakeSpeech(tts=TtsScript(timing=Timing(first_byte_ms=2, speed=400)))
    async with fake.run():
        yield fake


def cartesia(vendors: FakeSpeech, **settings: Any) -> CartesiaTTS:
    return CartesiaTTS(api_key="key", base_url=vendors.url, **settings)


async def test_every_message_of_a_context_says_the_same_but_for_the_text(vendors: FakeSpeech) -> None:
    async with cartesia(vendors, speed=1.2).open(TtsOptions(language="de-DE", voice="otto")) as voice:
        await hear(speak(voice, "Guten Tag.", "Wer da?"))
        messages = vendors.connections[0].messages()
    same = {
        "model_id": "sonic-3",
        "voice": {"mode": "id", "id": "otto"},
        "language": "de",
        "output_format": {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000},
        "add_timestamps": True,
        "max_buffer_delay_ms": 0,
        "generation_config": {"speed": 1.2},
        "context_id": "1",
    }
    assert messages == [
        {**same, "transcript": "Guten Tag. ", "continue": True},
        {**same, "transcript": "Wer da? ", "continue": True},
        {**same, "transcript": " ", "continue": False},
    ]
    asked = vendors.connections[0].asked
    assert (asked.headers["x-api-key"], asked.query) == ("key", {"cartesia_version": ["2025-04-16"]})


def chunk(text: str, context: str = "1") -> dict[str, object]:
    return {"type": "chunk", "done": False, "context_id": context, "data": b64encode(sing(text)).decode()}


def timestamps(*words: tuple[str, float]) -> dict[str, object]:
    return {
        "type": "timestamps",
        "done": False,
        "context_id": "1",
        "word_timestamps": {
            "words": [word for word, _ in words],
            "start": [0.0 for _ in words],
            "end": [end for _, end in words],
        },
    }


DONE = {"type": "done", "done": True, "context_id": "1"}


async def test_words_that_come_ahead_of_their_sound_place_it(vendors: FakeSpeech) -> None:
    vendors.tts.stall = True
    async with cartesia(vendors).open(TtsOptions()) as voice:
        utterance = speak(voice, "Hello there you.")
        words = timestamps(("Hello", 0.3), ("there", 0.66), ("you.", 0.96))
        for message in (words, chunk("Hell"), chunk("o the"), chunk("re you."), DONE):
            vendors.connections[0].send_json(message)
        assert [speech.text_chars for speech in await hear(utterance)] == [0, 5, 16]


async def test_a_word_that_is_written_differently_is_passed_over(vendors: FakeSpeech) -> None:
    vendors.tts.stall = True
    async with cartesia(vendors).open(TtsOptions()) as voice:
        utterance = speak(voice, "It is 5 past.")
        words = timestamps(("It", 0.12), ("is", 0.3), ("five", 0.42), ("past.", 0.78))
        for message in (words, chunk("It is 5"), chunk(" past."), DONE):
            vendors.connections[0].send_json(message)
        assert [speech.text_chars for speech in await hear(utterance)] == [5, 13]


async def test_speech_goes_on_over_a_new_connection_where_it_is_known_what_was_said(vendors: FakeSpeech) -> None:
    vendors.tts.stall = True
    async with cartesia(vendors).open(TtsOptions()) as voice:
        utterance = speak(voice, "Hello there you.")
        for message in (timestamps(("Hello", 0.3), ("there", 0.66)), chunk("Hello"), chunk(" th")):
            vendors.connections[0].send_json(message)
        vendors.tts.stall = False
        vendors.connections[0].close(1011)
        speeches = await hear(utterance)
        assert b"".join(speech.audio for speech in speeches) == sing("Hello th" + "there you. ")
        assert speeches[-1].text_chars == len("Hello there you.")


async def test_an_error_is_that_of_its_context(vendors: FakeSpeech) -> None:
    vendors.tts.stall = True
    async with cartesia(vendors).open(TtsOptions()) as voice:
        utterance = speak(voice, "Hello.")
        error = {"type": "error", "context_id": "1", "done": True, "message": "too many contexts", "status_code": 429}
        vendors.connections[0].send_json(error)
        with pytest.raises(ProviderStatusError, match="too many contexts") as failed:
            await hear(utterance)
        assert failed.value.retryable
        vendors.tts.stall = False
        assert await hear_text(speak(voice, "Again.")) == "Again."


async def test_cancelling_names_the_context(vendors: FakeSpeech) -> None:
    async with cartesia(vendors).open(TtsOptions()) as voice:
        speak(voice, "Hello.").cancel()
        await hear(speak(voice, "Again."))
        assert {"context_id": "1", "cancel": True} in vendors.connections[0].messages()
