"""What every recogniser behind a websocket does, whoever its vendor is."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

import anyio
import pytest
from hearing_helpers import listening
from stream_reader import feed, say, voice

from patter_mcp.audio.frame import silence
from patter_mcp.errors import (
    ProviderConnectionError,
    ProviderError,
    ProviderProtocolError,
    ProviderStatusError,
    ProviderTimeout,
)
from patter_mcp.stt.base import Final, Interim, Reconnected, SpeechStarted, SpeechToText, SttOptions
from patter_mcp.stt.deepgram import DeepgramSTT
from patter_mcp.stt.deepgram_flux import DeepgramFluxSTT
from patter_mcp.stt.openai import OpenAISTT
from patter_mcp.testing.speech import FakeSpeech, SttScript

pytestmark = pytest.mark.anyio

Make = Callable[[FakeSpeech], SpeechToText]

VENDORS: dict[str, Make] = {
    "deepgram": lambda vendors: DeepgramSTT(api_key="key", base_url=vendors.url),
    "deepgram-flux": lambda vendors: DeepgramFluxSTT(api_key="key", base_url=vendors.url),
    "openai": lambda vendors: OpenAISTT(api_key="key", base_url=vendors.openai_url),
}
KEY_VARIABLES = {"deepgram": "DEEPGRAM_API_KEY", "deepgram-flux": "DEEPGRAM_API_KEY", "openai": "OPENAI_API_KEY"}
CLASSES: dict[str, Callable[..., SpeechToText]] = {
    "deepgram": DeepgramSTT,
    "deepgram-flux": DeepgramFluxSTT,
    "openai": OpenAISTT,
}


@pytest.fixture
async def vendors() -> AsyncGenerator[FakeSpeech]:
    fake = FakeSpeech(stt=SttScript(latency_ms=1, transcription_ms=(1,)))
    async with fake.run():
        yield fake


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def stt(vendor: str, vendors: FakeSpeech) -> SpeechToText:
    return VENDORS[vendor](vendors)


async def test_a_spoken_turn_is_heard_from_its_start_to_its_end(stt: SpeechToText, vendors: FakeSpeech) -> None:
    vendors.stt.transcripts = ["a table for two please"]
    async with listening(stt) as ear:
        say(ear.stream, ms=1500)
        assert await ear.turns(1) == ["a table for two please"]
        assert isinstance(ear.events[0], SpeechStarted)
        interims = [event.text for event in ear.events if isinstance(event, Interim)]
        assert interims
        assert all("a table for two please".startswith(text) for text in interims)


async def test_turns_come_in_the_order_in_which_they_were_spoken(stt: SpeechToText) -> None:
    async with listening(stt) as ear:
        for turn in range(3):
            say(ear.stream)
            await ear.turns(turn + 1)
        assert await ear.turns(3) == ["this is turn 0", "this is turn 1", "this is turn 2"]


async def test_silence_is_no_turn(stt: SpeechToText) -> None:
    async with listening(stt) as ear:
        feed(ear.stream, silence(8000))
        say(ear.stream)
        assert await ear.turns(1) == ["this is turn 0"]
        assert len(ear.of(Final)) == 1


async def test_audio_is_counted(stt: SpeechToText) -> None:
    async with stt.open(SttOptions()) as stream:
        feed(stream, silence(1240))
        assert stream.audio_sec == 1.24


async def test_leaving_the_block_leaves_no_socket_and_ends_the_iteration(
    stt: SpeechToText, vendors: FakeSpeech
) -> None:
    async with listening(stt) as ear:
        say(ear.stream)
        await ear.turns(1)
    async for _ in ear.stream:
        pass
    with anyio.fail_after(5):
        await vendors.server.until(lambda: vendors.server.open_sockets == 0)


async def test_an_error_of_the_block_leaves_as_it_is(stt: SpeechToText) -> None:
    with pytest.raises(LookupError):
        async with stt.open(SttOptions()):
            raise LookupError


@pytest.mark.parametrize(
    ("status", "retryable"), [(400, False), (401, False), (402, False), (403, False), (429, True), (503, True)]
)
async def test_a_refused_connection_says_why(
    stt: SpeechToText, vendors: FakeSpeech, status: int, retryable: bool
) -> None:
    vendors.faults.refuse(status, '{"err_msg": "not today"}', times=9)
    with pytest.raises(ProviderStatusError, match="not today") as refused:
        async with stt.open(SttOptions()):
            pass
    assert (refused.value.status, refused.value.retryable) == (status, retryable)
    assert refused.value.provider == stt.provider


async def test_no_server_is_a_connection_error(vendor: str) -> None:
    fake = FakeSpeech()
    async with fake.run():
        stt = VENDORS[vendor](fake)
    with pytest.raises(ProviderConnectionError):
        async with stt.open(SttOptions()):
            pass


async def test_cancelling_while_it_connects_leaves_no_socket(stt: SpeechToText, vendors: FakeSpeech) -> None:
    vendors.faults.setup_ms = 60_000

    async def open_it() -> None:
        async with stt.open(SttOptions()):
            pass

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(open_it)
        with anyio.fail_after(5):
            await vendors.server.until(lambda: vendors.server.attempts == 1)
        tasks.cancel_scope.cancel()
    with anyio.fail_after(5):
        await vendors.server.until(lambda: vendors.server.open_sockets == 0)


async def test_a_connection_that_breaks_in_the_middle_of_a_turn_costs_no_word(
    stt: SpeechToText, vendors: FakeSpeech
) -> None:
    async with listening(stt) as ear:
        feed(ear.stream, silence(200) + voice(800))
        await ear.until(lambda: bool(ear.of(SpeechStarted)))
        vendors.connections[0].cut()
        # Spoken while there is no connection.
        feed(ear.stream, voice(300))
        await ear.until(lambda: bool(ear.of(Reconnected)))
        feed(ear.stream, silence(700))
        assert await ear.turns(1) == ["this is turn 0"]
        assert [event.lost_ms for event in ear.events if isinstance(event, Reconnected)] == [0]
        assert len(vendors.connections) == 2


async def test_what_was_settled_is_not_heard_again_after_a_break(stt: SpeechToText, vendors: FakeSpeech) -> None:
    async with listening(stt) as ear:
        say(ear.stream, pause_ms=2000)
        await ear.turns(1)
        vendors.connections[0].close(1011, "NET-0000")
        await ear.until(lambda: bool(ear.of(Reconnected)))
        assert [event.lost_ms for event in ear.events if isinstance(event, Reconnected)] == [0]
        vendors.stt.transcripts = ["something new"]
        say(ear.stream)
        assert await ear.turns(2) == ["this is turn 0", "something new"]


async def test_a_message_that_cannot_be_read_makes_for_a_new_connection(stt: SpeechToText, vendors: FakeSpeech) -> None:
    async with listening(stt) as ear:
        vendors.connections[0].send('{"type": "Results"')
        await ear.until(lambda: bool(ear.of(Reconnected)))
        say(ear.stream)
        assert await ear.turns(1) == ["this is turn 0"]


async def test_a_vendor_that_only_talks_nonsense_is_given_up(vendor: str, vendors: FakeSpeech) -> None:
    async with listening(VENDORS[vendor](vendors)) as ear:
        for connection in range(4):
            with anyio.fail_after(5):
                await vendors.server.until(lambda: len(vendors.connections) > connection)  # noqa: B023
            await ear.until(lambda: len(ear.of(Reconnected)) == connection)  # noqa: B023
            vendors.connections[connection].send("[]")
        await ear.until(lambda: ear.error is not None)
        assert isinstance(ear.error, ProviderProtocolError)


async def test_a_vendor_that_shuts_its_door_ends_the_iteration_with_its_answer(
    stt: SpeechToText, vendors: FakeSpeech
) -> None:
    async with listening(stt) as ear:
        vendors.faults.refuse(402, "no credits")
        vendors.connections[0].cut()
        await ear.until(lambda: ear.error is not None)
        assert isinstance(ear.error, ProviderStatusError)
        assert ear.error.status == 402


async def test_breaking_the_rules_is_not_tried_twice(stt: SpeechToText, vendors: FakeSpeech) -> None:
    async with listening(stt) as ear:
        vendors.connections[0].close(1008, "DATA-0000")
        await ear.until(lambda: ear.error is not None)
        assert isinstance(ear.error, ProviderError)
        assert not ear.error.retryable
        assert len(vendors.connections) == 1


async def test_leaving_the_block_while_reconnecting_ends_it(stt: SpeechToText, vendors: FakeSpeech) -> None:
    async with listening(stt):
        vendors.faults.setup_ms = 60_000
        vendors.connections[0].cut()
        with anyio.fail_after(5):
            await vendors.server.until(lambda: vendors.server.attempts == 2)
    with anyio.fail_after(5):
        await vendors.server.until(lambda: vendors.server.open_sockets == 0)


async def test_the_key_is_sent_and_may_come_from_the_environment(
    vendor: str, vendors: FakeSpeech, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = KEY_VARIABLES[vendor]
    base_url = vendors.openai_url if vendor == "openai" else vendors.url
    monkeypatch.setenv(variable, "key-of-the-environment")
    monkeypatch.setenv(variable.replace("_API_KEY", "_BASE_URL"), base_url)
    async with CLASSES[vendor]().open(SttOptions()):
        assert vendors.connections[0].asked.headers["authorization"].endswith(" key-of-the-environment")


def test_without_a_key_the_variable_is_named(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLES[vendor], raising=False)
    with pytest.raises(ValueError, match=KEY_VARIABLES[vendor]):
        CLASSES[vendor]()


async def test_a_session_that_is_never_agreed_to_is_a_timeout() -> None:
    fake = FakeSpeech(stt=SttScript(latency_ms=60_000))
    async with fake.run():
        stt = OpenAISTT(api_key="key", base_url=fake.openai_url, connect_timeout_sec=0.05)
        with pytest.raises(ProviderTimeout):
            async with stt.open(SttOptions()):
                pass
        with anyio.fail_after(5):
            await fake.server.until(lambda: fake.server.open_sockets == 0)
