"""Sounds of a telephone line: sentences spoken by espeak-ng, people's voices where Debian has them, and noises."""

from __future__ import annotations

import math
import random
import struct
import wave
from pathlib import Path

from patter_mcp.audio import g711
from patter_mcp.audio.frame import SAMPLE_RATE_HZ
from patter_mcp.tts.base import TtsOptions
from patter_mcp.tts.espeak import EspeakTTS

PROMPTS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
"""Of the Debian package asterisk-core-sounds-en-wav."""


async def say(*sentences: str, voice: str = "en-us") -> list[bytes]:
    """Each sentence as μ-law."""
    async with EspeakTTS(voice=voice).open(TtsOptions()) as stream:
        spoken: list[bytes] = []
        for sentence in sentences:
            utterance = stream.utterance()
            utterance.feed(sentence)
            utterance.end()
            spoken.append(b"".join([speech.audio async for speech in utterance]))
    return spoken


def prompt(name: str) -> bytes:
    with wave.open(str(PROMPTS / f"{name}.wav")) as file:
        return g711.encode(file.readframes(file.getnframes()))


def white_noise(ms: int, level: float) -> bytes:
    noise = random.Random(1)
    return _ulaw([noise.gauss(0, level) for _ in range(ms * 8)])


def hum(ms: int, level: float) -> bytes:
    """Mains at 50 Hz and its first harmonics."""
    return _ulaw(
        [
            sum(level / part * math.sin(2 * math.pi * 50 * part * n / SAMPLE_RATE_HZ) for part in (1, 2, 3))
            for n in range(ms * 8)
        ]
    )


def clicks(ms: int) -> bytes:
    """Three a second, 2 ms each."""
    return _ulaw([20_000 if n % 2700 < 16 and n % 2 else 0 for n in range(ms * 8)])


def onset_ms(audio: bytes, level: int = 600) -> float:
    """Where it is first louder than that."""
    return next(n for n, sample in enumerate(_samples(audio)) if abs(sample) > level) / 8


def mixed(one: bytes, other: bytes) -> bytes:
    return _ulaw([a + b for a, b in zip(_samples(one), _samples(other), strict=False)])


def quieter(audio: bytes, gain: float) -> bytes:
    return _ulaw([sample * gain for sample in _samples(audio)])


def _samples(audio: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(audio)}h", g711.decode(audio))


def _ulaw(samples: list[float]) -> bytes:
    clipped = [max(-32_768, min(32_767, round(sample))) for sample in samples]
    return g711.encode(struct.pack(f"<{len(clipped)}h", *clipped))
