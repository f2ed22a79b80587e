"""OpenAI's `POST /audio/speech`: 24 kHz PCM, brought down to the telephone's μ-law.

https://developers.openai.com/api/docs/guides/text-to-speech
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

from patter_mcp import prices
from patter_mcp.audio.frame import SAMPLE_RATE_HZ
from patter_mcp.audio.g711 import encode
from patter_mcp.audio.resample import Resampler
from patter_mcp.tts.base import TtsOptions, TtsStream
from patter_mcp.tts.http import open_http_voice
from patter_mcp.tts.live import STALL_SEC
from patter_mcp.types import Json
from patter_mcp.vendors.access import Endpoint, http_url
from patter_mcp.vendors.access import api_key as find_key
from patter_mcp.vendors.access import base_url as find_url
from patter_mcp.vendors.versions import seeker_for

PROVIDER = "openai"
DEFAULT_BASE_URL = "https://api.openai.com/v1"
DEFAULT_VOICE = "marin"
PCM_HZ = 24_000


class OpenAITTS:
    """Text-to-speech by OpenAI, or by a server that speaks its language.

    Args:
        api_key: Default: `OPENAI_API_KEY`.
        model: Default `gpt-4o-mini-tts`.
        voice: The call's own voice wins. Default `marin`.
        base_url: http(s), up to `/v1` or without it. Default: `OPENAI_BASE_URL`, then OpenAI's own.
        instructions: How to speak; `tts-1` and `tts-1-hd` ignore it.
        speed: 0.25 to 4.0.
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
        instructions: str | None = None,
        speed: float | None = None,
        stall_sec: float = STALL_SEC,
    ) -> None:
        self._api_key = find_key(api_key, "OPENAI_API_KEY")
        self._stall_sec = stall_sec
        self._base_url = find_url(base_url, "OPENAI_BASE_URL", DEFAULT_BASE_URL)
        self._versions = seeker_for(self._base_url)
        self.model = model or prices.default_model(PROVIDER, datetime.now(UTC).date(), "tts")
        self._voice = voice or DEFAULT_VOICE
        self._manner: Json = {
            name: value for name, value in (("instructions", instructions), ("speed", speed)) if value is not None
        }

    def open(self, options: TtsOptions) -> AbstractAsyncContextManager[TtsStream]:
        endpoint = Endpoint(
            provider=PROVIDER,
            url=http_url(self._base_url, "/audio/speech"),
            headers={"Authorization": f"Bearer {self._api_key}"},
            versions=self._versions,
        )
        return open_http_voice(
            endpoint, lambda text: self._body(text, options), TelephoneDecoder, stall_sec=self._stall_sec
        )

    def _body(self, text: str, options: TtsOptions) -> Json:
        voice = options.voice or self._voice
        return {"model": self.model, "voice": voice, "input": text, "response_format": "pcm", **self._manner}


TTS = OpenAITTS


class TelephoneDecoder:
    """24 kHz s16le PCM, cut anywhere, to μ-law at 8 kHz."""

    def __init__(self) -> None:
        self._resampler = Resampler(PCM_HZ, SAMPLE_RATE_HZ)

    def feed(self, data: bytes) -> bytes:
        return encode(self._resampler.feed(data))

    def flush(self) -> bytes:
        return encode(self._resampler.flush())
