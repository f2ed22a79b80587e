"""How requests to language model vendors travel: pooled connections, and every failure as one of ours.

Two roads, one shape: `HttpTransport` speaks HTTP itself, `SdkTransport` goes through a vendor's own client as far as
nobody waits for it: typed events cost the event loop twice what the bytes do, and a request ten times.
"""

from __future__ import annotations

import functools
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx2

from patter_mcp.errors import ProviderStatusError
from patter_mcp.llm.direct import DirectTransport
from patter_mcp.llm.failures import connection_error
from patter_mcp.vendors.failures import status_error

Out = TypeVar("Out")

KEEPALIVE_SEC = 300.0
"""How long an idle connection is kept. The client's own default of 5 s is shorter than most pauses in a phone call,
and a turn would pay for a new TLS handshake; beyond 350 s gateways (AWS NAT among them) forget the flow silently."""
_MAX_IDLE_CONNECTIONS = 200
NOT_FOUND = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long a language model may keep a caller waiting."""

    connect_sec: float = 3.0
    first_token_sec: float = 8.0
    """From the request to the first text or tool call, connecting included."""
    stall_sec: float = 5.0
    """From one piece to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    path: str
    """Relative to the base URL."""
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Transport(Protocol):
    """Raises nothing but `ProviderError`."""

    async def post(self, post: Post) -> httpx2.Response:
        """Returns at the response's head, which is not an error; the body is still to be read."""
        ...

    async def get(self, path: str) -> None:
        """Fetches and forgets."""
        ...

    async def aclose(self) -> None: ...


class HttpTransport:
    """`headers` stand before every body. What they are made of is put together once, not while somebody waits."""

    def __init__(self, provider: str, base_url: str, headers: Mapping[str, str], timeouts: Timeouts) -> None:
        self.client = new_client(base_url, timeouts, headers)
        self.headers: Mapping[str, str] = dict(self.client.headers)
        self._provider = provider
        self._base_url = base_url

    async def post(self, post: Post) -> httpx2.Response:
        url, headers = self._base_url + post.path, {**self.headers, **post.headers}
        return await self._send(httpx2.Request("POST", url, headers=headers, content=post.body))

    async def get(self, path: str) -> None:
        response = await self._send(httpx2.Request("GET", self._base_url + path, headers=self.headers))
        try:
            await response.aread()
        except httpx2.HTTPError as error:
            raise connection_error(self._provider, error) from error

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        try:
            response = await self.client.send(request, stream=True)
            if not response.is_success:
                await response.aread()
        except httpx2.HTTPError as error:
            raise connection_error(self._provider, error) from error
        if not response.is_success:
            raise status_error(self._provider, response.status_code, response.content, response.headers)
        return response

    async def aclose(self) -> None:
        await self.client.aclose()


class SdkTransport:
    """Through `openai.AsyncOpenAI` or `anthropic.AsyncAnthropic`, whose low-level methods are alike.

    The first answer shows how the vendor's client asks: its key, its versions. From then on that is known, and the
    half millisecond it takes to put it together is saved.

    Args:
        http: What `client` was given as its `http_client` is this one's.
    """

    def __init__(self, provider: str, sdk: ModuleType, client: Any, http: HttpTransport) -> None:
        self._provider = provider
        self._sdk = cast(Any, sdk)
        self._client = client
        self._http = http
        self._knows_how = False

    async def post(self, post: Post) -> httpx2.Response:
        if self._knows_how:
            return await self._http.post(post)
        return await self._answered(
            self._client.post(
                post.path,
                cast_to=httpx2.Response,
                content=post.body,
                options={"headers": post.headers},
                stream=True,
                stream_cls=self._sdk.AsyncStream,
            )
        )

    async def get(self, path: str) -> None:
        await self._answered(self._client.get(path, cast_to=httpx2.Response))

    async def _answered(self, call: Any) -> httpx2.Response:
        try:
            response = await call
        except self._sdk.APIStatusError as error:
            response = error.response
            raise status_error(self._provider, response.status_code, response.content, response.headers) from error
        except self._sdk.APIError as error:
            raise connection_error(self._provider, error.__cause__ or error) from error
        asked = response.request.headers
        self._http.headers = {name: text for name, text in asked.items() if not name.startswith("content-")}
        self._knows_how = True
        return response

    async def aclose(self) -> None:
        await self._client.close()


class VersionSeeker:
    """A server whose address was given without any path has its API at the root or, far more often, under `/v1`.

    A 404 tells which.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._version = ""

    async def post(self, post: Post) -> httpx2.Response:
        return await self._sought(lambda version: self._transport.post(replace(post, path=version + post.path)))

    async def get(self, path: str) -> None:
        await self._sought(lambda version: self._transport.get(version + path))

    async def _sought(self, ask: Callable[[str], Awaitable[Out]]) -> Out:
        try:
            return await ask(self._version)
        except ProviderStatusError as error:
            if error.status != NOT_FOUND or self._version:
                raise
        found = await ask("/v1")
        self._version = "/v1"
        return found

    async def aclose(self) -> None:
        await self._transport.aclose()


def seeking_version(base_url: str, transport: Transport) -> Transport:
    return transport if urlsplit(base_url).path else VersionSeeker(transport)


def new_client(base_url: str, timeouts: Timeouts, headers: Mapping[str, str] | None = None) -> httpx2.AsyncClient:
    """A pool of its own. Proxies are taken from the environment, except for a server on this machine.

    Reading has no timeout here: whoever reads a stream knows how long it may wait for what.
    """
    local = is_loopback(base_url)
    direct = DirectTransport(_certificates(), keep_sec=KEEPALIVE_SEC, keep_count=_MAX_IDLE_CONNECTIONS)
    return httpx2.AsyncClient(
        headers={"accept-encoding": "identity", **(headers or {})},
        timeout=client_timeout(timeouts),
        limits=httpx2.Limits(
            max_connections=None, max_keepalive_connections=_MAX_IDLE_CONNECTIONS, keepalive_expiry=KEEPALIVE_SEC
        ),
        trust_env=not local,
        follow_redirects=True,
        verify=_certificates(),
        transport=direct if local or not getproxies() else None,
    )


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Read once for all vendors: it takes 20 ms and some memory."""
    context = httpx2.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def client_timeout(timeouts: Timeouts) -> httpx2.Timeout:
    return httpx2.Timeout(connect=timeouts.connect_sec, read=None, write=timeouts.first_token_sec, pool=None)


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")
