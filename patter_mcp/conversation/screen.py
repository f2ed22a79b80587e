"""Between a speech-to-speech model and the user's ear, for agents with guardrails or a hook on their audio.

Such a model speaks before anybody has read its words. Its transcript comes no later than the sound, so the sound
is held until the sentence it belongs to has been judged: the first word of a reply waits until the transcript has
the end of its first clause, usually 100 to 300 ms. Agents without guardrails do not pay for this.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

from patter_mcp.conversation.recording import Recording
from patter_mcp.conversation.sentences import SentenceCutter
from patter_mcp.conversation.track import AudioFilter
from patter_mcp.guardrails.base import Verdict
from patter_mcp.guardrails.speech import SpeechGuard
from patter_mcp.mailbox import Mailbox

Judge = Callable[[str, str], Awaitable[Verdict]]
"""A sentence, and what was said before it."""


def judge_of(guard: SpeechGuard) -> Judge:
    """Each sentence by itself, and with what was said before it."""

    async def judge(sentence: str, before: str) -> Verdict:
        verdict = await guard.check_sentence(sentence)
        if verdict.blocked or not before:
            return verdict
        return await guard.check_response(f"{before} {sentence}")

    return judge


class Screen:
    """One response's. `run` in a task; what it lets through lands in the recording."""

    def __init__(self, recording: Recording, judge: Judge | None, audio_filter: AudioFilter | None) -> None:
        self._recording = recording
        self._judge = judge
        self._filter = audio_filter
        self._inbox = Mailbox[str | bytes]()
        self._cutter = SentenceCutter()
        self._passed = 0
        """Sentences let through."""
        self._held: deque[tuple[int, bytes]] = deque()
        """Audio, and how many sentences must have been let through before it."""

    def write(self, text: str) -> None:
        self._inbox.put(text)

    def add(self, audio: bytes) -> None:
        self._inbox.put(audio)

    def complete(self) -> None:
        self._inbox.end()

    async def run(self) -> Verdict | None:
        """Lets through what may be heard; the verdict that stopped it, or None."""
        verdict = await self._run()
        self._recording.complete()
        return verdict

    async def _run(self) -> Verdict | None:
        async for piece in self._inbox:
            if isinstance(piece, bytes):
                self._held.append((self._passed + self._cutter.pending, piece))
                await self._release()
            elif self._judge is None:
                self._recording.write(piece)
            elif verdict := await self._pass(self._judge, self._cutter.feed(piece)):
                return verdict
        return None if self._judge is None else await self._pass(self._judge, [self._cutter.rest()])

    async def _pass(self, judge: Judge, sentences: list[str]) -> Verdict | None:
        for sentence in filter(None, sentences):
            before = self._recording.text
            verdict = await judge(sentence, before)
            if verdict.blocked:
                return verdict
            self._recording.write(f" {sentence}" if before else sentence)
            self._passed += 1
        await self._release()
        return None

    async def _release(self) -> None:
        while self._held and self._held[0][0] <= self._passed:
            _, audio = self._held.popleft()
            if self._filter is not None:
                audio = await self._filter(audio, self._recording.text) or b""
            self._recording.add(audio)
