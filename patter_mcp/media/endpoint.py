"""What carriers find at our address: the media websocket, the place for their status reports, health.

In the same process and event loop as the calls; opened at the first call, on loopback unless told otherwise.
Whoever comes is asked for the carrier's signature and for the call's own secret before anything they say is read.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncGenerator
from typing import Protocol

import anyio
from anyio.abc import TaskGroup
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from patter_mcp.calls.live import Line, LiveCall
from patter_mcp.carriers.base import Carrier, CarrierReport, Webhook
from patter_mcp.config import MediaSettings
from patter_mcp.errors import ConfigError, StoreError, WebhookRejected
from patter_mcp.media.addresses import STATUS_PATH, STREAM_PATH, Addresses
from patter_mcp.media.doorstep import Rate
from patter_mcp.media.socket import ServerSocket
from patter_mcp.media.stream import carry
from patter_mcp.media.web import WebServer

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 65_536
"""Of a status report; Twilio's are about 1 KB."""
BODY_TIMEOUT_SEC = 2.0
REPORTS_PER_SEC = 50
"""Of one call; a carrier sends half a dozen in all."""
CLAIMS_AT_ONCE = 50
"""Media streams whose token is being looked up; each costs a write to the store."""


class Lobby(Protocol):
    """Who knows the calls: `calls.manager`."""

    async def claim(self, token: str) -> LiveCall | None: ...

    async def reported(self, report: CarrierReport) -> None: ...


class MediaEndpoint:
    """Enter `run` to own the server's tasks; `ready` opens the port."""

    def __init__(self, carrier: Carrier, settings: MediaSettings) -> None:
        self._carrier = carrier
        self._settings = settings
        self._lobby: Lobby | None = None
        self._tasks: TaskGroup | None = None
        self._server: WebServer | None = None
        self._addresses: Addresses | None = None
        self._opening = anyio.Lock()
        self._reports = Rate(REPORTS_PER_SEC)
        self._claiming_count = 0

    @contextlib.asynccontextmanager
    async def run(self, lobby: Lobby) -> AsyncGenerator[None]:
        """The server, once opened, lives inside this block."""
        self._lobby = lobby
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                yield
            finally:
                if self._server is not None:
                    await self._server.shut()
                tasks.cancel_scope.cancel()

    async def ready(self) -> None:
        """Opens the port unless it is open.

        Raises:
            ConfigError: it cannot be had, or the carrier would not find us there.
        """
        async with self._opening:
            if self._server is None:
                self._open()

    def line(self, call_id: str, token: str) -> Line:
        assert self._addresses is not None
        return self._addresses.line(call_id, token)

    def _open(self) -> None:
        assert self._tasks is not None
        if self._carrier.needs_public_url:
            check_public(self._settings, self._carrier.name)
        app = Starlette(
            routes=[
                Route("/healthz", self._health),
                Route(STATUS_PATH, self._status, methods=["POST"]),
            ]
        )
        self._server = WebServer(app, self._socket_asked, self._settings.host, self._settings.port)
        self._addresses = Addresses(self._settings.public_url or self._server.url)
        self._tasks.start_soon(self._server.serve)

    async def _health(self, _: Request) -> Response:
        return PlainTextResponse("ok")

    async def _status(self, request: Request) -> Response:
        """A report of how a call stands."""
        assert self._addresses is not None and self._lobby is not None
        call_id, mac = request.path_params["call_id"], request.path_params["mac"]
        if not self._addresses.is_status_of(call_id, mac):
            return _refused("a status report was refused", "Its address is not one we gave out.")
        if not self._reports.allows(call_id):
            return Response(status_code=429)
        body = await _body(request)
        if body is None:
            return Response(status_code=413)
        webhook = Webhook(url=self._addresses.http_url(_target(request)), headers=dict(request.headers), body=body)
        try:
            await self._lobby.reported(self._carrier.read_webhook(webhook, call_id))
        except WebhookRejected as rejected:
            return _refused("a status report was refused", rejected.message)
        except StoreError:
            logger.exception("a status report could not be recorded", extra={"call_id": call_id})
            return Response(status_code=503)
        return Response(status_code=204)

    def _socket_asked(self, socket: ServerSocket) -> None:
        assert self._tasks is not None
        self._tasks.start_soon(self._media, socket)

    async def _media(self, socket: ServerSocket) -> None:
        """A media stream: the carrier's, and a call's of ours, or refused before the upgrade."""
        if self._claiming_count >= CLAIMS_AT_ONCE:
            socket.refuse(503)
            return
        try:
            live = await self._claim(socket)
            if live is None:
                socket.refuse(403)
            else:
                await carry(socket, live, self._carrier, self._settings)
        except Exception:
            logger.exception("a media stream failed inside the program")
            socket.abort()

    async def _claim(self, socket: ServerSocket) -> LiveCall | None:
        assert self._addresses is not None and self._lobby is not None
        try:
            self._carrier.check_stream(self._addresses.websocket_url(socket.target), socket.headers)
        except WebhookRejected as rejected:
            logger.warning("a media stream was refused", extra={"why": rejected.message})
            return None
        self._claiming_count += 1
        try:
            return await self._lobby.claim(socket.target.removeprefix(STREAM_PATH))
        finally:
            self._claiming_count -= 1


def check_public(settings: MediaSettings, carrier_name: str) -> None:
    """Raises:
    ConfigError: a carrier that comes over the internet would not find us.
    """
    where = "media.public_url (PATTER_MEDIA_PUBLIC_URL; `webhook_url` in the library)"
    if not settings.public_url:
        raise ConfigError(
            f"Calls through {carrier_name} come back to this program over the internet. Set {where} to the https:// "
            f"address that leads to {settings.host}:{settings.port or '<media.port>'} here, e.g. that of a tunnel."
        )
    if not settings.public_url.startswith("https://"):
        raise ConfigError(f"{where} must be an https:// address: {carrier_name} connects to no other.")
    if settings.port == 0:
        raise ConfigError(
            f"Set media.port (PATTER_MEDIA_PORT) to the port {settings.public_url} leads to; without it every start "
            "takes another one."
        )


async def _body(request: Request) -> bytes | None:
    """None: too long, or too slow in coming."""
    body = b""
    with anyio.move_on_after(BODY_TIMEOUT_SEC):
        try:
            async for part in request.stream():
                body += part
                if len(body) > MAX_BODY_BYTES:
                    return None
            return body
        except ClientDisconnect:
            return None
    return None


def _refused(what: str, why: str) -> Response:
    logger.warning(what, extra={"why": why})
    return Response(status_code=403)


def _target(request: Request) -> str:
    path, query = request.scope["raw_path"], request.scope["query_string"]
    return (path + b"?" + query if query else path).decode("latin-1")
