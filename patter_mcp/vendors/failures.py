"""Failures of sockets and of HTTP, named as the conversation knows them: the `ProviderError` family."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
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

_LASTING_429 = ("quota", "credit", "billing")
"""Words by which a vendor says with 429 that money is out, rather than that we were too fast."""


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


def status_error(provider: str, status: int, body: str, headers: Mapping[str, str]) -> ProviderStatusError:
    """For an HTTP status other than the expected one."""
    detail = _detail(body)
    return ProviderStatusError(
        f"{provider} answered {status}" + (f": {detail}" if detail else ""),
        provider=provider,
        status=status,
        retryable=_is_passing(status, detail),
        retry_after_sec=_retry_after_sec(headers),
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
    except ValueError as error:
        raise unreadable(provider) from error
    if not isinstance(data, dict):
        raise unreadable(provider)
    return cast("Json", data)


def _is_passing(status: int, detail: str) -> bool:
    if status == 429:
        return not any(word in detail.lower() for word in _LASTING_429)
    return status in (408, 425) or status >= 500


def _retry_after_sec(headers: Mapping[str, str]) -> float | None:
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        return float(value)
    except ValueError:
        return None


def _detail(body: str) -> str:
    """What the vendor says about it, wherever in its JSON it says so; else the text itself."""
    try:
        found = _words(json.loads(body))
    except ValueError:
        found = body
    return " ".join(found.split())[:MAX_DETAIL_CHARS]


def _words(data: Any) -> str:
    if not isinstance(data, dict):
        return str(data or "")
    fields = cast("Json", data)
    for name in ("err_msg", "message", "error", "detail", "description", "title"):
        if fields.get(name):
            return _words(fields[name])
    return ""
