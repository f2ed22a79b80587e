"""What the vendors' adapters have in common: settings, one pool of connections, and the life of one stream.

An adapter adds how to ask (`post`) and how to understand the answer (`decoder`); it never sees a socket.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Protocol, TypedDict, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread
import httpx2

from patter_mcp import prices
from patter_mcp.errors import ProviderConnectionError, ProviderProtocolError, ProviderTimeout
from patter_mcp.llm.base import Chunk, DoneChunk, LlmOptions, Message, TextChunk, ToolCallChunk, ToolSpec, UsageChunk
from patter_mcp.llm.failures import connection_error
from patter_mcp.llm.history import mended
from patter_mcp.llm.http import Post, Timeouts, Transport
from patter_mcp.llm.sse import SseEvent, SseParser
from patter_mcp.vendors import access
from patter_mcp.vendors.failures import UNREADABLE

DEFAULT_MAX_OUTPUT_TOKENS = 300
"""Two hundred words are more than a minute of speech; nobody on a phone listens longer to one answer."""
_THINKING_TOKENS = 1000
"""Room for a model that cannot be kept from thinking; without it a thought may use the answer's tokens up."""

_DRAIN_SEC = 0.1
"""How long to wait for the formal end of a body that has told all: then its connection can serve the next turn."""
_CLOSE_SEC = 1.0


Out = TypeVar("Out")


class VendorSettings(TypedDict, total=False):
    """The arguments of `VendorLLM`, for those who take a few more."""

    api_key: str | None
    model: str | None
    base_url: str | None
    temperature: float | None
    max_output_tokens: int | None
    timeouts: Timeouts | None


class Decoder(Protocol):
    """Understands one response, event by event."""

    @property
    def finished(self) -> bool:
        """The vendor has said that nothing more will come."""
        ...

    def feed(self, event: SseEvent) -> Iterable[Chunk]: ...

    def close(self) -> Iterable[Chunk]:
        """What can be said at the end only: usage, if known, and why it ended.

        Raises:
            ProviderConnectionError: it was not the end yet.
        """
        ...


class VendorLLM(ABC):
    """Shared by all calls. Connections are made in the event loop that first uses them and kept until `aclose`.

    Args:
        api_key: None: from the environment.
        model: None: this vendor's default, or what the vendor names instead once that has been shut down.
        base_url: None: from the environment, else the vendor's own.
        temperature: None: the vendor's default.
        max_output_tokens: What one answer may have; None: 300.
        timeouts: How long a caller may be kept waiting.

    Raises:
        ValueError: there is no key.
    """

    provider = ""
    key_variable = ""
    base_url_variable = ""
    default_base_url = ""

    def __init__(
        self,
        *,
        api_key: str | None = None,
        model: str | None = None,
        base_url: str | None = None,
        temperature: float | None = None,
        max_output_tokens: int | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self.model = model or prices.default_model(self.provider, datetime.now(UTC).date())
        self.base_url = access.base_url(base_url, self.base_url_variable, self.default_base_url)
        self.timeouts = timeouts or Timeouts()
        self._api_key = self.key(api_key)
        self._temperature = temperature
        self._max_output_tokens = max_output_tokens or DEFAULT_MAX_OUTPUT_TOKENS
        self._live: tuple[object, Transport] | None = None
        """The event loop, and what is connected in it."""
        self._making = anyio.Lock()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(model={self.model!r}, base_url={self.base_url!r})"

    def key(self, given: str | None) -> str:
        return access.api_key(given, self.key_variable)

    @abstractmethod
    def post(self, messages: Sequence[Message], tools: Sequence[ToolSpec], options: LlmOptions) -> Post:
        """The request for one streamed completion; `messages` are in order (see `history.mended`)."""

    @abstractmethod
    def decoder(self) -> Decoder: ...

    @abstractmethod
    def new_transport(self) -> Transport:
        """Called in a thread: importing a vendor's SDK and reading certificates would hold everybody's audio up."""

    @property
    @abstractmethod
    def warmup_path(self) -> str:
        """Something small to fetch that costs nothing."""

    async def warmup(self) -> None:
        """Opens a connection, or shows that one is open; no tokens are billed.

        Worth calling again once a stream was abandoned: that has closed its connection.
        """
        with anyio.CancelScope(deadline=anyio.current_time() + self.timeouts.first_token_sec) as scope:
            transport = await self._transport()
            await _persistently(lambda: transport.get(self.warmup_path))
        if scope.cancelled_caught:
            raise self._late("did not answer in time")

    async def aclose(self) -> None:
        """Closes all connections. The next use makes new ones."""
        live, self._live = self._live, None
        if live is not None:
            await live[1].aclose()

    async def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), options: LlmOptions = LlmOptions()
    ) -> AsyncGenerator[Chunk]:
        deadline = anyio.current_time() + self.timeouts.first_token_sec
        parser, decoder = SseParser(), self.decoder()
        async with self._response(self.post(mended(messages), tools, options), deadline) as body:
            while not decoder.finished and (data := await self._next(body, deadline)) is not None:
                spoke = False
                for event in self._understood(parser.feed, data):
                    for chunk in self._understood(_sound_chunks, decoder.feed, event):
                        yield chunk
                        spoke = True
                if spoke:
                    deadline = anyio.current_time() + self.timeouts.stall_sec
            await _drain(body)
        for chunk in self._understood(_sound_chunks, decoder.close):
            yield chunk

    @asynccontextmanager
    async def _response(self, post: Post, deadline: float) -> AsyncGenerator[AsyncGenerator[bytes]]:
        response = await self._send(post, deadline)
        body = response.aiter_bytes()
        try:
            yield body
        finally:
            with anyio.move_on_after(_CLOSE_SEC, shield=True):
                await body.aclose()
                await response.aclose()

    async def _send(self, post: Post, deadline: float) -> httpx2.Response:
        with anyio.CancelScope(deadline=deadline):
            transport = await self._transport()
            return await _persistently(lambda: transport.post(post))
        raise self._late("did not begin to answer in time")

    async def _next(self, body: AsyncGenerator[bytes], deadline: float) -> bytes | None:
        with anyio.CancelScope(deadline=deadline):
            try:
                return await anext(body, None)
            except httpx2.HTTPError as error:
                raise connection_error(self.provider, error) from error
        raise self._late("stopped answering")

    def _understood(self, understand: Callable[..., Iterable[Out]], *data: object) -> Sequence[Out]:
        try:
            return list(understand(*data))
        except UNREADABLE as error:
            raise ProviderProtocolError(
                f"{self.provider} sent something that cannot be read", provider=self.provider, retryable=True
            ) from error

    def _late(self, what: str) -> ProviderTimeout:
        return ProviderTimeout(f"{self.provider} {what}", provider=self.provider, retryable=True)

    async def _transport(self) -> Transport:
        loop = anyio.lowlevel.current_token().native_token
        if (transport := self._connected(loop)) is not None:
            return transport
        async with self._making:
            transport = self._connected(loop) or await anyio.to_thread.run_sync(self._made_transport)
            self._live = (loop, transport)
            return transport

    def _made_transport(self) -> Transport:
        try:
            return self.new_transport()
        except (ImportError, ValueError, httpx2.InvalidURL) as error:  # of a proxy in the environment
            raise ProviderConnectionError(
                f"{self.provider} cannot be reached: {error}", provider=self.provider, retryable=False
            ) from error

    def _connected(self, loop: object) -> Transport | None:
        return self._live[1] if self._live is not None and self._live[0] is loop else None

    def output_limit(self, options: LlmOptions, *, thinks: bool) -> int:
        """The most tokens an answer may have; thoughts count among them at all vendors."""
        limit = options.max_output_tokens or self._max_output_tokens
        return limit + _THINKING_TOKENS if thinks else limit

    def temperature(self, options: LlmOptions) -> float | None:
        return self._temperature if options.temperature is None else options.temperature


async def _persistently(ask: Callable[[], Awaitable[Out]]) -> Out:
    """A kept connection may have died while idle. As long as nothing came back, asking once more is safe."""
    try:
        return await ask()
    except ProviderConnectionError:
        return await ask()


async def _drain(body: AsyncGenerator[bytes]) -> None:
    """Reads to the formal end, if it comes at once: a connection that was read to its end can be used again."""
    with anyio.move_on_after(_DRAIN_SEC):
        try:
            async for _ in body:
                continue
        except httpx2.HTTPError:
            return  # all that matters has been said; the connection is lost, and closed by our caller


def _sound_chunks(decode: Callable[..., Iterable[Chunk]], *data: object) -> Iterable[Chunk]:
    for chunk in decode(*data):
        if not _is_sound(chunk):
            raise TypeError("something else where text or a number should be")
        yield _speakable(chunk) if isinstance(chunk, TextChunk) else chunk


def _is_sound(chunk: Chunk) -> bool:
    """Vendors' JSON is taken as it comes; this is where its types are looked at."""
    match chunk:
        case UsageChunk(input_tokens=int(), output_tokens=int(), cache_read_tokens=int(), cache_creation_tokens=int()):
            return True
        case TextChunk(text=str()) | ToolCallChunk(index=int(), id=str(), name=str(), arguments=str()) | DoneChunk():
            return True
        case _:
            return False


def _speakable(chunk: TextChunk) -> TextChunk:
    """Half a surrogate pair, which JSON can carry, would break everyone who encodes the text."""
    return chunk if chunk.text.isascii() else TextChunk(text=chunk.text.encode(errors="replace").decode())


def to_json(data: object) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
