"""OpenAI's speech-to-speech models over the Realtime websocket: μ-law in, μ-law out, nothing converted.

https://developers.openai.com/api/docs/guides/realtime
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from patter_mcp import prices
from patter_mcp.realtime.base import RealtimeOptions, RealtimeStream
from patter_mcp.realtime.live import open_stream
from patter_mcp.realtime.openai_codec import PROVIDER, RealtimeCodec
from patter_mcp.types import Json
from patter_mcp.vendors.access import Endpoint, websocket_url
from patter_mcp.vendors.access import api_key as find_key
from patter_mcp.vendors.access import base_url as find_url
from patter_mcp.vendors.retries import ATTEMPT_TIMEOUT_SEC
from patter_mcp.vendors.versions import seeker_for

DEFAULT_BASE_URL = "https://api.openai.com/v1"
DEFAULT_VOICE = "marin"
KEYWORD_MODELS = ("gpt-transcribe", "gpt-live-transcribe")
"""Transcribers that take hints as `keywords`; of the others only those in `PROMPT_MODELS` take any."""
PROMPT_MODELS = ("gpt-4o-transcribe", "gpt-4o-mini-transcribe", "whisper-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerVad:
    """The user's turn ends with a silence."""

    threshold: float = 0.5
    """0.0 to 1.0; higher wants a louder voice."""
    prefix_padding_ms: int = 300
    """Audio before the detected start that is heard with it."""
    silence_ms: int = 500

    def to_json(self) -> Json:
        return {
            "type": "server_vad",
            "threshold": self.threshold,
            "prefix_padding_ms": self.prefix_padding_ms,
            "silence_duration_ms": self.silence_ms,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticVad:
    """A model judges whether the user has finished, and waits at most 2 (high), 4 (medium, auto) or 8 (low) seconds."""

    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    silence_ms = 0

    def to_json(self) -> Json:
        return {"type": "semantic_vad", "eagerness": self.eagerness}


class OpenAIRealtime:
    """A speech-to-speech model: `Agent(engine=OpenAIRealtime())`.

    Args:
        api_key: Default: `OPENAI_API_KEY`.
        model: Default `gpt-realtime-2.1`, or what OpenAI names instead once that is gone.
        voice: Used where the agent names none.
        base_url: http(s) or ws(s), up to `/v1` or without it. Default: `OPENAI_BASE_URL`, then OpenAI's own.
        transcriber: Puts what the user says into words, for the record; OpenAI's default recogniser.
        turn_detection: When the user's turn is over.
        noise_reduction: None: the telephone network has done its own.
        reasoning_effort: For models that reason; None leaves it to OpenAI.
        connect_timeout_sec: For each attempt to connect.

    Raises:
        ValueError: no API key.
    """

    provider = PROVIDER

    def __init__(
        self,
        *,
        api_key: str | None = None,
        model: str | None = None,
        voice: str = DEFAULT_VOICE,
        base_url: str | None = None,
        transcriber: str | None = None,
        turn_detection: ServerVad | SemanticVad = ServerVad(),
        noise_reduction: Literal["near_field", "far_field"] | None = None,
        reasoning_effort: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None,
        connect_timeout_sec: float = ATTEMPT_TIMEOUT_SEC,
    ) -> None:
        today = datetime.now(UTC).date()
        self._api_key = find_key(api_key, "OPENAI_API_KEY")
        self._base_url = find_url(base_url, "OPENAI_BASE_URL", DEFAULT_BASE_URL)
        self._versions = seeker_for(self._base_url)
        self.model = model or prices.default_model(PROVIDER, today, "realtime")
        self.transcriber = transcriber or prices.default_model(PROVIDER, today, "stt")
        self._voice = voice
        self._turn_detection = turn_detection
        self._noise_reduction = noise_reduction
        self._reasoning_effort = reasoning_effort
        self._connect_timeout_sec = connect_timeout_sec

    def open(self, options: RealtimeOptions) -> AbstractAsyncContextManager[RealtimeStream]:
        endpoint = Endpoint(
            provider=PROVIDER,
            url=websocket_url(self._base_url, "/realtime", {"model": self.model}),
            headers={"Authorization": f"Bearer {self._api_key}"},
            versions=self._versions,
            timeout_sec=self._connect_timeout_sec,
        )
        codec = RealtimeCodec(self._session(options), silence_ms=self._turn_detection.silence_ms)
        return open_stream(endpoint, codec, options.past)

    def _session(self, options: RealtimeOptions) -> Json:
        session: Json = {
            "type": "realtime",
            "output_modalities": ["audio"],
            "instructions": options.instructions,
            "audio": {"input": self._input(options), "output": self._output(options)},
            "tools": [{"type": "function", **tool} for tool in options.tools],
            "tool_choice": "auto",
        }
        if options.max_output_tokens is not None:
            session["max_output_tokens"] = options.max_output_tokens
        if self._reasoning_effort is not None:
            session["reasoning"] = {"effort": self._reasoning_effort}
        return session

    def _input(self, options: RealtimeOptions) -> Json:
        reduction = self._noise_reduction
        return {
            "format": {"type": "audio/pcmu"},
            "transcription": self._transcription(options),
            "noise_reduction": None if reduction is None else {"type": reduction},
            "turn_detection": {**self._turn_detection.to_json(), "create_response": True, "interrupt_response": True},
        }

    def _output(self, options: RealtimeOptions) -> Json:
        return {"format": {"type": "audio/pcmu"}, "voice": options.voice or self._voice}

    def _transcription(self, options: RealtimeOptions) -> Json:
        transcription: Json = {"model": self.transcriber}
        language = options.language.partition("-")[0]
        if self.transcriber.startswith(KEYWORD_MODELS):
            return {**transcription, "languages": [language], "keywords": list(options.hints)}
        transcription["language"] = language
        if options.hints and self.transcriber.startswith(PROMPT_MODELS):
            transcription["prompt"] = "Expect: " + ", ".join(options.hints)
        return transcription
