"""Whose wish it was that a request is over: what clients really write, and what they leave out."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from mcp.server.context import HandlerResult, ServerRequestContext

from patter_mcp.server.cancellation import Cancellations, Cancelled, why_cancelled

pytestmark = pytest.mark.anyio


def message(method: str, request_id: int | None, params: dict[str, Any]) -> ServerRequestContext[Any, Any]:
    return ServerRequestContext[Any, Any](
        session=None,  # pyright: ignore[reportArgumentType]  # the middleware has no business with it
        lifespan_context={},
        protocol_version="2025-11-25",
        method=method,
        params=params,
        request_id=request_id,
    )


async def verdict_on(request_id: int, *notices: dict[str, Any]) -> Cancelled:
    """What the handler of a cancelled request learns when these notifications follow."""
    middleware = Cancellations()
    running = anyio.Event()
    verdicts: list[Cancelled] = []

    async def handle(_: ServerRequestContext[Any, Any]) -> HandlerResult:
        running.set()
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                verdicts.append(await why_cancelled())

    async def ignore(_: ServerRequestContext[Any, Any]) -> HandlerResult:
        return None

    with anyio.fail_after(5):
        async with anyio.create_task_group() as requests, anyio.create_task_group() as notifications:
            requests.start_soon(middleware, message("tools/call", request_id, {}), handle)
            await running.wait()
            requests.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                for notice in notices:
                    await middleware(message("notifications/cancelled", None, notice), ignore)
            notifications.cancel_scope.cancel()
    return verdicts[0]


@pytest.mark.parametrize(
    ("reason", "verdict"),
    [
        ("timed out after 60.0s", Cancelled.BY_CLOCK),
        ("McpError: MCP error -32001: Request timed out", Cancelled.BY_CLOCK),
        ("SdkError: Request timed out", Cancelled.BY_CLOCK),
        ("Request timeout", Cancelled.BY_CLOCK),
        ("REQUEST_TIME-OUT", Cancelled.BY_CLOCK),
        ("caller cancelled", Cancelled.BY_USER),
        ("AbortError: This operation was aborted", Cancelled.BY_USER),
        ("the user is out of time", Cancelled.BY_USER),
        ("", Cancelled.BY_USER),
    ],
)
async def test_the_reason_tells_a_person_from_a_clock(reason: str, verdict: Cancelled) -> None:
    assert await verdict_on(7, {"requestId": 7, "reason": reason}) is verdict


async def test_a_notice_without_a_reason_is_a_persons() -> None:
    assert await verdict_on(7, {"requestId": 7}) is Cancelled.BY_USER


async def test_an_id_written_as_text_is_the_same_id() -> None:
    assert await verdict_on(7, {"requestId": "7", "reason": "Request timed out"}) is Cancelled.BY_CLOCK


async def test_without_a_notice_the_client_has_gone() -> None:
    assert await verdict_on(7) is Cancelled.BY_DISCONNECT


async def test_a_notice_about_another_request_says_nothing() -> None:
    assert await verdict_on(7, {"requestId": 8, "reason": "Request timed out"}, {}) is Cancelled.BY_DISCONNECT
