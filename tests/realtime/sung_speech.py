"""Speech of simulated callees that needs no synthesiser: lines are sung, and whatever the agent says was said.

Loaded by name into the program that hosts the callees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from patter_mcp.audio.frame import FRAME_BYTES
from patter_mcp.sandbox.callee import Spoken
from patter_mcp.testing.speech.hearing import is_voiced
from patter_mcp.testing.speech.singing import sing


class Recogniser:
    def __init__(self) -> None:
        self._heard = False

    def feed(self, ulaw: bytes, /) -> None:
        frames = [ulaw[start : start + FRAME_BYTES] for start in range(0, len(ulaw), FRAME_BYTES)]
        self._heard = self._heard or any(map(is_voiced, frames))

    def finish(self) -> str:
        heard, self._heard = self._heard, False
        return "something" if heard else ""


class SungSpeech:
    async def speak(self, lines: Sequence[Spoken], words_per_minute: int) -> Mapping[Spoken, bytes]:
        return {line: sing(line.text.replace(" ", "-")) for line in lines}

    def recogniser(self, phrases: Sequence[str]) -> Recogniser:
        return Recogniser()
