"""Recorded streams, damaged: cut short, out of order, told twice, with other things where text should be.

Whatever comes, an adapter understands it or says in our words that it does not.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patter_mcp.errors import ProviderError
from patter_mcp.llm.anthropic import AnthropicLLM
from patter_mcp.llm.base import Chunk, DoneChunk, TextChunk, ToolCallChunk, UsageChunk
from patter_mcp.llm.google import GoogleLLM
from patter_mcp.llm.http import Post
from patter_mcp.llm.openai import OpenAILLM
from patter_mcp.llm.vendor import VendorLLM
from patter_mcp.stt.base import EagerEndOfTurn, Final, Interim, SttEvent
from patter_mcp.stt.deepgram import NovaCodec
from patter_mcp.stt.deepgram_flux import FluxCodec
from patter_mcp.stt.live import LiveStream, SttCodec
from patter_mcp.stt.openai import TranscriptionCodec
from patter_mcp.tts.deepgram import AuraConnection
from patter_mcp.tts.elevenlabs import ElevenLabsConnection
from patter_mcp.tts.live import Connection, SocketVoice
from patter_mcp.vendors.access import Endpoint

Json = Any
NOWHERE = Endpoint(provider="acme", url="ws://127.0.0.1:1", headers={})

# What can happen to a recording.

ODDITIES = [None, 0, -1, 1.5, True, "", "text", [], {}, ["a"], {"a": 1}, float("inf"), float("nan"), "\ud800"]


def places(value: Json, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in a message something stands."""
    items = value.items() if isinstance(value, dict) else enumerate(cast("list[Any]", value))
    found: list[tuple[Any, ...]] = []
    for key, inner in cast("Any", items):
        found.append((*path, key))
        if isinstance(inner, dict | list):
            found += places(inner, (*path, key))
    return found


def changed(message: Json, path: Sequence[Any], value: Json) -> Json:
    copy = json.loads(json.dumps(message))
    target = copy
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return copy


@st.composite
def damaged(draw: st.DrawFn, recording: Sequence[Json]) -> list[str]:
    """As text, message by message."""
    order = draw(st.lists(st.integers(0, len(recording) - 1), max_size=2 * len(recording)) | st.just(None))
    messages = [recording[number] for number in (range(len(recording)) if order is None else order)]
    for number in draw(st.lists(st.integers(0, max(0, len(messages) - 1)), max_size=2)) if messages else []:
        path = draw(st.sampled_from(places(messages[number])))
        messages[number] = changed(messages[number], path, draw(st.sampled_from(ODDITIES)))
    texts = [json.dumps(message) for message in messages]
    if texts and draw(st.booleans()):
        number = draw(st.integers(0, len(texts) - 1))
        texts[number] = texts[number][: draw(st.integers(0, len(texts[number])))]
    return texts


# Models.


def _delta(finish: str | None = None, **fields: Any) -> Json:
    return {"id": "x", "choices": [{"index": 0, "delta": fields, "finish_reason": finish}], "usage": None}


def _function(**fields: Any) -> Json:
    return _delta(tool_calls=[fields])


OPENAI = [
    _delta(role="assistant", content=""),
    _delta(content="Hel"),
    _delta(content="lo."),
    _function(index=0, id="call_1", type="function", function={"name": "hang_up", "arguments": ""}),
    _function(index=0, function={"arguments": '{"reason"'}),
    _function(index=0, function={"arguments": ':"done"}'}),
    _delta("tool_calls"),
    {
        "choices": [],
        "usage": {"prompt_tokens": 20, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 0}},
    },
]
ANTHROPIC = [
    {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 8, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello."}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "content_block_start",
        "index": 1,
        "content_block": {"type": "tool_use", "id": "toolu_1", "name": "hang_up", "input": {}},
    },
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"reason":'}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '"done"}'}},
    {"type": "content_block_stop", "index": 1},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 41}},
    {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
    {"type": "message_stop"},
]
GOOGLE = [
    {
        "candidates": [{"content": {"parts": [{"text": "Hello."}], "role": "model"}, "index": 0}],
        "usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 6},
    },
    {
        "candidates": [
            {
                "content": {"parts": [{"functionCall": {"name": "hang_up", "args": {}}, "thoughtSignature": "AA"}]},
                "finishReason": "STOP",
            }
        ],
        "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 7, "thoughtsTokenCount": 0},
    },
    {"error": {"code": 429, "message": "Slow down.", "status": "RESOURCE_EXHAUSTED"}},
]
MODELS: Mapping[str, tuple[type[VendorLLM], Sequence[Json]]] = {
    "openai": (OpenAILLM, OPENAI),
    "anthropic": (AnthropicLLM, ANTHROPIC),
    "google": (GoogleLLM, GOOGLE),
}


def replaying(model: type[VendorLLM], body: bytes) -> VendorLLM:
    """A model that is answered with that body."""

    class Replaying(cast("Any", model)):
        @asynccontextmanager
        async def _response(self, post: Post, deadline: float) -> AsyncGenerator[AsyncGenerator[bytes]]:
            async def pieces() -> AsyncGenerator[bytes]:
                for start in range(0, len(body), 100):
                    yield body[start : start + 100]

            yield pieces()

    return Replaying(api_key="any")


def use(chunk: Chunk) -> None:
    """As its reader would."""
    match chunk:
        case TextChunk(text=text):
            text.encode()
        case ToolCallChunk(index=index, name=name, arguments=arguments):
            assert f"{index:d}" + name + arguments
        case UsageChunk(input_tokens=read, output_tokens=written, cache_read_tokens=cached):
            assert f"{read + written + cached:d}"
        case DoneChunk():
            assert chunk.reason.isidentifier()


@pytest.mark.parametrize("vendor", MODELS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_model_gives_sound_chunks_or_fails_in_our_words(vendor: str, data: st.DataObject) -> None:
    model, recording = MODELS[vendor]
    body = "".join(f"data: {message}\n\n" for message in data.draw(damaged(recording)))
    raw = body.encode(errors="surrogatepass")
    body = raw[: data.draw(st.integers(0, len(raw)) | st.just(len(raw)))]

    async def listen() -> None:
        try:
            async for chunk in replaying(model, body).stream([{"role": "user", "content": "Hi"}]):
                use(chunk)
        except ProviderError:
            return

    anyio.run(listen)


# Recognisers.


def _results(text: str, **fields: Any) -> Json:
    return {
        "type": "Results",
        "start": 0.0,
        "duration": 1.0,
        "is_final": False,
        "speech_final": False,
        "channel": {"alternatives": [{"transcript": text, "words": [{"word": text, "start": 0.0}]}]},
        **fields,
    }


def _turn(event: str, text: str) -> Json:
    return {"type": "TurnInfo", "event": event, "turn_index": 0, "audio_window_end": 2.4, "transcript": text}


NOVA = [
    {"type": "SpeechStarted", "channel": [0], "timestamp": 3.1},
    _results("Yes"),
    _results("Yes please", is_final=True),
    _results("", is_final=True, speech_final=True),
    {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": 4.24},
    {"type": "Metadata", "duration": 63.2},
    {"type": "Error", "description": "Something"},
]
FLUX = [
    {"type": "Connected", "sequence_id": 0},
    _turn("StartOfTurn", "I"),
    _turn("Update", "I would"),
    _turn("EagerEndOfTurn", "I would like"),
    _turn("TurnResumed", "I would like"),
    _turn("EndOfTurn", "I would like a table"),
    {"type": "Error", "code": "INTERNAL_SERVER_ERROR", "description": "…"},
]
TRANSCRIPTION = [
    {"type": "session.created"},
    {"type": "session.updated"},
    {"type": "input_audio_buffer.speech_started", "audio_start_ms": 1, "item_id": "a"},
    {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": 9, "item_id": "a"},
    {"type": "input_audio_buffer.committed", "item_id": "a", "previous_item_id": None},
    {"type": "conversation.item.input_audio_transcription.delta", "item_id": "a", "delta": "Yes"},
    {"type": "conversation.item.input_audio_transcription.completed", "item_id": "a", "transcript": "Yes."},
    {"type": "conversation.item.input_audio_transcription.failed", "item_id": "a", "error": {}},
    {"type": "error", "error": {"type": "server_error", "code": None, "message": "x"}},
]
EARS: Mapping[str, tuple[Callable[[], SttCodec], Sequence[Json]]] = {
    "nova": (NovaCodec, NOVA),
    "flux": (FluxCodec, FLUX),
    "openai": (lambda: TranscriptionCodec({}, self_paced=False), TRANSCRIPTION),
}


@pytest.mark.parametrize("vendor", EARS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_recogniser_gives_words_or_is_lost(vendor: str, data: st.DataObject) -> None:
    make_codec, recording = EARS[vendor]
    messages = data.draw(damaged(recording))

    async def listen() -> list[SttEvent]:
        stream = LiveStream(NOWHERE, make_codec())
        for message in messages:
            stream.received(message)
        await stream.aclose()
        return [event async for event in stream]

    for event in anyio.run(listen):
        if isinstance(event, Interim | Final | EagerEndOfTurn):
            event.text.split()


# Voices.

ELEVENLABS = [
    {
        "audio": "/////w==",
        "isFinal": None,
        "contextId": "1",
        "alignment": {"chars": ["H", "i"], "charStartTimesMs": [0, 40], "charDurationsMs": [40, 35]},
    },
    {"audio": "/////w==", "contextId": "1", "alignment": None},
    {"isFinal": True, "contextId": "1"},
    {"message": "…", "error": "max_active_conversations", "code": 1008},
]
AURA = [
    {"type": "Metadata", "request_id": "x"},
    {"type": "Flushed", "sequence_id": 0},
    {"type": "Cleared", "sequence_id": 0},
    {"type": "Warning", "code": "X", "description": "…"},
]
VOICES: Mapping[str, tuple[Callable[[SocketVoice], Connection], Sequence[Json]]] = {
    "elevenlabs": (lambda voice: ElevenLabsConnection(voice, {}), ELEVENLABS),
    "aura": (AuraConnection, AURA),
}


@pytest.mark.parametrize("vendor", VOICES)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_voice_makes_sounds_or_is_lost(vendor: str, data: st.DataObject) -> None:
    make_connection, recording = VOICES[vendor]
    messages = data.draw(damaged(recording))

    async def speak() -> None:
        voice = SocketVoice(NOWHERE, make_connection, 0.0)
        utterance = voice.utterance()
        connection = make_connection(voice)
        utterance.feed("Hi there.")
        connection.take(utterance)
        utterance.end()
        for message in messages:
            connection.received(message)
        utterance.finish()
        try:
            async for speech in utterance:
                assert isinstance(speech.audio, bytes) and isinstance(speech.text_chars, int | None)
        except ProviderError:
            return

    anyio.run(speak)
