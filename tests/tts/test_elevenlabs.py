from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from singing_helpers import first_sound, hear, hear_text, speak, transcribe

from patter_mcp.errors import ProviderStatusError, ProviderTimeout, overcome
from patter_mcp.testing.speech import FakeSpeech, Timing, TtsScript
from patter_mcp.tts.base import TtsOptions
from patter_mcp.tts.elevenlabs import ElevenLabsConnection, ElevenLabsTTS
from patter_mcp.tts.live import open_voice
from patter_mcp.vendors.access import Endpoint, websocket_url

pytestmark = pytest.mark.anyio


@pytest.fixture
async def vendors() -> AsyncGenerator[FakeSpeech]:
    fake = FakeSpeech(tts=TtsScript(timing=Timing(first_byte_ms=2, speed=400)))
    async with fake.run():
        yield fake


def elevenlabs(vendors: FakeSpeech, **settings: Any) -> ElevenLabsTTS:
    return ElevenLabsTTS(api_key="key", base_url=vendors.url, **settings)


async def test_the_connection_is_for_the_telephone_and_for_the_whole_call(vendors: FakeSpeech) -> None:
    async with elevenlabs(vendors).open(TtsOptions(language="de-DE", voice="Otto")):
        pass
    asked = vendors.connections[0].asked
    assert asked.path == "/v1/text-to-speech/Otto/multi-stream-input"
    assert asked.query == {
        "model_id": ["eleven_flash_v2_5"],
        "output_format": ["ulaw_8000"],
        "auto_mode": ["true"],
        "inactivity_timeout": ["180"],
        "language_code": ["de"],
    }
    assert asked.headers["xi-api-key"] == "key"


async def test_models_that_know_no_language_code_are_not_given_one(vendors: FakeSpeech) -> None:
    async with elevenlabs(vendors, model="eleven_multilingual_v2").open(TtsOptions()):
        pass
    assert "language_code" not in vendors.connections[0].asked.query


@pytest.mark.parametrize("steps", range(0, 30, 3))
async def test_a_call_that_ends_while_connections_are_exchanged_leaves_none_open(
    vendors: FakeSpeech, steps: int
) -> None:
    async with elevenlabs(vendors).open(TtsOptions()) as voice:
        crowd = [speak(voice, "Hello there.") for _ in range(ElevenLabsConnection.capacity - 1)]
        await vendors.server.until(lambda: len(vendors.connections) == 1)
        for utterance in crowd:
            utterance.cancel()
        for _ in range(steps):
            await anyio.lowlevel.checkpoint()
    with anyio.fail_after(5):
        await vendors.server.until(lambda: vendors.server.open_sockets == 0)


async def test_an_utterance_is_a_context(vendors: FakeSpeech) -> None:
    async with elevenlabs(vendors, voice_settings={"speed": 1.1}).open(TtsOptions()) as voice:
        await hear(speak(voice, "Hello there.", "How are you?"))
        messages = vendors.connections[0].messages()
    assert messages == [
        {"text": " ", "context_id": "1", "voice_settings": {"speed": 1.1}},
        {"text": "Hello there. ", "context_id": "1", "flush": True},
        {"text": "How are you? ", "context_id": "1", "flush": True},
        {"context_id": "1", "close_context": True},
    ]


async def test_each_sound_says_how_far_the_text_has_come(vendors: FakeSpeech) -> None:
    text = "Well, seven o'clock then. At the usual place?"
    async with elevenlabs(vendors).open(TtsOptions()) as voice:
        heard = b""
        for speech in await hear(speak(voice, "Well, seven o'clock then.", "At the usual place?")):
            heard += speech.audio
            assert speech.text_chars is not None
            assert transcribe(heard).rstrip() == text[: speech.text_chars].rstrip()


async def test_speech_that_was_cut_goes_on_where_it_was_cut(vendors: FakeSpeech) -> None:
    async with elevenlabs(vendors).open(TtsOptions()) as voice:
        vendors.tts.cut_after_chars = 12
        speeches = await hear(speak(voice, "I was cut in the middle", "of a sentence."))
        heard = transcribe(b"".join(speech.audio for speech in speeches))
        # The last sounds before the break may not have reached us; the next connection says them.
        assert heard.replace(" ", "") == "Iwascutinthemiddleofasentence."
        assert speeches[-1].text_chars == len("I was cut in the middle of a sentence.")
        assert len(vendors.connections) == 2


async def test_connection_on_which_one_utterance_stalls_is_left_by_all(vendors: FakeSpeech) -> None:
    async with elevenlabs(vendors, stall_sec=0.3).open(TtsOptions()) as voice:
        vendors.tts.stall = True
        stalled = speak(voice, "Nobody says this.")
        with anyio.fail_after(5):
            await vendors.server.until(lambda: len(vendors.connections[0].received) == 3)
        vendors.tts.stall = False
        vendors.connections[0].stall()
        waiting = speak(voice, "Somebody says this.")
        with pytest.raises(ProviderTimeout):
            await hear(stalled)
        assert await hear_text(waiting) == "Somebody says this."
        assert len(vendors.connections) == 2
        assert [type(error) for error in overcome(waiting)] == [ProviderTimeout]


async def test_many_interruptions_never_open_a_sixth_context(vendors: FakeSpeech) -> None:
    # Contexts take long to close, as they do when much was flushed.
    vendors.tts.timing = Timing(first_byte_ms=2, speed=20)
    async with elevenlabs(vendors).open(TtsOptions()) as voice:
        for _ in range(12):
            interrupted = speak(voice, "A long sentence that nobody wants to hear to its end, and so it goes.")
            await first_sound(interrupted)
            interrupted.cancel()
        assert await hear_text(speak(voice, "At last.")) == "At last."
        contexts = [
            {message["context_id"] for message in connection.messages() if "context_id" in message}
            for connection in vendors.connections
        ]
        assert len(contexts) > 1
        assert all(len(opened) <= 5 for opened in contexts)
        with anyio.fail_after(5):
            await vendors.server.until(lambda: len(vendors.server.open_connections) == 1)


async def test_both_spellings_of_the_context_are_understood(vendors: FakeSpeech) -> None:
    vendors.tts.stall = True
    async with elevenlabs(vendors).open(TtsOptions()) as voice:
        utterance = speak(voice, "Hi")
        vendors.connections[0].send_json({"audio": "/////w==", "context_id": "1"})
        vendors.connections[0].send_json({"isFinal": True, "contextId": "1"})
        assert [speech.audio for speech in await hear(utterance)] == [b"\xff" * 4]


async def test_sound_of_a_context_that_is_not_ours_is_dropped(vendors: FakeSpeech) -> None:
    async with elevenlabs(vendors).open(TtsOptions()) as voice:
        for message in ({"audio": "AAAA", "contextId": "99"}, {"audio": "AAAA"}, {"isFinal": True, "contextId": "99"}):
            vendors.connections[0].send_json(message)
        assert await hear_text(speak(voice, "Mine.")) == "Mine."


async def test_voice_comes_over_http_where_no_websocket_is_let_through(vendors: FakeSpeech) -> None:
    vendors.faults.refuse(405)
    async with elevenlabs(vendors).open(TtsOptions()) as voice:
        assert await hear_text(speak(voice, "Hello.")) == "Hello."
    assert vendors.connections == [] and len(vendors.server.exchanges) == 1


async def test_key_that_is_refused_is_not_tried_over_http(vendors: FakeSpeech) -> None:
    vendors.faults.refuse(401)
    with pytest.raises(ProviderStatusError, match="401"):
        async with elevenlabs(vendors).open(TtsOptions()):
            pass
    assert vendors.server.attempts == 1


async def test_where_the_text_is_aligned_may_go_by_another_name(vendors: FakeSpeech) -> None:
    vendors.tts.stall = True
    async with elevenlabs(vendors).open(TtsOptions()) as voice:
        utterance = speak(voice, "Hi")
        aligned = {"audio": "/////w==", "context_id": "1", "alignment": {"characters": ["H"]}}
        vendors.connections[0].send_json(aligned)
        vendors.connections[0].send_json({**aligned, "alignment": {}})
        vendors.connections[0].send_json({"is_final": True, "context_id": "1"})
        assert [speech.text_chars for speech in await hear(utterance)] == [1, None]


async def test_an_error_of_one_context_ends_that_one(vendors: FakeSpeech) -> None:
    vendors.tts.stall = True
    async with elevenlabs(vendors).open(TtsOptions()) as voice:
        refused = speak(voice, "Something")
        error = {"message": "no more characters", "error": "quota_exceeded", "code": 1008, "contextId": "1"}
        vendors.connections[0].send_json(error)
        with pytest.raises(ProviderStatusError, match="quota_exceeded"):
            await hear(refused)
        vendors.tts.stall = False
        assert await hear_text(speak(voice, "Go on.")) == "Go on."


async def test_a_context_the_vendor_ends_by_itself_is_followed_by_another(vendors: FakeSpeech) -> None:
    async with elevenlabs(vendors).open(TtsOptions()) as voice:
        utterance = voice.utterance()
        utterance.feed("Hold on,")
        await first_sound(utterance)
        vendors.connections[0].send_json({"isFinal": True, "contextId": "1"})
        # In a later message than the one above, so it is read after it.
        assert await hear_text(speak(voice, "aside.")) == "aside."
        utterance.feed("here I am.")
        utterance.end()
        assert "here I am." in await hear_text(utterance)


async def test_over_http_the_format_is_asked_for_in_the_address(vendors: FakeSpeech) -> None:
    tts = elevenlabs(vendors, transport="http", voice_settings={"stability": 0.4})
    async with tts.open(TtsOptions(voice="Otto")) as voice:
        assert await hear_text(speak(voice, "Hello.")) == "Hello."
    exchange = vendors.server.exchanges[0]
    assert exchange.asked.path == "/v1/text-to-speech/Otto/stream"
    assert exchange.asked.query == {"output_format": ["ulaw_8000"]}
    assert exchange.asked.headers["xi-api-key"] == "key"
    assert exchange.json() == {
        "text": "Hello.",
        "model_id": "eleven_flash_v2_5",
        "language_code": "en",
        "voice_settings": {"stability": 0.4},
    }


class HastyConnection(ElevenLabsConnection):
    keep_alive_sec = 0.01


async def test_an_idle_connection_is_kept_alive(vendors: FakeSpeech) -> None:
    url = websocket_url(vendors.url, "/v1/text-to-speech/x/multi-stream-input")
    endpoint = Endpoint(provider="elevenlabs", url=url, headers={})
    async with open_voice(endpoint, lambda voice: HastyConnection(voice, {})):
        with anyio.fail_after(5):
            await vendors.server.until(lambda: vendors.connections[0].received == ['{"text":""}'] * 3)
