"""Deepgram's Flux models over `/v2/listen`: the model itself decides when the user's turn is over.

Turn events and the rules they keep: https://developers.deepgram.com/docs/flux/state
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Literal

from patter_mcp.audio.frame import BYTES_PER_MS, silence
from patter_mcp.stt.base import (
    EagerEndOfTurn,
    Final,
    Interim,
    SpeechStarted,
    SttEvent,
    SttOptions,
    SttStream,
    TurnResumed,
)
from patter_mcp.stt.deepgram import DEFAULT_BASE_URL, PROVIDER, reported
from patter_mcp.stt.live import open_stream
from patter_mcp.types import Json
from patter_mcp.vendors.access import Endpoint, websocket_url
from patter_mcp.vendors.access import api_key as find_key
from patter_mcp.vendors.access import base_url as find_url
from patter_mcp.vendors.failures import parse_json
from patter_mcp.websocket import CONNECT_TIMEOUT_SEC

DEFAULT_MODEL = "flux-general-en"
CHUNK_BYTES = 80 * BYTES_PER_MS
"""Flux works in steps of 80 ms and wants audio in pieces of that length:
https://developers.deepgram.com/docs/flux/quickstart"""
IDLE_SEC = 0.5
"""Flux knows time only by audio and has no KeepAlive: where none comes, silence has to."""


class DeepgramFluxSTT:
    """Speech-to-text by a Flux model.

    Args:
        api_key: Default: `DEEPGRAM_API_KEY`.
        model: Default `flux-general-en`; `flux-general-multi` takes the call's language as a hint.
        base_url: http(s) or ws(s). Default: `DEEPGRAM_BASE_URL`, then Deepgram's own.
        eager_eot_threshold: Confidence, 0.3 to 0.9, at which `EagerEndOfTurn` comes. None: it never does.
        eot_threshold: Confidence, 0.5 to 0.9, that ends the turn. None: Deepgram's default (0.7).
        eot_timeout_ms: Silence that ends the turn whatever the confidence. None: Deepgram's default (5000).
        parameters: Further query parameters.
        connect_timeout_sec: For each attempt to connect.

    Raises:
        ValueError: no API key.
    """

    provider = PROVIDER
    end_of_turn: Literal["none", "silence", "semantic"] = "semantic"

    def __init__(
        self,
        *,
        api_key: str | None = None,
        model: str | None = None,
        base_url: str | None = None,
        eager_eot_threshold: float | None = 0.5,
        eot_threshold: float | None = None,
        eot_timeout_ms: int | None = None,
        parameters: Mapping[str, str | Sequence[str]] | None = None,
        connect_timeout_sec: float = CONNECT_TIMEOUT_SEC,
    ) -> None:
        self._api_key = find_key(api_key, "DEEPGRAM_API_KEY")
        self._base_url = find_url(base_url, "DEEPGRAM_BASE_URL", DEFAULT_BASE_URL)
        self.model = model or DEFAULT_MODEL
        self._connect_timeout_sec = connect_timeout_sec
        thresholds = {
            "eager_eot_threshold": eager_eot_threshold,
            "eot_threshold": eot_threshold,
            "eot_timeout_ms": eot_timeout_ms,
        }
        self._parameters: dict[str, str | Sequence[str]] = {
            name: str(value) for name, value in thresholds.items() if value is not None
        }
        self._parameters |= parameters or {}

    def open(self, options: SttOptions) -> AbstractAsyncContextManager[SttStream]:
        endpoint = Endpoint(
            provider=PROVIDER,
            url=websocket_url(self._base_url, "/v2/listen", self._query(options)),
            headers={"Authorization": f"Token {self._api_key}"},
            timeout_sec=self._connect_timeout_sec,
        )
        return open_stream(endpoint, FluxCodec())

    def _query(self, options: SttOptions) -> dict[str, str | Sequence[str]]:
        query: dict[str, str | Sequence[str]] = {"model": self.model, "encoding": "mulaw", "sample_rate": "8000"}
        if "multi" in self.model:
            query["language_hint"] = options.language
        if options.hints:
            query["keyterm"] = list(options.hints)
        return query | self._parameters


STT = DeepgramFluxSTT


class FluxCodec:
    """Turn events one to one; transcripts are always the whole turn."""

    idle_message = silence(IDLE_SEC * 1000)
    idle_sec = IDLE_SEC
    farewell = '{"type":"CloseStream"}'

    def __init__(self) -> None:
        self.ready = False
        self.settled_ms = 0.0
        self._in_turn = False
        self._chunk = bytearray()

    def opened(self) -> Sequence[str]:
        self.ready = self._in_turn = False
        self.settled_ms = 0.0
        self._chunk.clear()
        return ()

    def encode(self, audio: bytes) -> bytes | None:
        self._chunk += audio
        return self._take_chunk() if len(self._chunk) >= CHUNK_BYTES else None

    def finalize(self) -> Sequence[bytes]:
        """There is no such message; but the model should hear now what we hold."""
        return (self._take_chunk(),) if self._chunk else ()

    def decode(self, message: str) -> Sequence[SttEvent]:
        data = parse_json(PROVIDER, message)
        match data.get("type"):
            case "TurnInfo":
                return self._turn_info(data)
            case "Connected":
                self.ready = True
            case "Error":
                raise reported(data)
            case _:
                pass
        return ()

    def _turn_info(self, data: Json) -> Sequence[SttEvent]:
        event, text = data["event"], data.get("transcript", "")
        if event == "StartOfTurn":
            self._in_turn = True
        elif event == "EndOfTurn":
            self._in_turn = False
        if not self._in_turn:
            self.settled_ms = max(self.settled_ms, data.get("audio_window_end", 0.0) * 1000)
        match event:
            case "StartOfTurn":
                return (SpeechStarted(), Interim(text=text)) if text else (SpeechStarted(),)
            case "Update":
                return (Interim(text=text),) if text else ()
            case "EagerEndOfTurn":
                return (EagerEndOfTurn(text=text),)
            case "TurnResumed":
                return (TurnResumed(),)
            case "EndOfTurn":
                return (Final(text=text, end_of_turn=True),)
            case _:
                return ()

    def _take_chunk(self) -> bytes:
        chunk = bytes(self._chunk)
        self._chunk.clear()
        return chunk
