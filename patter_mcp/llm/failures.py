"""What goes wrong below HTTP, in our words; the exceptions of its client end here."""

from __future__ import annotations

import httpx2

from patter_mcp.errors import ProviderConnectionError, ProviderError, ProviderProtocolError, ProviderTimeout


def connection_error(provider: str, error: BaseException) -> ProviderError:
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
