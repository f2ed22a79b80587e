"""Where below an address a vendor's API begins, if nobody has said so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import urlsplit

from patter_mcp.errors import ProviderStatusError

VERSION = "/v1"
FORBIDDEN, NOT_FOUND = 403, 404
"""The first is what Starlette, and all that is built on it, answers to a websocket it does not know."""

Out = TypeVar("Out")


class VersionSeeker:
    """An address given without any path has the API at its root or, far more often, under `/v1`. A refusal tells which.

    A provider keeps one, so that all its calls know what the first has found out.
    """

    def __init__(self) -> None:
        self._version = ""

    def known(self, url: str) -> str:
        """The address as far as is known now."""
        return _below(self._version, url)

    async def sought(self, url: str, ask: Callable[[str], Awaitable[Out]]) -> Out:
        """What `ask` gets at the address, or else below the version."""
        try:
            return await ask(self.known(url))
        except ProviderStatusError as error:
            if self._version or error.status not in (FORBIDDEN, NOT_FOUND):
                raise
            refusal = error
        try:
            found = await ask(_below(VERSION, url))
        except ProviderStatusError as error:
            # Nothing is there: then the root meant what it said.
            raise refusal if error.status == NOT_FOUND != refusal.status else error from None
        self._version = VERSION
        return found


def seeker_for(base_url: str) -> VersionSeeker | None:
    """None for an address that says itself where the API begins."""
    return None if urlsplit(base_url).path else VersionSeeker()


def _below(version: str, url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(path=version + parts.path).geturl()
