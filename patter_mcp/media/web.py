"""uvicorn as a part of this program: in its event loop, on a port bound beforehand, without its signal handlers."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Generator

import anyio
import uvicorn
from starlette.types import ASGIApp

from patter_mcp.errors import ConfigError

MAX_MESSAGE_BYTES = 65_536
"""A 20 ms frame is under 400 bytes; anything near this is not a carrier."""
SHUTDOWN_SEC = 1
"""How long open requests may take once the server is told to stop; no call is alive by then."""


class _QuietServer(uvicorn.Server):
    """Leaves the process's signals to the application."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


class WebServer:
    """Binds at once; `serve` in a task.

    Raises:
        ConfigError: the port cannot be had. (uvicorn, binding itself, would end the process.)
    """

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._listener = _bind(host, port)
        self._server = _QuietServer(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws_max_size=MAX_MESSAGE_BYTES,
                ws_per_message_deflate=False,
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
