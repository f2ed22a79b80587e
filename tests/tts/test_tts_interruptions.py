"""Many short turns, interrupted anywhere, some over a connection that breaks: nobody hears another's words."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable

import anyio
import pytest
from singing_helpers import transcribe

from patter_mcp.errors import ProviderError
from patter_mcp.testing.speech import FakeSpeech, Timing, TtsScript
from patter_mcp.tts.base import TextToSpeech, TtsOptions, TtsStream
from patter_mcp.tts.cartesia import CartesiaTTS
from patter_mcp.tts.deepgram import DeepgramTTS
from patter_mcp.tts.elevenlabs import ElevenLabsTTS

pytestmark = pytest.mark.anyio

VENDORS: dict[str, Callable[..., TextToSpeech]] = {
    "cartesia": CartesiaTTS,
    "deepgram": DeepgramTTS,
    "elevenlabs": ElevenLabsTTS,
}


@pytest.fixture
async def vendors() -> AsyncGenerator[FakeSpeech]:
    timing = Timing(first_byte_ms=1, speed=200)
    fake = FakeSpeech(tts=TtsScript(timing=timing, confirm_ms=3, late_audio=True))
    async with fake.run():
        yield fake


async def one_turn(voice: TtsStream, dice: random.Random, name: str) -> None:
    """Says a few pieces in its own letter; listens to all of it, or cancels after a few sounds."""
    pieces = [name * dice.randint(3, 12) + "." for _ in range(dice.randint(1, 3))]
    patience = dice.choice([0, 1, 3, 1000])
    utterance = voice.utterance()
    heard = bytearray()

    async def listen() -> None:
        sounds = 0
        async for speech in utterance:
            heard.extend(speech.audio)
            sounds += 1
            if sounds > patience:
                utterance.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        for piece in pieces:
            utterance.feed(piece)
            await anyio.sleep(dice.choice([0, 0, 0.003]))
        if patience == 0:
            utterance.cancel()
        utterance.end()
    text = transcribe(bytes(heard)).replace(" ", "")
    assert "".join(pieces).startswith(text)
    if patience == 1000:
        assert text == "".join(pieces)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("vendor", VENDORS)
async def test_every_turn_hears_itself_alone(vendor: str, seed: int, vendors: FakeSpeech) -> None:
    dice = random.Random(seed)
    with anyio.fail_after(20):
        async with VENDORS[vendor](api_key="key", base_url=vendors.url).open(TtsOptions()) as voice:
            for turn in range(10):
                async with anyio.create_task_group() as tasks:
                    for name in dice.sample("abcdefgh", dice.randint(1, 2)):
                        tasks.start_soon(one_turn, voice, random.Random(f"{seed}{turn}{name}"), name)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_turn_over_a_breaking_connection_is_complete_or_says_that_it_is_not(
    vendor: str, seed: int, vendors: FakeSpeech
) -> None:
    dice = random.Random(seed)
    complete = 0
    with anyio.fail_after(20):
        async with VENDORS[vendor](api_key="key", base_url=vendors.url).open(TtsOptions()) as voice:
            for name in "abcdefgh":
                vendors.tts.cut_after_chars = dice.choice([None, None, 3, 8, 15, 21])
                utterance = voice.utterance()
                words = [name * 4, name * 5, name * 6]
                for word in words:
                    utterance.feed(word)
                utterance.end()
                try:
                    heard = transcribe(b"".join([speech.audio async for speech in utterance]))
                except ProviderError as error:
                    assert error.retryable
                    vendors.tts.cut_after_chars = None
                    continue
                complete += 1
                assert set(heard) <= {name, " "}
                # A word may be said again, none is left out.
                assert len(heard.replace(" ", "")) >= len("".join(words))
    assert complete
