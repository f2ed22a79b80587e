"""The helper program: text in, μ-law out. All calls share the one library."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Sequence

from patter_mcp.audio import g711
from patter_mcp.audio.frame import SAMPLE_RATE_HZ
from patter_mcp.audio.resample import Resampler
from patter_mcp.tts.espeak.library import Library
from patter_mcp.tts.espeak.wire import CANCEL, SPEAK, SPOKEN, UTTERANCE
from patter_mcp.types import Json
from patter_mcp.worker import Refused, Send, serve


class Speaker:
    """One call's voice.

    Raises:
        Refused: there is no library or no such voice.
    """

    def __init__(self, options: Json, send: Send) -> None:
        self._library = _library()
        self._voice = self._first_of(options["voices"])
        self._words_per_minute: int = options["words_per_minute"]
        self._send = send
        self._waiting: deque[tuple[int, str]] = deque()
        self._speak("one")  # the first time loads voice, tables and resampler, while the phone still rings

    def receive(self, kind: int, payload: bytes) -> None:
        (utterance,) = UTTERANCE.unpack_from(payload)
        if kind == SPEAK:
            self._waiting.append((utterance, payload[UTTERANCE.size :].decode()))
        elif kind == CANCEL:
            self._waiting = deque(item for item in self._waiting if item[0] != utterance)

    def work(self) -> bool:
        if not self._waiting:
            return False
        utterance, text = self._waiting.popleft()
        self._send(SPOKEN, UTTERANCE.pack(utterance) + self._speak(text))
        return True

    def _first_of(self, voices: Sequence[str]) -> str:
        for voice in voices:
            if self._library.choose_voice(voice):
                return voice
        raise Refused(f"espeak-ng has no voice {voices[0]!r}.")

    def _speak(self, text: str) -> bytes:
        self._library.choose_voice(self._voice)  # another call may have spoken since
        pcm = self._library.synthesise(text, self._words_per_minute)
        resampler = Resampler(self._library.sample_rate_hz, SAMPLE_RATE_HZ)
        return g711.encode(resampler.feed(pcm) + resampler.flush())


@functools.cache
def _library() -> Library:
    try:
        return Library()
    except OSError as error:
        raise Refused(str(error)) from error


if __name__ == "__main__":
    serve(Speaker)
