"""Deepgram's recognisers: `/v1/listen` (Nova) and `/v2/listen` (Flux)."""

from __future__ import annotations

import asyncio
import functools
import json
from typing import Any

from patter_mcp.testing.speech.hearing import Hearing, Words
from patter_mcp.testing.speech.scripts import SttScript, transcript_of
from patter_mcp.testing.speech.server import FakeConnection


class NovaListener:
    """One `/v1/listen` connection."""

    def __init__(self, connection: FakeConnection, script: SttScript) -> None:
        self._connection = connection
        self._script = script
        self._loop = asyncio.get_running_loop()
        self._hearing = Hearing()
        self._turn = 0
        self._words: Words | None = None
        self._segment_start_ms = 0.0
        self._interim_due_ms = 0.0
        self._word_end_ms: float | None = None
        endpointing = connection.asked.parameter("endpointing", "10")
        self._endpointing_ms = float("inf") if endpointing == "false" else float(endpointing)
        self._utterance_end_ms = float(connection.asked.parameter("utterance_end_ms", "inf"))
        self._heard_at = self._loop.time()
        self._check_idle()

    def text(self, message: str) -> None:
        self._heard_at = self._loop.time()
        match json.loads(message)["type"]:
            case "Finalize":
                self._settle(self._words.settle_rest() if self._words else "", from_finalize=True)
            case "CloseStream":
                self._connection.send_json({"type": "Metadata", "duration": self._hearing.now_ms / 1000, "channels": 1})
                self._connection.close(1000)
            case "KeepAlive":
                pass
            case _:
                self._connection.close(1008, "DATA-0000")

    def audio(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        for now_ms in self._hearing.hear(data):
            self._step(now_ms)

    def _step(self, now_ms: float) -> None:
        hearing = self._hearing
        if hearing.speaking and self._words is None:
            self._begin(now_ms)
        elif hearing.speaking and self._words is not None:
            self._go_on(self._words, now_ms)
        elif self._word_end_ms is not None and now_ms - self._word_end_ms >= self._utterance_end_ms:
            self._say({"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": self._word_end_ms / 1000})
            self._word_end_ms = None
        elif now_ms - self._segment_start_ms >= 3000:
            self._settle("")

    def _begin(self, now_ms: float) -> None:
        self._words = Words(transcript_of(self._script.transcripts, self._turn), self._script.ms_per_word)
        self._interim_due_ms = now_ms + self._script.interim_ms
        self._say({"type": "SpeechStarted", "channel": [0], "timestamp": self._hearing.started_ms / 1000})

    def _go_on(self, words: Words, now_ms: float) -> None:
        if self._hearing.silence_ms >= min(self._endpointing_ms, self._utterance_end_ms):
            self._settle(words.settle_rest(), speech_final=self._script.speech_final)
            self._hearing.speaking = False
            self._words = None
            self._turn += 1
            self._word_end_ms = self._hearing.voice_end_ms
        elif words.segment_is_over(self._hearing.spoken_ms):
            self._settle(words.settle_segment())
        elif now_ms >= self._interim_due_ms:
            self._interim_due_ms = now_ms + self._script.interim_ms
            self._results(words.heard(self._hearing.spoken_ms), is_final=False)

    def _settle(self, text: str, *, speech_final: bool = False, from_finalize: bool = False) -> None:
        self._results(text, is_final=True, speech_final=speech_final, from_finalize=from_finalize)
        self._segment_start_ms = self._hearing.now_ms

    def _results(self, text: str, *, is_final: bool, speech_final: bool = False, from_finalize: bool = False) -> None:
        start = self._segment_start_ms / 1000
        words = [
            {"word": word, "start": start, "end": start, "confidence": 0.99, "punctuated_word": word}
            for word in text.split()
        ]
        self._say(
            {
                "type": "Results",
                "channel_index": [0, 1],
                "duration": self._hearing.now_ms / 1000 - start,
                "start": start,
                "is_final": is_final,
                "speech_final": speech_final,
                "from_finalize": from_finalize,
                "channel": {"alternatives": [{"transcript": text, "confidence": 0.99, "words": words}]},
                "metadata": {"request_id": "00000000-0000-0000-0000-000000000000", "model_info": {"name": "fake"}},
            }
        )

    def _say(self, message: dict[str, Any]) -> None:
        send = functools.partial(self._connection.send_json, message)
        self._connection.at(self._loop.time() + self._script.latency_ms / 1000, send)

    def _check_idle(self) -> None:
        due_at = self._heard_at + self._script.idle_timeout_sec
        if self._loop.time() >= due_at:
            self._connection.close(1011, "NET-0001")
        else:
            self._connection.at(due_at, self._check_idle)


class FluxListener:
    """One `/v2/listen` connection."""

    def __init__(self, connection: FakeConnection, script: SttScript) -> None:
        self._connection = connection
        self._script = script
        self._loop = asyncio.get_running_loop()
        self._hearing = Hearing()
        self._turn = 0
        self._sequence = 0
        self._words: Words | None = None
        self._eager = False
        self._eager_wanted = "eager_eot_threshold" in connection.asked.query
        self._update_due_ms = 250.0
        # At once, so that it arrives together with the answer to the handshake.
        connection.send_json({"type": "Connected", "sequence_id": self._next_sequence()})

    def text(self, message: str) -> None:
        if json.loads(message)["type"] == "CloseStream":
            self._connection.close(1000)
        else:
            self._say({"type": "Error", "code": "UNPARSABLE_CLIENT_MESSAGE", "description": "no such message"})

    def audio(self, data: bytes) -> None:
        for now_ms in self._hearing.hear(data):
            self._step(now_ms)

    def _step(self, now_ms: float) -> None:
        hearing, words = self._hearing, self._words
        if hearing.speaking and words is None:
            self._words = Words(transcript_of(self._script.transcripts, self._turn), self._script.ms_per_word)
            self._turn_info("StartOfTurn", "")
        elif words is not None and hearing.silence_ms >= self._script.end_silence_ms:
            self._end(words)
        elif words is not None and self._eager_wanted and self._eager != self._is_pausing():
            self._eager = not self._eager
            self._turn_info("EagerEndOfTurn" if self._eager else "TurnResumed", words.all())
        elif now_ms >= self._update_due_ms:
            self._update_due_ms = now_ms + 250
            self._turn_info("Update", words.heard(hearing.spoken_ms) if words else "")

    def _is_pausing(self) -> bool:
        return self._hearing.silence_ms >= self._script.eager_silence_ms

    def _end(self, words: Words) -> None:
        if self._eager_wanted and not self._eager:
            self._turn_info("EagerEndOfTurn", words.all())
        self._turn_info("EndOfTurn", words.all())
        self._hearing.speaking = self._eager = False
        self._words = None
        self._turn += 1

    def _turn_info(self, event: str, text: str) -> None:
        self._say(
            {
                "type": "TurnInfo",
                "event": event,
                "turn_index": self._turn,
                "audio_window_start": self._hearing.started_ms / 1000,
                "audio_window_end": self._hearing.now_ms / 1000,
                "transcript": text,
                "words": [{"word": word, "confidence": 0.99} for word in text.split()],
                "end_of_turn_confidence": 0.9 if event == "EndOfTurn" else 0.5,
            }
        )

    def _say(self, message: dict[str, Any]) -> None:
        send = functools.partial(self._connection.send_json, {**message, "sequence_id": self._next_sequence()})
        self._connection.at(self._loop.time() + self._script.latency_ms / 1000, send)

    def _next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence - 1
