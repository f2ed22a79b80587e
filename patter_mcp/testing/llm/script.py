"""What a fake vendor is to say, and how it is to go wrong."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import anyio

from patter_mcp.testing.llm.http import LoopbackServer, Request, Response

_WORD = re.compile(r"\s*\S+|\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedCall:
    """A tool call the model makes. `arguments` is JSON text, sent in fragments where the vendor does so."""

    name: str
    arguments: str = "{}"
    id: str = "call_1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The usage a vendor reports; `prompt` counts the cached parts too."""

    prompt: int
    output: int
    cache_read: int = 0
    cache_write: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong once `after` pieces (words, fragments of arguments) were sent; 0: nothing was sent.

    `cut`: the connection closes in the middle of the body. `truncate`: the body ends well-formed, but too early.
    `stall`: nothing more comes. `garbage`: an event that is not JSON. `half-character`: an event with broken UTF-8.
    `error`: the vendor's own report of an overload, inside the stream.
    """

    kind: Literal["cut", "truncate", "stall", "garbage", "half-character", "error"]
    after: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One streamed answer. Seconds that are None are the server's own."""

    text: str | Sequence[str] = ""
    """A string goes out word by word, a list piece by piece."""
    tool_calls: Sequence[ScriptedCall] = ()
    reasoning: str = ""
    """Thought before the text, in the place where the vendor puts it."""
    refusal: str = ""
    finish: str | None = None
    """The vendor's own word for why it ended; None: the one that fits."""
    usage: Tokens | None | Literal["none"] = None
    """None: made up from the sizes. `none`: the vendor reports nothing."""
    first_token_sec: float | None = None
    token_sec: float | None = None
    fault: Fault | None = None
    write_bytes: int | None = None
    """Writes of at most that many bytes each, wherever that cuts lines and characters."""
    shuffled: bool = False
    """Fragments of several tool calls come mixed, the later call first."""

    @property
    def pieces(self) -> list[str]:
        return _WORD.findall(self.text) if isinstance(self.text, str) else list(self.text)

    def tokens(self, request: Request) -> Tokens:
        if isinstance(self.usage, Tokens):
            return self.usage
        arguments = sum(len(call.arguments) for call in self.tool_calls)
        return Tokens(prompt=len(request.content) // 4, output=len(self.pieces) + arguments // 4 + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An answer with an error status, in the vendor's shape."""

    status: int
    message: str = "scripted failure"
    code: str = ""
    """The vendor's word for it; "": the one that belongs to the status."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    after_sec: float = 0.0


Answer = Reply | Failure
Script = Answer | str | Callable[[Request], Answer | str]
"""What to answer: a ready answer, plain text, or a function of the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """A reply as the vendor writes it: `opening`, then one piece per beat, then `closing`."""

    opening: bytes
    beats: Sequence[bytes]
    closing: bytes
    error: bytes
    """The vendor's way to say in the middle that it has failed."""


class FakeLlmServer(LoopbackServer):
    """Answers requests from a script: the first request with the first entry; the last entry is for all that follow.

    Args:
        script: What to answer.
        first_token_sec: From the request's last byte to the first piece.
        token_sec: From one piece to the next. Pieces are due at fixed instants, so that a late one delays no other.
        api_key: If given, any other key is answered with 401.
    """

    def __init__(
        self, *script: Script, first_token_sec: float = 0.0, token_sec: float = 0.0, api_key: str | None = None
    ) -> None:
        super().__init__()
        self._script: Sequence[Script] = script or ("Hello there, how can I help?",)
        self._answered = 0
        self._first_token_sec = first_token_sec
        self._token_sec = token_sec
        self._api_key = api_key

    @property
    def completions(self) -> list[Request]:
        """The requests for a completion; others (a list of models) are in `requests` only."""
        return [request for request in self.requests if request.method == "POST"]

    @abstractmethod
    def key_of(self, request: Request) -> str | None:
        """The key the request brings."""

    @abstractmethod
    def objection(self, request: Request) -> str | None:
        """Why the vendor would answer this request with status 400; None if it is in order."""

    @abstractmethod
    def frames(self, reply: Reply, request: Request) -> Frames: ...

    @abstractmethod
    def error_body(self, failure: Failure) -> bytes: ...

    @abstractmethod
    def model_body(self, name: str) -> bytes:
        """What the vendor tells of one model."""

    async def respond(self, request: Request, response: Response) -> None:
        answer: Answer | None = self._refusal(request)
        if answer is None and request.method != "GET":
            answer = self._answer_to(request)
        if answer is None:
            body = self.model_body(request.path.rpartition("/")[2])
            await response.send(200, {"content-type": "application/json"}, body)
        elif isinstance(answer, Failure):
            await anyio.sleep(answer.after_sec)
            await response.send(
                answer.status, {"content-type": "application/json", **answer.headers}, self.error_body(answer)
            )
        else:
            await self._play(answer, request, response)

    def _refusal(self, request: Request) -> Failure | None:
        if not self._knows_key(request):
            return Failure(status=401)
        return None if request.path.startswith(self.prefix) else Failure(status=404)

    def _knows_key(self, request: Request) -> bool:
        key = self.key_of(request)
        return bool(key) and self._api_key in (None, key)

    def _answer_to(self, request: Request) -> Answer:
        if (objection := self.objection(request)) is not None:
            return Failure(status=400, message=objection)
        entry = self._script[min(self._answered, len(self._script) - 1)]
        self._answered += 1
        answer = entry if isinstance(entry, str | Reply | Failure) else entry(request)
        return Reply(text=answer) if isinstance(answer, str) else answer

    async def _play(self, reply: Reply, request: Request, response: Response) -> None:
        first_sec = self._first_token_sec if reply.first_token_sec is None else reply.first_token_sec
        token_sec = self._token_sec if reply.token_sec is None else reply.token_sec
        frames = self.frames(reply, request)
        writer = _Writer(response, reply.write_bytes)
        fault = reply.fault
        for number, beat in enumerate(frames.beats):
            if fault is not None and fault.after <= number:
                break
            await anyio.sleep_until(request.arrived_at + first_sec + number * token_sec)
            await writer.write(frames.opening + beat if number == 0 else beat)
        if fault is None:
            await writer.write(frames.closing if frames.beats else frames.opening + frames.closing)
            await response.finish()
        else:
            await self._fail(fault, frames, writer, response)

    async def _fail(self, fault: Fault, frames: Frames, writer: _Writer, response: Response) -> None:
        match fault.kind:
            case "stall":
                await anyio.sleep_forever()
            case "cut":
                await response.cut()
                return
            case "truncate":
                await writer.write(b"\n")
            case "garbage":
                await writer.write(b'data: {"choices": [{"del\n\n')
            case "half-character":
                await writer.write(b'data: {"text": "caf\xc3"}\n\n')
            case "error":
                await writer.write(frames.error)
        await response.finish()


class _Writer:
    def __init__(self, response: Response, write_bytes: int | None) -> None:
        self._response = response
        self._write_bytes = write_bytes

    async def write(self, data: bytes) -> None:
        size = self._write_bytes or len(data)
        for start in range(0, len(data), size):
            await self._response.write(data[start : start + size], _STREAM_HEADERS)


_STREAM_HEADERS: Mapping[str, str] = {"content-type": "text/event-stream", "cache-control": "no-cache"}


def json_fragments(text: str, size: int = 12) -> list[str]:
    """JSON text in the pieces a streaming vendor sends; an empty text is one empty piece."""
    return [text[start : start + size] for start in range(0, len(text), size)] or [""]


def interleaved(calls: Sequence[Sequence[Any]], shuffled: bool) -> list[Any]:
    """Fragments call by call; shuffled: in turns, beginning with the last call."""
    if not shuffled:
        return [fragment for call in calls for fragment in call]
    turns = [list(call) for call in reversed(calls)]
    mixed: list[Any] = []
    while any(turns):
        mixed += [call.pop(0) for call in turns if call]
    return mixed
