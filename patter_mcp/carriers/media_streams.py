"""Twilio Media Streams, the agent's side: messages in, messages out, no I/O.

The sandbox speaks it too, from the other end (`patter_mcp.sandbox.wire`).
Messages: https://www.twilio.com/docs/voice/media-streams/websocket-messages
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from typing import Any, cast

from patter_mcp.audio.frame import SAMPLE_RATE_HZ
from patter_mcp.carriers.base import (
    MediaAudio,
    MediaDigit,
    MediaIgnored,
    MediaMark,
    MediaMessage,
    MediaStart,
    MediaStop,
)
from patter_mcp.errors import MediaStreamError

MAX_AUDIO_BYTES = 16_000
"""Two seconds in one message. Twilio sends 160 bytes; whoever sends more than this is not Twilio."""

_MAX_PAYLOAD_CHARS = -(-MAX_AUDIO_BYTES // 3) * 4
_DIGITS = frozenset("0123456789*#ABCD")
_IGNORED = MediaIgnored()
_DECODER = json.JSONDecoder()


class MediaStreamsCodec:
    """One websocket's messages. It learns the stream's id from `start`, which comes once and before all audio."""

    def __init__(self) -> None:
        self._stream_id: str | None = None
        self._audio_head = ""
        self._mark_head = ""
        self._clear = ""
        self._readers = {
            "media": self._read_media,
            "mark": self._read_mark,
            "dtmf": self._read_digit,
            "start": self._read_start,
            "stop": self._read_stop,
        }

    def decode(self, message: str) -> MediaMessage:
        fields = _parse(message)
        event = fields.get("event")
        if not isinstance(event, str):
            raise MediaStreamError("A media stream message has no event name")
        read = self._readers.get(event)
        if read is None:
            return _IGNORED
        if self._stream_id is None and event != "start":
            raise MediaStreamError(f"The media stream sent {event!r} before it started")
        return read(fields)

    def encode_audio(self, audio: bytes) -> str:
        return f'{self._started(self._audio_head)}{binascii.b2a_base64(audio, newline=False).decode()}"}}}}'

    def encode_mark(self, name: str) -> str:
        return f"{self._started(self._mark_head)}{json.dumps(name)}}}}}"

    def encode_clear(self) -> str:
        return self._started(self._clear)

    def _started(self, head: str) -> str:
        if self._stream_id is None:
            raise MediaStreamError("The media stream has not started; nothing can be sent on it")
        return head

    def _read_start(self, fields: dict[str, Any]) -> MediaStart:
        if self._stream_id is not None:
            raise MediaStreamError("The media stream started a second time")
        start = _section(fields, "start")
        _check_format(start.get("mediaFormat"))
        stream_id, carrier_id = _text(start, "streamSid"), _text(start, "callSid")
        self._begin(stream_id)
        return MediaStart(stream_id=stream_id, carrier_id=carrier_id, parameters=_parameters(start))

    def _begin(self, stream_id: str) -> None:
        """What stays the same in each message is written once; audio leaves fifty times a second in every call."""
        self._stream_id = stream_id
        quoted = json.dumps(stream_id)
        self._audio_head = f'{{"event":"media","streamSid":{quoted},"media":{{"payload":"'
        self._mark_head = f'{{"event":"mark","streamSid":{quoted},"mark":{{"name":'
        self._clear = f'{{"event":"clear","streamSid":{quoted}}}'

    def _read_media(self, fields: dict[str, Any]) -> MediaMessage:
        media = _section(fields, "media")
        if media.get("track") == "outbound":
            return _IGNORED
        payload = _text(media, "payload")
        if len(payload) > _MAX_PAYLOAD_CHARS:
            raise MediaStreamError(f"A media message holds more than {MAX_AUDIO_BYTES} bytes of audio")
        try:
            audio = binascii.a2b_base64(payload, strict_mode=True)
        except ValueError as error:
            raise MediaStreamError("The audio of a media message is not base64") from error
        if len(audio) > MAX_AUDIO_BYTES:
            raise MediaStreamError(f"A media message holds more than {MAX_AUDIO_BYTES} bytes of audio")
        return MediaAudio(audio)

    def _read_mark(self, fields: dict[str, Any]) -> MediaMark:
        return MediaMark(_text(_section(fields, "mark"), "name"))

    def _read_digit(self, fields: dict[str, Any]) -> MediaDigit:
        digit = _text(_section(fields, "dtmf"), "digit")
        if digit not in _DIGITS:
            raise MediaStreamError("A dtmf message names no key of a telephone")
        return MediaDigit(digit)

    def _read_stop(self, fields: dict[str, Any]) -> MediaStop:
        return MediaStop()


def _parse(message: str) -> dict[str, Any]:
    text = message.strip()
    try:
        # `json.loads` looks for white space with regular expressions, which takes as long as all the rest.
        fields, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError) as error:
        raise MediaStreamError("A media stream message is not JSON") from error
    if end != len(text):
        raise MediaStreamError("A media stream message is not JSON")
    if not isinstance(fields, dict):
        raise MediaStreamError("A media stream message is not a JSON object")
    return cast("dict[str, Any]", fields)


def _section(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = fields.get(name)
    if not isinstance(section, dict):
        raise MediaStreamError(f"A {name!r} message lacks its {name!r} object")
    return cast("dict[str, Any]", section)


def _text(section: Mapping[str, Any], name: str) -> str:
    value = section.get(name)
    if not isinstance(value, str) or not value:
        raise MediaStreamError(f"A media stream message lacks {name!r}")
    return value


def _check_format(media_format: object) -> None:
    """Numbers come as JSON numbers or in strings, so they are compared as text."""
    if media_format is None:
        return
    if not isinstance(media_format, dict):
        raise MediaStreamError("The media stream's format is not an object")
    given = cast("dict[str, object]", media_format)
    wanted = {"encoding": "audio/x-mulaw", "sampleRate": str(SAMPLE_RATE_HZ), "channels": "1"}
    for name, value in wanted.items():
        if str(given.get(name, value)) != value:
            raise MediaStreamError(f"The media stream's {name} is not {value}")


def _parameters(start: Mapping[str, Any]) -> dict[str, str]:
    parameters = start.get("customParameters")
    if not isinstance(parameters, dict):
        return {}
    return {name: str(value) for name, value in cast("dict[str, object]", parameters).items()}
