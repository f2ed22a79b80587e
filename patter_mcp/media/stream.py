"""One accepted media websocket, from its first message to the end of the call."""

from __future__ import annotations

import logging

import anyio

from patter_mcp.calls.live import LiveCall
from patter_mcp.carriers.base import Carrier, MediaIgnored, MediaMessage, MediaStart
from patter_mcp.config import MediaSettings
from patter_mcp.errors import MediaStreamError
from patter_mcp.media.leg import MediaLeg
from patter_mcp.media.socket import ServerSocket
from patter_mcp.types import EndReason
from patter_mcp.websocket import NORMAL_CLOSURE, Closed

logger = logging.getLogger(__name__)

POLICY_VIOLATION = 1008


async def carry(socket: ServerSocket, live: LiveCall, carrier: Carrier, settings: MediaSettings) -> None:
    """Returns when the stream or the call is over, whichever comes first; the websocket is closed then."""
    stream = _Stream(socket, live, carrier, settings)
    socket.accept(stream)
    try:
        await stream.run()
    finally:
        await socket.aclose(stream.close_code)


class _Stream:
    """The websocket's listener: `start` makes the call's leg, to which the rest goes."""

    def __init__(self, socket: ServerSocket, live: LiveCall, carrier: Carrier, settings: MediaSettings) -> None:
        self._socket = socket
        self._live = live
        self._carrier = carrier
        self._settings = settings
        self._codec = carrier.codec()
        self._leg: MediaLeg | None = None
        self._begun = anyio.Event()
        """Or will never begin."""
        self.close_code = NORMAL_CLOSURE

    async def run(self) -> None:
        with anyio.move_on_after(self._settings.start_timeout_sec):
            await self._begun.wait()
        if not self._begun.is_set():
            self._broken(MediaStreamError(f"No `start` message within {self._settings.start_timeout_sec:g} s."))
        if self._leg is None:
            return
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._until_call_is_over, tasks.cancel_scope)
                await self._leg.ended.wait()
                tasks.cancel_scope.cancel()
        finally:
            self._leg.line_ended(EndReason.MEDIA_LOST)

    def received(self, message: str | bytes) -> None:
        try:
            if isinstance(message, bytes):
                raise MediaStreamError("A binary message on a media stream; its messages are JSON text.")
            self._take(self._codec.decode(message))
        except MediaStreamError as error:
            self._broken(error)

    def closed(self, close: Closed) -> None:
        # A socket that closes without `stop` is not a hang-up.
        self._end(EndReason.MEDIA_LOST)

    async def _until_call_is_over(self, scope: anyio.CancelScope) -> None:
        await self._live.closed.wait()
        scope.cancel()

    def _take(self, message: MediaMessage) -> None:
        if self._leg is not None:
            self._leg.take(message)
        elif isinstance(message, MediaStart):
            self._begin(message)
        elif not isinstance(message, MediaIgnored):
            raise MediaStreamError("The stream did not begin with `start`.")

    def _begin(self, start: MediaStart) -> None:
        async def send_digits(digits: str) -> bool:
            return await self._carrier.send_digits(self._live.call_id, start.carrier_id, digits)

        leg = MediaLeg(self._codec, self._socket.send, send_digits, lead_ms=self._settings.lead_ms)
        self._live.leg_connected(leg, start.carrier_id)
        self._leg = leg
        self._begun.set()

    def _broken(self, error: MediaStreamError) -> None:
        logger.warning("a media stream broke its protocol", extra={"call_id": self._live.call_id, "why": error.message})
        self.close_code = POLICY_VIOLATION
        self._end(EndReason.MEDIA_LOST)

    def _end(self, reason: EndReason) -> None:
        self._begun.set()
        if self._leg is not None:
            self._leg.line_ended(reason)
