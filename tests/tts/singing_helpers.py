"""Hears what the fakes sing, for tests of voices."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import numpy as np

from patter_mcp.audio.g711 import decode
from patter_mcp.testing.speech.singing import CHAR_BYTES, pitch_hz
from patter_mcp.tts.base import Speech, TtsStream, Utterance

_CHARS = {round(pitch_hz(char) / 20): char for char in map(chr, range(33, 127))}


def transcribe(audio: bytes) -> str:
    """The text that was sung, white space made single; half a note at the end is passed over."""
    chars = (_char(audio[start : start + CHAR_BYTES]) for start in range(0, len(audio), CHAR_BYTES))
    return " ".join("".join(chars).split())


def _char(ulaw: bytes) -> str:
    if len(ulaw) < CHAR_BYTES * 0.6:
        return ""
    samples = np.frombuffer(decode(ulaw), dtype=np.int16)[80:400].astype(float)
    if np.abs(samples).max() < 500:
        return " "
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8000))
    return _CHARS.get(round(int(spectrum.argmax()) / 20), "?")


async def hear(utterance: Utterance) -> Sequence[Speech]:
    """All of it."""
    with anyio.fail_after(5):
        return [speech async for speech in utterance]


async def hear_text(utterance: Utterance) -> str:
    return transcribe(b"".join(speech.audio for speech in await hear(utterance)))


async def first_sound(utterance: Utterance) -> bytes:
    with anyio.fail_after(5):
        async for speech in utterance:
            if speech.audio:
                return speech.audio
    raise AssertionError("no sound")


def speak(voice: TtsStream, *pieces: str) -> Utterance:
    """A whole utterance."""
    utterance = voice.utterance()
    for piece in pieces:
        utterance.feed(piece)
    utterance.end()
    return utterance
