"""The carrier's websocket at our end: messages are handed over as they come off the wire.

uvicorn's own websockets go through ASGI: a queue, a task to wake and two system calls for each message, a frame of
20 ms, which is a quarter of what a call costs. It lets any `asyncio.Protocol` take a connection over from its HTTP
parser, and that is what this is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import Any

from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol

from patter_mcp.websocket import ABNORMAL_CLOSURE, Closed, Listener, WebSocket, wire_logger

MAX_MESSAGE_BYTES = 65_536
"""A 20 ms frame is under 400 bytes; anything near this is not a carrier."""
HEARTBEAT_SEC = 10.0
GOING_AWAY = 1001


class ServerSocket(WebSocket):
    """Somebody asks for a connection: `accept` or `refuse` it.

    Args:
        asked: Called with this once the request has come.
        connections: Of the web server's, told to `shutdown` when it stops.
    """

    def __init__(self, asked: Callable[[ServerSocket], None], connections: set[Any]) -> None:
        self._server = ServerProtocol(max_size=MAX_MESSAGE_BYTES, logger=wire_logger)
        super().__init__(self._server, None, HEARTBEAT_SEC)
        self._asked = asked
        self._connections = connections
        self._request: Request | None = None

    @property
    def target(self) -> str:
        """Path and query as received."""
        assert self._request is not None
        return self._request.path

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""
        assert self._request is not None
        return {name.lower(): value for name, value in self._request.headers.raw_items()}

    def accept(self, listener: Listener) -> None:
        """Opens the connection; what comes goes to `listener`, which is told also if nobody is there any more."""
        assert self._request is not None
        self._listener = listener
        if not self._is_waiting:
            listener.closed(Closed(ABNORMAL_CLOSURE))
            return
        response = self._server.accept(self._request)
        self._respond(response)
        if response.status_code == 101:
            self._opened()
        else:
            listener.closed(Closed(ABNORMAL_CLOSURE, "not a websocket handshake"))

    def refuse(self, status: int) -> None:
        """Answers with an HTTP status instead."""
        if self._is_waiting:
            self._respond(self._server.reject(status, ""))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # asyncio does this for sockets it has bound itself only; without it a frame waits for the one before it to be
        # acknowledged, which takes until the carrier's next frame.
        transport.get_extra_info("socket").setsockopt(IPPROTO_TCP, TCP_NODELAY, True)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """The web server stops."""
        if self._open:
            self._server.send_close(GOING_AWAY)
            self._flush()
        self._transport.close()

    @property
    def _is_waiting(self) -> bool:
        """Who has asked is still there to be answered."""
        return self._server.state is State.CONNECTING and not self._gone.is_set()

    def _shake_hands(self, event: Request | Response) -> None:
        assert isinstance(event, Request)
        self._request = event
        self._asked(self)

    def _respond(self, response: Response) -> None:
        self._server.send_response(response)
        self._flush()
