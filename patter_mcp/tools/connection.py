"""One HTTP request to a webhook's server, over a connection that goes where it was judged to go.

Built on httpcore, the lower half of httpx, because its network backend is the seam at which a socket
opens. It follows no redirect, keeps no cookie, reads no proxy from the environment and unpacks no body.
Imported late, by `tools.webhook`: with the certificates it takes some 50 ms.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from ssl import SSLContext
from typing import cast

import httpcore
import httpx
from httpcore import SOCKET_OPTION, AsyncNetworkStream

from patter_mcp.errors import ToolError
from patter_mcp.tools.egress import Resolve, Target, judged_addresses
from patter_mcp.tools.retry import ToolFailed

Connect = Callable[[str, int, float | None], Awaitable[AsyncNetworkStream]]
"""Address, port and timeout in seconds -> a connection."""

CONNECT_TIMEOUT_SEC = 5.0
MAX_ADDRESSES = 4
"""Tried in turn; more of them would only eat up the deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens TCP connections to judged addresses only; the name stays in Host, SNI and the check of the certificate."""

    def __init__(self, resolve: Resolve, connect: Connect | None, allow_hosts: Mapping[str, str]) -> None:
        # Declared as a class without methods for installations without anyio, hence the cast.
        self._plain = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
        self._resolve = resolve
        self._connect = connect or self._plain.connect_tcp
        self._allow_hosts = allow_hosts

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        try:
            addresses = await judged_addresses(host, port, self._resolve, self._allow_hosts)
        except OSError as error:
            raise httpcore.ConnectError(f"cannot resolve: {error}") from error
        failure = httpcore.ConnectError("no address")
        for address in addresses[:MAX_ADDRESSES]:
            try:
                return await self._connect(address, port, timeout)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        await self._plain.sleep(seconds)


async def post(
    target: Target,
    headers: Mapping[str, str],
    body: bytes,
    *,
    backend: GuardedBackend,
    context: SSLContext | None,
    max_answer_bytes: int,
) -> Answer:
    """Posts, and reads the answer as it was sent. The caller sets the deadline.

    Raises:
        ToolFailed: no connection could be made, or it broke.
        ToolError: the server may not be connected to, or its answer is packed or too large.
    """
    scheme, host, path = (part.encode() for part in (target.scheme, target.host, target.path))
    url = httpcore.URL(scheme=scheme, host=host, port=target.port, target=path)
    sent = {"Host": target.authority, "Accept-Encoding": "identity", **headers}
    limits = {"timeout": {"connect": CONNECT_TIMEOUT_SEC}}
    with _translated_errors():
        async with (
            httpcore.AsyncConnectionPool(ssl_context=context or default_context(), network_backend=backend) as pool,
            pool.stream("POST", url, headers=list(sent.items()), content=body, extensions=limits) as response,
        ):
            answered = {name.decode().lower(): value.decode("latin-1") for name, value in response.headers}
            if answered.get("content-encoding", "identity") != "identity":
                raise ToolError("The tool's server compressed its answer, which was not asked for.")
            return Answer(status=response.status, headers=answered, body=await _read(response, max_answer_bytes))


async def _read(response: httpcore.Response, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_stream():
        body += chunk
        if len(body) > max_bytes:
            raise ToolError(f"The tool's server answered more than {max_bytes:,} bytes.")
    return bytes(body)


@contextmanager
def _translated_errors() -> Generator[None]:
    try:
        yield
    except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
        raise ToolFailed("The tool's server cannot be reached.", may_have_acted=False) from error
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        raise ToolFailed("The connection to the tool's server broke.", may_have_acted=True) from error


@lru_cache
def default_context() -> SSLContext:
    """The certificates httpx trusts, whatever the environment says."""
    return httpx.create_ssl_context(trust_env=False)
