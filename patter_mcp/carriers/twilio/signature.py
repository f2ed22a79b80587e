"""X-Twilio-Signature: HMAC-SHA1 with the account's auth token over the URL and the form's fields.

https://www.twilio.com/docs/usage/security#validating-requests. The SDK's validator is not used: it fails on a
repeated field of a plain mapping, and does not know the port of wss:// (twilio 9.13).
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from urllib.parse import urlsplit

HEADER = "x-twilio-signature"
_DEFAULT_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}


def sign(auth_token: str, url: str, fields: Sequence[tuple[str, str]] = ()) -> str:
    """What Twilio sends along with a request to `url`; without fields for a GET or a websocket's upgrade."""
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.digest(auth_token.encode(), signed.encode(), "sha1")).decode()


def is_signed(auth_token: str, url: str, fields: Sequence[tuple[str, str]], signature: str) -> bool:
    """Twilio may sign a URL with its port or without, whichever it was given with."""
    matches = [
        hmac.compare_digest(sign(auth_token, variant, fields).encode(), signature.encode())
        for variant in _variants(url)
    ]
    return any(matches)


def _variants(url: str) -> Sequence[str]:
    parts = urlsplit(url)
    if parts.port is None:
        other = f"{parts.netloc}:{_DEFAULT_PORTS[parts.scheme]}"
    else:
        other = parts.netloc.removesuffix(f":{parts.port}")
    return url, url.replace(parts.netloc, other, 1)
