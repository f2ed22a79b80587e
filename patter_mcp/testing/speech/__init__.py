"""Speech vendors on the loopback: real sockets, the vendors' own messages, and nothing said that was not scripted.

    async with FakeSpeech().run() as vendors:
        stt = DeepgramSTT(api_key="any", base_url=vendors.url)

Recognisers hear by loudness and say what the script says; synthesisers sing, one tone per character. Latencies
are exact. Faults: `vendors.faults`, the scripts, and each of `vendors.connections`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from patter_mcp.testing.speech.cartesia_tts import CartesiaSpeaker
from patter_mcp.testing.speech.deepgram_stt import FluxListener, NovaListener
from patter_mcp.testing.speech.deepgram_tts import AuraSpeaker
from patter_mcp.testing.speech.elevenlabs_tts import MultiContextSpeaker, SingleContextSpeaker, stream_speech
from patter_mcp.testing.speech.openai_realtime import Answer, RealtimeModel, RealtimeScript
from patter_mcp.testing.speech.openai_stt import TranscriptionListener
from patter_mcp.testing.speech.openai_tts import model, speech
from patter_mcp.testing.speech.scripts import SttScript, Timing, TtsScript
from patter_mcp.testing.speech.server import Asked, Endpoint, Exchange, FakeConnection, FakeServer, Faults
from patter_mcp.testing.speech.singing import sing

__all__ = [
    "Answer",
    "Asked",
    "Exchange",
    "FakeConnection",
    "FakeSpeech",
    "Faults",
    "RealtimeModel",
    "RealtimeScript",
    "SttScript",
    "Timing",
    "TtsScript",
    "sing",
]


@dataclass(slots=True)
class FakeSpeech:
    """All vendors on one port. Scripts may be changed at any time."""

    stt: SttScript = field(default_factory=SttScript)
    tts: TtsScript = field(default_factory=TtsScript)
    realtime: RealtimeScript = field(default_factory=RealtimeScript)
    server: FakeServer = field(default_factory=FakeServer)

    @property
    def url(self) -> str:
        """Base URL for Deepgram, ElevenLabs and Cartesia."""
        return self.server.url

    @property
    def openai_url(self) -> str:
        return f"{self.server.url}/v1"

    @property
    def faults(self) -> Faults:
        return self.server.faults

    @property
    def connections(self) -> list[FakeConnection]:
        return self.server.connections

    @asynccontextmanager
    async def run(self) -> AsyncGenerator[FakeSpeech]:
        server = self.server
        server.websocket("/v1/listen", lambda connection: NovaListener(connection, self.stt))
        server.websocket("/v2/listen", lambda connection: FluxListener(connection, self.stt))
        server.websocket("/v1/realtime", self._openai)
        server.websocket("/v1/speak", lambda connection: AuraSpeaker(connection, self.tts))
        server.websocket("/tts/websocket", lambda connection: CartesiaSpeaker(connection, self.tts))
        server.websocket("/v1/text-to-speech/", self._elevenlabs)
        server.http("/v1/text-to-speech/", lambda exchange: stream_speech(exchange, self.tts))
        server.http("/v1/audio/speech", lambda exchange: speech(exchange, self.tts))
        server.http("/v1/models/", model)
        async with server.run():
            yield self

    def _openai(self, connection: FakeConnection) -> Endpoint:
        if connection.asked.parameter("intent") == "transcription":
            return TranscriptionListener(connection, self.stt)
        return RealtimeModel(connection, self.realtime)

    def _elevenlabs(self, connection: FakeConnection) -> Endpoint:
        if connection.asked.path.endswith("/multi-stream-input"):
            return MultiContextSpeaker(connection, self.tts)
        return SingleContextSpeaker(connection, self.tts)
