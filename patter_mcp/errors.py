"""Every error the package raises on purpose, on one screen.

    PatterError
    ├── ConfigError              a setting is missing, unknown or wrong
    ├── CallError
    │   ├── CallRefused          not dialed: an argument or the dialing policy says no
    │   ├── CallNotFound         no call with that id (or not yours)
    │   └── DialFailed           the carrier would not place the call
    ├── CarrierError
    │   ├── CarrierAuthError     the carrier rejects our credentials
    │   ├── WebhookRejected      an inbound request failed authentication
    │   └── MediaStreamError     the media websocket broke its protocol
    ├── ProviderError
    │   ├── ProviderTimeout
    │   ├── ProviderConnectionError
    │   ├── ProviderStatusError  the vendor answered with an error status
    │   └── ProviderProtocolError the vendor sent something we cannot read
    ├── ToolError
    │   ├── ToolTimeout
    │   ├── ToolArgumentsInvalid
    │   └── CircuitOpen
    └── StoreError

Busy, no answer, voicemail and a hang-up are results, not errors.
"""

from __future__ import annotations

from collections.abc import Sequence


class PatterError(Exception):
    """Base of the family. `code` is stable; the message is for people.

    Args:
        message: What happened and, where someone can act on it, how to put it right.
        retryable: True when the same request may succeed later.
    """

    code = "error"

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.retryable = retryable


class ConfigError(PatterError, ValueError):
    code = "config"


class CallError(PatterError):
    code = "call"


class CallRefused(CallError):
    """Nothing was dialed. `rule` names what refused (an argument's name or a policy rule)."""

    code = "call-refused"

    def __init__(self, message: str, *, rule: str, retryable: bool = False) -> None:
        super().__init__(message, retryable=retryable)
        self.rule = rule


class CallNotFound(CallError):
    code = "call-not-found"


class DialFailed(CallError):
    code = "dial-failed"


class CarrierError(PatterError):
    code = "carrier"


class CarrierAuthError(CarrierError):
    code = "carrier-auth"


class WebhookRejected(CarrierError):
    code = "webhook-rejected"


class MediaStreamError(CarrierError):
    code = "media-stream"


class ProviderError(PatterError):
    """A speech or language vendor failed. `provider` is its name."""

    code = "provider"

    def __init__(self, message: str, *, provider: str, retryable: bool = False) -> None:
        super().__init__(message, retryable=retryable)
        self.provider = provider


class ProviderTimeout(ProviderError):
    code = "provider-timeout"


class ProviderConnectionError(ProviderError):
    code = "provider-connection"


class ProviderStatusError(ProviderError):
    """`status` is the vendor's HTTP status (or the websocket close code)."""

    code = "provider-status"

    def __init__(
        self,
        message: str,
        *,
        provider: str,
        status: int,
        retryable: bool = False,
        retry_after_sec: float | None = None,
    ) -> None:
        super().__init__(message, provider=provider, retryable=retryable)
        self.status = status
        self.retry_after_sec = retry_after_sec


class ProviderProtocolError(ProviderError):
    code = "provider-protocol"


def overcome(source: object) -> Sequence[ProviderError]:
    """Failures a provider's stream or utterance has got over by itself, if it keeps account of them in `failures`."""
    return getattr(source, "failures", ())


class ToolError(PatterError):
    code = "tool"


class ToolTimeout(ToolError):
    code = "tool-timeout"


class ToolArgumentsInvalid(ToolError):
    code = "tool-arguments"


class CircuitOpen(ToolError):
    code = "circuit-open"


class StoreError(PatterError):
    code = "store"
