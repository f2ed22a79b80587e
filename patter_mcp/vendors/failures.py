"""Failures of sockets and of HTTP, named as the conversation knows them: the `ProviderError` family."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

from patter_mcp.errors import (
    ProviderConnectionError,
    ProviderError,
    ProviderProtocolError,
    ProviderStatusError,
    ProviderTimeout,
)
from patter_mcp.types import Json
from patter_mcp.websocket import ABNORMAL_CLOSURE, Closed, HandshakeRefused

MAX_DETAIL_CHARS = 200

_LASTING_CLOSURES = frozenset({1002, 1003, 1007, 1008, 1009, 1010})
"""Close codes that say we did something wrong: doing it again ends the same way (RFC 6455, 7.4.1)."""

_OUT_OF_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
"""OpenAI's codes for a 429 that waiting does not cure."""
_MONEY = ("quota", "credit", "billing")
"""Words by which a vendor without codes says the same, rather than that we were too fast."""
_BAD_LUCK = frozenset({"tool_use_failed"})
"""Groq's code for a tool call the model wrote wrongly: it may write the next one well."""
_NUMBER = re.compile(r"\d+(\.\d+)?")

UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, RecursionError, OverflowError)
"""What reading a message raises that is not as it should be."""


@contextmanager
def translated(provider: str) -> Generator[None]:
    """Failures to connect a websocket leave the block as `ProviderError`."""
    try:
        yield
    except HandshakeRefused as error:
        raise status_error(provider, error.status, error.body, error.headers) from error
    except TimeoutError as error:
        raise ProviderTimeout(f"{provider} could not be reached in time", provider=provider, retryable=True) from error
    except OSError as error:
        raise ProviderConnectionError(
            f"no connection to {provider}: {error}", provider=provider, retryable=True
        ) from error


def status_error(
    provider: str, status: int, body: str | bytes, headers: Mapping[str, str] | None = None
) -> ProviderStatusError:
    """For an HTTP status other than the expected one. Of the body only the vendor's words are kept, cut short."""
    error = _error_of(body)
    detail = " ".join(_words(error).split())[:MAX_DETAIL_CHARS]
    return ProviderStatusError(
        f"{provider} answered {status}" + (f": {detail}" if detail else ""),
        provider=provider,
        status=status,
        retryable=_is_passing(status, _code_of(error), detail),
        retry_after_sec=_retry_after_sec({name.lower(): text for name, text in (headers or {}).items()}, error),
    )


def _is_lasting(close: Closed) -> bool:
    """Vendors also close with 1008 when nothing was said for a while; that harms nobody."""
    return close.code in _LASTING_CLOSURES and "timeout" not in close.reason.lower()


def closed_error(provider: str, close: Closed) -> ProviderError:
    """For a websocket the vendor closed."""
    if close.code == ABNORMAL_CLOSURE:
        why = f": {close.reason}" if close.reason else ""
        return ProviderConnectionError(f"the connection to {provider} broke{why}", provider=provider, retryable=True)
    return ProviderStatusError(
        f"{provider} closed the connection with {close.code}" + (f": {close.reason}" if close.reason else ""),
        provider=provider,
        status=close.code,
        retryable=not _is_lasting(close),
    )


def unreadable(provider: str) -> ProviderProtocolError:
    """For a message that makes no sense. Retryable: a new connection may be in better shape."""
    return ProviderProtocolError(f"{provider} sent a message we cannot read", provider=provider, retryable=True)


def parse_json(provider: str, message: str) -> Json:
    """Raises:
    ProviderProtocolError: no JSON object.
    """
    try:
        data = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise unreadable(provider) from error
    if not isinstance(data, dict):
        raise unreadable(provider)
    return cast("Json", data)


def _is_passing(status: int, code: str, detail: str) -> bool:
    if code in _OUT_OF_CREDIT or (status == 429 and not code and any(word in detail.lower() for word in _MONEY)):
        return False
    return status in (408, 409, 425, 429) or status >= 500 or code in _BAD_LUCK


def _error_of(body: str | bytes) -> Any:
    """What the vendor says about it, wherever in its JSON (`[{"error": {…}}]` too); else the text, if it is no page."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        text = body if isinstance(body, str) else body.decode(errors="replace")
        return "" if text.lstrip().startswith("<") else text
    if isinstance(data, list) and data and isinstance(data[0], dict):
        data = cast("Any", data)[0]
    return cast("Json", data).get("error", cast("Any", data)) if isinstance(data, dict) else data


def _code_of(error: Any) -> str:
    return str(error.get("code") or error.get("type") or "") if isinstance(error, dict) else ""


def _words(data: Any) -> str:
    if not isinstance(data, dict):
        return str(data or "")
    fields = cast("Json", data)
    for name in ("err_msg", "message", "error", "detail", "description", "title", "code", "type"):
        if fields.get(name):
            return _words(fields[name])
    return ""


def _retry_after_sec(headers: Mapping[str, str], error: Any) -> float | None:
    """`retry-after-ms` (OpenAI), `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), or Google's `retryDelay`."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    if "retry-after" not in headers:
        return _retry_delay_sec(error)
    seconds = _number(headers["retry-after"])
    return seconds if seconds is not None else _seconds_until(headers["retry-after"])


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _seconds_until(http_date: str) -> float | None:
    try:
        return max(0.0, (parsedate_to_datetime(http_date) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _retry_delay_sec(error: Any) -> float | None:
    """In one of the details, as `"17s"`."""
    details = cast("Json", error).get("details") if isinstance(error, dict) else None
    if not isinstance(details, list):
        return None
    delays = [str(detail.get("retryDelay", "")) for detail in cast("list[Any]", details) if isinstance(detail, dict)]
    return next((seconds for delay in delays if (seconds := _number(delay.removesuffix("s"))) is not None), None)
