"""One media websocket as the conversation's `CallLeg`."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable

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
from patter_mcp.errors import MediaStreamError
from patter_mcp.media.playout import PacedPlayout, Send
from patter_mcp.types import EndReason

logger = logging.getLogger(__name__)

EARLY_FRAMES = 250
"""Audio kept for an ear that is not there yet: 5 s."""

SendDigits = Callable[[str], Awaitable[bool]]
"""False: the carrier cannot press keys; they are played as tones."""


class MediaLeg:
    """The user's end of the call, as far as the websocket's task brings it."""

    def __init__(self, codec: StreamCodec, send: Send, send_digits: SendDigits, *, lead_ms: int) -> None:
        self._codec = codec
        self._send_digits = send_digits
        self._playout = PacedPlayout(codec, send, lead_ms=lead_ms, clock=anyio.current_time)
        self._ear: Ear | None = None
        self._early: list[MediaMessage] = []
        self._ended: EndReason | None = None

    @property
    def playout(self) -> PacedPlayout:
        return self._playout

    def listen(self, ear: Ear) -> None:
        self._ear = ear
        early, self._early = self._early, []
        for message in early:
            self._deliver(message)
        if self._ended is not None:
            ear.line_ended(self._ended)

    async def send_digits(self, digits: str) -> None:
        if not await self._send_digits(digits):
            self._playout.write(dtmf(digits))
            await self._playout.drained()

    async def run(self, messages: AsyncIterator[str]) -> None:
        """Reads the stream to its end; then the ear knows how the line ended."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._playout.run)
            try:
                self._line_ended(await self._read(messages))
            finally:
                self._line_ended(EndReason.MEDIA_LOST)
                tasks.cancel_scope.cancel()

    async def _read(self, messages: AsyncIterator[str]) -> EndReason:
        try:
            async for text in messages:
                message = self._codec.decode(text)
                if isinstance(message, MediaStop):
                    return EndReason.USER_HUNG_UP
                self._take(message)
        except MediaStreamError as error:
            logger.warning("a media stream broke its protocol", extra={"why": error.message})
        # A socket that closes without `stop` is not a hang-up.
        return EndReason.MEDIA_LOST

    def _take(self, message: MediaMessage) -> None:
        if isinstance(message, MediaMark):
            self._playout.mark_returned(message.name)
        elif self._ear is not None:
            self._deliver(message)
        else:
            self._early.append(message)
            del self._early[:-EARLY_FRAMES]

    def _deliver(self, message: MediaMessage) -> None:
        assert self._ear is not None
        if isinstance(message, MediaAudio):
            self._ear.heard(message.audio)
        elif isinstance(message, MediaDigit):
            self._ear.digit(message.digit)

    def _line_ended(self, reason: EndReason) -> None:
        if self._ended is not None:
            return
        self._ended = reason
        self._playout.close()
        if self._ear is not None:
            self._ear.line_ended(reason)
