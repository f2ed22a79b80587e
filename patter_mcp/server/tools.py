"""`make_phone_call`: check, ask `calls`, wait, shape the result. No other logic."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Protocol

import anyio
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from patter_mcp.calls.call import Call
from patter_mcp.calls.manager import CallManager
from patter_mcp.errors import PatterError
from patter_mcp.guardrails.dialing import check_request
from patter_mcp.server import failures, results
from patter_mcp.server.cancellation import Cancelled, why_cancelled
from patter_mcp.server.progress import follow

logger = logging.getLogger(__name__)

HANG_UP_SEC = 0.8
"""How long a cancelled request waits to see its call hung up. The call ends without it too, but a client that has
gone allows the whole process two seconds."""


class Phone(Protocol):
    """Where calls are placed: an `App`."""

    async def calls(self) -> CallManager:
        """Raises:
        PatterError: something calls need cannot be had.
        """
        ...


class PhoneTools:
    """The tools of one phone."""

    def __init__(self, phone: Phone) -> None:
        self._phone = phone

    async def make_phone_call(self, ctx: Context) -> CallToolResult:
        try:
            request = check_request(raw_arguments(ctx))
            calls = await self._phone.calls()
            call = await calls.place(request)
        except PatterError as error:
            return failures.not_placed(error)
        try:
            return await _result(call, ctx)
        except PatterError as error:
            logger.exception("a call under way could not be followed", extra={"call_id": call.call_id})
            return failures.out_of_sight(error, call.call_id)
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await _let_go(call)
            raise


def raw_arguments(ctx: Context) -> Mapping[str, Any]:
    """The arguments as the client sent them. The SDK would drop unknown ones and convert "60" to 60."""
    params = ctx.request_context.params or {}
    return params.get("arguments") or {}


async def _result(call: Call, ctx: Context) -> CallToolResult:
    view = await follow(call, ctx)
    result = results.finished(view, attached=call.attached)
    # Shielded: once begun, the result is on its way out.
    with anyio.CancelScope(shield=True):
        await call.delivered()
    return result


async def _let_go(call: Call) -> None:
    """The request is gone; whether the call goes too depends on why."""
    cancelled = await why_cancelled()
    logger.info("a client stopped waiting for a call", extra={"call_id": call.call_id, "why": cancelled.value})
    if cancelled is Cancelled.BY_CLOCK:
        return
    with anyio.move_on_after(HANG_UP_SEC):
        if cancelled is Cancelled.BY_USER:
            await call.hang_up()
            # Nobody waits for this result, and the next request for the same call means a new one.
            await call.delivered()
        else:
            await call.hang_up(detail="The client that asked for it has gone.")
