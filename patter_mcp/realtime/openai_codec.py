"""OpenAI's Realtime messages (GA shape) for one call, without I/O. It outlives connections.

https://developers.openai.com/api/docs/guides/realtime-conversations
"""

from __future__ import annotations

import json
import logging
from base64 import b64decode, b64encode
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
    Status,
    ToolCall,
    ToolUse,
    UserItem,
    UserStarted,
    UserStopped,
    UserWords,
)
from patter_mcp.realtime.openai_responses import Ask, Response, Responses
from patter_mcp.realtime.openai_usage import UsageCounter
from patter_mcp.types import Json
from patter_mcp.vendors.failures import parse_json

logger = logging.getLogger(__name__)

PROVIDER = "openai"
SAY = "Say exactly the following, word for word, in the language it is in, and nothing else: {}"
"""What makes the model a voice for a fixed text, which stands in it as a JSON string."""
DETECTION_LAG_MS = 1000
"""How far the vendor's voice detector may lag behind the audio: while nobody speaks, all before that is settled."""

SESSION = "session"
"""Names our wish for a session, in case it is refused."""
HARMLESS = ("response_cancel_not_active",)
"""Complaints of what came too late, also where they do not say what they are about."""
ASKED_FOR = ("turn_detected", "client_cancelled")
"""Why a response may be cancelled; for any other reason the vendor has broken it off."""

Events = Sequence[RealtimeEvent]
Send = Callable[[str], None]


@dataclass(slots=True)
class _Span:
    """A turn of the user's, in milliseconds of this connection's audio."""

    start_ms: float
    end_ms: float | None = None


class RealtimeCodec:
    """`decode` what comes; what is to be said goes to `send`, as of `go`.

    Args:
        session: The session as we want it.
        silence_ms: How much of a turn's end, as the vendor reports it, is silence.
    """

    def __init__(self, session: Json, *, silence_ms: float) -> None:
        self._hello = _message("session.update", event_id=SESSION, session=session)
        self._silence_ms = silence_ms
        self._numbers = count(1)
        self._responses = Responses()
        self._usage = UsageCounter()
        self._reset()

    def _reset(self) -> None:
        self.greeted = False
        """The vendor has said hello."""
        self.ready = False
        """It has agreed to the session, tacitly perhaps."""
        self._send = _nowhere
        self._sent_bytes = 0
        self._responses.reset()
        self._calls: set[str] = set()
        self._turns: dict[str, _Span] = {}
        """The user's turns that are neither in words nor answered."""
        self._understood_ms = 0.0
        """End of the last one that was."""
        self._heard: dict[str, str] = {}

    # -- the connection ---------------------------------------------------------------------------

    def begin(self, send: Send) -> None:
        """A new connection: asks for the session."""
        send(self._hello)

    def go(self, send: Send, past: Iterable[Past]) -> None:
        """The session is agreed: tells what was said before, and goes on."""
        self._send = send
        for entry in past:
            self._recall(entry)
        self._ask_next()

    def end(self) -> Events:
        """The connection is gone, and with it every response under way."""
        lost = self._responses.broken_off
        for response in self._responses.under_way:
            self._count({}, response)
        self._reset()
        return [ResponseDone(response=name, status="lost") for name in lost]

    @property
    def sent_ms(self) -> float:
        return self._sent_bytes / BYTES_PER_MS

    @property
    def settled_ms(self) -> float:
        """Up to where, in the audio of this connection, nothing need be heard again."""
        if self._turns:
            return min(turn.start_ms for turn in self._turns.values())
        return max(self._understood_ms, self.sent_ms - DETECTION_LAG_MS)

    @property
    def usage(self) -> RealtimeUsage:
        return self._usage.total

    # -- what we say ------------------------------------------------------------------------------

    def encode(self, audio: bytes) -> str:
        self._sent_bytes += len(audio)
        return f'{{"type":"input_audio_buffer.append","audio":"{b64encode(audio).decode()}"}}'

    @property
    def makes_asides(self) -> bool:
        return self._responses.tells_apart

    def ask(self, say: str | None, aside: bool) -> str:
        name = f"ask-{next(self._numbers)}"
        wanted: Json = {"metadata": {"ask": name}}
        if say is not None:
            wanted |= {"instructions": SAY.format(json.dumps(say, ensure_ascii=False)), "tool_choice": "none"}
        if aside:
            self._responses.want_aside(name)
            self._send_ask(Ask(name, {**wanted, "conversation": "none", "input": []}))
        else:
            self._responses.want(Ask(name, wanted))
            self._ask_next()
        return name

    def cancel(self, name: str) -> None:
        for response_id in self._responses.drop(name):
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
        if self._send is not _nowhere and (ask := self._responses.next()) is not None:
            self._send_ask(ask)

    def _send_ask(self, ask: Ask) -> None:
        self._send(_message("response.create", event_id=ask.name, response=ask.wanted))

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

    def _created(self, data: Json) -> Events:
        self.greeted = True
        return ()

    def _updated(self, data: Json) -> Events:
        self.ready = True
        return ()

    def _speech_started(self, data: Json) -> Events:
        self._turns[data["item_id"]] = _Span(float(data["audio_start_ms"]))
        return (UserStarted(),)

    def _speech_stopped(self, data: Json) -> Events:
        self._responses.user_stopped()
        end_ms = float(data["audio_end_ms"])
        turn = self._turns.get(data["item_id"])
        if turn is not None:
            turn.end_ms = end_ms
            self.usage.transcribed_sec += (end_ms - turn.start_ms) / 1000
        return (UserStopped(silence_ms=max(0.0, self.sent_ms - end_ms + self._silence_ms)),)

    def _committed(self, data: Json) -> Events:
        return (UserItem(item=data["item_id"], after=data.get("previous_item_id")),)

    def _transcript_delta(self, data: Json) -> Events:
        text = self._heard[data["item_id"]] = self._heard.get(data["item_id"], "") + (data.get("delta") or "")
        return (UserWords(item=data["item_id"], text=text.strip(), final=False),)

    def _transcript_done(self, data: Json) -> Events:
        self._heard.pop(data["item_id"], None)
        self._understood(data["item_id"])
        return (UserWords(item=data["item_id"], text=data["transcript"].strip(), final=True),)

    def _transcript_failed(self, data: Json) -> Events:
        error = data.get("error") or {}
        heard = self._heard.get(data["item_id"], "")
        complaint = Complaint(code=error.get("code") or "transcription_failed", message=error.get("message") or "")
        return (*self._transcript_done({**data, "transcript": heard}), complaint)

    def _understood(self, item: str) -> None:
        turn = self._turns.pop(item, None)
        if turn is not None and turn.end_ms is not None:
            self._understood_ms = max(self._understood_ms, turn.end_ms)

    def _response_created(self, data: Json) -> Events:
        response, wanted = self._responses.begin(data["response"])
        if not wanted:
            self.cancel(response.name)
        return (ResponseStarted(response=response.name),)

    def _item_added(self, data: Json) -> Events:
        response = self._responses.get(data["response_id"])
        return () if response is None else self._take_item(response, data["item"])

    def _take_item(self, response: Response, item: Json) -> Events:
        """A piece of a response, as far as it is known."""
        if item["type"] == "function_call":
            response.add_call(item["id"], item.get("call_id") or "", item["name"], item.get("arguments") or "")
            return ()
        if item["type"] != "message":
            return ()
        events = list(self._take_speech(response, item["id"]))
        for part in item.get("content") or ():
            events += self._take_transcript(response, item["id"], part.get("transcript") or "")
        return events

    def _take_speech(self, response: Response, item: str) -> Events:
        if item in response.words:
            return ()
        response.words[item] = ""
        return () if response.aside else (ResponseItem(response=response.name, item=item),)

    def _words(self, data: Json) -> Events:
        response = self._responses.get(data["response_id"])
        return () if response is None else self._take_words(response, data["item_id"], data["delta"])

    def _all_words(self, data: Json) -> Events:
        response = self._responses.get(data["response_id"])
        return () if response is None else self._take_transcript(response, data["item_id"], data["transcript"])

    def _take_transcript(self, response: Response, item: str, text: str) -> Events:
        """What came in pieces comes again as a whole, and may be longer."""
        known = response.words.get(item, "")
        return self._take_words(response, item, text[len(known) :]) if text.startswith(known) else ()

    def _take_words(self, response: Response, item: str, text: str) -> Events:
        if not text:
            return ()
        started = self._take_speech(response, item)
        response.words[item] += text
        return (*started, ResponseWords(response=response.name, text=text))

    def _audio(self, data: Json) -> Events:
        response = self._responses.get(data["response_id"])
        if response is None:
            return ()
        audio = b64decode(data["delta"])
        response.audio_bytes += len(audio)
        return (*self._take_speech(response, data["item_id"]), ResponseAudio(response=response.name, audio=audio))

    def _call_made(self, data: Json) -> Events:
        if (response := self._responses.get(data["response_id"])) is not None:
            response.add_call(data["item_id"], data.get("call_id") or "", data.get("name") or "", data["arguments"])
        return ()

    def _response_done(self, data: Json) -> Events:
        described = data["response"]
        response = self._responses.finish(described["id"])
        self._count(described.get("usage") or {}, response)
        self._ask_next()
        if response is None:
            return ()
        items = [event for item in described.get("output") or () for event in self._take_item(response, item)]
        calls = [call for call in response.calls if call.name]
        self._calls.update(call.call for call in calls)
        status, message = _outcome(described)
        if status == "completed" and not response.aside:
            self._settle_answered()
        return (*items, ResponseDone(response=response.name, status=status, calls=calls, message=message))

    def _settle_answered(self) -> None:
        """What has been answered was understood well enough."""
        for item in [item for item, turn in self._turns.items() if turn.end_ms is not None]:
            self._understood(item)

    def _error(self, data: Json) -> Events:
        error = data["error"]
        kind = error.get("type") or "error"
        code, message = error.get("code") or kind, error.get("message") or ""
        event_id = error.get("event_id") or ""
        is_refused = not self.ready or event_id == SESSION
        if is_refused or code == "session_expired":
            raise ProviderError(
                f"{PROVIDER} reports {code}: {message}",
                provider=PROVIDER,
                # A session that had been agreed to can be had again; one that is refused is refused.
                retryable=not is_refused or kind == "server_error",
            )
        if code == "conversation_already_has_active_response" and self._responses.postpone():
            return ()
        if event_id.startswith("try-") or code in HARMLESS:
            logger.debug("openai had no use for a request", extra={"code": code})
            return ()
        complaint = Complaint(code=code, message=f"{PROVIDER} reports {code}: {message}")
        if not self._responses.refuse(event_id):
            return (complaint,)
        self._ask_next()
        return (ResponseDone(response=event_id, status="failed", message=f"{code}: {message}"), complaint)

    def _count(self, usage: Json, response: Response | None) -> None:
        if usage.get("input_token_details") or usage.get("output_token_details"):
            self._usage.count(usage)
        elif response is not None and response.audio_bytes:
            chars = sum(map(len, response.words.values()))
            self._usage.estimate(response.audio_bytes, chars, len(self._hello))

    _handlers: dict[str, Callable[[RealtimeCodec, Json], Events]] = {
        "session.created": _created,
        "session.updated": _updated,
        "input_audio_buffer.speech_started": _speech_started,
        "input_audio_buffer.speech_stopped": _speech_stopped,
        "input_audio_buffer.committed": _committed,
        "conversation.item.input_audio_transcription.delta": _transcript_delta,
        "conversation.item.input_audio_transcription.completed": _transcript_done,
        "conversation.item.input_audio_transcription.failed": _transcript_failed,
        "response.created": _response_created,
        "response.output_item.added": _item_added,
        "response.output_item.done": _item_added,
        "response.output_audio_transcript.delta": _words,
        "response.output_audio_transcript.done": _all_words,
        "response.output_audio.delta": _audio,
        "response.function_call_arguments.done": _call_made,
        "response.done": _response_done,
        "error": _error,
    }


def _nowhere(message: str) -> None:
    """There is no connection; the next one is told what counts."""


def _message(kind: str, **fields: object) -> str:
    return json.dumps({"type": kind, **fields})


def _text(kind: str, text: str) -> Json:
    return {"type": kind, "text": text}


def _outcome(response: Json) -> tuple[Status, str]:
    details = response.get("status_details") or {}
    error, reason = details.get("error") or {}, details.get("reason") or ""
    match response.get("status"):
        case "cancelled" if reason in ASKED_FOR:
            return "cancelled", reason
        case "cancelled" | "failed":
            why = f"{error.get('code') or error.get('type')}: {error.get('message')}" if error else "no reason"
            return "failed", f"{PROVIDER} reports {why}"
        case "incomplete":
            return "incomplete", reason
        case _:
            return "completed", ""
