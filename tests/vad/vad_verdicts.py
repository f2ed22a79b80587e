"""Reads what a voice detector says of a piece of audio."""

from __future__ import annotations

import anyio

from patter_mcp.vad.base import VoiceActivity, VoiceDetector


async def verdicts(detector: VoiceDetector, audio: bytes, *, piece_bytes: int = 160) -> list[VoiceActivity]:
    """One for each whole window of the audio, fed in pieces like a carrier's."""
    heard: list[VoiceActivity] = []
    complete = anyio.Event()

    def listen(activity: VoiceActivity) -> None:
        heard.append(activity)
        if len(heard) == len(audio) // (activity.window_ms * 8):
            complete.set()

    stream = detector.open(listen)
    for start in range(0, len(audio), piece_bytes):
        stream.feed(audio[start : start + piece_bytes])
    with anyio.fail_after(10):
        await complete.wait()
    stream.close()
    return heard


def first_voice_ms(activities: list[VoiceActivity], windows: int = 2) -> int | None:
    """When so many windows in a row had been more likely speech than not."""
    row = 0
    for activity in activities:
        row = row + 1 if activity.probability > 0.5 else 0
        if row == windows:
            return activity.at_ms
    return None
