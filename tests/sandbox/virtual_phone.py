"""A call with a callee and nothing else: no sockets, no clock, no synthesis.

The agent's words travel beside its audio, which is a mere hum; each of the callee's lines is a code repeated,
so that what it says can be read off its frames.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from random import Random

from patter_mcp.audio.frame import FRAME_BYTES, FRAME_MS, silence
from patter_mcp.sandbox.callee import Callee, Spoken, spoken_lines
from patter_mcp.sandbox.hearing import Ear
from patter_mcp.sandbox.scenario import Scenario
from patter_mcp.sandbox.scenario_file import load_scenario

VOICE = bytes([0x20, 0xA0, 0x25, 0xB0]) * 40
"""A frame of hum, loud and unlike any tone of a telephone."""


def voice(ms: int) -> bytes:
    return VOICE * (ms // FRAME_MS)


class Script:
    """Stands in for recognition: understands what the test says was said."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def feed(self, ulaw: bytes, /) -> None:
        pass

    def finish(self) -> str:
        words, self.words = " ".join(self.words), []
        return words


def write_scenario(directory: Path, text: str, name: str = "scenario.toml") -> Path:
    path = directory / name
    head = 'number = "+12025550150"\ntitle = "A test"\n'
    path.write_text(("" if "number =" in text else head) + textwrap.dedent(text), encoding="utf-8")
    return path


def coded_audio(scenario: Scenario, ms_per_char: int = 50) -> dict[Spoken, bytes]:
    """Line n is code n+1 over and over, as long as saying it would take."""
    lines = spoken_lines(scenario)
    return {line: bytes([code]) * (len(line.text) * ms_per_char * 8) for code, line in enumerate(lines, 1)}


class Phone:
    """The agent's end. Time passes only in `run` and `until`."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.lines = coded_audio(scenario)
        self.script = Script()
        self.ear = Ear(self.script)
        self.callee = Callee(scenario, self.lines, self.ear, Random(1))
        self.now_ms = 0
        self.said: list[str] = []
        """The callee's lines, as they begin."""
        self.sound = bytearray()
        """All its audio."""
        self._agent = bytearray()
        self._saying = ""
        self._codes = {audio[0]: line.text for line, audio in self.lines.items() if audio}

    @classmethod
    def of(cls, directory: Path, text: str) -> Phone:
        return cls(load_scenario(write_scenario(directory, text)))

    @property
    def agent_speaks(self) -> bool:
        return bool(self._agent)

    @property
    def callee_speaks(self) -> bool:
        return bool(self._saying)

    def say(self, words: str, ms: int | None = None) -> None:
        """The agent begins to speak."""
        self.script.words.append(words)
        self.play(voice(max(300, 60 * len(words)) if ms is None else ms))

    def play(self, audio: bytes) -> None:
        self._agent += audio

    def run(self, ms: float) -> None:
        for _ in range(int(ms / FRAME_MS)):
            self._tick()

    def until_said(self, line: str, within_ms: int = 30_000) -> None:
        """Until the callee has said that line, not yet begun, to its end."""
        seen = len(self.said)
        for _ in range(within_ms // FRAME_MS):
            self._tick()
            if line in self.said[seen:] and not self.callee_speaks:
                return
        raise AssertionError(f"not said within {within_ms} ms: {line!r}; said: {self.said}")

    def until_ended(self, within_ms: int = 120_000) -> None:
        for _ in range(within_ms // FRAME_MS):
            if self.callee.ended is not None:
                return
            self._tick()
        raise AssertionError(f"not ended within {within_ms} ms; said: {self.said}")

    def answer_each(self, answers: Sequence[str]) -> None:
        """Gives the answers one by one, each after the callee's next line."""
        for answer in answers:
            seen = len(self.said)
            while (len(self.said) == seen or self.callee_speaks) and self.callee.ended is None:
                self._tick()
            self.run(300)
            self.say(answer)

    def _tick(self) -> None:
        frame = bytes(self._agent[:FRAME_BYTES]).ljust(FRAME_BYTES, silence(1)[:1])
        del self._agent[:FRAME_BYTES]
        heard = self.callee.tick(frame)
        self.sound += heard
        self.now_ms += FRAME_MS
        saying = self._codes.get(heard[0], "")
        if saying and saying != self._saying:
            self.said.append(saying)
        self._saying = saying
