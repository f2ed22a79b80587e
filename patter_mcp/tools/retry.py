"""When a tool may be run again: if it cannot have acted, or if acting twice does no harm.

A tool that books a table and fails after booking it must not book three.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from patter_mcp.errors import ToolError

ATTEMPTS = 3
MAX_WAIT_SEC = 2.0
"""Somebody is on the line: a server that wants to be left alone for longer is not waited for."""


class ToolFailed(ToolError):
    """The tool is in trouble, as opposed to a tool that works and says no (a plain `ToolError`). Stays in this room.

    Args:
        may_have_acted: False when the request surely was not carried out.
        wait_sec: How long the server asks to be left alone.
    """

    code = "tool-failed"

    def __init__(self, message: str, *, may_have_acted: bool, wait_sec: float = 0.0) -> None:
        super().__init__(message, retryable=True)
        self.may_have_acted = may_have_acted
        self.wait_sec = wait_sec


async def attempt(once: Callable[[], Awaitable[str]], *, idempotent: bool, backoff_sec: float) -> str:
    """The answer of the first attempt that does not fail. The caller sets the deadline.

    Raises:
        ToolFailed: the last attempt's, or the first one's after which no other is safe.
    """
    for number in range(ATTEMPTS - 1):
        try:
            return await once()
        except ToolFailed as failure:
            unsafe = failure.may_have_acted and not idempotent
            if unsafe or failure.wait_sec > MAX_WAIT_SEC:
                raise
            await anyio.sleep(max(failure.wait_sec, backoff_sec * 2**number))
    return await once()
