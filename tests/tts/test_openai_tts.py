from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import anyio
import pytest
from singing_helpers import first_sound, hear, hear_text, speak

from patter_mcp.errors import ProviderStatusError
from patter_mcp.testing.llm.http import LoopbackServer, Request, Response
from patter_mcp.testing.speech import FakeSpeech, Timing, TtsScript
from patter_mcp.testing.speech.singing import sing_pcm
from patter_mcp.tts.base import TtsOptions
from patter_mcp.tts.openai import OpenAITTS

pytestmark = pytest.mark.anyio


@pytest.fixture
async def vendors() -> AsyncGenerator[FakeSpeech]:
    fake = FakeSpeech(tts=TtsScript(timing=Timing(first_byte_ms=2, speed=400)))
    async with fake.run():
        yield fake


def openai(vendors: FakeSpeech, **settings: Any) -> OpenAITTS:
    return OpenAITTS(api_key="key", base_url=vendors.openai_url, model="gpt-4o-mini-tts", **settings)


async def test_what_openai_is_asked_for(vendors: FakeSpeech) -> None:
    async with openai(vendors, instructions="calm", speed=1.1).open(TtsOptions(voice="coral")) as voice:
        await hear(speak(voice, "Hello."))
    exchange = vendors.server.exchanges[0]
    assert exchange.asked.headers["authorization"] == "Bearer key"
    assert exchange.json() == {
        "model": "gpt-4o-mini-tts",
        "voice": "coral",
        "input": "Hello.",
        "response_format": "pcm",
        "instructions": "calm",
        "speed": 1.1,
    }


async def test_chunks_that_end_in_the_middle_of_a_sample_sound_the_same(vendors: FakeSpeech) -> None:
    async with openai(vendors).open(TtsOptions()) as voice:
        even = b"".join(speech.audio for speech in await hear(speak(voice, "The odd byte out.")))
        vendors.tts.odd_bytes = True
        odd = b"".join(speech.audio for speech in await hear(speak(voice, "The odd byte out.")))
        assert odd == even
        assert abs(len(even) - 17 * 480) <= 8


async def test_the_next_piece_is_asked_for_while_the_first_is_still_sounding(vendors: FakeSpeech) -> None:
    vendors.tts.timing = Timing(first_byte_ms=2, speed=5)
    pieces = ["The first piece is rather long.", "The second is not.", "And this is the third."]
    async with openai(vendors).open(TtsOptions()) as voice:
        utterance = speak(voice, *pieces)
        with anyio.fail_after(5):
            await vendors.server.until(lambda: len(vendors.server.exchanges) == 2)
        assert all(exchange.open for exchange in vendors.server.exchanges)
        assert (await hear_text(utterance)).replace(" ", "") == "".join(pieces).replace(" ", "")
        assert [exchange.json()["input"] for exchange in vendors.server.exchanges] == pieces


async def test_a_piece_that_is_refused_ends_the_utterance_in_its_place(vendors: FakeSpeech) -> None:
    async with openai(vendors).open(TtsOptions()) as voice:
        utterance = voice.utterance()
        utterance.feed("This one sounds.")
        await first_sound(utterance)
        with anyio.fail_after(5):
            await vendors.server.until(lambda: not vendors.server.exchanges[0].open)
        vendors.faults.refuse(429, '{"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}}')
        utterance.feed("This one does not.")
        utterance.end()
        with pytest.raises(ProviderStatusError, match="Rate limit reached") as refused:
            await hear(utterance)
        assert refused.value.retryable


async def test_money_that_has_run_out_is_not_waited_for(vendors: FakeSpeech) -> None:
    async with openai(vendors).open(TtsOptions()) as voice:
        vendors.faults.refuse(
            429, '{"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}'
        )
        with pytest.raises(ProviderStatusError) as refused:
            await hear(speak(voice, "Hello."))
        assert not refused.value.retryable


async def test_a_connection_that_died_while_idle_is_made_anew(vendors: FakeSpeech) -> None:
    async with openai(vendors).open(TtsOptions()) as voice:
        await hear(speak(voice, "Hello."))
        vendors.server.cut_all()
        assert await hear_text(speak(voice, "Again.")) == "Again."


class Simple(LoopbackServer):
    """Knows POST and no other method."""

    prefix = "/v1"

    async def respond(self, request: Request, response: Response) -> None:
        if request.method == "POST":
            await response.send(200, {}, sing_pcm("Hi.", 24_000))
        else:
            await response.send(501, {}, b"")


async def test_server_that_does_not_know_the_method_we_knock_with_speaks_all_the_same() -> None:
    async with Simple() as server, OpenAITTS(api_key="key", base_url=server.base_url).open(TtsOptions()) as voice:
        assert await hear_text(speak(voice, "Hi.")) == "Hi."
