"""What went wrong at a vendor, in our words; the vendors' own exceptions end here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

import httpx2

from patter_mcp.errors import (
    ProviderConnectionError,
    ProviderError,
    ProviderProtocolError,
    ProviderStatusError,
    ProviderTimeout,
)

_MAX_MESSAGE_CHARS = 300
_OUT_OF_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
"""OpenAI's codes for a 429 that waiting does not cure."""
_BAD_LUCK = frozenset({"tool_use_failed"})
"""Groq's code for a tool call the model wrote wrongly: it may write the next one well."""
_NUMBER = re.compile(r"\d+(\.\d+)?")


def connection_error(provider: str, error: BaseException) -> ProviderError:
    """What went wrong below HTTP, in our words."""
    if isinstance(error, httpx2.TimeoutException):
        return ProviderTimeout(f"{provider} could not be reached in time", provider=provider, retryable=True)
    if isinstance(error, httpx2.DecodingError):
        return ProviderProtocolError(f"{provider} sent a body that cannot be decoded", provider=provider)
    if isinstance(error, httpx2.ConnectError):
        return ProviderConnectionError(f"{provider} cannot be reached", provider=provider, retryable=True)
    return ProviderConnectionError(f"the connection to {provider} broke", provider=provider, retryable=True)


def broken_off(provider: str) -> ProviderConnectionError:
    """The body ended well-formed, but before the vendor had said that it was complete."""
    return ProviderConnectionError(
        f"{provider} broke off in the middle of an answer", provider=provider, retryable=True
    )


def status_error(provider: str, status: int, headers: Mapping[str, str], body: bytes) -> ProviderStatusError:
    """The vendor's refusal. Of its body only the code and the message are kept, cut short."""
    error = _error_of(body)
    code = str(error.get("code") or error.get("type") or "")
    message = str(error.get("message") or "")[:_MAX_MESSAGE_CHARS]
    passing = status in (408, 409, 429) or status >= 500 or code in _BAD_LUCK
    return ProviderStatusError(
        f"{provider} answered {status}: {message or code}" if message or code else f"{provider} answered {status}",
        provider=provider,
        status=status,
        retryable=passing and code not in _OUT_OF_CREDIT,
        retry_after_sec=_retry_after_sec(headers, error),
    )


def _error_of(body: bytes) -> Mapping[str, Any]:
    """The error object, wherever the vendor puts it: `{"error": {…}}`, `[{"error": {…}}]`, or the body itself."""
    try:
        data = json.loads(body)
    except ValueError:
        return {}
    if isinstance(data, list) and data:
        data = cast(Any, data)[0]
    error = cast(Any, data).get("error", data) if isinstance(data, dict) else data
    return error if isinstance(error, dict) else {"message": error or ""}


def _retry_after_sec(headers: Mapping[str, str], error: Mapping[str, Any]) -> float | None:
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


def _retry_delay_sec(error: Mapping[str, Any]) -> float | None:
    """In one of the details, as `"17s"`."""
    details = error.get("details")
    delays = [str(detail.get("retryDelay", "")) for detail in cast(Any, details or ()) if isinstance(detail, dict)]
    return next((seconds for delay in delays if (seconds := _number(delay.removesuffix("s"))) is not None), None)
