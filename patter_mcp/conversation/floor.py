"""The ears of a conversation: voice and words go in, and the turn-taker's decisions come out, at once.

Nothing is queued: whatever is heard is judged in the call that brings it.
"""

from __future__ import annotations

from collections.abc import Callable

import anyio
from anyio.abc import TaskGroup

from patter_mcp.audio.frame import FRAME_MS, silence
from patter_mcp.config import TurnSettings
from patter_mcp.conversation.activity import STOP_PROBABILITY, Change, SpeechActivity
from patter_mcp.conversation.echo import Echo
from patter_mcp.conversation.frame_filter import FrameFilter
from patter_mcp.conversation.speech_text import asks_if_there
from patter_mcp.conversation.track import Track
from patter_mcp.conversation.turns import Commit, Decision, Decisions, Finalize, Hurry, TurnTaker, Yield
from patter_mcp.conversation.voice_level import HUSH_MS, VoiceLevel
from patter_mcp.errors import ProviderError
from patter_mcp.hooks import HookRunner
from patter_mcp.stt.base import (
    EagerEndOfTurn,
    Final,
    Interim,
    Reconnected,
    SpeechStarted,
    SpeechToText,
    SttEvent,
    SttStream,
    TurnResumed,
)
from patter_mcp.vad.base import VadStream, VoiceActivity, VoiceDetector

LAST_WORDS_SEC = 1.5
"""Recognisers take up to a second to settle what they heard."""


class Floor:
    """One call's.

    Args:
        settings: How long is long.
        language: BCP-47; what is spoken.
        stt: The recogniser, for what its signals rest on.
        stream: This call's stream of it.
        detector: The process's voice detector.
        hooks: This call's.
        tasks: Owns what runs on.
        decided: Called with each decision, in the event loop.
        reconnected: Called when the recogniser lost its connection and found it again.
        failed: Called when the recogniser is gone for good.
    """

    def __init__(
        self,
        settings: TurnSettings,
        language: str,
        stt: SpeechToText,
        stream: SttStream,
        detector: VoiceDetector,
        hooks: HookRunner,
        tasks: TaskGroup,
        *,
        decided: Callable[[Decision], None],
        reconnected: Callable[[Reconnected], None],
        failed: Callable[[ProviderError], None],
    ) -> None:
        self._stt = stream
        self._filter = FrameFilter(hooks, stream.feed) if hooks.has_before_send_to_stt else None
        self._hear_frame = stream.feed if self._filter is None else self._filter.hear
        self._tasks = tasks
        self._decided = decided
        self._reconnected = reconnected
        self._failed = failed
        self._activity = SpeechActivity()
        self._level = VoiceLevel()
        self._faint = False
        self._echo = Echo(language)
        self._saying: Track | None = None
        self._turns = TurnTaker(settings, stt.end_of_turn, anyio.current_time(), language)
        self._vad: VadStream = detector.open(self._voice)
        self._armed_for: float | None = None
        self._rearmed = anyio.Event()
        self.closed_to_user = False
        """What sounds on the line is nobody's turn: a voicemail is recording us, or the conversation is over."""

    def open(self) -> None:
        """From now on there are decisions."""
        self._tasks.start_soon(self._hear_words)
        if self._filter is not None:
            self._tasks.start_soon(self._filter.run)
        self._tasks.start_soon(self._keep_time)

    def close(self) -> None:
        """Frames still come; nothing follows from them any more."""
        self.closed_to_user = True
        self._vad.close()

    def heard(self, frame: bytes) -> None:
        """The user's audio, mono μ-law at 8 kHz, once per 20 ms."""
        self._hear_frame(frame)
        self._level.hear(frame, is_user=self._is_users_turn)
        self._vad.feed(frame)
        if self._level.has_hushed and self._is_users_turn:
            # The detector will say so too, but later: it waits for what is left of a word.
            self._decide(self._turns.voice_paused(anyio.current_time() - HUSH_MS / 1000))

    def finalize(self) -> None:
        self._stt.finalize()

    @property
    def last_voice_at(self) -> float:
        return self._turns.last_voice_at

    def agent_started(self, saying: Track, *, heeds_all: bool = False) -> None:
        """See `TurnTaker.agent_started`."""
        self._saying = saying
        self._echo.began(saying)
        self._turns.agent_started(anyio.current_time(), heeds_all=heeds_all)

    def agent_finished(self, *, goodbye: bool = False) -> None:
        """See `TurnTaker.agent_finished`."""
        now = anyio.current_time()
        self._echo.ended(now)
        self._turns.agent_finished(now, goodbye=goodbye)
        self._decide([])

    async def last_words(self) -> str:
        """What the user was saying when the line went, "" if nothing. It is still that time: silence is heard on."""
        said: list[str] = []

        def keep(decision: Decision) -> None:
            if isinstance(decision, Commit):
                said.append(decision.text)
            elif isinstance(decision, Finalize):
                self.finalize()

        self._decided = keep
        self.agent_finished()
        with anyio.move_on_after(LAST_WORDS_SEC):
            while self._turns.unfinished and not said and not self.closed_to_user:
                self.heard(silence(FRAME_MS))
                await anyio.sleep(FRAME_MS / 1000)
        return " ".join(said)

    @property
    def _is_users_turn(self) -> bool:
        """Somebody speaks, and it is neither over us nor to a machine."""
        return self._activity.speaking and not self._turns.agent_active and not self.closed_to_user

    def _voice(self, activity: VoiceActivity) -> None:
        change = self._change(activity)
        if change is None or self.closed_to_user:
            return
        now = anyio.current_time()
        if change is Change.STARTED:
            onset_at = now - (activity.at_ms - self._activity.onset_ms) / 1000
            self._decide(self._turns.voice_started(now, onset_at, faint=self._faint))
            return
        last_voice_at = now - (activity.at_ms - self._activity.last_voice_ms) / 1000
        if change is Change.PAUSED:
            self._decide(self._turns.voice_paused(last_voice_at))
        else:
            self._decide(self._turns.voice_stopped(now, last_voice_at))

    def _change(self, activity: VoiceActivity) -> Change | None:
        """A voice that is faint no longer starts once more."""
        change = self._activity.hear(activity.probability, activity.at_ms, activity.window_ms)
        was_faint, self._faint = self._faint, self._level.is_faint
        rose = self._activity.speaking and activity.probability >= STOP_PROBABILITY and was_faint and not self._faint
        return Change.STARTED if change is None and rose else change

    async def _hear_words(self) -> None:
        try:
            async for event in self._stt:
                self._word(event)
        except ProviderError as error:
            self._failed(error)

    def _word(self, event: SttEvent) -> None:
        if isinstance(event, Reconnected):
            self._reconnected(event)
        elif not self.closed_to_user:
            self._decide(self._decisions_on(event, anyio.current_time()))

    def _decisions_on(self, event: SttEvent, now: float) -> Decisions:
        match event:
            case Interim(text=text):
                ignored = self._prods(text) or self._echo.may_be_ours(text, now)
                return [] if ignored else self._turns.interim(text, now)
            case Final(text=text, end_of_turn=end_of_turn):
                if self._prods(text):
                    return [Hurry(), *self._turns.final("", end_of_turn, now)]
                return self._turns.final("" if self._echo.is_ours(text, now) else text, end_of_turn, now)
            case EagerEndOfTurn(text=text):
                return [] if self._echo.is_ours(text, now) else self._turns.eager_end(text, now)
            case TurnResumed():
                return self._turns.resumed(now)
            case SpeechStarted() | Reconnected():
                # Our own detector is faster, and vendors' fire on noise.
                return []

    def _prods(self, text: str) -> bool:
        """A "hello?" while we think is no turn: to begin again because of it would take even longer."""
        thinking = self._turns.agent_active and self._saying is not None and self._saying.is_waiting
        return thinking and asks_if_there(text)

    async def _keep_time(self) -> None:
        """Wakes the turn-taker when something falls due."""
        while True:
            self._armed_for = self._turns.next_deadline
            self._rearmed = anyio.Event()
            patience = None if self._armed_for is None else max(0.0, self._armed_for - anyio.current_time())
            with anyio.move_on_after(patience):
                await self._rearmed.wait()
            self._decide(self._turns.tick(anyio.current_time()))

    def _decide(self, decisions: Decisions) -> None:
        for decision in decisions:
            if isinstance(decision, Yield):
                self._echo.ended(anyio.current_time())
            self._decided(decision)
        deadline = self._turns.next_deadline
        if deadline is not None and (self._armed_for is None or deadline < self._armed_for):
            self._rearmed.set()
