"""OpenAI's speech-to-speech: `/v1/realtime?model=…`, GA shape.

Hears by loudness, answers with what the script says, word by word: transcript first, then its sound, sung. Asked to
say something exactly, it does. Strict where the real one is: one response at a time, no truncation beyond the audio
there is, no beta names.
"""

from __future__ import annotations

import asyncio
import functools
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.testing.speech.hearing import Hearing
from patter_mcp.testing.speech.scripts import Transcripts, transcript_of
from patter_mcp.testing.speech.server import FakeConnection
from patter_mcp.testing.speech.singing import sing

PCMU = {"type": "audio/pcmu"}
SEMANTIC_SILENCE_MS = 300
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


Fault = Literal["", "cut", "close", "stall", "nonsense", "noise", "expire"]
"""The network breaks, the vendor closes with 1011, it says no more; it sends half a message, sound that is none; the
session reaches its limit."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: words, then function calls (name, JSON arguments)."""

    text: str = ""
    calls: Sequence[tuple[str, str]] = ()
    failure: str = ""
    """A code such as `rate_limit_exceeded`; nothing is said."""
    status: str = "completed"
    """`incomplete`, `cancelled`: it ends so after what there is of it."""
    fault: Fault = ""
    """Happens once half of it has been said, or in its function call."""
    wait_ms: float = 0.0
    """For its first sound, longer than usual."""


@dataclass(slots=True)
class RealtimeScript:
    """How the model behaves. `sessions` keeps every session there ever was."""

    answers: list[Answer] = field(default_factory=list[Answer])
    """To what the user says, one after the other; then "I see."."""
    transcripts: Transcripts = field(default_factory=lambda: lambda turn: f"this is turn {turn}")
    latency_ms: float = 20.0
    """From the frame that decides to the message."""
    transcription_ms: float = 200.0
    first_audio_ms: float = 250.0
    speed: float = 8.0
    """Seconds of audio made in a second."""
    terse: bool = False
    """Leaves out what a client can do without: its agreement, metadata, pieces of transcripts, items, usage."""
    sessions: list[RealtimeModel] = field(default_factory=list["RealtimeModel"])


@dataclass(slots=True)
class Item:
    """Of the conversation."""

    id: str
    role: str
    """`user`, `assistant`, `system`, `call` or `output`."""
    text: str = ""
    audio_ms: float = 0.0
    truncated_ms: int | None = None
    call_id: str = ""


@dataclass(slots=True)
class _Response:
    id: str
    answer: Answer
    metadata: dict[str, str] | None
    aside: bool
    over: bool = False
    stumbled: bool = False
    output: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    spoken_ms: float = 0.0
    spoken_chars: int = 0


class RealtimeModel:
    """One session."""

    def __init__(self, connection: FakeConnection, script: RealtimeScript) -> None:
        self.connection = connection
        self.session: dict[str, Any] = {}
        self.items: list[Item] = []
        self.errors: list[str] = []
        """Codes of what we complained about."""
        self.heard = bytearray()
        """All audio, μ-law."""
        self._script = script
        self._loop = asyncio.get_running_loop()
        self._ids = count()
        self._hearing = Hearing()
        self._user_item: str | None = None
        self._turn = 0
        self._active: _Response | None = None
        script.sessions.append(self)
        self._say({"type": "session.created", "session": {"type": "realtime"}})

    @property
    def agent_texts(self) -> list[str]:
        """What the model remembers having said; truncated speech has no text."""
        return [item.text for item in self.items if item.role == "assistant"]

    def expire(self) -> None:
        """The session has reached its limit."""
        self._send({"type": "error", "error": _error("session_expired", "Your session hit the maximum duration.")})
        self.connection.close(1001, "Your session hit the maximum duration.")

    def complain(self, code: str = "invalid_value") -> None:
        """About something nobody knows."""
        self._complain(code, "that was not right", None)

    def audio(self, data: bytes) -> None:
        self._complain("binary", "send JSON", None)

    def text(self, message: str) -> None:
        data = json.loads(message)
        handle = self._handlers.get(data["type"])
        if handle is None:
            self._complain("unknown_event", data["type"], data)
        elif not self.session and data["type"] != "session.update":
            self._complain("no_session", "update the session first", data)
        else:
            handle(self, data)

    # What the client says.

    def _update(self, data: dict[str, Any]) -> None:
        session = data["session"]
        given, made = session["audio"]["input"], session["audio"]["output"]
        flat = all("name" in tool and "function" not in tool for tool in session["tools"])
        if session["type"] != "realtime" or given["format"] != PCMU or made["format"] != PCMU or not flat:
            self._complain("invalid_session", "not the GA shape", data)
        elif "gone" in self.connection.asked.parameter("model"):
            self._complain("model_not_found", "no such model", data)
        else:
            self.session = session
            if not self._script.terse:
                self._say({"type": "session.updated", "session": session})

    def _append(self, data: dict[str, Any]) -> None:
        audio = b64decode(data["audio"])
        self.heard += audio
        for now_ms in self._hearing.hear(audio):
            self._detect(now_ms)

    def _create_item(self, data: dict[str, Any]) -> None:
        given = data["item"]
        kind = given["type"]
        role = {"function_call": "call", "function_call_output": "output"}.get(kind) or given["role"]
        if role == "output" and all(item.call_id != given["call_id"] for item in self.items):
            self._complain("invalid_tool_call_id", given["call_id"], data)
            return
        text = given.get("output", "") if kind != "message" else given["content"][0]["text"]
        item = Item(self._id("item"), role, text=text, call_id=given.get("call_id", ""))
        self._add_item(item, given)

    def _truncate(self, data: dict[str, Any]) -> None:
        item = self._find(data["item_id"])
        if item is None or item.role != "assistant":
            self._complain("item_truncate_invalid_item_id", data["item_id"], data)
        elif not 0 < data["audio_end_ms"] <= item.audio_ms:
            self._complain("invalid_value", f"audio is {item.audio_ms} ms long", data)
        else:
            item.truncated_ms, item.text = data["audio_end_ms"], ""
            self._say({"type": "conversation.item.truncated", "item_id": item.id, "audio_end_ms": item.truncated_ms})

    def _delete(self, data: dict[str, Any]) -> None:
        item = self._find(data["item_id"])
        if item is None:
            self._complain("item_delete_invalid_item_id", data["item_id"], data)
        else:
            self.items.remove(item)
            self._say({"type": "conversation.item.deleted", "item_id": item.id})

    def _ask(self, data: dict[str, Any]) -> None:
        wanted = data.get("response", {})
        aside = wanted.get("conversation") == "none"
        if self._active is not None and not aside:
            message = f"Conversation already has an active response in progress: {self._active.id}."
            self._complain("conversation_already_has_active_response", message, data)
            return
        quoted = _QUOTED.search(wanted.get("instructions", ""))
        answer = Answer(json.loads(quoted[0])) if quoted else self._next_answer()
        self._respond(answer, wanted.get("metadata"), aside=aside)

    def _cancel(self, data: dict[str, Any]) -> None:
        if self._active is None or data.get("response_id") not in (None, self._active.id):
            self._complain("response_cancel_not_active", "no active response", data)
        else:
            self._finish(self._active, "cancelled", {"type": "cancelled", "reason": "client_cancelled"})

    # Hearing.

    def _detect(self, now_ms: float) -> None:
        detection = self.session["audio"]["input"]["turn_detection"]
        silence_ms = detection.get("silence_duration_ms", SEMANTIC_SILENCE_MS)
        if self._hearing.speaking and self._user_item is None:
            self._user_item = self._id("item")
            start_ms = max(0.0, self._hearing.started_ms - detection.get("prefix_padding_ms", 0))
            self._say_of_user("speech_started", audio_start_ms=int(start_ms))
            if self._active is not None and detection["interrupt_response"]:
                self._finish(self._active, "cancelled", {"type": "cancelled", "reason": "turn_detected"})
        elif self._user_item is not None and self._hearing.silence_ms >= silence_ms:
            self._hearing.speaking = False
            self._say_of_user("speech_stopped", audio_end_ms=int(now_ms))
            self._commit(self._user_item)

    def _say_of_user(self, what: str, **fields: object) -> None:
        self._say({"type": f"input_audio_buffer.{what}", "item_id": self._user_item, **fields})

    def _commit(self, item_id: str) -> None:
        previous = self.items[-1].id if self.items else None
        self._say_of_user("committed", previous_item_id=previous)
        item = Item(item_id, "user", text=transcript_of(self._script.transcripts, self._turn))
        self._add_item(item, {"type": "message", "role": "user"})
        self._turn += 1
        self._user_item = None
        kind = "conversation.item.input_audio_transcription."
        half = len(item.text) // 2
        for delta in (item.text[:half], item.text[half:]):
            self._say({"type": kind + "delta", "item_id": item_id, "delta": delta}, self._script.transcription_ms)
        done = {"type": kind + "completed", "item_id": item_id, "content_index": 0, "transcript": item.text}
        self._say(done, self._script.transcription_ms)
        if self._active is None:
            self._respond(self._next_answer(), None, aside=False)

    # Speaking.

    def _next_answer(self) -> Answer:
        return self._script.answers.pop(0) if self._script.answers else Answer("I see.")

    def _respond(self, answer: Answer, metadata: dict[str, str] | None, *, aside: bool) -> None:
        response = _Response(self._id("resp"), answer, metadata, aside)
        if not aside:
            self._active = response
        self._say({"type": "response.created", "response": self._described(response, "in_progress")})
        self._after(self._script.first_audio_ms + answer.wait_ms, self._begin, response)

    def _begin(self, response: _Response) -> None:
        if response.answer.failure:
            error = {"type": "server_error", "code": response.answer.failure, "message": "try again later"}
            self._finish(response, "failed", {"type": "failed", "error": error})
        elif response.answer.text:
            item = Item(self._id("item"), "assistant")
            self._output(response, item, {"type": "message", "role": "assistant"})
            self._speak(response, item, re.findall(r"\s*\S+", response.answer.text))
        else:
            self._call(response)

    def _speak(self, response: _Response, item: Item, words: list[str]) -> None:
        if not words:
            self._say_all_words(response, item)
            self._call(response)
            return
        word, audio = words[0], sing(words[0])
        item.text += word
        item.audio_ms += len(audio) / BYTES_PER_MS
        response.spoken_ms += len(audio) / BYTES_PER_MS
        response.spoken_chars += len(word)
        place = {"response_id": response.id, "item_id": item.id, "output_index": 0, "content_index": 0}
        if not self._script.terse:
            self._say({"type": "response.output_audio_transcript.delta", "delta": word, **place})
        self._say({"type": "response.output_audio.delta", "delta": b64encode(audio).decode(), **place})
        if len(words) <= 2 and self._stumbles(response):
            return
        made_ms = len(audio) / BYTES_PER_MS / self._script.speed
        self._after(made_ms, self._speak, response, item, words[1:])

    def _say_all_words(self, response: _Response, item: Item) -> None:
        place = {"response_id": response.id, "item_id": item.id, "output_index": 0, "content_index": 0}
        self._say({"type": "response.output_audio_transcript.done", "transcript": item.text, **place})

    def _call(self, response: _Response) -> None:
        for name, arguments in response.answer.calls:
            call_id = self._id("call")
            item = Item(self._id("item"), "call", call_id=call_id)
            given = {"type": "function_call", "name": name, "call_id": call_id, "arguments": arguments}
            self._output(response, item, given)
            if self._stumbles(response):
                return
            done = {"type": "response.function_call_arguments.done", "response_id": response.id, "item_id": item.id}
            self._say({**done, "call_id": call_id, "name": name, "arguments": arguments})
        status = response.answer.status
        self._finish(response, status, {"type": status})

    def _stumbles(self, response: _Response) -> bool:
        """Once; whether that is the end of it."""
        fault = "" if response.stumbled else response.answer.fault
        response.stumbled = True
        match fault:
            case "cut":
                self.connection.cut()
            case "close":
                self.connection.close(1011, "internal error")
            case "expire":
                self.expire()
            case "nonsense":
                self.connection.send('{"type": "response.output_audio.del')
            case "noise":
                self._send({"type": "response.output_audio.delta", "response_id": response.id, "delta": "a"})
            case _:
                return fault == "stall"
        return fault in ("cut", "close", "expire")

    def _output(self, response: _Response, item: Item, given: dict[str, Any]) -> None:
        described = {"id": item.id, "object": "realtime.item", **given}
        response.output.append(described)
        if not self._script.terse:
            self._say({"type": "response.output_item.added", "response_id": response.id, "item": described})
        if not response.aside:
            self._add_item(item, given)

    def _finish(self, response: _Response, status: str, details: dict[str, Any]) -> None:
        response.over = True
        if response is self._active:
            self._active = None
        usage = None if self._script.terse else self._usage(response)
        done = {**self._described(response, status), "status_details": details, "usage": usage}
        self._say({"type": "response.done", "response": done})

    def _described(self, response: _Response, status: str) -> dict[str, Any]:
        terse = self._script.terse
        return {
            "id": response.id,
            "conversation_id": None if response.aside else "conv_1",
            "status": status,
            "metadata": None if terse else response.metadata,
            "output": [] if terse else response.output,
        }

    def _usage(self, response: _Response) -> dict[str, Any]:
        """An audio token is 100 ms heard or 50 ms spoken; half the text comes from the cache."""
        text, audio = 100 + 10 * len(self.items), int(self._hearing.now_ms / 100)
        return {
            "input_token_details": {
                "text_tokens": text,
                "audio_tokens": audio,
                "cached_tokens": text // 2,
                "cached_tokens_details": {"text_tokens": text // 2, "audio_tokens": 0},
            },
            "output_token_details": {
                "text_tokens": response.spoken_chars // 4,
                "audio_tokens": int(response.spoken_ms / 50),
            },
        }

    # Plumbing.

    def _add_item(self, item: Item, given: dict[str, Any]) -> None:
        previous = self.items[-1].id if self.items else None
        self.items.append(item)
        added = {"previous_item_id": previous, "item": {**given, "id": item.id}}
        self._say({"type": "conversation.item.added", **added})

    def _find(self, item_id: str) -> Item | None:
        return next((item for item in self.items if item.id == item_id), None)

    def _id(self, kind: str) -> str:
        return f"{kind}_{id(self) % 10_000}_{next(self._ids)}"

    def _complain(self, code: str, message: str, data: dict[str, Any] | None) -> None:
        self.errors.append(code)
        event_id = data.get("event_id") if data else None
        self._say({"type": "error", "error": {**_error(code, message), "event_id": event_id}})

    def _after(self, wait_ms: float, step: Callable[..., None], response: _Response, *args: Any) -> None:
        def go() -> None:
            if not response.over:
                step(response, *args)

        self.connection.at(self._loop.time() + wait_ms / 1000, go)

    def _say(self, message: dict[str, Any], wait_ms: float = 0.0) -> None:
        send = functools.partial(self._send, message)
        self.connection.at(self._loop.time() + (self._script.latency_ms + wait_ms) / 1000, send)

    def _send(self, message: dict[str, Any]) -> None:
        self.connection.send_json(message)

    _handlers: dict[str, Callable[[RealtimeModel, dict[str, Any]], None]] = {
        "session.update": _update,
        "input_audio_buffer.append": _append,
        "conversation.item.create": _create_item,
        "conversation.item.truncate": _truncate,
        "conversation.item.delete": _delete,
        "response.create": _ask,
        "response.cancel": _cancel,
    }


def _error(code: str, message: str) -> dict[str, Any]:
    return {"type": "invalid_request_error", "code": code, "message": message}
