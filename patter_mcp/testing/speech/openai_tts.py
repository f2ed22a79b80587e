"""OpenAI's `POST /v1/audio/speech`, and the model look-up a client may warm its connection with."""

from __future__ import annotations

import functools
import json

from patter_mcp.testing.speech.elevenlabs_tts import stream_body
from patter_mcp.testing.speech.scripts import TtsScript
from patter_mcp.testing.speech.server import Exchange
from patter_mcp.testing.speech.singing import sing_pcm

RATE_HZ = 24_000


def speech(exchange: Exchange, script: TtsScript) -> None:
    """s16le PCM at 24 kHz."""
    asked = exchange.json()
    if asked.get("response_format") != "pcm":
        exchange.answer(400, json.dumps({"error": {"message": "only pcm here", "type": "invalid_request_error"}}))
        return
    text: str = asked["input"]
    if not script.odd_bytes:
        stream_body(exchange, script, text, "audio/pcm", functools.partial(sing_pcm, rate_hz=RATE_HZ))
        return
    whole = sing_pcm(text, RATE_HZ)
    per_char = len(whole) // max(1, len(text))
    sent = 0

    def voice(chars: str) -> bytes:
        """One byte late all along; the last piece catches up."""
        nonlocal sent
        start = max(0, sent * per_char - 1)
        sent += len(chars)
        end = sent * per_char - (1 if sent < len(text) else 0)
        return whole[start:end]

    stream_body(exchange, script, text, "audio/pcm", voice)


def model(exchange: Exchange) -> None:
    name = exchange.asked.path.rpartition("/")[2]
    exchange.answer(200, json.dumps({"id": name, "object": "model"}))
