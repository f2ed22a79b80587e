"""One accepted media websocket, from its first message to the end of the call."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect

from patter_mcp.calls.live import LiveCall
from patter_mcp.carriers.base import Carrier, MediaIgnored, MediaMessage, MediaStart
from patter_mcp.config import MediaSettings
from patter_mcp.errors import MediaStreamError
from patter_mcp.media.leg import MediaLeg

logger = logging.getLogger(__name__)

WS_POLICY_VIOLATION = 1008


async def carry(websocket: WebSocket, live: LiveCall, carrier: Carrier, settings: MediaSettings) -> None:
    """Returns when the stream or the call is over, whichever comes first; the websocket is closed then."""
    try:
        await _carry(websocket, live, carrier, settings)
    except MediaStreamError as error:
        logger.warning("a media stream broke its protocol", extra={"call_id": live.call_id, "why": error.message})
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        # Whether the other side has closed first is not known until we try.
        await websocket.close(WS_POLICY_VIOLATION)


async def _carry(websocket: WebSocket, live: LiveCall, carrier: Carrier, settings: MediaSettings) -> None:
    codec = carrier.codec()
    messages = _texts(websocket)
    start = await _start(codec.decode, messages, settings.start_timeout_sec)

    async def send(text: str) -> None:
        # The reader learns that the socket is gone; the writer has nothing to add.
        with contextlib.suppress(WebSocketDisconnect):
            await websocket.send_text(text)

    async def send_digits(digits: str) -> bool:
        return await carrier.send_digits(live.call_id, start.carrier_id, digits)

    leg = MediaLeg(codec, send, send_digits, lead_ms=settings.lead_ms)
    live.leg_connected(leg, start.carrier_id)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_until_closed, live, tasks.cancel_scope)
        await leg.run(messages)
        tasks.cancel_scope.cancel()


async def _until_closed(live: LiveCall, scope: anyio.CancelScope) -> None:
    await live.closed.wait()
    scope.cancel()


async def _texts(websocket: WebSocket) -> AsyncIterator[str]:
    """Text messages until the socket closes."""
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        if text is None:
            raise MediaStreamError("A binary message on a media stream; its messages are JSON text.")
        yield text


async def _start(decode: Callable[[str], MediaMessage], messages: AsyncIterator[str], timeout_sec: float) -> MediaStart:
    with anyio.move_on_after(timeout_sec):
        async for text in messages:
            message = decode(text)
            if isinstance(message, MediaStart):
                return message
            if not isinstance(message, MediaIgnored):
                raise MediaStreamError("The stream did not begin with `start`.")
    raise MediaStreamError(f"No `start` message within {timeout_sec:g} s.")
