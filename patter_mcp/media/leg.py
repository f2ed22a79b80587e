"""One media stream as the conversation's `CallLeg`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import anyio

from patter_mcp.audio.tones import dtmf
from patter_mcp.carriers.base import (
    MediaAudio,
    MediaDigit,
    MediaMark,
    MediaMessage,
    MediaStop,
    StreamCodec,
)
from patter_mcp.conversation.leg import Ear
from patter_mcp.media.playout import PacedPlayout, Send
from patter_mcp.types import EndReason

EARLY_FRAMES = 250
"""Audio kept for an ear that is not there yet: 5 s."""

SendDigits = Callable[[str], Awaitable[bool]]
"""False: the carrier cannot press keys; they are played as tones."""


class MediaLeg:
    """The user's end of the call, as far as the stream brings it. To be made in the event loop."""

    def __init__(self, codec: StreamCodec, send: Send, send_digits: SendDigits, *, lead_ms: int) -> None:
        self._send_digits = send_digits
        self._playout = PacedPlayout(codec, send, lead_ms=lead_ms, loop=asyncio.get_running_loop())
        self._ear: Ear | None = None
        self._early: list[MediaMessage] = []
        self._reason: EndReason | None = None
        self.ended = anyio.Event()

    @property
    def playout(self) -> PacedPlayout:
        return self._playout

    def listen(self, ear: Ear) -> None:
        self._ear = ear
        early, self._early = self._early, []
        for message in early:
            self._deliver(message)
        if self._reason is not None:
            ear.line_ended(self._reason)

    async def send_digits(self, digits: str) -> None:
        if not await self._send_digits(digits):
            self._playout.write(dtmf(digits))
            await self._playout.drained()

    def take(self, message: MediaMessage) -> None:
        """A message of the stream's, as it comes."""
        if isinstance(message, MediaMark):
            self._playout.mark_returned(message.name)
        elif isinstance(message, MediaStop):
            self.line_ended(EndReason.USER_HUNG_UP)
        elif self._ear is not None:
            self._deliver(message)
        else:
            self._early.append(message)
            del self._early[:-EARLY_FRAMES]

    def line_ended(self, reason: EndReason) -> None:
        """The stream is over; only the first reason counts."""
        if self._reason is not None:
            return
        self._reason = reason
        self._playout.close()
        self.ended.set()
        if self._ear is not None:
            self._ear.line_ended(reason)

    def _deliver(self, message: MediaMessage) -> None:
        assert self._ear is not None
        if isinstance(message, MediaAudio):
            self._ear.heard(message.audio)
        elif isinstance(message, MediaDigit):
            self._ear.digit(message.digit)
