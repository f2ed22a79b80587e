"""Speech for tests that cross a process border: what is said can be read off the audio, byte by byte.

Loaded by name into the program that hosts the callees.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from patter_mcp.audio.frame import ULAW_SILENCE
from patter_mcp.errors import ConfigError
from patter_mcp.sandbox.callee import Spoken

AGENT_SAYS = ["hello", "tomorrow at four", "yes", "alex", "is that right", "goodbye"]
FIRST_AGENT_CODE = 0x10
MS_PER_CHAR = 30


def agent_audio(words: str) -> bytes:
    return bytes([FIRST_AGENT_CODE + AGENT_SAYS.index(words)]) * (len(words) * MS_PER_CHAR * 8 + 3200)


def line_audio(lines: Sequence[Spoken]) -> dict[Spoken, bytes]:
    """Line n is code n+1, over and over."""
    return {line: bytes([code]) * (len(line.text) * MS_PER_CHAR * 8) for code, line in enumerate(lines, 1)}


class CodedRecogniser:
    def __init__(self) -> None:
        self._codes: Counter[int] = Counter()

    def feed(self, ulaw: bytes, /) -> None:
        self._codes.update(ulaw)

    def finish(self) -> str:
        del self._codes[ULAW_SILENCE]
        heard = [code for code, _ in self._codes.most_common(1)]
        self._codes.clear()
        return AGENT_SAYS[heard[0] - FIRST_AGENT_CODE] if heard else ""


class CodedSpeech:
    async def speak(self, lines: Sequence[Spoken], words_per_minute: int) -> Mapping[Spoken, bytes]:
        return line_audio(lines)

    def recogniser(self, phrases: Sequence[str]) -> CodedRecogniser:
        return CodedRecogniser()


class NoSpeech(CodedSpeech):
    async def speak(self, lines: Sequence[Spoken], words_per_minute: int) -> Mapping[Spoken, bytes]:
        raise ConfigError("There is no voice; install one.")


class BrokenSpeech(CodedSpeech):
    def recogniser(self, phrases: Sequence[str]) -> CodedRecogniser:
        raise RuntimeError("boom")
