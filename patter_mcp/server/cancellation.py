"""Why a client took a request back.

The SDK cancels the handler at once; the client's reason travels in a notification that is handled a moment later.
It matters here: a person who stops a call wants it ended, a client whose clock ran out knows nothing of the call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextvars import ContextVar
from enum import StrEnum
from typing import Any

import anyio
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.types import RequestId

REASON_GRACE_SEC = 0.1
"""How long the reason may lag behind the cancellation: 2-10 ms were measured over stdio."""

_CLOCK = re.compile(r"time[d ]*-?out", re.IGNORECASE)
"""What clients say of their own clock: "timed out after 60s" (Python SDK), "Request timed out" (TypeScript SDK)."""


class Cancelled(StrEnum):
    """What became of whoever asked."""

    BY_USER = "by-user"
    BY_CLOCK = "by-clock"
    """The client stopped waiting of its own accord; nobody wants the call stopped."""
    BY_DISCONNECT = "by-disconnect"


class _InFlight:
    """One request, from the moment it comes in."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.has_reason = anyio.Event()


_current: ContextVar[_InFlight | None] = ContextVar("current_request", default=None)


class Cancellations:
    """Middleware: notes the reasons of the requests passing through. One per connection, for ids repeat across them."""

    def __init__(self) -> None:
        self._in_flight: dict[str, _InFlight] = {}

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method == "notifications/cancelled":
            self._note(ctx.params or {})
        if ctx.request_id is None:
            return await call_next(ctx)
        return await self._pass(ctx, ctx.request_id, call_next)

    async def _pass(
        self, ctx: ServerRequestContext[Any, Any], request_id: RequestId, call_next: CallNext
    ) -> HandlerResult:
        # As text: a client may write 7 in the request and "7" in the notification.
        key = str(request_id)
        self._in_flight[key] = request = _InFlight()
        _current.set(request)
        try:
            return await call_next(ctx)
        finally:
            if self._in_flight.get(key) is request:
                del self._in_flight[key]

    def _note(self, params: Mapping[str, Any]) -> None:
        request = self._in_flight.get(str(params.get("requestId")))
        if request is not None:
            request.reason = str(params.get("reason") or "")
            request.has_reason.set()


async def why_cancelled() -> Cancelled:
    """For a cancelled tool handler, inside its shield: what the client's reason was, once that is known."""
    request = _current.get() or _InFlight()
    with anyio.move_on_after(REASON_GRACE_SEC):
        await request.has_reason.wait()
    if request.reason is None:
        return Cancelled.BY_DISCONNECT
    return Cancelled.BY_CLOCK if _CLOCK.search(request.reason) else Cancelled.BY_USER
