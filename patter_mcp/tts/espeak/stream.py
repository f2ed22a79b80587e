"""Our side of the espeak-ng helper: a `TextToSpeech` that needs no account."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from patter_mcp.audio.frame import silence
from patter_mcp.errors import ProviderError
from patter_mcp.mailbox import Mailbox
from patter_mcp.tts.base import Speech, TtsOptions
from patter_mcp.tts.espeak.library import INSTALL_HINT, installed
from patter_mcp.tts.espeak.wire import CANCEL, SPEAK, UTTERANCE
from patter_mcp.worker import Channel, Helper

_HELPER = Helper("patter_mcp.tts.espeak", provider="espeak")
_MAX_PIECE_CHARS = 240
"""About 15 s of speech, 25 ms of work: no call waits longer for another's sentence."""
_PAUSE_MS = {".": 280, "!": 280, "?": 280, "…": 280, ":": 160, ";": 160, ",": 120}
"""Silence between two pieces, by the last character of the first; espeak-ng itself adds hardly any."""

_CLOSING = " \n\"')]”’"
"""May stand after a sentence's stop."""


@dataclass(frozen=True, kw_only=True)
class EspeakTTS:
    """Robotic, quick (about 500 times faster than speech) and free.

    A call in another language than English is spoken by espeak-ng's voice of that name unless its options name one.
    """

    voice: str = "en-us"
    """As `espeak-ng --voices` lists them, variants after a plus: `en-us+f2`."""
    words_per_minute: int = 160

    @property
    def provider(self) -> str:
        return "espeak"

    @property
    def model(self) -> str:
        return self.voice

    @asynccontextmanager
    async def open(self, options: TtsOptions) -> AsyncGenerator[EspeakStream]:
        if not installed():
            raise ProviderError(INSTALL_HINT, provider=self.provider)
        stream = EspeakStream()
        settings = {"voices": self._voices(options), "words_per_minute": self.words_per_minute}
        async with _HELPER.open(settings, stream) as channel:
            stream.begin(channel)
            try:
                yield stream
            finally:
                stream.end()

    def _voices(self, options: TtsOptions) -> list[str]:
        """The first of them that exists will speak."""
        if options.voice:
            return [options.voice]
        tag = options.language.lower()
        primary = tag.partition("-")[0]
        return [self.voice] if primary == "en" else [tag, primary]


class EspeakStream:
    """One call's voice."""

    def __init__(self) -> None:
        self._channel: Channel | None = None
        self._characters = 0
        self._numbers = itertools.count(1)
        self._utterances: dict[int, EspeakUtterance] = {}
        self._error: ProviderError | None = None

    @property
    def characters(self) -> int:
        return self._characters

    def utterance(self) -> EspeakUtterance:
        number = next(self._numbers)
        utterance = EspeakUtterance(number, self)
        self._utterances[number] = utterance
        if self._error is not None:
            utterance.lost(self._error)
        return utterance

    def begin(self, channel: Channel) -> None:
        self._channel = channel

    def end(self) -> None:
        for utterance in list(self._utterances.values()):
            utterance.cancel()

    def speak(self, utterance: int, text: str) -> None:
        if utterance in self._utterances:
            self._characters += len(text)
            self._send(SPEAK, UTTERANCE.pack(utterance) + text.encode(errors="replace"))

    def cancel(self, utterance: int) -> None:
        self._send(CANCEL, UTTERANCE.pack(utterance))
        self.forget(utterance)

    def forget(self, utterance: int) -> None:
        self._utterances.pop(utterance, None)

    def received(self, kind: int, payload: bytes) -> None:
        (number,) = UTTERANCE.unpack_from(payload)
        if utterance := self._utterances.get(number):
            utterance.spoken(payload[UTTERANCE.size :])

    def lost(self, error: ProviderError) -> None:
        self._error = error
        for utterance in list(self._utterances.values()):
            utterance.lost(error)

    def _send(self, kind: int, payload: bytes) -> None:
        if self._channel is not None:
            self._channel.send(kind, payload)


class EspeakUtterance:
    """One stretch of speech, synthesised piece by piece."""

    def __init__(self, number: int, stream: EspeakStream) -> None:
        self._number = number
        self._stream = stream
        self._pieces: deque[str] = deque()
        self._ended = False
        self._spoken_chars = 0
        self._pause_ms = 0
        self._speech: Mailbox[Speech] = Mailbox()

    def feed(self, text: str) -> None:
        for piece in pieces(text):
            self._pieces.append(piece)
            self._stream.speak(self._number, piece)

    def end(self) -> None:
        self._ended = True
        self._finish_if_done()

    def cancel(self) -> None:
        self._speech.discard()
        self._stream.cancel(self._number)

    def __aiter__(self) -> AsyncIterator[Speech]:
        return self._speech

    def spoken(self, audio: bytes) -> None:
        """The audio of the oldest piece that had none yet."""
        piece = self._pieces.popleft()
        self._spoken_chars += len(piece)
        pause = silence(self._pause_ms)
        self._pause_ms = _PAUSE_MS.get(piece.rstrip(_CLOSING)[-1:], 0)
        self._speech.put(Speech(audio=pause + audio, text_chars=self._spoken_chars))
        self._finish_if_done()

    def lost(self, error: ProviderError) -> None:
        self._speech.end(error)
        self._stream.forget(self._number)

    def _finish_if_done(self) -> None:
        if self._ended and not self._pieces:
            self._speech.end()
            self._stream.forget(self._number)


def pieces(text: str) -> list[str]:
    """The text cut where a speaker could take breath, so that joined together it is the same text."""
    parts: list[str] = []
    while len(text) > _MAX_PIECE_CHARS:
        cut = _breath(text)
        parts.append(text[:cut])
        text = text[cut:]
    if text:
        parts.append(text)
    return parts


def _breath(text: str) -> int:
    """Where to cut: after the last stop, else the last comma, else the last space that fits."""
    head = text[:_MAX_PIECE_CHARS]
    for marks in (".!?…", ",;:", ""):
        ends = [index for index, char in enumerate(head) if char.isspace() and (not marks or head[index - 1] in marks)]
        if ends and ends[-1] > 0:
            return ends[-1] + 1
    return _MAX_PIECE_CHARS
