"""Our side of the recogniser's helper: a `SpeechToText` that needs no account."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from patter_mcp.audio.frame import SAMPLE_RATE_HZ
from patter_mcp.errors import ProviderError
from patter_mcp.mailbox import Mailbox
from patter_mcp.stt.base import Final, Interim, SttEvent, SttOptions
from patter_mcp.stt.pocketsphinx.decoder import DEFAULT_FILL, INSTALL_HINT, installed
from patter_mcp.stt.pocketsphinx.wire import AUDIO, FINAL, FINALIZE, GUESSED, INTERIM
from patter_mcp.worker import Channel, Helper

logger = logging.getLogger(__name__)

_CALLS_EACH = 8
"""A decoder takes 5 % of a core while somebody speaks and evicts the others' models from its cache."""
_HELPER = Helper(
    "patter_mcp.stt.pocketsphinx", provider="pocketsphinx", channels_each=_CALLS_EACH, limit=os.cpu_count() or 1
)


@dataclass(frozen=True, kw_only=True)
class PocketsphinxSTT:
    """A small recogniser primed with a phrase-book of call sentences and the call's own hints. English only.

    It follows scripted or short, expected answers. Out of its depth it does not fall silent: it returns fluent
    nonsense made of words it knows, so what it heard wants to be read back before anyone acts on it.
    """

    fill: float = DEFAULT_FILL
    """Noise to add, as a share of full scale: 0.005 suits synthetic voices, 0.001 people."""

    @property
    def provider(self) -> str:
        return "pocketsphinx"

    @property
    def model(self) -> str:
        return "phrasebook-en-us"

    @property
    def end_of_turn(self) -> Literal["none", "silence", "semantic"]:
        return "none"

    @asynccontextmanager
    async def open(self, options: SttOptions) -> AsyncGenerator[PocketsphinxStream]:
        if not installed():
            raise ProviderError(INSTALL_HINT, provider=self.provider)
        stream = PocketsphinxStream()
        settings = {"hints": list(options.hints), "fill": self.fill}
        async with _HELPER.open(settings, stream) as channel:
            stream.begin(channel)
            try:
                yield stream
            finally:
                stream.end()


class PocketsphinxStream:
    """One call's ear. Every `finalize` is answered by a `Final`, empty if nothing was understood."""

    def __init__(self) -> None:
        self._channel: Channel | None = None
        self._audio_bytes = 0
        self._events: Mailbox[SttEvent] = Mailbox()

    def feed(self, frame: bytes) -> None:
        self._audio_bytes += len(frame)
        self._send(AUDIO, frame)

    def finalize(self) -> None:
        self._send(FINALIZE)

    @property
    def audio_sec(self) -> float:
        return self._audio_bytes / SAMPLE_RATE_HZ

    def __aiter__(self) -> AsyncIterator[SttEvent]:
        return self._events

    def begin(self, channel: Channel) -> None:
        self._channel = channel

    def end(self) -> None:
        self._events.end()

    def received(self, kind: int, payload: bytes) -> None:
        if kind == INTERIM:
            self._events.put(Interim(text=payload.decode()))
        elif kind == FINAL:
            self._events.put(Final(text=payload.decode()))
        elif kind == GUESSED:
            logger.info("Hints hold words whose pronunciation has to be guessed", extra={"word_count": int(payload)})

    def lost(self, error: ProviderError) -> None:
        self._events.end(error)

    def _send(self, kind: int, payload: bytes = b"") -> None:
        if self._channel is not None:
            self._channel.send(kind, payload)
