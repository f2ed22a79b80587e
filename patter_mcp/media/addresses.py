"""The addresses a carrier is given for a call, and how they are known again when it uses them."""

from __future__ import annotations

import hmac
import secrets

from patter_mcp.calls.live import Line

STREAM_PATH = "/media/"
"""And the token."""
STATUS_PATH = "/carrier/status/{call_id}/{mac}"
MAC_HEX_CHARS = 32
"""128 bits."""


class Addresses:
    """Built on the URL under which the carrier reaches us.

    Nothing of a request's `Host` or forwarding headers is ever used: signatures are checked over the address as it was
    handed out. A call's id is no secret (clients see it), so its status address carries a code only this process can
    make.
    """

    def __init__(self, base_url: str) -> None:
        self._http = base_url.rstrip("/")
        self._websocket = "ws" + self._http.removeprefix("http")
        self._key = secrets.token_bytes(32)

    def line(self, call_id: str, token: str) -> Line:
        return Line(
            stream_url=self._websocket + STREAM_PATH + token,
            status_url=self._http + STATUS_PATH.format(call_id=call_id, mac=self._mac(call_id)),
        )

    def is_status_of(self, call_id: str, mac: str) -> bool:
        return hmac.compare_digest(self._mac(call_id).encode(), mac.encode())

    def http_url(self, target: str) -> str:
        """The URL of a request as the carrier was given it.

        Args:
            target: Path and query as received.
        """
        return self._http + target

    def websocket_url(self, target: str) -> str:
        return self._websocket + target

    def _mac(self, call_id: str) -> str:
        return hmac.digest(self._key, f"status:{call_id}".encode(), "sha256").hex()[:MAC_HEX_CHARS]
