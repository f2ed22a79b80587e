"""OpenAI's transcription over the Realtime websocket (GA shape; the beta's names are not understood).

https://developers.openai.com/api/docs/guides/realtime-transcription
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Literal

from patter_mcp import prices
from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.errors import ProviderError
from patter_mcp.stt.base import Final, Interim, SpeechStarted, SttEvent, SttOptions, SttStream
from patter_mcp.stt.live import open_stream
from patter_mcp.types import Json
from patter_mcp.vendors.access import Endpoint, websocket_url
from patter_mcp.vendors.access import api_key as find_key
from patter_mcp.vendors.access import base_url as find_url
from patter_mcp.vendors.failures import parse_json
from patter_mcp.vendors.versions import seeker_for
from patter_mcp.websocket import CONNECT_TIMEOUT_SEC

PROVIDER = "openai"
DEFAULT_BASE_URL = "https://api.openai.com/v1"
SELF_PACED_MODELS = ("gpt-realtime-whisper", "gpt-live-transcribe")
"""They refuse turn detection: text comes as it is heard, and a stretch is settled when we commit it."""
KEYWORD_MODELS = ("gpt-transcribe", "gpt-live-transcribe")
"""They take hints as `keywords`; the others as a prompt."""
DETECTION_LAG_MS = 1000
"""How far the vendor's voice detector may lag behind the audio: while nobody speaks, all before that is settled."""
COMMIT_LAG_MS = 300
"""How much audio we may have sent between the end of a stretch and the news of it."""
MIN_COMMIT_MS = 100
"""The vendor refuses to commit less."""


class OpenAISTT:
    """Speech-to-text by a transcription session.

    Args:
        api_key: Default: `OPENAI_API_KEY`.
        model: Default `gpt-4o-transcribe`, or what OpenAI names instead once that is gone.
        base_url: http(s) or ws(s), up to `/v1` or without it. Default: `OPENAI_BASE_URL`, then OpenAI's own.
        silence_duration_ms: Silence after which the user counts as finished.
        threshold: Of the vendor's voice detector, 0.0 to 1.0.
        prefix_padding_ms: Audio before the detected start that is transcribed with it.
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
        base_url: str | None = None,
        silence_duration_ms: int = 350,
        threshold: float = 0.5,
        prefix_padding_ms: int = 300,
        connect_timeout_sec: float = CONNECT_TIMEOUT_SEC,
    ) -> None:
        self._api_key = find_key(api_key, "OPENAI_API_KEY")
        self._base_url = find_url(base_url, "OPENAI_BASE_URL", DEFAULT_BASE_URL)
        self._versions = seeker_for(self._base_url)
        self.model = model or prices.default_model(PROVIDER, datetime.now(UTC).date(), "stt")
        self._connect_timeout_sec = connect_timeout_sec
        self._turn_detection = {
            "type": "server_vad",
            "threshold": threshold,
            "prefix_padding_ms": prefix_padding_ms,
            "silence_duration_ms": silence_duration_ms,
        }

    @property
    def end_of_turn(self) -> Literal["none", "silence", "semantic"]:
        return "none" if self._self_paced else "silence"

    @property
    def _self_paced(self) -> bool:
        return self.model.startswith(SELF_PACED_MODELS)

    def open(self, options: SttOptions) -> AbstractAsyncContextManager[SttStream]:
        endpoint = Endpoint(
            provider=PROVIDER,
            url=websocket_url(self._base_url, "/realtime", {"intent": "transcription"}),
            headers={"Authorization": f"Bearer {self._api_key}"},
            versions=self._versions,
            timeout_sec=self._connect_timeout_sec,
        )
        return open_stream(endpoint, TranscriptionCodec(self._session(options), self_paced=self._self_paced))

    def _session(self, options: SttOptions) -> Json:
        return {
            "type": "transcription",
            "audio": {
                "input": {
                    "format": {"type": "audio/pcmu"},
                    "transcription": self._transcription(options),
                    "turn_detection": None if self._self_paced else self._turn_detection,
                }
            },
        }

    def _transcription(self, options: SttOptions) -> Json:
        language = options.language.partition("-")[0]
        transcription: Json = {"model": self.model}
        if self.model.startswith(KEYWORD_MODELS):
            transcription["languages"] = [language]
        else:
            transcription["language"] = language
        if options.hints and self.model.startswith(KEYWORD_MODELS):
            transcription["keywords"] = list(options.hints)
        elif options.hints and not self._self_paced:
            transcription["prompt"] = "Expect: " + ", ".join(options.hints)
        return transcription


STT = OpenAISTT


class _Item:
    """A stretch of speech the vendor transcribes."""

    def __init__(self, item_id: str) -> None:
        self.item_id = item_id
        self.end_ms = 0.0
        self.heard = ""
        self.text: str | None = None
        """None until it is settled."""


class TranscriptionCodec:
    """Transcripts of several stretches may come in any order; they leave in the order in which they were spoken."""

    idle_message = None
    idle_sec = 0.0
    farewell = None

    def __init__(self, session: Json, *, self_paced: bool) -> None:
        self._hello = json.dumps({"type": "session.update", "session": session})
        self._self_paced = self_paced
        self._turn_open = False
        self._reset()

    def opened(self) -> Sequence[str]:
        self._reset()
        return (self._hello,)

    def _reset(self) -> None:
        self.ready = False
        self.settled_ms = 0.0
        self._items: deque[_Item] = deque()
        self._sent_bytes = 0
        self._committed_ms = 0.0
        """Up to where we asked for a stretch to be settled."""
        self._speaking = False

    def encode(self, audio: bytes) -> str:
        self._sent_bytes += len(audio)
        if not (self._speaking or self._items or self._self_paced):
            self._settle(self._sent_ms - DETECTION_LAG_MS)
        return f'{{"type":"input_audio_buffer.append","audio":"{b64encode(audio).decode()}"}}'

    def finalize(self) -> Sequence[str]:
        """Where the vendor does not decide, we do."""
        if not self._self_paced or self._sent_ms - self._committed_ms < MIN_COMMIT_MS:
            return ()
        self._committed_ms = self._sent_ms
        return ('{"type":"input_audio_buffer.commit"}',)

    def decode(self, message: str) -> Sequence[SttEvent]:
        data = parse_json(PROVIDER, message)
        match data["type"]:
            case "session.updated" | "transcription_session.updated":
                self.ready = True
            case "input_audio_buffer.speech_started":
                self._speaking = True
                return (SpeechStarted(),)
            case "input_audio_buffer.speech_stopped":
                self._speaking = False
            case "input_audio_buffer.committed":
                self._committed(data["item_id"], data.get("previous_item_id"))
            case "conversation.item.input_audio_transcription.delta":
                return self._delta(data["item_id"], data["delta"])
            case "conversation.item.input_audio_transcription.completed":
                return self._completed(data["item_id"], data["transcript"])
            case "conversation.item.input_audio_transcription.failed":
                return self._completed(data["item_id"], "")
            case "error":
                self._error(data["error"])
            case _:
                pass
        return ()

    def _committed(self, item_id: str, previous_item_id: str | None) -> None:
        """Takes its place behind its predecessor; normally that is the end."""
        item = self._find_or_add(item_id)
        item.end_ms = self._committed_ms if self._self_paced else self._sent_ms - COMMIT_LAG_MS
        self._items.remove(item)
        places = [place for place, other in enumerate(self._items) if other.item_id == previous_item_id]
        self._items.insert(places[0] + 1 if places else len(self._items), item)

    def _delta(self, item_id: str, delta: str) -> Sequence[SttEvent]:
        item = self._find_or_add(item_id)
        item.heard += delta
        text = item.heard.strip()
        return (Interim(text=text),) if text and item is self._items[0] else ()

    def _completed(self, item_id: str, transcript: str) -> Sequence[SttEvent]:
        self._find_or_add(item_id).text = transcript.strip()
        finals: list[SttEvent] = []
        while self._items and (text := self._items[0].text) is not None:
            self._settle(self._items.popleft().end_ms)
            finals.extend(self._final(text))
        return finals

    def _final(self, text: str) -> Sequence[SttEvent]:
        """The turn goes on while more was spoken after this stretch."""
        ended = not (self._self_paced or self._speaking or self._items)
        if not text and not (ended and self._turn_open):
            return ()
        self._turn_open = not ended
        return (Final(text=text, end_of_turn=ended),)

    def _error(self, error: Json) -> None:
        if error.get("code") == "input_audio_buffer_commit_empty":
            return
        raise ProviderError(
            f"{PROVIDER} reports {error.get('code') or error.get('type')}: {error.get('message')}",
            provider=PROVIDER,
            # A session that had been agreed to can be had again; one that is refused is refused.
            retryable=self.ready or error.get("type") == "server_error",
        )

    @property
    def _sent_ms(self) -> float:
        return self._sent_bytes / BYTES_PER_MS

    def _settle(self, position_ms: float) -> None:
        self.settled_ms = max(self.settled_ms, position_ms)

    def _find_or_add(self, item_id: str) -> _Item:
        item = next((item for item in self._items if item.item_id == item_id), None)
        if item is None:
            item = _Item(item_id)
            self._items.append(item)
        return item
