"""The Media Streams codec against the messages Twilio documents, broken ones, and junk."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter_mcp.carriers.base import MediaAudio, MediaDigit, MediaIgnored, MediaMark, MediaStart, MediaStop
from patter_mcp.carriers.media_streams import MAX_AUDIO_BYTES, MediaStreamsCodec
from patter_mcp.errors import MediaStreamError

CONNECTED = '{"event":"connected","protocol":"Call","version":"1.0.0"}'
START: dict[str, Any] = {
    "event": "start",
    "sequenceNumber": "1",
    "streamSid": "MZ01",
    "start": {
        "streamSid": "MZ01",
        "accountSid": "AC01",
        "callSid": "CA01",
        "tracks": ["inbound"],
        "customParameters": {"call_id": "c1"},
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
    },
}


def media(payload: object, **extra: object) -> str:
    return json.dumps(
        {"event": "media", "streamSid": "MZ01", "media": {"track": "inbound", "payload": payload, **extra}}
    )


def started(start: dict[str, Any] = START) -> MediaStreamsCodec:
    codec = MediaStreamsCodec()
    codec.decode(json.dumps(start))
    return codec


def with_format(**fields: object) -> dict[str, Any]:
    section = START["start"]
    return {**START, "start": {**section, "mediaFormat": {**section["mediaFormat"], **fields}}}


def test_start_names_the_stream_the_call_and_its_parameters() -> None:
    codec = MediaStreamsCodec()
    assert codec.decode(CONNECTED) == MediaIgnored()
    assert codec.decode(json.dumps(START)) == MediaStart(
        stream_id="MZ01", carrier_id="CA01", parameters={"call_id": "c1"}
    )


def test_each_message_after_start_is_read() -> None:
    codec = started()
    frame = bytes(range(160))
    assert codec.decode(media(base64.b64encode(frame).decode(), chunk="1", timestamp="20")) == MediaAudio(frame)
    assert codec.decode('{"event":"mark","mark":{"name":"e1.t3"}}') == MediaMark("e1.t3")
    assert codec.decode('{"event":"dtmf","dtmf":{"track":"inbound_track","digit":"#"}}') == MediaDigit("#")
    assert codec.decode('{"event":"stop","stop":{"callSid":"CA01"}}') == MediaStop()


def test_unknown_events_and_our_own_track_are_ignored() -> None:
    codec = started()
    assert codec.decode('{"event":"x-noise","x":1}') == MediaIgnored()
    assert codec.decode(media("/////w==", track="outbound")) == MediaIgnored()


@pytest.mark.parametrize(
    "media_format", [{"sampleRate": "8000", "channels": "1"}, {"sampleRate": 8000, "channels": 1}, {"bitDepth": 8}]
)
def test_numbers_may_come_as_numbers_or_in_strings(media_format: dict[str, object]) -> None:
    started(with_format(**media_format))


def test_white_space_around_a_message_means_nothing() -> None:
    bare = json.dumps({"event": "start", "start": {"streamSid": "MZ01", "callSid": "CA01"}})
    assert MediaStreamsCodec().decode(f"\n {bare}\r\n") == MediaStreamsCodec().decode(bare)


def test_a_start_without_format_or_parameters_is_taken() -> None:
    bare = {"event": "start", "start": {"streamSid": "MZ01", "callSid": "CA01"}}
    assert MediaStreamsCodec().decode(json.dumps(bare)) == MediaStart(stream_id="MZ01", carrier_id="CA01")


@pytest.mark.parametrize(
    "media_format", [{"encoding": "audio/x-alaw"}, {"sampleRate": 16000}, {"channels": 2}, {"channels": None}]
)
def test_another_audio_format_is_refused(media_format: dict[str, object]) -> None:
    with pytest.raises(MediaStreamError):
        MediaStreamsCodec().decode(json.dumps(with_format(**media_format)))


@pytest.mark.parametrize(
    "message",
    [
        "",
        "null",
        "[]",
        '"media"',
        '{"event":',
        '{"event":"stop"} {}',
        "{}",
        '{"event":7}',
        '{"event":"media"}',
        '{"event":"media","media":[]}',
        '{"event":"media","media":{}}',
        media(7),
        media(""),
        media("not base64!"),
        media("//8"),
        media("//8=="),
        media("//8=AAAA"),
        media("/\n/8="),
        media("é" * 4),
        media(base64.b64encode(bytes(MAX_AUDIO_BYTES + 1)).decode()),
        '{"event":"mark","mark":{}}',
        '{"event":"mark","mark":{"name":3}}',
        '{"event":"dtmf","dtmf":{"digit":"12"}}',
        '{"event":"dtmf","dtmf":{"digit":"x"}}',
        json.dumps(START),
        "[" * 60_000,
        '{"event":' + "9" * 5000 + "}",
    ],
)
def test_a_broken_message_is_a_media_stream_error(message: str) -> None:
    with pytest.raises(MediaStreamError):
        started().decode(message)


def test_the_largest_payload_still_passes() -> None:
    audio = bytes(MAX_AUDIO_BYTES)
    assert started().decode(media(base64.b64encode(audio).decode())) == MediaAudio(audio)


@pytest.mark.parametrize(
    "section", [{}, {"streamSid": "MZ01"}, {"callSid": "CA01"}, {"streamSid": 1, "callSid": "CA01"}]
)
def test_a_start_that_does_not_say_whose_it_is_is_refused(section: dict[str, object]) -> None:
    codec = MediaStreamsCodec()
    with pytest.raises(MediaStreamError):
        codec.decode(json.dumps({"event": "start", "start": section}))
    with pytest.raises(MediaStreamError):
        codec.encode_clear()


@pytest.mark.parametrize("message", [media("/w=="), '{"event":"mark","mark":{"name":"m"}}', '{"event":"stop"}'])
def test_nothing_may_come_before_start(message: str) -> None:
    with pytest.raises(MediaStreamError):
        MediaStreamsCodec().decode(message)


def test_nothing_can_be_sent_before_start() -> None:
    codec = MediaStreamsCodec()
    for encode in (lambda: codec.encode_audio(b"\xff"), lambda: codec.encode_mark("m"), codec.encode_clear):
        with pytest.raises(MediaStreamError):
            encode()


def test_what_is_sent_has_the_documented_shape() -> None:
    codec = started()
    assert json.loads(codec.encode_clear()) == {"event": "clear", "streamSid": "MZ01"}
    assert json.loads(codec.encode_mark('a "b"\n')) == {
        "event": "mark",
        "streamSid": "MZ01",
        "mark": {"name": 'a "b"\n'},
    }


@given(st.binary(max_size=400), st.text(min_size=1, max_size=40))
def test_audio_comes_back_as_it_went_whatever_the_stream_is_called(audio: bytes, stream_id: str) -> None:
    section = {**START["start"], "streamSid": stream_id}
    message = json.loads(started({**START, "start": section}).encode_audio(audio))
    assert message == {
        "event": "media",
        "streamSid": stream_id,
        "media": {"payload": base64.b64encode(audio).decode()},
    }


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)
EVENTS = st.sampled_from(["connected", "start", "media", "mark", "dtmf", "stop"])
FIELDS = st.sampled_from(
    ["payload", "name", "digit", "streamSid", "callSid", "mediaFormat", "customParameters", "track"]
)


@st.composite
def almost_messages(draw: st.DrawFn) -> str:
    event = draw(EVENTS)
    section = draw(st.dictionaries(FIELDS, JSON_VALUES, max_size=4) | JSON_VALUES)
    return json.dumps({"event": event, event: section, **draw(st.dictionaries(st.text(max_size=8), JSON_VALUES))})


@given(st.booleans(), st.lists(st.text() | almost_messages() | JSON_VALUES.map(json.dumps), max_size=5))
def test_junk_never_raises_anything_but_media_stream_error(begun: bool, messages: list[str]) -> None:
    codec = started() if begun else MediaStreamsCodec()
    for message in messages:
        try:
            codec.decode(message)
        except MediaStreamError as error:
            assert error.message
