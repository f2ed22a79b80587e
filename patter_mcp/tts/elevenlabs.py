"""ElevenLabs: several contexts on one websocket (`multi-stream-input`), or one HTTP request per piece.

https://elevenlabs.io/docs/api-reference/text-to-speech/v-1-text-to-speech-voice-id-multi-stream-input
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote

from patter_mcp import prices
from patter_mcp.errors import ProviderStatusError
from patter_mcp.tts.base import TtsOptions, TtsStream
from patter_mcp.tts.http import open_http_voice
from patter_mcp.tts.live import STALL_SEC, Connection, SocketVoice, open_voice
from patter_mcp.types import Json
from patter_mcp.vendors.access import Endpoint, http_url, websocket_url
from patter_mcp.vendors.access import api_key as find_key
from patter_mcp.vendors.access import base_url as find_url
from patter_mcp.vendors.failures import parse_json

PROVIDER = "elevenlabs"
DEFAULT_BASE_URL = "https://api.elevenlabs.io"
DEFAULT_VOICE = "21m00Tcm4TlvDq8ikWAM"
"""Rachel, one of the premade voices every account has."""
MAX_CONTEXTS = 5
"""On one socket; opening a sixth closes it with 1008."""
INACTIVITY_TIMEOUT_SEC = 180
"""The most that can be asked for; the default is 20."""
KEEP_ALIVE_SEC = 60.0
_NO_WEBSOCKET = frozenset({403, 404, 405, 426, 501})
"""How servers and proxies refuse an upgrade they know nothing of."""


class ElevenLabsTTS:
    """Text-to-speech by ElevenLabs.

    Args:
        api_key: Default: `ELEVENLABS_API_KEY`.
        model: Default `eleven_flash_v2_5`.
        voice: A voice id; the call's own voice wins. Default: Rachel.
        base_url: http(s) or ws(s). Default: `ELEVENLABS_BASE_URL`, then ElevenLabs' own.
        transport: `websocket` keeps one connection for the whole call; `http` asks once per piece, and so does
            `websocket` where something on the way lets no websocket through.
        voice_settings: e.g. {"stability": 0.5, "similarity_boost": 0.8, "speed": 1.0}.
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
        transport: Literal["websocket", "http"] = "websocket",
        voice_settings: Mapping[str, float | bool] | None = None,
        stall_sec: float = STALL_SEC,
    ) -> None:
        self._api_key = find_key(api_key, "ELEVENLABS_API_KEY")
        self._stall_sec = stall_sec
        self._base_url = find_url(base_url, "ELEVENLABS_BASE_URL", DEFAULT_BASE_URL)
        self.model = model or prices.default_model(PROVIDER, datetime.now(UTC).date(), "tts")
        self._voice = voice or DEFAULT_VOICE
        self._transport = transport
        self._voice_settings = dict(voice_settings or {})

    def open(self, options: TtsOptions) -> AbstractAsyncContextManager[TtsStream]:
        return self._over_http(options) if self._transport == "http" else self._over_websocket_or_http(options)

    @asynccontextmanager
    async def _over_websocket_or_http(self, options: TtsOptions) -> AsyncGenerator[TtsStream]:
        async with AsyncExitStack() as stack:
            try:
                voice = await stack.enter_async_context(self._over_websocket(options))
            except ProviderStatusError as refused:
                if refused.status not in _NO_WEBSOCKET:
                    raise
                voice = await stack.enter_async_context(self._over_http(options))
            yield voice

    def _over_http(self, options: TtsOptions) -> AbstractAsyncContextManager[TtsStream]:
        url = http_url(self._base_url, f"{self._path(options)}/stream", {"output_format": "ulaw_8000"})
        return open_http_voice(self._endpoint(url), lambda text: self._body(text, options), stall_sec=self._stall_sec)

    def _over_websocket(self, options: TtsOptions) -> AbstractAsyncContextManager[TtsStream]:
        query = {
            "model_id": self.model,
            "output_format": "ulaw_8000",
            "auto_mode": "true",
            "inactivity_timeout": str(INACTIVITY_TIMEOUT_SEC),
            **self._language(options),
        }
        url = websocket_url(self._base_url, f"{self._path(options)}/multi-stream-input", query)
        return open_voice(
            self._endpoint(url),
            lambda voice: ElevenLabsConnection(voice, self._voice_settings),
            stall_sec=self._stall_sec,
        )

    def _path(self, options: TtsOptions) -> str:
        return f"/v1/text-to-speech/{quote(options.voice or self._voice, safe='')}"

    def _endpoint(self, url: str) -> Endpoint:
        return Endpoint(provider=PROVIDER, url=url, headers={"xi-api-key": self._api_key})

    def _body(self, text: str, options: TtsOptions) -> Json:
        body: Json = {"text": text, "model_id": self.model, **self._language(options)}
        if self._voice_settings:
            body["voice_settings"] = self._voice_settings
        return body

    def _language(self, options: TtsOptions) -> dict[str, str]:
        """Only the multilingual models of the flash and turbo families take it; others refuse."""
        code = options.language.partition("-")[0]
        return {"language_code": code} if self.model.endswith("_v2_5") else {}


TTS = ElevenLabsTTS


class ElevenLabsConnection(Connection):
    """A context per utterance. A cancelled one counts until the vendor has confirmed it, and may still make sounds."""

    capacity = MAX_CONTEXTS
    keep_alive = '{"text":""}'
    keep_alive_sec = KEEP_ALIVE_SEC
    farewell = '{"close_socket":true}'

    def __init__(self, voice: SocketVoice, voice_settings: Mapping[str, float | bool]) -> None:
        super().__init__(PROVIDER, voice)
        self._voice_settings = voice_settings
        self._closing: set[str] = set()

    def begin(self, key: str) -> None:
        hello: Json = {"text": " ", "context_id": key}
        if self._voice_settings:
            hello["voice_settings"] = self._voice_settings
        self.send(json.dumps(hello))

    def say(self, key: str, text: str) -> None:
        """Each text has to end with a space; the flush makes the vendor speak it now."""
        self.send(json.dumps({"text": f"{text} ", "context_id": key, "flush": True}))

    def end(self, key: str) -> None:
        """What was flushed is still spoken."""
        if key not in self._closing:
            self._closing.add(key)
            self.send(json.dumps({"context_id": key, "close_context": True}))

    def cancel(self, key: str) -> bool:
        self.end(key)
        return True

    def decode(self, message: str | bytes) -> None:
        data = parse_json(PROVIDER, message.decode() if isinstance(message, bytes) else message)
        # Both spellings have been seen.
        key: str | None = data.get("contextId") or data.get("context_id")
        if data.get("error"):
            self.failed(key, _error(data))
        elif key is not None:
            self._speech(key, data)

    def _speech(self, key: str, data: Json) -> None:
        audio, script = data.get("audio"), self.script(key)
        if audio and script is not None:
            alignment = data.get("alignment")
            chars = alignment and (alignment.get("chars") or alignment.get("characters"))
            spoken = script.speak(_visible("".join(chars))) if chars else None
            self.spoke(key, b64decode(audio), spoken)
        if data.get("isFinal") or data.get("is_final"):
            self._closing.discard(key)
            self.finished(key)


def _visible(text: str) -> int:
    """Characters other than white space."""
    return sum(map(len, text.split()))


def _error(data: Json) -> ProviderStatusError:
    code = data.get("code")
    return ProviderStatusError(
        f"{PROVIDER} reports {data['error']}: {data.get('message')}",
        provider=PROVIDER,
        status=code if isinstance(code, int) else 0,
        retryable=data["error"] in ("max_active_conversations", "system_busy", "too_many_concurrent_requests"),
    )
