"""Our errors as tool errors: a sentence for the model to act on, and the facts beside it for programs.

No structured content: with an output schema some clients check even an error against it, and throw.
"""

from __future__ import annotations

from typing import Any

from mcp.types import CallToolResult, TextContent

from patter_mcp.errors import CallRefused, PatterError

ERROR_META_KEY = "patter-mcp/error"


def not_placed(error: PatterError) -> CallToolResult:
    """There is no call."""
    return _tool_error(error, error.message)


def out_of_sight(error: PatterError, call_id: str) -> CallToolResult:
    """There is a call, and we cannot see how it goes."""
    return _tool_error(
        error,
        f"{error.message} The call may be under way all the same. Repeat the request unchanged to hear how it went; "
        "that does not dial a second time.",
        call_id=call_id,
    )


def _tool_error(error: PatterError, sentence: str, **facts: Any) -> CallToolResult:
    detail = {"code": error.code, "retryable": error.retryable, **facts}
    if isinstance(error, CallRefused):
        detail["rule"] = error.rule
    return CallToolResult(
        content=[TextContent(type="text", text=sentence)], is_error=True, _meta={ERROR_META_KEY: detail}
    )
