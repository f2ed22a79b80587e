from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import anyio
import pytest
from hearing_helpers import listening
from stream_reader import feed, say, voice

from patter_mcp.audio.frame import silence
from patter_mcp.stt.base import EagerEndOfTurn, Final, Interim, SpeechStarted, SttEvent, SttOptions, TurnResumed
from patter_mcp.stt.deepgram_flux import DeepgramFluxSTT, FluxCodec
from patter_mcp.testing.speech import FakeSpeech, SttScript

pytestmark = pytest.mark.anyio


@pytest.fixture
async def vendors() -> AsyncGenerator[FakeSpeech]:
    fake = FakeSpeech(stt=SttScript(latency_ms=1))
    async with fake.run():
        yield fake


def flux(vendors: FakeSpeech, **settings: Any) -> DeepgramFluxSTT:
    return DeepgramFluxSTT(api_key="key", base_url=vendors.url, **settings)


async def test_what_flux_is_asked_for(vendors: FakeSpeech) -> None:
    stt = flux(vendors, eager_eot_threshold=0.4, eot_threshold=0.8, eot_timeout_ms=3000)
    async with stt.open(SttOptions(hints=["Napoli"])):
        pass
    assert vendors.connections[0].asked.query == {
        "model": ["flux-general-en"],
        "encoding": ["mulaw"],
        "sample_rate": ["8000"],
        "keyterm": ["Napoli"],
        "eager_eot_threshold": ["0.4"],
        "eot_threshold": ["0.8"],
        "eot_timeout_ms": ["3000"],
    }


async def test_the_multilingual_model_is_told_the_language(vendors: FakeSpeech) -> None:
    async with flux(vendors, model="flux-general-multi").open(SttOptions(language="de")):
        pass
    assert vendors.connections[0].asked.query["language_hint"] == ["de"]


async def test_a_turn_with_a_pause_ends_eagerly_resumes_and_ends(vendors: FakeSpeech) -> None:
    async with listening(flux(vendors)) as ear:
        feed(ear.stream, voice(600) + silence(300) + voice(400) + silence(500))
        await ear.turns(1)
    kinds: list[type[SttEvent]] = [type(event) for event in ear.events if not isinstance(event, Interim)]
    assert kinds == [SpeechStarted, EagerEndOfTurn, TurnResumed, EagerEndOfTurn, Final]
    assert ear.of(EagerEndOfTurn)[-1] == EagerEndOfTurn(text="this is turn 0")
    assert ear.of(Final) == [Final(text="this is turn 0", end_of_turn=True)]


async def test_without_a_threshold_nothing_is_eager(vendors: FakeSpeech) -> None:
    async with listening(flux(vendors, eager_eot_threshold=None)) as ear:
        say(ear.stream)
        await ear.turns(1)
        assert ear.of(EagerEndOfTurn) == []


async def test_audio_leaves_in_pieces_of_80_ms_and_the_rest_on_finalize() -> None:
    codec = FluxCodec()
    frames = [bytes([number]) * 160 for number in range(6)]
    assert [codec.encode(frame) for frame in frames] == [None, None, None, b"".join(frames[:4]), None, None]
    assert codec.finalize() == (b"".join(frames[4:]),)
    assert codec.finalize() == ()


async def test_finalize_reaches_the_vendor(vendors: FakeSpeech) -> None:
    async with flux(vendors).open(SttOptions()) as stream:
        feed(stream, silence(100))
        stream.finalize()
    with anyio.fail_after(5):
        await vendors.server.until(lambda: not vendors.connections[0].open)
    assert vendors.connections[0].audio_bytes == 800


async def test_where_no_audio_comes_flux_is_given_silence_to_end_the_turn_by(vendors: FakeSpeech) -> None:
    async with listening(flux(vendors)) as ear:
        feed(ear.stream, voice(640))
        assert await ear.turns(1) == ["this is turn 0"]
        assert ear.stream.audio_sec == pytest.approx(1.14)


async def test_an_error_message_makes_for_a_new_connection(vendors: FakeSpeech) -> None:
    async with listening(flux(vendors)) as ear:
        vendors.connections[0].send('{"type":"Error","code":"INTERNAL_SERVER_ERROR","description":"oops"}')
        await ear.until(lambda: bool(ear.events))
        assert "INTERNAL_SERVER_ERROR" in str(ear.events[0])
        assert len(vendors.connections) == 2
