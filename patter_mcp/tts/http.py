"""A voice over HTTP: one request per piece of text, the next one under way while the last is still coming in."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Protocol

import anyio
import httpx2
from anyio.abc import TaskGroup

from patter_mcp.errors import ProviderConnectionError, ProviderError, ProviderTimeout
from patter_mcp.mailbox import Mailbox
from patter_mcp.tts.base import Speech, TtsStream
from patter_mcp.tts.live import STALL_SEC
from patter_mcp.tts.script import Script
from patter_mcp.types import Json
from patter_mcp.vendors.access import Endpoint
from patter_mcp.vendors.failures import status_error
from patter_mcp.vendors.helpers import helpers
from patter_mcp.websocket import tls_context

REQUESTS_AHEAD = 2
"""Of one utterance at a time: the piece that is spoken, and the next."""
KEEP_WARM_SEC = 45.0
"""An idle connection is used this often, so that no turn has to make a new one."""
KEEP_OPEN_SEC = 300.0
_DOWN = frozenset({500, 502, 503, 504})
"""501 says only that HEAD is not known there."""


class AudioDecoder(Protocol):
    """From a vendor's body to μ-law at 8 kHz."""

    def feed(self, data: bytes) -> bytes: ...
    def flush(self) -> bytes: ...


class Verbatim:
    """The body is μ-law already."""

    def feed(self, data: bytes) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


MakeBody = Callable[[str], Json]
MakeDecoder = Callable[[], AudioDecoder]


@asynccontextmanager
async def open_http_voice(
    endpoint: Endpoint, make_body: MakeBody, make_decoder: MakeDecoder = Verbatim, *, stall_sec: float = STALL_SEC
) -> AsyncGenerator[TtsStream]:
    """Connects and keeps the connection warm until the block is left.

    Args:
        stall_sec: How long the vendor may owe audio and send none.

    Raises:
        ProviderError: no connection could be made, or the vendor does not want us.
    """
    client = httpx2.AsyncClient(
        headers=dict(endpoint.headers),
        timeout=httpx2.Timeout(endpoint.timeout_sec, read=stall_sec),
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=KEEP_OPEN_SEC),
        verify=tls_context(),
        trust_env=False,
    )
    async with client, helpers() as tasks:
        voice = HttpVoice(endpoint, client, tasks, make_body, make_decoder)
        await voice.warm_up()
        tasks.start_soon(voice.stay_warm)
        yield voice


class HttpVoice:
    """One call's voice; `TtsStream`."""

    def __init__(
        self,
        endpoint: Endpoint,
        client: httpx2.AsyncClient,
        tasks: TaskGroup,
        make_body: MakeBody,
        make_decoder: MakeDecoder,
    ) -> None:
        self.characters = 0
        self._endpoint = endpoint
        self._client = client
        self._tasks = tasks
        self._make_body = make_body
        self._make_decoder = make_decoder

    def utterance(self) -> HttpUtterance:
        return HttpUtterance(self)

    def start(self, utterance: HttpUtterance) -> None:
        self._tasks.start_soon(utterance.run)

    async def warm_up(self) -> None:
        """A request that costs nothing: the vendor only takes POST here, but the connection is made.

        Raises:
            ProviderError: the vendor cannot be reached, does not know our key, or is down.
        """
        with self._translated():
            response = await self._client.head(self._endpoint.known_url)
        if response.status_code == 401 or response.status_code in _DOWN:
            raise self._refusal(response)

    async def stay_warm(self) -> None:
        while True:
            await anyio.sleep(KEEP_WARM_SEC)
            # Whoever speaks next makes a connection then, or hears why there is none.
            with suppress(ProviderError):
                await self.warm_up()

    async def synthesise(self, piece: _Piece) -> None:
        """Brings one piece's audio into its mailbox.

        Raises:
            ProviderError: not all of it came.
        """
        self.characters += len(piece.text)
        try:
            await self._endpoint.reach(lambda url: self._fetch(url, piece))
        except ProviderConnectionError:
            # A kept connection may have died while idle; as long as nothing was heard, asking again is safe.
            if piece.begun:
                raise
            await self._endpoint.reach(lambda url: self._fetch(url, piece))

    async def _fetch(self, url: str, piece: _Piece) -> None:
        decoder = self._make_decoder()
        with self._translated():
            async with self._client.stream("POST", url, json=self._make_body(piece.text)) as response:
                if response.status_code != 200:
                    await response.aread()
                    raise self._refusal(response)
                async for data in response.aiter_bytes():
                    piece.put(decoder.feed(data))
        piece.put(decoder.flush())

    @contextmanager
    def _translated(self) -> Generator[None]:
        provider = self._endpoint.provider
        try:
            yield
        except httpx2.TimeoutException as error:
            raise ProviderTimeout(f"{provider} did not answer in time", provider=provider, retryable=True) from error
        except httpx2.HTTPError as error:
            raise ProviderConnectionError(
                f"the connection to {provider} broke: {error}", provider=provider, retryable=True
            ) from error

    def gone(self) -> ProviderError:
        provider = self._endpoint.provider
        return ProviderConnectionError(f"{provider} was let go", provider=provider, retryable=True)

    def _refusal(self, response: httpx2.Response) -> ProviderError:
        body = response.text if response.is_stream_consumed or response.is_closed else ""
        return status_error(self._endpoint.provider, response.status_code, body, response.headers)


class _Piece:
    """A piece of text and its audio, as far as it has come."""

    def __init__(self, text: str, end: int) -> None:
        self.text = text
        self.end = end
        """Its end in the utterance's text."""
        self.begun = False
        self.audio = Mailbox[bytes]()

    def put(self, audio: bytes) -> None:
        if audio:
            self.begun = True
            self.audio.put(audio)


class HttpUtterance:
    """`Utterance`. Pieces are fetched up to two at a time and heard one after the other."""

    def __init__(self, voice: HttpVoice) -> None:
        self._voice = voice
        self._script = Script()
        self._pieces: list[_Piece] = []
        self._to_fetch = Mailbox[_Piece]()
        self._to_hear = Mailbox[_Piece]()
        self._hearing: _Piece | None = None
        self._scope = anyio.CancelScope()
        self._started = False

    def feed(self, text: str) -> None:
        if self._to_hear.ended or not text.strip():
            return
        self._script.add(text)
        piece = _Piece(text.strip(), len(self._script.text.rstrip()))
        self._pieces.append(piece)
        self._to_fetch.put(piece)
        self._to_hear.put(piece)
        if not self._started:
            self._started = True
            self._voice.start(self)

    def end(self) -> None:
        self._to_fetch.end()
        self._to_hear.end()

    def cancel(self) -> None:
        self._scope.cancel()
        self._to_fetch.discard()
        self._to_hear.discard()
        if self._hearing is not None:
            self._hearing.audio.discard()

    def __aiter__(self) -> AsyncIterator[Speech]:
        return self._speech()

    async def _speech(self) -> AsyncGenerator[Speech]:
        async for piece in self._to_hear:
            self._hearing = piece
            try:
                async for audio in piece.audio:
                    yield Speech(audio=audio)
            except ProviderError:
                self.cancel()
                raise
            if not self._scope.cancel_called:
                # There is no telling how far a piece has come before it is over.
                yield Speech(audio=b"", text_chars=piece.end)

    async def run(self) -> None:
        """Fetches what is fed until the end or `cancel`."""
        places = anyio.Semaphore(REQUESTS_AHEAD)
        try:
            with self._scope:
                async with anyio.create_task_group() as fetching:
                    async for piece in self._to_fetch:
                        await places.acquire()
                        fetching.start_soon(self._fetch, piece, places)
        finally:
            self._break_off(self._voice.gone())

    def _break_off(self, error: ProviderError) -> None:
        """Whoever still listens is told; has all been fetched, there is nothing to tell."""
        for piece in self._pieces:
            piece.audio.end(error)
        self._to_hear.end(error)

    async def _fetch(self, piece: _Piece, places: anyio.Semaphore) -> None:
        try:
            await self._voice.synthesise(piece)
        except ProviderError as error:
            piece.audio.end(error)
        else:
            piece.audio.end()
        finally:
            places.release()
