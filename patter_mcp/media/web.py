"""uvicorn as a part of this program: in its event loop, on a port bound beforehand, without its signal handlers."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Generator
from typing import Any

import anyio
import uvicorn
from starlette.types import ASGIApp

from patter_mcp.errors import ConfigError
from patter_mcp.media.doorstep import Doorstep
from patter_mcp.media.socket import ServerSocket

SHUTDOWN_SEC = 1
"""How long open requests may take once the server is told to stop; no call is alive by then."""


class _QuietServer(uvicorn.Server):
    """Leaves the process's signals to the application."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


class WebServer:
    """Binds at once; `serve` in a task.

    Args:
        app: Answers HTTP.
        socket_asked: Called when somebody asks for a websocket.
        doorstep: Where those wait who have connected and not asked for anything yet.

    Raises:
        ConfigError: the port cannot be had. (uvicorn, binding itself, would end the process.)
    """

    def __init__(
        self,
        app: ASGIApp,
        socket_asked: Callable[[ServerSocket], None],
        host: str,
        port: int,
        doorstep: Doorstep | None = None,
    ) -> None:
        def take_over(*, server_state: Any, **_: Any) -> ServerSocket:
            return ServerSocket(socket_asked, server_state.connections)

        self._listener = _bind(host, port)
        self._server = _QuietServer(
            uvicorn.Config(
                app,
                http=(doorstep or Doorstep()).meet,  # pyright: ignore[reportArgumentType] - as below
                ws=take_over,  # pyright: ignore[reportArgumentType] - any callable that makes a protocol will do
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=SHUTDOWN_SEC,
            )
        )
        self._shut_down = anyio.Event()
        bound_host, bound_port = self._listener.getsockname()[:2]
        self.url = f"http://{bound_host}:{bound_port}"

    async def serve(self) -> None:
        try:
            await self._server.serve([self._listener])
        finally:
            self._listener.close()
            self._shut_down.set()

    async def shut(self) -> None:
        self._server.should_exit = True
        with anyio.CancelScope(shield=True), anyio.move_on_after(SHUTDOWN_SEC):
            await self._shut_down.wait()


def _bind(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise ConfigError(
            f"The media endpoint cannot listen on {host}:{port}: {error.strerror}. Free the port or set another "
            "one (`media.port`, 0 for any)."
        ) from error
