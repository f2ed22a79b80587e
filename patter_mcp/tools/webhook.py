"""A tool that runs elsewhere: the arguments are posted to its server, the answer goes to the model.

Above: `tools.executor`. The URL and the headers come from the configuration alone, what the model
writes goes into the JSON body alone.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from ssl import SSLContext
from typing import TYPE_CHECKING

import anyio.to_thread

from patter_mcp.errors import ToolArgumentsInvalid, ToolError
from patter_mcp.tools.base import Tool
from patter_mcp.tools.egress import Resolve, check_url, resolve_host
from patter_mcp.tools.retry import ToolFailed
from patter_mcp.types import Json

if TYPE_CHECKING:
    from patter_mcp.tools.connection import Answer, Connect

MAX_REQUEST_BYTES = 65_536
MAX_ANSWER_BYTES = 1_000_000
_MAX_REASON_CHARS = 500


class WebhookClient:
    """Posts for all tools of all calls; keeps no connection, as calls pause longer between tools than servers wait.

    Args:
        resolve: Looks a host's addresses up.
        connect: Opens a connection to an address that was judged. None: a TCP connection.
        context: TLS settings. None: the certificates httpx trusts.
    """

    def __init__(
        self, *, resolve: Resolve = resolve_host, connect: Connect | None = None, context: SSLContext | None = None
    ) -> None:
        self._resolve = resolve
        self._connect = connect
        self._context = context

    async def post(self, tool: Tool, arguments: Json, *, call_id: str, key: str) -> str:
        """One attempt. `key` identifies this use of the tool over all its attempts.

        Raises:
            ToolFailed: the server cannot be reached or is in trouble.
            ToolError: the server says no, answers what cannot be read, or may not be connected to.
        """
        connection = await anyio.to_thread.run_sync(_load_connection)
        options = tool.webhook
        target = check_url(tool.webhook_url or "", allow_http=options.allow_http, allow_hosts=options.allow_hosts)
        body = _body(tool, arguments, call_id=call_id, key=key)
        answer = await connection.post(
            target,
            _headers(tool, body, key),
            body,
            backend=connection.GuardedBackend(self._resolve, self._connect, options.allow_hosts),
            context=self._context,
            max_answer_bytes=MAX_ANSWER_BYTES,
        )
        return _text_of(answer)


def _load_connection():
    """In a worker thread: the import and the certificates must not hold up the audio of other calls."""
    from patter_mcp.tools import connection  # noqa: PLC0415

    connection.default_context()
    return connection


def _body(tool: Tool, arguments: Json, *, call_id: str, key: str) -> bytes:
    content = {"id": key, "tool": tool.name, "call_id": call_id, "arguments": arguments}
    body = json.dumps(content, separators=(",", ":")).encode()
    if len(body) > MAX_REQUEST_BYTES:
        raise ToolArgumentsInvalid("The arguments are too long.")
    return body


def _headers(tool: Tool, body: bytes, key: str) -> dict[str, str]:
    headers = {
        **tool.webhook.headers,
        "Content-Type": "application/json",
        "Accept": "application/json, text/plain",
        "User-Agent": "patter-mcp",
        "Idempotency-Key": key,
    }
    if tool.webhook.secret:
        digest = hmac.new(tool.webhook.secret.encode(), body, hashlib.sha256).hexdigest()
        headers["X-Patter-Signature"] = f"sha256={digest}"
    return headers


def _text_of(answer: Answer) -> str:
    text = answer.body.decode("utf-8", errors="replace")
    if 200 <= answer.status < 300:
        return text
    message = f"The tool's server answered {answer.status}"
    if answer.status in (429, 503):
        # Both say "not now": the request was turned away rather than carried out.
        raise ToolFailed(f"{message}.", may_have_acted=False, wait_sec=_wait_sec(answer))
    if answer.status >= 500:
        raise ToolFailed(f"{message}.", may_have_acted=True)
    if 300 <= answer.status < 400:
        raise ToolError(f"{message}, a redirect, which is not followed.")
    raise ToolError(f"{message}: {text[:_MAX_REASON_CHARS]}")


def _wait_sec(answer: Answer) -> float:
    """Retry-After in seconds; its other form, a date, is not worth a clock here."""
    value = answer.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() else 0.0
