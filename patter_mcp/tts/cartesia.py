"""Cartesia's websocket: any number of contexts, each ended, cancelled and aligned on its own.

https://docs.cartesia.ai/api-reference/tts/websocket
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections import deque
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from patter_mcp import prices
from patter_mcp.audio.frame import duration_ms
from patter_mcp.errors import ProviderStatusError
from patter_mcp.tts.base import TtsOptions, TtsStream
from patter_mcp.tts.live import STALL_SEC, Connection, SocketVoice, open_voice
from patter_mcp.tts.script import Script
from patter_mcp.types import Json
from patter_mcp.vendors.access import Endpoint, websocket_url
from patter_mcp.vendors.access import api_key as find_key
from patter_mcp.vendors.access import base_url as find_url
from patter_mcp.vendors.failures import parse_json

PROVIDER = "cartesia"
DEFAULT_BASE_URL = "https://api.cartesia.ai"
API_VERSION = "2025-04-16"
DEFAULT_VOICE = "f786b574-daa5-4673-aa0c-cbe3e8534c02"
"""Katie, whom Cartesia recommends for agents."""


class CartesiaTTS:
    """Text-to-speech by a Sonic model.

    Args:
        api_key: Default: `CARTESIA_API_KEY`.
        model: Default `sonic-3`.
        voice: A voice id; the call's own voice wins. Default: Katie.
        base_url: http(s) or ws(s). Default: `CARTESIA_BASE_URL`, then Cartesia's own.
        speed: 0.6 to 2.0.
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
        speed: float | None = None,
        stall_sec: float = STALL_SEC,
    ) -> None:
        self._api_key = find_key(api_key, "CARTESIA_API_KEY")
        self._stall_sec = stall_sec
        self._base_url = find_url(base_url, "CARTESIA_BASE_URL", DEFAULT_BASE_URL)
        self.model = model or prices.default_model(PROVIDER, datetime.now(UTC).date(), "tts")
        self._voice = voice or DEFAULT_VOICE
        self._speed = speed

    def open(self, options: TtsOptions) -> AbstractAsyncContextManager[TtsStream]:
        endpoint = Endpoint(
            provider=PROVIDER,
            url=websocket_url(self._base_url, "/tts/websocket", {"cartesia_version": API_VERSION}),
            headers={"X-API-Key": self._api_key},
        )
        settings = self._settings(options)
        return open_voice(endpoint, lambda voice: CartesiaConnection(voice, settings), stall_sec=self._stall_sec)

    def _settings(self, options: TtsOptions) -> Json:
        """The same in every message of a context, as the vendor demands."""
        settings: Json = {
            "model_id": self.model,
            "voice": {"mode": "id", "id": options.voice or self._voice},
            "language": options.language.partition("-")[0],
            "output_format": {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000},
            "add_timestamps": True,
            "max_buffer_delay_ms": 0,
        }
        if self._speed is not None:
            settings["generation_config"] = {"speed": self._speed}
        return settings


TTS = CartesiaTTS


@dataclass(slots=True)
class _Alignment:
    """Which word ends when in a context's audio."""

    cursor: int
    """Up to where the script's words have been found."""
    heard_ms: float = 0.0
    words: deque[tuple[float, int]] = field(default_factory=deque[tuple[float, int]])
    """(end in milliseconds, end in the script) of words that are still to be heard."""

    def add(self, script: Script, word: str, end_sec: float) -> None:
        """A word the vendor writes differently than we do is passed over."""
        found = script.text.find(word, self.cursor)
        if found >= 0:
            self.cursor = found + len(word)
            self.words.append((end_sec * 1000, self.cursor))

    def hear(self, audio: bytes) -> None:
        self.heard_ms += duration_ms(audio)

    def position(self, script: Script) -> int | None:
        """How many characters have been heard; None where the vendor has not said which words these sounds are."""
        while self.words and self.words[0][0] <= self.heard_ms:
            script.spoken = self.words.popleft()[1]
        return script.spoken if self.words or script.spoken >= len(script.text) else None


class CartesiaConnection(Connection):
    """A context per utterance; a cancelled one is forgotten at once, and what still comes of it is dropped."""

    capacity = 100

    def __init__(self, voice: SocketVoice, settings: Json) -> None:
        super().__init__(PROVIDER, voice)
        self._settings = settings
        self._alignments: dict[str, _Alignment] = {}

    def begin(self, key: str) -> None:
        script = self.script(key)
        self._alignments[key] = _Alignment(cursor=script.spoken if script else 0)

    def say(self, key: str, text: str) -> None:
        """Texts are put together as they are: the space keeps the words apart."""
        self._send(key, f"{text} ", goes_on=True)

    def end(self, key: str) -> None:
        self._send(key, " ", goes_on=False)

    def cancel(self, key: str) -> bool:
        self.send(json.dumps({"context_id": key, "cancel": True}))
        self._alignments.pop(key, None)
        return False

    def decode(self, message: str | bytes) -> None:
        data = parse_json(PROVIDER, message.decode() if isinstance(message, bytes) else message)
        key: str = data.get("context_id") or ""
        script, alignment = self.script(key), self._alignments.get(key)
        match data["type"]:
            case "chunk" if script is not None and alignment is not None:
                audio = b64decode(data["data"])
                alignment.hear(audio)
                self.spoke(key, audio, alignment.position(script))
            case "timestamps" if script is not None and alignment is not None:
                self._timestamps(key, script, alignment, data["word_timestamps"])
            case "done":
                self._alignments.pop(key, None)
                self.finished(key)
            case "error":
                self._alignments.pop(key, None)
                self.failed(key or None, _error(data))
            case _:
                pass

    def _timestamps(self, key: str, script: Script, alignment: _Alignment, timestamps: Json) -> None:
        """They may come before their audio or after it."""
        for word, end_sec in zip(timestamps["words"], timestamps["end"], strict=True):
            alignment.add(script, word, end_sec)
        if not script.exact and (position := alignment.position(script)) is not None:
            self.spoke(key, b"", position)

    def _send(self, key: str, text: str, *, goes_on: bool) -> None:
        self.send(json.dumps({**self._settings, "context_id": key, "transcript": text, "continue": goes_on}))


def _error(data: Json) -> ProviderStatusError:
    status = data.get("status_code")
    return ProviderStatusError(
        f"{PROVIDER} reports: {data.get('message') or data.get('error')}",
        provider=PROVIDER,
        status=status if isinstance(status, int) else 0,
        retryable=status == 429 or (isinstance(status, int) and status >= 500),
    )
