"""MCP over stdin and stdout, with the phone in the same process.

The process ends when its client closes stdin or a signal tells it to, within two seconds and with every call
hung up. It ends by `os._exit`: a thread blocked on stdin cannot be called off, and nothing may follow on stdout.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, NoReturn, Protocol

import anyio

from patter_mcp import log
from patter_mcp.errors import ConfigError
from patter_mcp.server.build import build_server
from patter_mcp.server.tools import HANG_UP_SEC, Phone
from patter_mcp.server.wire import mend_stdin

logger = logging.getLogger(__name__)

EXIT_SEC = 1.8
"""From the first sign of the end to the end of the process. Clients send SIGTERM two seconds after closing stdin,
and SIGKILL two seconds after that."""


class RunnablePhone(Phone, Protocol):
    """An `App`."""

    def run(self) -> AbstractAsyncContextManager[Any]:
        """Leaving the block hangs up every call."""
        ...


def run_stdio(
    open_phone: Callable[[], RunnablePhone],
    *,
    version: str,
    log_level: str = "INFO",
    loop_options: dict[str, Any] | None = None,
) -> NoReturn:
    """Serves until the client or a signal ends it, and ends the process.

    Args:
        loop_options: For `anyio.run`, as its `backend_options`.

    Raises:
        ConfigError: stdin or stdout is closed, or from `open_phone`; nothing has been served.
    """
    _take_streams()
    # First of all: the SDK sets up logging of its own where it finds none.
    log.configure(log_level)
    phone = open_phone()
    try:
        anyio.run(lambda: serve_stdio(phone, version=version), backend_options=loop_options)
    except Exception:
        logger.exception("the server failed")
    _leave(1)


async def serve_stdio(phone: RunnablePhone, *, version: str) -> None:
    """Serves `phone` on this process's stdin and stdout, then ends the process."""
    over = anyio.Event()
    async with anyio.create_task_group() as tasks:
        async with phone.run():
            tasks.start_soon(_serve, phone, version, over)
            tasks.start_soon(_heed_signals, over)
            await over.wait()
        # Not after the group: it would wait for the thread that reads stdin.
        _leave(0)


def _take_streams() -> None:
    """A descriptor of theirs that is free would go to the next file opened, the event loop's among them."""
    if sys.stdin is None or sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison]
        raise ConfigError("An MCP client speaks with this server on stdin and stdout, and one of them is closed.")
    if sys.stderr is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - for as long as the process lives


async def _serve(phone: Phone, version: str, over: anyio.Event) -> None:
    mend_stdin()
    try:
        await build_server(phone, version=version).run_stdio_async()
    finally:
        # The requests under way have had their time to hang up.
        _leave_after(EXIT_SEC - HANG_UP_SEC)
        over.set()


async def _heed_signals(over: anyio.Event) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        async for number in signals:
            _leave_after(EXIT_SEC)
            logger.info("told to stop; hanging up", extra={"signal": number.name})
            over.set()


def _leave_after(seconds: float) -> None:
    """The process ends then at the latest, even if the event loop or stderr is stuck."""
    alarm = threading.Timer(seconds, os._exit, (1,))
    alarm.daemon = True
    alarm.start()


def _leave(status: int) -> NoReturn:
    logging.shutdown()
    sys.stderr.flush()
    os._exit(status)
