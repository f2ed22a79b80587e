from __future__ import annotations

from collections.abc import AsyncGenerator

import anyio
import pytest
from singing_helpers import first_sound, hear, hear_text, speak, transcribe

from patter_mcp.errors import ProviderStatusError, overcome
from patter_mcp.testing.speech import FakeSpeech, Timing, TtsScript
from patter_mcp.tts.base import TtsOptions
from patter_mcp.tts.cartesia import CartesiaTTS
from patter_mcp.tts.deepgram import DeepgramTTS
from patter_mcp.tts.elevenlabs import ElevenLabsTTS
from patter_mcp.tts.fallback import FallbackTTS, FallbackVoice, Share

pytestmark = pytest.mark.anyio

TEXT = "I was cut in the middle of a sentence."


@pytest.fixture
async def first() -> AsyncGenerator[FakeSpeech]:
    fake = FakeSpeech(tts=TtsScript(timing=Timing(first_byte_ms=2, speed=400)))
    async with fake.run():
        yield fake


@pytest.fixture
async def second() -> AsyncGenerator[FakeSpeech]:
    fake = FakeSpeech(tts=TtsScript(timing=Timing(first_byte_ms=2, speed=400)))
    async with fake.run():
        yield fake


@pytest.fixture
def tts(first: FakeSpeech, second: FakeSpeech) -> FallbackTTS:
    return FallbackTTS(
        ElevenLabsTTS(api_key="key", base_url=first.url), CartesiaTTS(api_key="key", base_url=second.url)
    )


def providers(voice: object) -> list[str]:
    assert isinstance(voice, FallbackVoice)
    return [share.provider for share in voice.shares]


async def test_the_first_one_speaks_and_the_others_are_not_asked(tts: FallbackTTS, second: FakeSpeech) -> None:
    assert (tts.provider, tts.model) == ("elevenlabs", "eleven_flash_v2_5")
    async with tts.open(TtsOptions()) as voice:
        assert await hear_text(speak(voice, "Hello.", "It is me.")) == "Hello. It is me."
        assert voice.shares == [Share(provider="elevenlabs", model="eleven_flash_v2_5", characters=15)]
    assert second.server.attempts == 0


async def test_one_that_cannot_be_opened_is_passed_over(tts: FallbackTTS, first: FakeSpeech) -> None:
    first.faults.refuse(401)
    async with tts.open(TtsOptions()) as voice:
        assert await hear_text(speak(voice, "Hello.")) == "Hello."
        assert providers(voice) == ["cartesia"]
        assert [error.code for error in overcome(voice)] == ["provider-status"]


async def test_where_none_can_be_opened_the_last_ones_reason_is_given(
    tts: FallbackTTS, first: FakeSpeech, second: FakeSpeech
) -> None:
    first.faults.refuse(401)
    second.faults.refuse(402)
    with pytest.raises(ProviderStatusError, match="cartesia answered 402"):
        async with tts.open(TtsOptions()):
            pass


async def test_what_was_not_said_is_said_by_the_next(tts: FallbackTTS, first: FakeSpeech) -> None:
    first.tts.cut_after_chars = 8
    async with tts.open(TtsOptions()) as voice:
        utterance = speak(voice, "I was cut in the middle", "of a sentence.")
        first.faults.refuse(402, "no credits")
        speeches = await hear(utterance)
        heard = transcribe(b"".join(speech.audio for speech in speeches))
        # The word that was cut is said again.
        assert heard == "I was cu" + "cut in the middle of a sentence."
        assert speeches[-1].text_chars == len(TEXT)
        assert providers(voice) == ["elevenlabs", "cartesia"]
        # The cut itself, and that there was no coming back.
        assert [error.code for error in overcome(utterance)] == ["provider-connection", "provider-status"]
        assert await hear_text(speak(voice, "Onwards.")) == "Onwards."
        assert voice.characters == len(TEXT) - 1 + len("cut in the middle of a sentence.") + len("Onwards.")
    with anyio.fail_after(5):
        await first.server.until(lambda: first.server.open_sockets == 0)


async def test_text_that_comes_after_the_change_is_said_too(tts: FallbackTTS, first: FakeSpeech) -> None:
    first.tts.stall = True
    async with tts.open(TtsOptions()) as voice:
        utterance = voice.utterance()
        utterance.feed("One.")
        first.connections[0].close(1008, "quota_exceeded")
        assert await first_sound(utterance)
        utterance.feed("Two.")
        utterance.end()
        assert (await hear_text(utterance)).endswith("Two.")


async def test_where_the_place_is_not_known_rather_a_word_is_said_twice(first: FakeSpeech, second: FakeSpeech) -> None:
    tts = FallbackTTS(DeepgramTTS(api_key="key", base_url=first.url), DeepgramTTS(api_key="key", base_url=second.url))
    async with tts.open(TtsOptions()) as voice:
        first.tts.cut_after_chars = 20
        heard = await hear_text(speak(voice, TEXT))
        # Twenty characters were sung; the estimate takes them for sixteen.
        assert heard == "I was cut in the mid" + "middle of a sentence."


async def test_cancelling_during_the_change_is_silence(tts: FallbackTTS, first: FakeSpeech, second: FakeSpeech) -> None:
    second.faults.setup_ms = 30
    async with tts.open(TtsOptions()) as voice:
        first.tts.stall = True
        utterance = speak(voice, "Never mind.")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hear, utterance)
            first.connections[0].close(1008)
            with anyio.fail_after(5):
                await second.server.until(lambda: second.server.attempts == 1)
            utterance.cancel()
        assert await hear_text(speak(voice, "Hello.")) == "Hello."
        assert all("Never" not in message for message in second.connections[0].received)


async def test_when_all_have_failed_the_utterance_fails(
    tts: FallbackTTS, first: FakeSpeech, second: FakeSpeech
) -> None:
    first.tts.stall = True
    async with tts.open(TtsOptions()) as voice:
        utterance = speak(voice, "Hello.")
        second.faults.refuse(402)
        first.connections[0].close(1008)
        with pytest.raises(ProviderStatusError, match="cartesia answered 402"):
            await hear(utterance)


async def test_another_utterance_on_the_provider_that_was_left_moves_too(tts: FallbackTTS, first: FakeSpeech) -> None:
    first.tts.stall = True
    async with tts.open(TtsOptions()) as voice:
        held, spoken = speak(voice, "Held back."), speak(voice, "Spoken.")
        error = {"message": "no", "error": "quota_exceeded", "contextId": "2"}
        first.connections[0].send_json(error)
        assert await hear_text(spoken) == "Spoken."
        assert await hear_text(held) == "Held back."
