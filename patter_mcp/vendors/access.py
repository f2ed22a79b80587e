"""How a vendor is reached: its address and our key, from the argument, else the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

from patter_mcp.vendors.versions import VersionSeeker
from patter_mcp.websocket import CONNECT_TIMEOUT_SEC

Out = TypeVar("Out")

Query = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a vendor is reached, and as whom."""

    provider: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    timeout_sec: float = CONNECT_TIMEOUT_SEC
    """For the first connection of a call."""
    versions: VersionSeeker | None = None
    """For an address that may lack the API's version."""

    @property
    def known_url(self) -> str:
        """The address as far as is known now."""
        return self.url if self.versions is None else self.versions.known(self.url)

    async def reach(self, ask: Callable[[str], Awaitable[Out]]) -> Out:
        """What `ask` gets at the address."""
        return await (ask(self.url) if self.versions is None else self.versions.sought(self.url, ask))


def api_key(given: str | None, variable: str) -> str:
    """Raises:
    ValueError: neither given nor in the environment.
    """
    key = (given or os.environ.get(variable) or "").strip()
    if not key:
        raise ValueError(f"no API key: pass api_key=, or set {variable}")
    return key


def base_url(given: str | None, variable: str, default: str) -> str:
    """Without a slash at its end, and without the API's version unless `default` has it.

    Raises:
        ValueError: no http(s) or ws(s) address.
    """
    url = (given or os.environ.get(variable) or default).strip().rstrip("/")
    if not urlsplit(default).path:
        # Our paths begin with it, and some name it in the address all the same.
        url = re.sub(r"/v[12]$", "", url)
    if urlsplit(url).scheme not in ("http", "https", "ws", "wss"):
        raise ValueError(f"not an http(s) or ws(s) address: {url!r} (base_url=, or {variable})")
    return url


def http_url(base: str, path: str, query: Query | None = None) -> str:
    return _with_query(_swap_scheme(base, {"ws": "http", "wss": "https"}) + path, query)


def websocket_url(base: str, path: str, query: Query | None = None) -> str:
    """The ws(s) address below an http(s) or ws(s) one; sequences in `query` become repeated parameters."""
    return _with_query(_swap_scheme(base, {"http": "ws", "https": "wss"}) + path, query)


def flag(value: bool) -> str:
    """A boolean as vendors want it in a query."""
    return "true" if value else "false"


def _swap_scheme(url: str, swaps: Mapping[str, str]) -> str:
    scheme, separator, rest = url.partition("://")
    return swaps.get(scheme.lower(), scheme.lower()) + separator + rest


def _with_query(url: str, query: Query | None) -> str:
    return f"{url}?{urlencode(query, doseq=True)}" if query else url
