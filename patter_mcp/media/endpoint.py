"""The web server carriers connect to: the media websocket, status webhooks, health.

In the same process and event loop as the calls; opened at the first call, on loopback unless told otherwise.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from typing import Protocol

import anyio
import uvicorn
from anyio.abc import TaskGroup
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from patter_mcp.calls.live import Line, LiveCall
from patter_mcp.carriers.base import Carrier, MediaIgnored, MediaMessage, MediaStart
from patter_mcp.config import MediaSettings
from patter_mcp.errors import ConfigError, MediaStreamError
from patter_mcp.media.leg import MediaLeg

logger = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 65_536
"""A 20 ms frame is under 400 bytes; anything near this is not a carrier."""
WS_POLICY_VIOLATION = 1008
SHUTDOWN_SEC = 1
"""How long open requests may take once the server is told to stop; no call is alive by then."""


class Lobby(Protocol):
    """Who knows which call a media stream belongs to: `calls.manager`."""

    async def claim(self, token: str) -> tuple[LiveCall, int] | None: ...


class _QuietServer(uvicorn.Server):
    """uvicorn without its grip on the process's signals, which are the application's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


class MediaEndpoint:
    """Enter `run` to own the server's tasks; `ready` opens the port."""

    def __init__(self, carrier: Carrier, settings: MediaSettings) -> None:
        self._carrier = carrier
        self._settings = settings
        self._lobby: Lobby | None = None
        self._tasks: TaskGroup | None = None
        self._server: _QuietServer | None = None
        self._base_url = ""
        self._opening = anyio.Lock()
        self._shut_down = anyio.Event()

    @contextlib.asynccontextmanager
    async def run(self, lobby: Lobby) -> AsyncGenerator[None]:
        """The server, once opened, lives inside this block."""
        self._lobby = lobby
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                yield
            finally:
                await self._shut()
                tasks.cancel_scope.cancel()

    async def ready(self) -> None:
        async with self._opening:
            if self._server is None:
                await self._open()

    def line(self, call_id: str, token: str) -> Line:
        websocket_base = "ws" + self._base_url.removeprefix("http")
        return Line(
            stream_url=f"{websocket_base}/media/{token}", status_url=f"{self._base_url}/carrier/status/{call_id}"
        )

    async def _open(self) -> None:
        assert self._tasks is not None
        listener = self._bind()
        config = uvicorn.Config(
            Starlette(
                routes=[
                    Route("/healthz", self._health),
                    WebSocketRoute("/media/{token}", self._media),
                ]
            ),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws_max_size=MAX_MESSAGE_BYTES,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=SHUTDOWN_SEC,
        )
        self._server = _QuietServer(config)
        host, port = listener.getsockname()[:2]
        self._base_url = self._settings.public_url or f"http://{host}:{port}"
        self._tasks.start_soon(self._serve, self._server, listener)

    async def _serve(self, server: _QuietServer, listener: socket.socket) -> None:
        try:
            await server.serve([listener])
        finally:
            listener.close()
            self._shut_down.set()

    async def _shut(self) -> None:
        if self._server is None:
            return
        self._server.should_exit = True
        with anyio.CancelScope(shield=True), anyio.move_on_after(SHUTDOWN_SEC):
            await self._shut_down.wait()

    def _bind(self) -> socket.socket:
        """Bound here, because uvicorn answers a port in use by ending the process."""
        try:
            return socket.create_server((self._settings.host, self._settings.port))
        except OSError as error:
            address = f"{self._settings.host}:{self._settings.port}"
            raise ConfigError(
                f"The media endpoint cannot listen on {address}: {error.strerror}. Free the port or set another "
                "one (`media.port`, 0 for any)."
            ) from error

    async def _health(self, _: Request) -> Response:
        return PlainTextResponse("ok")

    async def _media(self, websocket: WebSocket) -> None:
        assert self._lobby is not None
        claimed = await self._lobby.claim(websocket.path_params["token"])
        if claimed is None:
            await websocket.close(WS_POLICY_VIOLATION)
            return
        live, epoch = claimed
        await websocket.accept()
        try:
            await self._carry(websocket, live, epoch)
        except MediaStreamError as error:
            logger.warning("a media stream broke its protocol", extra={"call_id": live.call_id, "why": error.message})
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            # Whether the other side has closed first is not known until we try.
            await websocket.close(WS_POLICY_VIOLATION)

    async def _carry(self, websocket: WebSocket, live: LiveCall, epoch: int) -> None:
        """From the accepted socket to the end of the call, whichever comes first."""
        codec = self._carrier.codec()
        messages = _texts(websocket)
        start = await _start(codec.decode, messages, self._settings.start_timeout_sec)

        async def send(text: str) -> None:
            # The reader learns that the socket is gone; the writer has nothing to add.
            with contextlib.suppress(WebSocketDisconnect):
                await websocket.send_text(text)

        async def send_digits(digits: str) -> bool:
            return await self._carrier.send_digits(live.call_id, start.carrier_id, digits)

        leg = MediaLeg(codec, send, send_digits, lead_ms=self._settings.lead_ms)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_until_closed, live, tasks.cancel_scope)
            await live.leg_connected(leg, epoch)
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
