"""The helper program: μ-law in, words out; one decoder for each call."""

from __future__ import annotations

from collections import deque

from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.stt.pocketsphinx.decoder import UtteranceDecoder
from patter_mcp.stt.pocketsphinx.wire import AUDIO, FINAL, FINALIZE, GUESSED, INTERIM
from patter_mcp.types import Json
from patter_mcp.worker import Refused, Send, serve

_STEP_BYTES = 100 * BYTES_PER_MS
"""Heard in one go, 4 ms of work: the model has left the processor's cache each time somebody else was heard."""
_MAX_BACKLOG_BYTES = 5000 * BYTES_PER_MS
_INTERIM_EVERY_BYTES = 300 * BYTES_PER_MS


class Ear:
    """One call's decoder and the audio it has not heard yet.

    Raises:
        Refused: the recogniser is not installed or does not load.
    """

    def __init__(self, options: Json, send: Send) -> None:
        try:
            self._decoder = UtteranceDecoder(options["hints"], options["fill"])
        except (ImportError, OSError, RuntimeError) as error:
            raise Refused(f"The recogniser does not load: {error}") from error
        self._send = send
        self._utterances: deque[bytearray] = deque([bytearray()])  # all but the last one are to be finalized
        self._since_interim = 0
        self._interim = ""
        if self._decoder.guessed:
            send(GUESSED, str(len(self._decoder.guessed)).encode())

    def receive(self, kind: int, payload: bytes) -> None:
        if kind == AUDIO:
            audio = self._utterances[-1]
            audio += payload
            del audio[:-_MAX_BACKLOG_BYTES]
        elif kind == FINALIZE:
            self._utterances.append(bytearray())

    def work(self) -> bool:
        audio = self._utterances[0]
        finalized = len(self._utterances) > 1
        if len(audio) >= _STEP_BYTES or (audio and finalized):
            self._hear(bytes(audio[:_STEP_BYTES]))
            del audio[:_STEP_BYTES]
        elif finalized:
            self._utterances.popleft()
            self._interim = ""
            self._send(FINAL, self._decoder.finish().encode())
        else:
            return False
        return True

    def _hear(self, audio: bytes) -> None:
        self._decoder.feed(audio)
        self._since_interim += len(audio)
        if self._since_interim >= _INTERIM_EVERY_BYTES and self._decoder.listening:
            self._since_interim = 0
            self._report()

    def _report(self) -> None:
        text = self._decoder.interim()
        if text and text != self._interim:
            self._interim = text
            self._send(INTERIM, text.encode())


if __name__ == "__main__":
    serve(Ear)
