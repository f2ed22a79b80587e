"""OpenAI's Realtime messages (GA shape) for one call, without I/O. It outlives connections.

https://developers.openai.com/api/docs/guides/realtime-conversations
"""

from __future__ import annotations

import json
import logging
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count

from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.errors import ProviderError
from patter_mcp.realtime.base import (
    Complaint,
    Past,
    RealtimeEvent,
    RealtimeUsage,
    ResponseAudio,
    ResponseDone,
    ResponseItem,
    ResponseStarted,
    ResponseWords,
    ToolCall,
    ToolUse,
    UserItem,
    UserStarted,
    UserStopped,
    UserWords,
)
from patter_mcp.types import Json
from patter_mcp.vendors.failures import parse_json

logger = logging.getLogger(__name__)

PROVIDER = "openai"
SAY = "Say exactly the following, word for word, in the language it is in, and nothing else: {}"
"""What makes the model a voice for a fixed text, which stands in it as a JSON string."""
DETECTION_LAG_MS = 1000
"""How far the vendor's voice detector may lag behind the audio: while nobody speaks, all before that is settled."""

Events = Sequence[RealtimeEvent]
Send = Callable[[str], None]


@dataclass(slots=True)
class _Span:
    """A turn of the user's, in milliseconds of this connection's audio."""

    start_ms: float
    end_ms: float | None = None


class RealtimeCodec:
    """`decode` what comes; what is to be said goes to `send`, as of `go`.

    One response is made at a time, and the vendor begins some by itself: what we ask for waits for its turn.

    Args:
        session: The session as we want it.
        silence_ms: How much of a turn's end, as the vendor reports it, is silence.
    """

    def __init__(self, session: Json, *, silence_ms: float) -> None:
        self._hello = _message("session.update", session=session)
        self._silence_ms = silence_ms
        self._numbers = count(1)
        self._queue: deque[tuple[str, Json]] = deque()
        """Names of responses to be asked for, and how."""
        self.usage = RealtimeUsage()
        self._reset()

    def _reset(self) -> None:
        self.ready = False
        """The vendor has agreed to the session."""
        self._send = _nowhere
        self._sent_bytes = 0
        self._asked: tuple[str, Json] | None = None
        """What was asked for and has not begun."""
        self._active: str | None = None
        """The vendor's id of the response being made."""
        self._names: dict[str, str] = {}
        """Our names for the vendor's responses under way."""
        self._asides: set[str] = set()
        self._unwanted: set[str] = set()
        """Asked for, and cancelled before they began."""
        self._calls: set[str] = set()
        self._turns: dict[str, _Span] = {}
        """The user's turns that are neither in words nor answered."""
        self._understood_ms = 0.0
        """End of the last one that was."""
        self._heard: dict[str, str] = {}

    # -- the connection ---------------------------------------------------------------------------

    def begin(self, send: Send) -> None:
        """A new connection: asks for the session."""
        self._reset()
        send(self._hello)

    def go(self, send: Send, past: Iterable[Past]) -> None:
        """The session is agreed: tells what was said before, and goes on."""
        self._send = send
        for entry in past:
            self._recall(entry)
        self._ask_next()

    def end(self) -> Events:
        """The connection is gone, and with it every response under way."""
        lost = [*self._names.values(), *self._asides, *([self._asked[0]] if self._asked else [])]
        self._reset()
        return [ResponseDone(response=name, status="lost") for name in dict.fromkeys(lost)]

    @property
    def sent_ms(self) -> float:
        return self._sent_bytes / BYTES_PER_MS

    @property
    def settled_ms(self) -> float:
        """Up to where, in the audio of this connection, nothing need be heard again."""
        if self._turns:
            return min(turn.start_ms for turn in self._turns.values())
        return max(self._understood_ms, self.sent_ms - DETECTION_LAG_MS)

    # -- what we say ------------------------------------------------------------------------------

    def encode(self, audio: bytes) -> str:
        self._sent_bytes += len(audio)
        return f'{{"type":"input_audio_buffer.append","audio":"{b64encode(audio).decode()}"}}'

    def ask(self, say: str | None, aside: bool) -> str:
        name = f"ask-{next(self._numbers)}"
        wanted: Json = {"metadata": {"ask": name}}
        if say is not None:
            wanted |= {"instructions": SAY.format(json.dumps(say, ensure_ascii=False)), "tool_choice": "none"}
        if aside:
            self._asides.add(name)
            self._send_ask(name, {**wanted, "conversation": "none", "input": []})
        else:
            self._queue.append((name, wanted))
            self._ask_next()
        return name

    def cancel(self, name: str) -> None:
        self._queue = deque(entry for entry in self._queue if entry[0] != name)
        if self._asked is not None and self._asked[0] == name:
            self._unwanted.add(name)
        for response_id, known in self._names.items():
            if known == name:
                self._try("response.cancel", response_id=response_id)

    def truncate(self, item: str, heard_ms: int) -> None:
        self._try("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=heard_ms)

    def forget(self, item: str) -> None:
        self._try("conversation.item.delete", item_id=item)

    def tell(self, text: str) -> None:
        self._create({"type": "message", "role": "system", "content": [_text("input_text", text)]})

    def answer(self, call: ToolCall, output: str) -> None:
        if call.call not in self._calls:
            # Called before the connection was made anew: this session does not know of it.
            self._create_call(call.call, call.name, call.arguments)
        self._create({"type": "function_call_output", "call_id": call.call, "output": output})

    def _ask_next(self) -> None:
        if self._send is not _nowhere and self._queue and self._asked is None and self._active is None:
            self._asked = self._queue.popleft()
            self._send_ask(*self._asked)

    def _send_ask(self, name: str, wanted: Json) -> None:
        self._send(_message("response.create", event_id=name, response=wanted))

    def _create(self, item: Json) -> None:
        self._send(_message("conversation.item.create", item=item))

    def _create_call(self, call: str, name: str, arguments: str) -> None:
        self._create({"type": "function_call", "call_id": call, "name": name, "arguments": arguments})

    def _recall(self, entry: Past) -> None:
        if isinstance(entry, ToolUse):
            call = f"past-{next(self._numbers)}"
            self._create_call(call, entry.name, entry.arguments)
            self._create({"type": "function_call_output", "call_id": call, "output": entry.output})
        elif entry.role == "agent":
            # The vendor takes no speech of its own back, only its words.
            self._create({"type": "message", "role": "assistant", "content": [_text("output_text", entry.text)]})
        else:
            self._create({"type": "message", "role": "user", "content": [_text("input_text", entry.text)]})

    def _try(self, kind: str, **fields: object) -> None:
        """What may come too late, and then does no harm."""
        self._send(_message(kind, event_id=f"try-{next(self._numbers)}", **fields))

    # -- what the vendor says ---------------------------------------------------------------------

    def decode(self, message: str) -> Events:
        """Raises:
        ProviderError: the session is refused or over, or the message makes no sense.
        """
        data = parse_json(PROVIDER, message)
        handle = self._handlers.get(data["type"])
        return handle(self, data) if handle is not None else ()

    def _updated(self, data: Json) -> Events:
        self.ready = True
        return ()

    def _speech_started(self, data: Json) -> Events:
        self._turns[data["item_id"]] = _Span(float(data["audio_start_ms"]))
        return (UserStarted(),)

    def _speech_stopped(self, data: Json) -> Events:
        end_ms = float(data["audio_end_ms"])
        turn = self._turns.get(data["item_id"])
        if turn is not None:
            turn.end_ms = end_ms
            self.usage.transcribed_sec += (end_ms - turn.start_ms) / 1000
        return (UserStopped(silence_ms=max(0.0, self.sent_ms - end_ms + self._silence_ms)),)

    def _committed(self, data: Json) -> Events:
        return (UserItem(item=data["item_id"], after=data.get("previous_item_id")),)

    def _transcript_delta(self, data: Json) -> Events:
        text = self._heard[data["item_id"]] = self._heard.get(data["item_id"], "") + data["delta"]
        return (UserWords(item=data["item_id"], text=text.strip(), final=False),)

    def _transcript_done(self, data: Json) -> Events:
        self._heard.pop(data["item_id"], None)
        self._understood(data["item_id"])
        return (UserWords(item=data["item_id"], text=data["transcript"].strip(), final=True),)

    def _transcript_failed(self, data: Json) -> Events:
        error = data["error"]
        heard = self._heard.get(data["item_id"], "")
        complaint = Complaint(code=error.get("code") or "transcription_failed", message=error.get("message") or "")
        return (*self._transcript_done({**data, "transcript": heard}), complaint)

    def _understood(self, item: str) -> None:
        turn = self._turns.pop(item, None)
        if turn is not None and turn.end_ms is not None:
            self._understood_ms = max(self._understood_ms, turn.end_ms)

    def _response_created(self, data: Json) -> Events:
        response_id = data["response"]["id"]
        name = (data["response"].get("metadata") or {}).get("ask", response_id)
        self._names[response_id] = name
        if name not in self._asides:
            self._active = response_id
        if self._asked is not None and self._asked[0] == name:
            self._asked = None
        if name in self._unwanted:
            self.cancel(name)
        return (ResponseStarted(response=name),)

    def _item_added(self, data: Json) -> Events:
        name, item = self._names.get(data["response_id"]), data["item"]
        if name is None or name in self._asides or item["type"] != "message":
            return ()
        return (ResponseItem(response=name, item=item["id"]),)

    def _words(self, data: Json) -> Events:
        name = self._names.get(data["response_id"])
        return () if name is None else (ResponseWords(response=name, text=data["delta"]),)

    def _audio(self, data: Json) -> Events:
        name = self._names.get(data["response_id"])
        return () if name is None else (ResponseAudio(response=name, audio=b64decode(data["delta"])),)

    def _response_done(self, data: Json) -> Events:
        response = data["response"]
        self._count(response.get("usage") or {})
        name = self._names.pop(response["id"], None)
        if name is None:
            return ()
        if self._active == response["id"]:
            self._active = None
            for item in [item for item, turn in self._turns.items() if turn.end_ms is not None]:
                self._understood(item)  # well enough to be answered
        self._asides.discard(name)
        calls = [_call(item) for item in response.get("output", ()) if item["type"] == "function_call"]
        self._calls.update(call.call for call in calls)
        self._ask_next()
        return (ResponseDone(response=name, status=response["status"], calls=calls, message=_why(response)),)

    def _error(self, data: Json) -> Events:
        error = data["error"]
        code, message = error.get("code") or error["type"], error.get("message", "")
        if not self.ready or code == "session_expired":
            raise ProviderError(
                f"{PROVIDER} reports {code}: {message}",
                provider=PROVIDER,
                # A session that had been agreed to can be had again; one that is refused is refused.
                retryable=self.ready or error["type"] == "server_error",
            )
        event_id = error.get("event_id") or ""
        if code == "conversation_already_has_active_response" and self._asked is not None:
            # The vendor has begun one by itself: ours comes after it.
            if self._asked[0] not in self._unwanted:
                self._queue.appendleft(self._asked)
            self._asked = None
            return ()
        if event_id.startswith("try-"):
            logger.debug("openai had no use for a request", extra={"code": code})
            return ()
        failed = self._ask_failed(event_id, f"{code}: {message}")
        return (*failed, Complaint(code=code, message=f"{PROVIDER} reports {code}: {message}"))

    def _ask_failed(self, name: str, message: str) -> Events:
        if self._asked is not None and self._asked[0] == name:
            self._asked = None
            self._ask_next()
        elif name not in self._asides:
            return ()
        self._asides.discard(name)
        return (ResponseDone(response=name, status="failed", message=message),)

    def _count(self, usage: Json) -> None:
        given = usage.get("input_token_details") or {}
        made = usage.get("output_token_details") or {}
        cached = given.get("cached_tokens_details") or {"text_tokens": given.get("cached_tokens", 0)}
        for kind, amount in (
            ("text_input", _of(given, "text") - _of(cached, "text")),
            ("cached_text", _of(cached, "text")),
            ("audio_input", _of(given, "audio") - _of(cached, "audio")),
            ("cached_audio", _of(cached, "audio")),
            ("text_output", _of(made, "text")),
            ("audio_output", _of(made, "audio")),
        ):
            self.usage.tokens[kind] = self.usage.tokens.get(kind, 0) + max(0, amount)

    _handlers: dict[str, Callable[[RealtimeCodec, Json], Events]] = {
        "session.updated": _updated,
        "input_audio_buffer.speech_started": _speech_started,
        "input_audio_buffer.speech_stopped": _speech_stopped,
        "input_audio_buffer.committed": _committed,
        "conversation.item.input_audio_transcription.delta": _transcript_delta,
        "conversation.item.input_audio_transcription.completed": _transcript_done,
        "conversation.item.input_audio_transcription.failed": _transcript_failed,
        "response.created": _response_created,
        "response.output_item.added": _item_added,
        "response.output_audio_transcript.delta": _words,
        "response.output_audio.delta": _audio,
        "response.done": _response_done,
        "error": _error,
    }


def _nowhere(message: str) -> None:
    """There is no connection; the next one is told what counts."""


def _message(kind: str, **fields: object) -> str:
    return json.dumps({"type": kind, **fields})


def _text(kind: str, text: str) -> Json:
    return {"type": kind, "text": text}


def _call(item: Json) -> ToolCall:
    return ToolCall(item=item["id"], call=item["call_id"], name=item["name"], arguments=item["arguments"])


def _why(response: Json) -> str:
    details = response.get("status_details") or {}
    error = details.get("error") or {}
    return f"{PROVIDER} reports {error.get('code')}: {error.get('message')}" if error else details.get("reason") or ""


def _of(details: Json, kind: str) -> int:
    return details.get(f"{kind}_tokens") or 0
