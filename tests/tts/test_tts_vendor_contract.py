"""What every voice does, whoever its vendor is."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

import anyio
import pytest
from singing_helpers import first_sound, hear, hear_text, speak

from patter_mcp.errors import ProviderConnectionError, ProviderError, ProviderStatusError, ProviderTimeout
from patter_mcp.testing.speech import FakeSpeech, Timing, TtsScript
from patter_mcp.tts.base import TextToSpeech, TtsOptions
from patter_mcp.tts.cartesia import CartesiaTTS
from patter_mcp.tts.deepgram import DeepgramTTS
from patter_mcp.tts.elevenlabs import ElevenLabsTTS
from patter_mcp.tts.openai import OpenAITTS

pytestmark = pytest.mark.anyio

Make = Callable[..., TextToSpeech]


def elevenlabs_over_http(**settings: Any) -> ElevenLabsTTS:
    return ElevenLabsTTS(transport="http", **settings)


CLASSES: dict[str, Make] = {
    "cartesia": CartesiaTTS,
    "deepgram": DeepgramTTS,
    "elevenlabs": ElevenLabsTTS,
    "elevenlabs-http": elevenlabs_over_http,
    "openai": OpenAITTS,
}
OVER_WEBSOCKET = ("cartesia", "deepgram", "elevenlabs")


def base_url(vendor: str, vendors: FakeSpeech) -> str:
    return vendors.openai_url if vendor == "openai" else vendors.url


def make(vendor: str, vendors: FakeSpeech, **settings: Any) -> TextToSpeech:
    return CLASSES[vendor](api_key="key", base_url=base_url(vendor, vendors), **settings)


@pytest.fixture
async def vendors() -> AsyncGenerator[FakeSpeech]:
    timing = Timing(first_byte_ms=2, speed=400)
    fake = FakeSpeech(tts=TtsScript(timing=timing, confirm_ms=2, late_audio=True))
    async with fake.run():
        yield fake


@pytest.fixture(params=CLASSES)
def vendor(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def tts(vendor: str, vendors: FakeSpeech) -> TextToSpeech:
    return make(vendor, vendors)


async def test_a_sentence_is_spoken(tts: TextToSpeech) -> None:
    async with tts.open(TtsOptions()) as voice:
        assert await hear_text(speak(voice, "Good morning, who is there?")) == "Good morning, who is there?"


async def test_pieces_are_spoken_in_order_and_kept_apart(tts: TextToSpeech) -> None:
    async with tts.open(TtsOptions()) as voice:
        utterance = speak(voice, "One moment,", "I am looking.", "Here it is!")
        heard = await hear_text(utterance)
        assert heard.replace(" ", "") == "Onemoment,Iamlooking.Hereitis!"


async def test_the_first_piece_sounds_while_the_next_is_not_yet_written(tts: TextToSpeech) -> None:
    async with tts.open(TtsOptions()) as voice:
        utterance = voice.utterance()
        utterance.feed("Well,")
        assert await first_sound(utterance)
        utterance.feed("that depends.")
        utterance.end()
        assert "depends." in await hear_text(utterance)


async def test_an_utterance_without_text_is_over_at_once(tts: TextToSpeech) -> None:
    async with tts.open(TtsOptions()) as voice:
        assert await hear(speak(voice)) == []
        assert await hear(speak(voice, " ")) == []


async def test_a_cancelled_utterance_is_silent_and_leaves_nothing_to_the_next(tts: TextToSpeech) -> None:
    async with tts.open(TtsOptions()) as voice:
        for turn in range(6):
            interrupted = speak(voice, "zzzzzzzz zzzzzzzz zzzzzzzz zzzzzzzz.")
            if turn % 2:
                await first_sound(interrupted)
            interrupted.cancel()
            interrupted.cancel()
            assert await hear(interrupted) == []
            assert await hear_text(speak(voice, f"Turn {turn}.")) == f"Turn {turn}."


async def test_cancelling_before_a_word_or_after_the_end_harms_nobody(tts: TextToSpeech) -> None:
    async with tts.open(TtsOptions()) as voice:
        voice.utterance().cancel()
        spoken = speak(voice, "Hello.")
        await hear(spoken)
        spoken.cancel()
        spoken.cancel()
        assert await hear_text(speak(voice, "Again.")) == "Again."


async def test_utterances_that_overlap_are_each_complete(tts: TextToSpeech) -> None:
    async with tts.open(TtsOptions()) as voice:
        first, second = voice.utterance(), voice.utterance()
        first.feed("First things")
        second.feed("Second thoughts")
        first.feed("first.")
        first.end()
        second.end()
        assert (await hear_text(first)).replace(" ", "") == "Firstthingsfirst."
        assert await hear_text(second) == "Second thoughts"


async def test_all_the_text_is_known_to_be_spoken_at_the_end(tts: TextToSpeech) -> None:
    async with tts.open(TtsOptions()) as voice:
        speeches = await hear(speak(voice, "Twenty-one, I think.", "Or more."))
        positions = [speech.text_chars for speech in speeches if speech.text_chars is not None]
        assert positions == sorted(positions)
        assert positions[-1] == len("Twenty-one, I think. Or more.")


async def test_characters_are_counted(tts: TextToSpeech) -> None:
    async with tts.open(TtsOptions()) as voice:
        await hear(speak(voice, "Hello.", "World."))
        interrupted = speak(voice, "Never mind.")
        await first_sound(interrupted)
        interrupted.cancel()
        assert voice.characters == 23


async def test_all_turns_use_the_connection_made_at_the_beginning(tts: TextToSpeech, vendors: FakeSpeech) -> None:
    async with tts.open(TtsOptions()) as voice:
        sockets = vendors.server.open_sockets
        for turn in range(4):
            await hear(speak(voice, f"Turn {turn}."))
        assert sockets == vendors.server.open_sockets == 1
        assert vendors.server.sockets_ever == 1


async def test_leaving_the_block_leaves_no_socket(tts: TextToSpeech, vendors: FakeSpeech) -> None:
    async with tts.open(TtsOptions()) as voice:
        await first_sound(speak(voice, "I shall be cut off in the middle of this."))
    with anyio.fail_after(5):
        await vendors.server.until(lambda: vendors.server.open_sockets == 0)


async def test_what_was_not_finished_when_the_block_was_left_is_an_error(tts: TextToSpeech) -> None:
    async with tts.open(TtsOptions()) as voice:
        utterance = voice.utterance()
        utterance.feed("I shall be cut off in the middle of this.")
        await first_sound(utterance)
    with pytest.raises(ProviderError):
        await hear(utterance)


async def test_an_error_of_the_block_leaves_as_it_is(tts: TextToSpeech) -> None:
    with pytest.raises(LookupError):
        async with tts.open(TtsOptions()):
            raise LookupError


@pytest.mark.parametrize(("status", "retryable"), [(401, False), (503, True)])
async def test_a_refused_connection_says_why(
    tts: TextToSpeech, vendors: FakeSpeech, status: int, retryable: bool
) -> None:
    vendors.faults.refuse(status, '{"detail": {"status": "no", "message": "not today"}}', times=9)
    with pytest.raises(ProviderStatusError) as refused:
        async with tts.open(TtsOptions()):
            pass
    assert (refused.value.status, refused.value.retryable) == (status, retryable)


async def test_no_server_is_a_connection_error(vendor: str) -> None:
    fake = FakeSpeech()
    async with fake.run():
        tts = make(vendor, fake)
    with pytest.raises(ProviderConnectionError):
        async with tts.open(TtsOptions()):
            pass


async def test_cancelling_while_it_connects_leaves_no_socket(tts: TextToSpeech, vendors: FakeSpeech) -> None:
    vendors.faults.setup_ms = 60_000

    async def open_it() -> None:
        async with tts.open(TtsOptions()):
            pass

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(open_it)
        with anyio.fail_after(5):
            await vendors.server.until(lambda: vendors.server.attempts == 1)
        tasks.cancel_scope.cancel()
    with anyio.fail_after(5):
        await vendors.server.until(lambda: vendors.server.open_sockets == 0)


async def test_a_vendor_that_takes_text_and_says_nothing_is_a_timeout(vendor: str, vendors: FakeSpeech) -> None:
    tts = make(vendor, vendors, stall_sec=0.1)
    async with tts.open(TtsOptions()) as voice:
        vendors.tts.stall = True
        with pytest.raises(ProviderTimeout):
            await hear(speak(voice, "Anybody there?"))
        vendors.tts.stall = False
        assert await hear_text(speak(voice, "There you are.")) == "There you are."


async def test_waiting_for_more_text_is_no_timeout(vendor: str, vendors: FakeSpeech) -> None:
    tts = make(vendor, vendors, stall_sec=0.1)
    async with tts.open(TtsOptions()) as voice:
        utterance = voice.utterance()
        utterance.feed("Hm,")
        await first_sound(utterance)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hear, utterance)
            await anyio.sleep(0.3)
            utterance.end()


@pytest.mark.parametrize("vendor", OVER_WEBSOCKET, indirect=True)
async def test_a_connection_lost_between_turns_is_back_before_the_next(tts: TextToSpeech, vendors: FakeSpeech) -> None:
    async with tts.open(TtsOptions()) as voice:
        await hear(speak(voice, "Hello."))
        vendors.connections[0].close(1008, "input_timeout_exceeded")
        with anyio.fail_after(5):
            await vendors.server.until(lambda: len(vendors.connections) == 2)
        assert await hear_text(speak(voice, "Still here.")) == "Still here."


@pytest.mark.parametrize("vendor", OVER_WEBSOCKET, indirect=True)
async def test_text_fed_while_there_is_no_connection_waits_for_one(tts: TextToSpeech, vendors: FakeSpeech) -> None:
    async with tts.open(TtsOptions()) as voice:
        vendors.faults.setup_ms = 20
        vendors.connections[0].cut()
        with anyio.fail_after(5):
            await vendors.server.until(lambda: vendors.server.attempts == 2)
        assert await hear_text(speak(voice, "Patience", "is a virtue.")) == "Patience is a virtue."


@pytest.mark.parametrize("vendor", OVER_WEBSOCKET, indirect=True)
async def test_a_message_that_cannot_be_read_makes_for_a_new_connection(tts: TextToSpeech, vendors: FakeSpeech) -> None:
    async with tts.open(TtsOptions()) as voice:
        vendors.connections[0].send("{")
        with anyio.fail_after(5):
            await vendors.server.until(lambda: len(vendors.connections) == 2)
        assert await hear_text(speak(voice, "Pardon?")) == "Pardon?"


@pytest.mark.parametrize("vendor", OVER_WEBSOCKET, indirect=True)
async def test_a_vendor_that_shuts_its_door_is_an_error_for_those_who_wait_and_may_open_it_again(
    tts: TextToSpeech, vendors: FakeSpeech
) -> None:
    async with tts.open(TtsOptions()) as voice:
        vendors.faults.refuse(402, "no credits")
        vendors.connections[0].cut()
        with pytest.raises(ProviderStatusError, match="no credits"):
            await hear(speak(voice, "Hello?"))
        assert await hear_text(speak(voice, "Hello again.")) == "Hello again."


@pytest.mark.parametrize("vendor", OVER_WEBSOCKET, indirect=True)
async def test_leaving_the_block_while_reconnecting_ends_it(tts: TextToSpeech, vendors: FakeSpeech) -> None:
    async with tts.open(TtsOptions()):
        vendors.faults.setup_ms = 60_000
        vendors.connections[0].cut()
        with anyio.fail_after(5):
            await vendors.server.until(lambda: vendors.server.attempts == 2)
    with anyio.fail_after(5):
        await vendors.server.until(lambda: vendors.server.open_sockets == 0)


@pytest.mark.parametrize("vendor", ["deepgram", "elevenlabs-http", "openai"], indirect=True)
async def test_speech_cut_at_an_unknown_place_is_an_error(tts: TextToSpeech, vendors: FakeSpeech) -> None:
    async with tts.open(TtsOptions()) as voice:
        vendors.tts.cut_after_chars = 12
        with pytest.raises(ProviderConnectionError):
            await hear(speak(voice, "I shall be cut off in the middle of this."))
        assert await hear_text(speak(voice, "Where was I?")) == "Where was I?"


@pytest.mark.parametrize(
    ("vendor", "variable"),
    [
        ("cartesia", "CARTESIA_API_KEY"),
        ("deepgram", "DEEPGRAM_API_KEY"),
        ("elevenlabs", "ELEVENLABS_API_KEY"),
        ("openai", "OPENAI_API_KEY"),
    ],
    indirect=["vendor"],
)
async def test_key_and_address_come_from_the_environment_where_not_given(
    vendor: str, variable: str, vendors: FakeSpeech, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable, raising=False)
    with pytest.raises(ValueError, match=variable):
        CLASSES[vendor]()
    monkeypatch.setenv(variable, "key-of-the-environment")
    monkeypatch.setenv(variable.replace("_API_KEY", "_BASE_URL"), base_url(vendor, vendors))
    async with CLASSES[vendor]().open(TtsOptions()) as voice:
        assert await hear_text(speak(voice, "Hello.")) == "Hello."
    for asked in [*vendors.server.exchanges, *vendors.connections]:
        assert any("key-of-the-environment" in value for value in asked.asked.headers.values())
