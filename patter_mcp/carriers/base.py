"""What a call needs of whoever carries it: place it, hear how it goes, hang it up, read its media stream.

A carrier is a codec plus a few requests. It knows its own wire format and nothing of turns or prompts.
Audio is mono μ-law at 8 kHz, 20 ms = 160 bytes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from patter_mcp.types import AnsweredBy, CallState, EndReason


@dataclass(frozen=True, slots=True, kw_only=True)
class DialRequest:
    call_id: str
    to_number: str
    stream_url: str
    """ws:// or wss://, with a one-time token as its last path segment. The carrier connects here on answer."""
    status_url: str
    """http:// or https://; where a carrier that reports by webhook sends its reports."""
    ring_timeout_sec: float
    time_limit_sec: float
    """The carrier's own dead-man switch: it ends the call after this long, whatever became of us."""
    from_number: str | None = None
    """Our own number, E.164: what the callee sees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierReport:
    """How the call stands, as the carrier says. Reports may repeat and come in any order."""

    call_id: str
    state: CallState
    carrier_id: str | None = None
    reason: EndReason | None = None
    """With `ENDED` only: BUSY, NO_ANSWER, DIAL_FAILED, USER_HUNG_UP (the normal end), CANCELED, MEDIA_LOST."""
    answered_by: AnsweredBy | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A request of the carrier's, as it came; nothing in it is to be believed before it is authenticated."""

    url: str
    """As the carrier was given it, with the query as received: what signatures are made over."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


ReportSink = Callable[[CarrierReport], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaStart:
    """First message with content: whose stream this is. `stream_id` must be echoed in what we send."""

    stream_id: str
    carrier_id: str
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class MediaAudio:
    audio: bytes


@dataclass(frozen=True, slots=True)
class MediaMark:
    """Everything queued before the mark of that name has been played, or was dropped by a clear."""

    name: str


@dataclass(frozen=True, slots=True)
class MediaDigit:
    digit: str


@dataclass(frozen=True, slots=True)
class MediaStop:
    """The carrier says the stream is over: a normal end. A socket that closes without it is not."""


@dataclass(frozen=True, slots=True)
class MediaIgnored:
    """A message that means nothing to us (`connected`, unknown events)."""


MediaMessage = MediaStart | MediaAudio | MediaMark | MediaDigit | MediaStop | MediaIgnored


class StreamCodec(Protocol):
    """One media stream's messages, bytes in and out, without I/O; one instance per websocket."""

    def decode(self, message: str) -> MediaMessage:
        """Raises:
        MediaStreamError: the message breaks the protocol.
        """
        ...

    def encode_audio(self, audio: bytes) -> str: ...
    def encode_mark(self, name: str) -> str: ...
    def encode_clear(self) -> str: ...


class Carrier(Protocol):
    """Shared by all calls of a process."""

    @property
    def name(self) -> str: ...

    @property
    def simulated(self) -> bool:
        """True: no phone ever rings. Said in every output."""
        ...

    @property
    def needs_public_url(self) -> bool:
        """True when the carrier reaches us over the internet."""
        ...

    def codec(self) -> StreamCodec: ...

    def check_stream(self, url: str, headers: Mapping[str, str]) -> None:
        """Asked before a media stream's websocket is accepted. `headers` have lower-case names.

        Raises:
            WebhookRejected: the request is not the carrier's.
        """
        ...

    def read_webhook(self, webhook: Webhook, call_id: str) -> CarrierReport:
        """A status webhook for that call.

        Raises:
            WebhookRejected: the request is not the carrier's, or makes no sense.
        """
        ...

    def hints(self, to_number: str) -> Sequence[str]:
        """Phrases the recogniser may expect from that number; empty where the carrier knows nothing of the callee."""
        ...

    async def dial(self, request: DialRequest, report: ReportSink) -> str:
        """Places the call and returns the carrier's id for it. Never retried by anyone.

        Carriers without webhooks call `report` themselves, for as long as the call lives.

        Raises:
            DialFailed: a definite refusal; nothing rings.
            CarrierAuthError: our credentials are wrong.
            CarrierError: no answer; whether something rings is unknown.
        """
        ...

    async def hang_up(self, call_id: str, carrier_id: str | None) -> None:
        """Ends the call in whatever state it is; ending one that is over is no error.

        Raises:
            CarrierError: the line may still be open.
        """
        ...

    async def under_way(self, to_number: str, from_number: str | None, since: datetime) -> Sequence[str]:
        """The carrier's ids of calls from us to that number, placed since then and not over yet.

        For a dial whose answer was lost. Empty where calls end with the process that placed them.

        Raises:
            CarrierError: it cannot be asked.
        """
        ...

    async def send_digits(self, call_id: str, carrier_id: str, digits: str) -> bool:
        """Presses keys out of band. False: this carrier cannot; the caller plays tones into the audio instead."""
        ...

    async def aclose(self) -> None:
        """Leaves no process, socket or task."""
        ...
