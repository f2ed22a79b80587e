from __future__ import annotations

from collections.abc import AsyncGenerator

import anyio
import pytest
from hearing_helpers import listening
from stream_reader import feed, say, voice

from patter_mcp.audio.frame import silence
from patter_mcp.errors import ProviderStatusError
from patter_mcp.stt.base import Final, Reconnected, SpeechStarted, SttOptions
from patter_mcp.stt.deepgram import DeepgramSTT
from patter_mcp.stt.deepgram_flux import DeepgramFluxSTT
from patter_mcp.stt.fallback import FallbackStream, FallbackSTT, Share
from patter_mcp.stt.openai import OpenAISTT
from patter_mcp.testing.speech import FakeSpeech, SttScript

pytestmark = pytest.mark.anyio


@pytest.fixture
async def first() -> AsyncGenerator[FakeSpeech]:
    fake = FakeSpeech(stt=SttScript(latency_ms=1))
    async with fake.run():
        yield fake


@pytest.fixture
async def second() -> AsyncGenerator[FakeSpeech]:
    fake = FakeSpeech(stt=SttScript(latency_ms=1, transcription_ms=(1,), transcripts=["second to hear"]))
    async with fake.run():
        yield fake


@pytest.fixture
def stt(first: FakeSpeech, second: FakeSpeech) -> FallbackSTT:
    return FallbackSTT(
        DeepgramSTT(api_key="key", base_url=first.url), OpenAISTT(api_key="key", base_url=second.openai_url)
    )


def shares(stream: object) -> list[Share]:
    assert isinstance(stream, FallbackStream)
    return list(stream.shares)


async def test_the_first_one_listens_and_the_others_are_not_asked(stt: FallbackSTT, second: FakeSpeech) -> None:
    assert (stt.provider, stt.model) == ("deepgram", "nova-3")
    async with listening(stt) as ear:
        say(ear.stream)
        assert await ear.turns(1) == ["this is turn 0"]
        assert ear.stream.audio_sec == pytest.approx(1.3)
        assert [share.provider for share in shares(ear.stream)] == ["deepgram"]
    assert second.server.attempts == 0


async def test_one_that_cannot_be_opened_is_passed_over(stt: FallbackSTT, first: FakeSpeech) -> None:
    first.faults.refuse(401)
    async with listening(stt) as ear:
        say(ear.stream)
        assert await ear.turns(1) == ["second to hear"]
        assert shares(ear.stream) == [
            Share(provider="openai", model=OpenAISTT(api_key="k").model, audio_sec=ear.stream.audio_sec)
        ]


async def test_where_none_can_be_opened_the_last_ones_reason_is_given(
    stt: FallbackSTT, first: FakeSpeech, second: FakeSpeech
) -> None:
    first.faults.refuse(401)
    second.faults.refuse(402)
    with pytest.raises(ProviderStatusError, match="openai answered 402"):
        async with stt.open(SttOptions()):
            pass


async def test_one_that_fails_in_a_turn_is_followed_by_another_that_hears_the_turn(
    stt: FallbackSTT, first: FakeSpeech
) -> None:
    async with listening(stt) as ear:
        feed(ear.stream, silence(100) + voice(400))
        await ear.until(lambda: bool(ear.of(SpeechStarted)))
        first.connections[0].close(1008, "DATA-0000")
        # Spoken while nobody listens.
        feed(ear.stream, voice(100))
        await ear.until(lambda: bool(ear.of(Reconnected)))
        feed(ear.stream, silence(500))
        assert await ear.turns(1) == ["second to hear"]
        reconnected = ear.of(Reconnected)[0]
        assert isinstance(reconnected, Reconnected)
        assert "DATA-0000" in reconnected.message
        assert "openai has taken over" in reconnected.message
        assert [share.provider for share in shares(ear.stream)] == ["deepgram", "openai"]
        # It was played what came before.
        assert shares(ear.stream)[1].audio_sec == pytest.approx(1.1)
        assert ear.stream.audio_sec == pytest.approx(1.1)
    assert not first.connections[0].open


async def test_what_was_settled_before_the_failure_is_not_heard_again(stt: FallbackSTT, first: FakeSpeech) -> None:
    async with listening(stt) as ear:
        say(ear.stream, pause_ms=1000)
        await ear.turns(1)
        first.connections[0].close(1008)
        await ear.until(lambda: bool(ear.of(Reconnected)))
        say(ear.stream)
        assert await ear.turns(2) == ["this is turn 0", "second to hear"]
        assert len(ear.of(Final)) == 2


async def test_when_all_have_failed_the_iteration_ends_with_the_error(
    stt: FallbackSTT, first: FakeSpeech, second: FakeSpeech
) -> None:
    async with listening(stt) as ear:
        first.connections[0].close(1008)
        await ear.until(lambda: bool(ear.of(Reconnected)))
        second.connections[0].close(1008)
        await ear.until(lambda: ear.error is not None)
        assert isinstance(ear.error, ProviderStatusError)


async def test_only_what_all_can_signal_is_promised(first: FakeSpeech) -> None:
    flux = DeepgramFluxSTT(api_key="key", base_url=first.url)
    nova = DeepgramSTT(api_key="key", base_url=first.url)
    assert FallbackSTT(flux).end_of_turn == "semantic"
    assert FallbackSTT(flux, nova).end_of_turn == "silence"


async def test_leaving_the_block_leaves_no_socket(stt: FallbackSTT, first: FakeSpeech, second: FakeSpeech) -> None:
    async with listening(stt) as ear:
        first.connections[0].close(1008)
        await ear.until(lambda: bool(ear.of(Reconnected)))
    for fake in (first, second):
        with anyio.fail_after(5):
            await fake.server.until(lambda: fake.server.open_sockets == 0)  # noqa: B023
