from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import anyio
import pytest
from hearing_helpers import Ear, listening
from stream_reader import feed, say, voice

from patter_mcp.audio.frame import silence
from patter_mcp.errors import ProviderProtocolError
from patter_mcp.stt.base import Final, Interim, SttEvent, SttOptions
from patter_mcp.stt.deepgram import DeepgramSTT, NovaCodec
from patter_mcp.stt.live import open_stream
from patter_mcp.testing.speech import FakeSpeech, SttScript
from patter_mcp.vendors.access import Endpoint, websocket_url
from patter_mcp.vendors.helpers import helpers

pytestmark = pytest.mark.anyio


@pytest.fixture
async def vendors() -> AsyncGenerator[FakeSpeech]:
    fake = FakeSpeech(stt=SttScript(latency_ms=1))
    async with fake.run():
        yield fake


def deepgram(vendors: FakeSpeech, **settings: Any) -> DeepgramSTT:
    return DeepgramSTT(api_key="key", base_url=vendors.url, **settings)


async def test_what_deepgram_is_asked_for(vendors: FakeSpeech) -> None:
    stt = deepgram(vendors, endpointing_ms=450, parameters={"redact": ["pci", "ssn"]})
    async with stt.open(SttOptions(language="de", hints=["Bella Napoli", "Tisch 5"])):
        pass
    assert vendors.connections[0].asked.query == {
        "model": ["nova-3"],
        "encoding": ["mulaw"],
        "sample_rate": ["8000"],
        "channels": ["1"],
        "language": ["de"],
        "interim_results": ["true"],
        "vad_events": ["true"],
        "endpointing": ["450"],
        "utterance_end_ms": ["1000"],
        "smart_format": ["true"],
        "keyterm": ["Bella Napoli", "Tisch 5"],
        "redact": ["pci", "ssn"],
    }
    assert vendors.connections[0].asked.headers["authorization"] == "Token key"


async def test_older_models_take_hints_as_keywords(vendors: FakeSpeech) -> None:
    async with deepgram(vendors, model="nova-2").open(SttOptions(hints=["Napoli"])):
        pass
    assert vendors.connections[0].asked.query["keywords"] == ["Napoli"]


async def test_the_parts_of_a_long_turn_are_given_one_by_one(vendors: FakeSpeech) -> None:
    vendors.stt.transcripts = ["I would like a table|for two people|on Friday"]
    async with listening(deepgram(vendors)) as ear:
        say(ear.stream, ms=2900)
        await ear.turns(1)
        assert ear.of(Final) == [
            Final(text="I would like a table"),
            Final(text="for two people"),
            Final(text="on Friday", end_of_turn=True),
        ]


async def test_where_noise_hides_the_silence_the_gap_between_words_ends_the_turn(vendors: FakeSpeech) -> None:
    vendors.stt.speech_final = False
    async with listening(deepgram(vendors)) as ear:
        say(ear.stream, pause_ms=1500)
        await ear.turns(1)
        assert ear.of(Final) == [Final(text="this is turn 0"), Final(text="", end_of_turn=True)]


async def test_finalize_brings_what_was_said_before_the_silence_does(vendors: FakeSpeech) -> None:
    async with listening(deepgram(vendors)) as ear:
        feed(ear.stream, voice(900))
        ear.stream.finalize()
        await ear.until(lambda: bool(ear.of(Final)))
        assert ear.of(Final) == [Final(text="this is turn 0", end_of_turn=True)]
        feed(ear.stream, silence(400))
        say(ear.stream)
        assert await ear.turns(2) == ["this is turn 0", "this is turn 1"]


async def test_finalize_ends_no_turn_where_a_longer_silence_is_asked_for(vendors: FakeSpeech) -> None:
    async with listening(deepgram(vendors, endpointing_ms=600)) as ear:
        feed(ear.stream, voice(900))
        ear.stream.finalize()
        await ear.until(lambda: bool(ear.of(Final)))
        assert ear.of(Final) == [Final(text="this is turn 0")]
        feed(ear.stream, silence(700))
        assert await ear.turns(1) == ["this is turn 0"]


async def test_a_goodbye_is_said(vendors: FakeSpeech) -> None:
    async with deepgram(vendors).open(SttOptions()):
        pass
    with anyio.fail_after(5):
        await vendors.server.until(lambda: vendors.connections[0].received == ['{"type":"CloseStream"}'])


class HastyCodec(NovaCodec):
    idle_sec = 0.02


async def test_silence_on_the_wire_is_bridged_by_keep_alives(vendors: FakeSpeech) -> None:
    vendors.stt.idle_timeout_sec = 0.1
    endpoint = Endpoint(provider="deepgram", url=websocket_url(vendors.url, "/v1/listen"), headers={})
    async with open_stream(endpoint, HastyCodec()) as stream, helpers() as tasks:
        ear = Ear(stream)
        tasks.start_soon(ear.run)
        with anyio.fail_after(5):
            await vendors.server.until(lambda: len(vendors.connections[0].received) >= 10)
    assert set(vendors.connections[0].received) == {'{"type":"KeepAlive"}', '{"type":"CloseStream"}'}
    assert ear.events == []


async def test_without_keep_alives_the_fake_closes_as_deepgram_does(vendors: FakeSpeech) -> None:
    vendors.stt.idle_timeout_sec = 0.02
    async with listening(deepgram(vendors)) as ear:
        await ear.until(lambda: bool(ear.events))
    assert "1011: NET-0001" in str(ear.events[0])


def results(text: str, *, final: bool = True, speech_final: bool = False, end_sec: float = 1.0) -> str:
    return json.dumps(
        {
            "type": "Results",
            "start": 0.0,
            "duration": end_sec,
            "is_final": final,
            "speech_final": speech_final,
            "channel": {"alternatives": [{"transcript": text}]},
        }
    )


@pytest.mark.parametrize(
    ("messages", "events"),
    [
        ([results("", final=False)], []),
        ([results("")], []),
        ([results("", speech_final=True)], []),
        ([results("yes"), results("", speech_final=True)], [Final(text="yes"), Final(text="", end_of_turn=True)]),
        ([results("yes", speech_final=True), '{"type":"UtteranceEnd"}'], [Final(text="yes", end_of_turn=True)]),
        ([results("hm", final=False)], [Interim(text="hm")]),
        (['{"type":"Metadata"}', '{"type":"SomethingNew"}'], []),
    ],
)
async def test_empty_segments_end_only_what_was_begun(messages: list[str], events: list[SttEvent]) -> None:
    codec = NovaCodec()
    assert [event for message in messages for event in codec.decode(message)] == events


async def test_positions_start_anew_with_each_connection() -> None:
    codec = NovaCodec()
    codec.decode(results("yes", end_sec=2.5))
    assert codec.settled_ms == 2500
    codec.opened()
    assert codec.settled_ms == 0


def test_fields_beside_the_text_may_be_missing() -> None:
    codec = NovaCodec()
    said = {"type": "Results", "channel": {"alternatives": [{"transcript": "Yes."}]}}
    assert codec.decode(json.dumps(said)) == (Interim(text="Yes."),)
    assert codec.decode(json.dumps({**said, "is_final": True})) == (Final(text="Yes."),)
    assert codec.decode('{"type":"Results","channel":{"alternatives":[]},"is_final":true}') == ()
    assert codec.decode('{"request_id":"x"}') == ()


def test_failure_told_on_an_open_connection_may_pass() -> None:
    with pytest.raises(ProviderProtocolError, match="NET-0000: No result") as caught:
        NovaCodec().decode('{"type":"Error","code":"NET-0000","description":"No result"}')
    assert caught.value.retryable
