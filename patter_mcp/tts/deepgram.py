"""Deepgram's Aura over `/v1/speak`: one utterance at a time, and no word of how far it has come.

https://developers.deepgram.com/docs/tts-websocket
"""

from __future__ import annotations

import json
import time
from collections import deque
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

from patter_mcp import prices
from patter_mcp.tts.base import TtsOptions, TtsStream
from patter_mcp.tts.live import STALL_SEC, Connection, SocketVoice, open_voice
from patter_mcp.vendors.access import Endpoint, websocket_url
from patter_mcp.vendors.access import api_key as find_key
from patter_mcp.vendors.access import base_url as find_url
from patter_mcp.vendors.failures import parse_json

PROVIDER = "deepgram"
DEFAULT_BASE_URL = "https://api.deepgram.com"
DEFAULT_VOICE = "thalia"
FLUSHES_PER_MINUTE = 20
"""More are refused: https://developers.deepgram.com/docs/tts-ws-flush"""
SPARE_FLUSHES = 8
"""Kept for the ends of utterances, which cannot do without; below that a reply's first clause waits for the rest."""


class DeepgramTTS:
    """Text-to-speech by an Aura model.

    Args:
        api_key: Default: `DEEPGRAM_API_KEY`.
        model: A family (`aura-2`, the default) or a model with its voice (`aura-2-thalia-en`).
        voice: Completes a family, e.g. `thalia` or a whole model; the call's own voice wins. Default `thalia`.
        base_url: http(s) or ws(s). Default: `DEEPGRAM_BASE_URL`, then Deepgram's own.
        stall_sec: How long the vendor may owe audio and send none.

    Raises:
        ValueError: no API key.
    """

    provider = PROVIDER

    def __init__(
        self,
        *,
        api_key: str | None = None,
        model: str | None = None,
        voice: str | None = None,
        base_url: str | None = None,
        stall_sec: float = STALL_SEC,
    ) -> None:
        self._api_key = find_key(api_key, "DEEPGRAM_API_KEY")
        self._stall_sec = stall_sec
        self._base_url = find_url(base_url, "DEEPGRAM_BASE_URL", DEFAULT_BASE_URL)
        self.model = model or prices.default_model(PROVIDER, datetime.now(UTC).date(), "tts")
        self._voice = voice

    def open(self, options: TtsOptions) -> AbstractAsyncContextManager[TtsStream]:
        query = {"model": self._full_model(options), "encoding": "mulaw", "sample_rate": "8000"}
        endpoint = Endpoint(
            provider=PROVIDER,
            url=websocket_url(self._base_url, "/v1/speak", query),
            headers={"Authorization": f"Token {self._api_key}"},
        )
        return open_voice(endpoint, AuraConnection, stall_sec=self._stall_sec)

    def _full_model(self, options: TtsOptions) -> str:
        """Deepgram's models are called family-voice-language, with no voice apart from them."""
        voice = options.voice or self._voice
        if voice is not None and voice.startswith("aura"):
            return voice
        if self.model not in ("aura", "aura-2"):
            return self.model
        return f"{self.model}-{voice or DEFAULT_VOICE}-{options.language.partition('-')[0]}"


TTS = DeepgramTTS


class AuraConnection(Connection):
    """Audio bears no name, so a cancelled utterance keeps the connection until `Cleared`: no sound can be mistaken.

    A flush makes the vendor speak what it holds. One is out at a time; text that comes meanwhile shares the next.
    """

    farewell = '{"type":"Close"}'

    def __init__(self, voice: SocketVoice) -> None:
        super().__init__(PROVIDER, voice)
        self._key = ""
        self._flushed_at: deque[float] = deque()
        self._unflushed = False
        self._flush_mark: int | None = None
        """Where in the utterance's text the flush stands that is out."""
        self._ended = False

    def begin(self, key: str) -> None:
        self._key = key
        self._unflushed = self._ended = False
        self._flush_mark = None

    def say(self, key: str, text: str) -> None:
        self.send(json.dumps({"type": "Speak", "text": f"{text} "}))
        self._unflushed = True
        self._flush_when_due()

    def end(self, key: str) -> None:
        self._ended = True
        self._flush_when_due()
        if self._flush_mark is None:
            self.finished(key)

    def cancel(self, key: str) -> bool:
        self.send('{"type":"Clear"}')
        return True

    def decode(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self._audio(message)
            return
        match parse_json(PROVIDER, message)["type"]:
            case "Flushed" if self._flush_mark is not None:
                self._flushed(self._flush_mark)
            case "Cleared" if self.script(self._key) is None:
                self.finished(self._key)
            case _:
                pass

    def _audio(self, audio: bytes) -> None:
        if self.script(self._key) is not None:
            self.spoke(self._key, audio)

    def _flushed(self, mark: int) -> None:
        script = self.script(self._key)
        if script is None:
            return
        self._flush_mark = None
        script.spoken = mark
        self.spoke(self._key, b"", mark)
        self._flush_when_due()
        if self._ended and self._flush_mark is None:
            self.finished(self._key)

    def _flush_when_due(self) -> None:
        script = self.script(self._key)
        if not self._unflushed or self._flush_mark is not None or script is None:
            return
        if self._ended or self._flushes_left() > SPARE_FLUSHES:
            self._unflushed = False
            self._flush_mark = script.sent
            self._flushed_at.append(time.monotonic())
            self.send('{"type":"Flush"}')

    def _flushes_left(self) -> int:
        while self._flushed_at and self._flushed_at[0] < time.monotonic() - 60:
            self._flushed_at.popleft()
        return FLUSHES_PER_MINUTE - len(self._flushed_at)
