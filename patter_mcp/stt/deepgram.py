"""Deepgram's Nova models over `/v1/listen`.

Audio goes through as it came from the carrier. Messages and their meaning:
https://developers.deepgram.com/docs/understand-endpointing-interim-results
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Literal

from patter_mcp import prices
from patter_mcp.errors import ProviderProtocolError
from patter_mcp.stt.base import Final, Interim, SpeechStarted, SttEvent, SttOptions, SttStream
from patter_mcp.stt.live import open_stream
from patter_mcp.types import Json
from patter_mcp.vendors.access import Endpoint, flag, websocket_url
from patter_mcp.vendors.access import api_key as find_key
from patter_mcp.vendors.access import base_url as find_url
from patter_mcp.vendors.failures import parse_json
from patter_mcp.websocket import CONNECT_TIMEOUT_SEC

PROVIDER = "deepgram"
DEFAULT_BASE_URL = "https://api.deepgram.com"
FLUSH_SILENCE_MS = 300
"""Silence there has been when the answer to a Finalize arrives: it is sent when somebody seems to have finished."""
KEEP_ALIVE_SEC = 4.0
"""Deepgram closes after 10 s without audio or KeepAlive and advises one every 3 to 5 s:
https://developers.deepgram.com/docs/audio-keep-alive"""


class DeepgramSTT:
    """Speech-to-text by a Nova model.

    Args:
        api_key: Default: `DEEPGRAM_API_KEY`.
        model: Default `nova-3`.
        base_url: http(s) or ws(s). Default: `DEEPGRAM_BASE_URL`, then Deepgram's own.
        endpointing_ms: Silence after which the user counts as finished; Deepgram advises 300 to 500 for conversations.
        utterance_end_ms: The fallback where noise hides the silence: a gap between words, at least 1000. None: off.
        smart_format: Writes numbers, dates and the like as people do.
        parameters: Further query parameters, e.g. {"redact": "pci", "mip_opt_out": "true"}.
        connect_timeout_sec: For each attempt to connect.

    Raises:
        ValueError: no API key.
    """

    provider = PROVIDER
    end_of_turn: Literal["none", "silence", "semantic"] = "silence"

    def __init__(
        self,
        *,
        api_key: str | None = None,
        model: str | None = None,
        base_url: str | None = None,
        endpointing_ms: int = 300,
        utterance_end_ms: int | None = 1000,
        smart_format: bool = True,
        parameters: Mapping[str, str | Sequence[str]] | None = None,
        connect_timeout_sec: float = CONNECT_TIMEOUT_SEC,
    ) -> None:
        self._api_key = find_key(api_key, "DEEPGRAM_API_KEY")
        self._base_url = find_url(base_url, "DEEPGRAM_BASE_URL", DEFAULT_BASE_URL)
        self.model = model or prices.default_model(PROVIDER, datetime.now(UTC).date(), "stt")
        self._connect_timeout_sec = connect_timeout_sec
        self._endpointing_ms = endpointing_ms
        self._utterance_end_ms = utterance_end_ms
        self._smart_format = smart_format
        self._parameters = parameters or {}

    def open(self, options: SttOptions) -> AbstractAsyncContextManager[SttStream]:
        endpoint = Endpoint(
            provider=PROVIDER,
            url=websocket_url(self._base_url, "/v1/listen", self._query(options)),
            headers={"Authorization": f"Token {self._api_key}"},
            timeout_sec=self._connect_timeout_sec,
        )
        return open_stream(endpoint, NovaCodec(flush_ends_turn=self._endpointing_ms <= FLUSH_SILENCE_MS))

    def _query(self, options: SttOptions) -> dict[str, str | Sequence[str]]:
        query: dict[str, str | Sequence[str]] = {
            "model": self.model,
            "encoding": "mulaw",
            "sample_rate": "8000",
            "channels": "1",
            "language": options.language,
            "interim_results": "true",
            "vad_events": "true",
            "endpointing": str(self._endpointing_ms),
            "smart_format": flag(self._smart_format),
        }
        if self._utterance_end_ms is not None:
            query["utterance_end_ms"] = str(self._utterance_end_ms)
        if options.hints:
            query["keyterm" if self.model.startswith("nova-3") else "keywords"] = list(options.hints)
        return query | dict(self._parameters)


STT = DeepgramSTT


def reported(data: Json) -> ProviderProtocolError:
    """A failure Deepgram tells of on an open connection; a new one may fare better."""
    code, description = data.get("code"), data.get("description") or data.get("message")
    return ProviderProtocolError(f"{PROVIDER} reports {code}: {description}", provider=PROVIDER, retryable=True)


class NovaCodec:
    """Segments become finals as they are settled; the last of a turn is the one that ended in silence.

    Args:
        flush_ends_turn: So does the answer to a Finalize. Nothing is left of which Deepgram could say that it ended;
            its next word on the matter may be `UtteranceEnd`, a second after the last.
    """

    idle_message = '{"type":"KeepAlive"}'
    idle_sec = KEEP_ALIVE_SEC
    farewell = '{"type":"CloseStream"}'
    ready = True

    def __init__(self, *, flush_ends_turn: bool = True) -> None:
        self.settled_ms = 0.0
        self._flush_ends_turn = flush_ends_turn
        self._turn_open = False
        """Text was settled whose turn has not been ended."""

    def opened(self) -> Sequence[str]:
        self.settled_ms = 0.0
        return ()

    def encode(self, audio: bytes) -> bytes:
        return audio

    def finalize(self) -> Sequence[str]:
        return ('{"type":"Finalize"}',)

    def decode(self, message: str) -> Sequence[SttEvent]:
        data = parse_json(PROVIDER, message)
        match data.get("type"):
            case "Results":
                return self._results(data)
            case "SpeechStarted":
                return (SpeechStarted(),)
            case "UtteranceEnd":
                return self._end_of_turn()
            case "Error":
                raise reported(data)
            case _:
                return ()

    def _results(self, data: Json) -> Sequence[SttEvent]:
        """Of its fields only the text is counted on: what is left out counts as false, or as nothing settled."""
        alternatives = data["channel"]["alternatives"]
        text: str = alternatives[0]["transcript"] if alternatives else ""
        if not data.get("is_final"):
            return (Interim(text=text),) if text else ()
        self.settled_ms = max(self.settled_ms, (data.get("start", 0.0) + data.get("duration", 0.0)) * 1000)
        ended = bool(data.get("speech_final") or (self._flush_ends_turn and data.get("from_finalize")))
        if text:
            self._turn_open = not ended
            return (Final(text=text, end_of_turn=ended),)
        return self._end_of_turn() if ended else ()

    def _end_of_turn(self) -> Sequence[SttEvent]:
        """Closes what was settled before; nothing said, nothing ended."""
        if not self._turn_open:
            return ()
        self._turn_open = False
        return (Final(text="", end_of_turn=True),)
