from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest
from hearing_helpers import listening
from hypothesis import given
from hypothesis import strategies as st
from stream_reader import feed, say, voice

from patter_mcp.audio.frame import silence
from patter_mcp.errors import ProviderError
from patter_mcp.stt.base import Final, Interim, SpeechStarted, SttOptions
from patter_mcp.stt.openai import OpenAISTT, TranscriptionCodec
from patter_mcp.testing.speech import FakeSpeech, SttScript

pytestmark = pytest.mark.anyio


@pytest.fixture
async def vendors() -> AsyncGenerator[FakeSpeech]:
    fake = FakeSpeech(stt=SttScript(latency_ms=1, transcription_ms=(1,)))
    async with fake.run():
        yield fake


def openai(vendors: FakeSpeech, **settings: Any) -> OpenAISTT:
    return OpenAISTT(api_key="key", base_url=vendors.openai_url, **settings)


async def test_the_session_has_the_current_shape(vendors: FakeSpeech) -> None:
    stt = openai(vendors, model="gpt-4o-transcribe", silence_duration_ms=400)
    async with stt.open(SttOptions(language="de-AT", hints=["Napoli", "Otto"])):
        pass
    connection = vendors.connections[0]
    assert connection.asked.query == {"intent": ["transcription"]}
    assert connection.asked.headers["authorization"] == "Bearer key"
    assert connection.messages() == [
        {
            "type": "session.update",
            "session": {
                "type": "transcription",
                "audio": {
                    "input": {
                        "format": {"type": "audio/pcmu"},
                        "transcription": {
                            "model": "gpt-4o-transcribe",
                            "language": "de",
                            "prompt": "Expect: Napoli, Otto",
                        },
                        "turn_detection": {
                            "type": "server_vad",
                            "threshold": 0.5,
                            "prefix_padding_ms": 300,
                            "silence_duration_ms": 400,
                        },
                    }
                },
            },
        }
    ]


async def test_newer_models_take_hints_as_keywords(vendors: FakeSpeech) -> None:
    async with openai(vendors, model="gpt-transcribe").open(SttOptions(hints=["Napoli"])):
        pass
    transcription = vendors.connections[0].messages()[0]["session"]["audio"]["input"]["transcription"]
    assert transcription == {"model": "gpt-transcribe", "languages": ["en"], "keywords": ["Napoli"]}


async def test_a_session_that_is_refused_is_no_stream(vendors: FakeSpeech) -> None:
    with pytest.raises(ProviderError, match="model_not_found") as refused:
        async with openai(vendors, model="gpt-gone").open(SttOptions()):
            pass
    assert not refused.value.retryable


async def test_transcripts_that_overtake_each_other_leave_in_the_order_of_speaking(vendors: FakeSpeech) -> None:
    vendors.stt.transcription_ms = (80, 1)
    async with listening(openai(vendors)) as ear:
        feed(ear.stream, voice(500) + silence(400) + voice(500) + silence(400))
        await ear.turns(1)
        assert ear.of(Final) == [Final(text="this is turn 0"), Final(text="this is turn 1", end_of_turn=True)]


async def test_a_model_that_does_not_find_the_end_is_told_by_finalize(vendors: FakeSpeech) -> None:
    stt = openai(vendors, model="gpt-realtime-whisper")
    assert stt.end_of_turn == "none"
    async with listening(stt) as ear:
        feed(ear.stream, voice(600))
        ear.stream.finalize()
        ear.stream.finalize()
        await ear.until(lambda: bool(ear.of(Final)))
        assert ear.of(Final) == [Final(text="this is turn 0")]
        commits = [message for message in vendors.connections[0].received if "commit" in message]
        assert len(commits) == 1


async def test_where_the_vendor_finds_the_end_finalize_says_nothing(vendors: FakeSpeech) -> None:
    async with openai(vendors).open(SttOptions()) as stream:
        say(stream)
        stream.finalize()
    assert all("commit" not in message for message in vendors.connections[0].received)


def codec() -> TranscriptionCodec:
    made = TranscriptionCodec({}, self_paced=False)
    made.opened()
    return made


def message(kind: str, **fields: object) -> str:
    return json.dumps({"type": kind, **fields})


def completed(item: int, text: str) -> str:
    kind = "conversation.item.input_audio_transcription.completed"
    return message(kind, item_id=str(item), transcript=text)


def committed(item: int) -> str:
    previous = str(item - 1) if item else None
    return message("input_audio_buffer.committed", item_id=str(item), previous_item_id=previous)


@given(st.permutations(range(5)))
def test_any_order_of_completion_becomes_the_order_of_speaking(order: Sequence[int]) -> None:
    heard = codec()
    for item in range(5):
        heard.decode(committed(item))
    finals = [event for item in order for event in heard.decode(completed(item, f"part {item}"))]
    assert finals == [Final(text=f"part {item}", end_of_turn=item == 4) for item in range(5)]


async def test_a_stretch_that_could_not_be_transcribed_holds_nobody_up() -> None:
    heard = codec()
    heard.decode(committed(0))
    heard.decode(committed(1))
    assert heard.decode(completed(1, "hello")) == []
    failed = message("conversation.item.input_audio_transcription.failed", item_id="0", error={})
    assert heard.decode(failed) == [Final(text="hello", end_of_turn=True)]


async def test_noise_after_a_stretch_ends_the_turn_it_kept_open() -> None:
    heard = codec()
    assert heard.decode(message("input_audio_buffer.speech_started", item_id="0")) == (SpeechStarted(),)
    heard.decode(message("input_audio_buffer.speech_stopped", item_id="0"))
    heard.decode(committed(0))
    heard.decode(message("input_audio_buffer.speech_started", item_id="1"))
    assert heard.decode(completed(0, "hello")) == [Final(text="hello")]
    heard.decode(message("input_audio_buffer.speech_stopped", item_id="1"))
    heard.decode(committed(1))
    assert heard.decode(completed(1, "")) == [Final(text="", end_of_turn=True)]


async def test_interims_are_of_the_oldest_open_stretch() -> None:
    heard = codec()
    kind = "conversation.item.input_audio_transcription.delta"
    heard.decode(committed(0))
    heard.decode(committed(1))
    assert heard.decode(message(kind, item_id="0", delta="hel")) == (Interim(text="hel"),)
    assert heard.decode(message(kind, item_id="1", delta="world")) == ()
    assert heard.decode(message(kind, item_id="0", delta="lo ")) == (Interim(text="hello"),)


async def test_an_empty_commit_is_no_failure_and_any_other_error_is() -> None:
    heard = codec()
    heard.decode(message("session.updated"))
    heard.decode(message("error", error={"type": "invalid_request_error", "code": "input_audio_buffer_commit_empty"}))
    with pytest.raises(ProviderError, match="session_expired") as failed:
        heard.decode(message("error", error={"type": "invalid_request_error", "code": "session_expired"}))
    assert failed.value.retryable
