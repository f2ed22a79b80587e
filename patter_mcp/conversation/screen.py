"""Between a speech-to-speech model and the user's ear, for agents with guardrails or a hook on their audio.

Such a model speaks before anybody has read its words. Its sound is held until the words it belongs to have been
judged: the first word of a reply waits until the transcript, which comes before the sound as a rule, has its first
clause or `FIRST_WORDS_CHARS`. From a model that makes speech five times as fast as it is heard, telling its words
along with it, that takes 24 ms for "At three." and 600 ms at most. Agents without guardrails do not pay for this.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.conversation.recording import Recording
from patter_mcp.conversation.sentences import SentenceCutter
from patter_mcp.conversation.track import AudioFilter
from patter_mcp.guardrails.base import Verdict
from patter_mcp.guardrails.speech import SpeechGuard
from patter_mcp.mailbox import Mailbox

Judge = Callable[[str, str], Awaitable[Verdict]]
"""A sentence, and what was said before it."""

FIRST_WORDS_CHARS = 48
"""A first sentence without a clause is judged in two when it has grown to this length: somebody is waiting."""
SLOWEST_MS_PER_CHAR = 150.0
"""Audio that goes on for longer than its words can take says more than the transcript has told so far; half the speed
of slow speech."""


def judge_of(guard: SpeechGuard) -> Judge:
    """Each sentence by itself, and with what was said before it."""

    async def judge(sentence: str, before: str) -> Verdict:
        verdict = await guard.check_sentence(sentence)
        if verdict.blocked or not before:
            return verdict
        return await guard.check_response(f"{before} {sentence}")

    return judge


class Screen:
    """One response's. `run` in a task; what it lets through lands in the recording.

    Args:
        recording: Where it lands.
        judge: None: its words are not judged.
        audio_filter: Looks at its audio.
        language: BCP-47; what is spoken.
    """

    def __init__(
        self, recording: Recording, judge: Judge | None, audio_filter: AudioFilter | None, *, language: str = "en"
    ) -> None:
        self._recording = recording
        self._judge = judge
        self._filter = audio_filter
        self._inbox = Mailbox[str | bytes]()
        self._cutter = SentenceCutter(language)
        self._is_told = False
        """There is a transcript; sound without one is not let through."""
        self._passed = 0
        """Sentences let through."""
        self._passed_chars = 0
        self._released_ms = 0.0
        self._held: deque[tuple[int, bytes]] = deque()
        """Audio, and how many sentences must have been let through before it."""

    def write(self, text: str) -> None:
        self._is_told = True
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
            elif verdict := await self._pass(self._judge, self._judgeable(piece)):
                return verdict
        verdict = None if self._judge is None else await self._pass(self._judge, [self._cutter.rest()])
        if verdict is None and (self._judge is None or self._is_told):
            await self._release(all_told=True)
        return verdict

    def _judgeable(self, text: str) -> list[str]:
        return self._cutter.feed(text) or [self._cutter.whole_words(FIRST_WORDS_CHARS)]

    async def _pass(self, judge: Judge, sentences: list[str]) -> Verdict | None:
        for sentence in filter(None, sentences):
            before = self._recording.text
            verdict = await judge(sentence, before)
            if verdict.blocked:
                return verdict
            self._recording.write(sentence if not before or before[-1].isspace() else f" {sentence}")
            self._passed += 1
            self._passed_chars += len(sentence)
        await self._release()
        return None

    async def _release(self, *, all_told: bool = False) -> None:
        while self._held and (all_told or self._is_judged(*self._held[0])):
            _, audio = self._held.popleft()
            self._released_ms += len(audio) / BYTES_PER_MS
            if self._filter is not None:
                audio = await self._filter(audio, self._recording.text) or b""
            self._recording.add(audio)

    def _is_judged(self, sentences: int, audio: bytes) -> bool:
        """The transcript does not always come first: of more sound than its words can take, something is unknown."""
        if self._judge is None:
            return True
        end_ms = self._released_ms + len(audio) / BYTES_PER_MS
        return sentences <= self._passed and end_ms <= self._passed_chars * SLOWEST_MS_PER_CHAR
