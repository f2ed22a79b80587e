"""Who has the floor. No I/O and no clock: events and their instants go in, decisions come out.

Three sources speak to it: our own voice detector (fast, wordless), the transcript (slow, with words) and
the recogniser's end-of-turn signal where it has one. The reply to a turn may be begun before the turn is
certainly over (`Speculate`); it is released by `Commit` or thrown away by `Drop`.

A user who talks over us gets the floor at once (`TakeFloor`); once words show that it was meant, we have lost it
(`Yield`), and when it was a cough or an "mm-hm" we go on where we stopped (`GiveBack`). By its sound alone an
"mm-hm" cannot be told from a word in time: of the features of its first 0.2 s (share above 1 kHz, evenness, the
detector's certainty) the best rule that delays one real interruption in twenty finds two hums in five, and "yeah"
is a word anyway. So what is too faint to be the user (the room, our own echo) takes the floor by its words only,
and after each false stop the next one has to last longer, until an interruption was meant.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal

from patter_mcp.config import TurnSettings
from patter_mcp.conversation.patience import GiveUp, Leave, Patience, Reprompt
from patter_mcp.conversation.speech_text import (
    is_backchannel,
    same_words,
    sounds_unfinished,
    words,
)


@dataclass(frozen=True, slots=True)
class Speculate:
    """Begin a reply to this text, to be held back."""

    text: str


@dataclass(frozen=True, slots=True)
class Drop:
    """The reply begun is worthless."""


@dataclass(frozen=True, slots=True)
class Commit:
    """The user's turn is over. `speculated`: the reply begun last is the one."""

    text: str
    speculated: bool


@dataclass(frozen=True, slots=True)
class Finalize:
    """Ask the recogniser to settle what it heard."""


@dataclass(frozen=True, slots=True)
class TakeFloor:
    """Fall silent at once, but keep what was to be said."""


@dataclass(frozen=True, slots=True)
class Yield:
    """What was to be said is void."""


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Go on where we fell silent."""


@dataclass(frozen=True, slots=True)
class Hurry:
    """The user asks into our silence whether we are there."""


FALSE_STOP_MS = 500
"""Speech that takes the floor after it was taken in vain: every cough tried is over by then, three hums in four and
half of the yeses are. After a second time only words take it."""
SIGNAL_LAG_SEC = 0.7
"""An end of turn told so soon after the user has gone on is that of what was said before."""
LONGEST_CUT_SEC = 15.0
"""How long we are silent for a sound that neither ends nor comes to words: nobody talks so long in one breath."""
SURE_OF_BACKCHANNEL_MS = 250
"""Silence after an "mm-hm" that has been recognised; then it was no beginning of more. Detectors hold a voice for some
100 ms, so it is a third of a second: of 32 synthetic "yes"es half silence us for 0.64 s (with 400 for 0.76)."""
SOONEST_VERDICT_MS = 350
"""Silence after a sound without words, at least, however fast the recogniser is: hums silence us 0.14 s less than with
500. To go on at once after any brief sound would save no more, and talk over two in three short words."""

Decision = Speculate | Drop | Commit | Finalize | TakeFloor | Yield | GiveBack | Hurry | Reprompt | GiveUp | Leave
Decisions = list[Decision]


class _Timer(Enum):
    FINALIZE = auto()
    COMMIT = auto()
    BARGE_IN = auto()
    VERDICT = auto()
    SILENCE = auto()
    TURN_LIMIT = auto()


class TurnTaker:
    """One call's. Instants are monotonic seconds and must not run backwards.

    Args:
        settings: How long is long.
        end_of_turn: What the recogniser's own signal rests on; see `SpeechToText.end_of_turn`.
        now: When the call was answered.
        language: What is spoken, BCP-47.
    """

    def __init__(
        self,
        settings: TurnSettings,
        end_of_turn: Literal["none", "silence", "semantic"],
        now: float,
        language: str = "en",
    ) -> None:
        self._settings = settings
        self._language = language
        self._signal = end_of_turn
        self._due: dict[_Timer, float] = {}
        self._speaking = False
        self._last_voice_at = now
        self._went_on_at = -math.inf
        """When the user last spoke again after a pause that might have been the end."""
        self._last_word_at = now
        self._settled = ""
        self._interim = ""
        self._aside = ""
        """A backchannel over our speech: an answer after all, if we were just about to finish."""
        self._aside_at = now
        self._signalled = False
        """The recogniser has said that the turn is over."""
        self._agent_active = False
        """A reply is being made, spoken, or lies cut off and may be taken up again."""
        self._heeds_all = False
        self._cut = False
        self._cut_at = now
        self._false_stops = 0
        """How often the floor was taken in vain, of late."""
        self._slowest_words_sec: float | None = None
        """The longest that words have taken to come after the voice."""
        self._speculated: str | None = None
        self._speculations = 0
        self._patience = Patience(settings)
        self._expect_speech(now)

    @property
    def next_deadline(self) -> float | None:
        """When `tick` is due; it moves with every event."""
        return min(self._due.values(), default=None)

    @property
    def last_voice_at(self) -> float:
        return self._last_voice_at

    @property
    def unfinished(self) -> bool:
        """The user's turn has begun and not been committed."""
        return self._speaking or _Timer.COMMIT in self._due

    @property
    def agent_active(self) -> bool:
        """A reply is being made, spoken, or lies cut off and may be taken up again."""
        return self._agent_active

    def voice_started(self, now: float, onset_at: float, *, faint: bool = False) -> Decisions:
        """Also when it goes on after a pause.

        Args:
            faint: It is much softer than the user usually is; said again without once it no longer is.
        """
        if _Timer.COMMIT in self._due:
            self._went_on_at = now
        self._speaking = True
        self._last_voice_at = now
        self._signalled = False
        self._stop(_Timer.FINALIZE, _Timer.COMMIT, _Timer.SILENCE, _Timer.VERDICT)
        if not self._agent_active:
            self._limit_turn(now)
        elif self._cut:
            self._set(_Timer.VERDICT, max(now, self._cut_at + LONGEST_CUT_SEC))
        elif not faint and (confirm_ms := self._confirm_ms()) is not None:
            self._set(_Timer.BARGE_IN, max(now, onset_at + confirm_ms / 1000))
            return self.tick(now)
        return []

    def voice_paused(self, now: float) -> Decisions:
        """First silence: the likeliest moment for the end of a turn, and no time to fall silent ourselves."""
        self._last_voice_at = now
        self._stop(_Timer.BARGE_IN)
        return self._speculate()

    def voice_stopped(self, now: float, last_voice_at: float) -> Decisions:
        self._speaking = False
        self._last_voice_at = last_voice_at
        self._stop(_Timer.BARGE_IN)
        if self._signal != "semantic":
            self._set(_Timer.FINALIZE, last_voice_at + self._settings.finalize_ms / 1000)
        self._await_end(now)
        if self._cut:
            self._await_verdict(now)
        return [*self._speculate(), *self.tick(now)]

    def interim(self, text: str, now: float) -> Decisions:
        self._interim = text
        self._last_word_at = now
        decisions = self._drop_stale()
        if self._agent_active:
            decisions += self._words_over_us(now)
            if self._cut and not self._speaking:
                self._await_verdict(now)
        if not self._speaking and not self._agent_active and self._text:
            self._await_end(now)
            decisions += self._speculate()
        return decisions

    def final(self, text: str, end_of_turn: bool, now: float) -> Decisions:
        self._settled = _join(self._settled, text)
        self._interim = ""
        self._last_word_at = now
        has_gone_on = self._speaking and now - self._went_on_at < SIGNAL_LAG_SEC
        self._signalled = self._signalled or (end_of_turn and not has_gone_on)
        if text and not self._speaking:
            self._slowest_words_sec = max(self._slowest_words_sec or 0.0, now - self._last_voice_at)
        decisions = self._drop_stale()
        if self._agent_active:
            decisions += self._words_over_us(now)
            if not self._cut and self._agent_active:
                self._set_aside()
                return decisions
        if not self._speaking:
            self._stop(_Timer.FINALIZE)
            self._await_end(now)
            decisions += self._speculate()
            if self._cut:
                self._await_verdict(now)
        return [*decisions, *self.tick(now)]

    def eager_end(self, text: str, now: float) -> Decisions:
        self._interim, self._settled = text, ""
        return [*self._drop_stale(), *self._speculate()]

    def resumed(self, now: float) -> Decisions:
        return self._drop()

    def agent_started(self, now: float, *, heeds_all: bool = False) -> None:
        """
        Args:
            heeds_all: A mere "yes" ends what we say too: it is all we have been waiting for.
        """
        self._agent_active = True
        self._heeds_all = heeds_all
        self._stop(_Timer.SILENCE, _Timer.TURN_LIMIT)

    def agent_finished(self, now: float, *, goodbye: bool = False) -> None:
        """
        Args:
            goodbye: It was our last word, unless the user has another one.
        """
        self._agent_active = self._cut = False
        if goodbye:
            self._patience.said_goodbye()
        self._stop(_Timer.BARGE_IN, _Timer.VERDICT)
        self._expect_speech(now)
        if self._aside and now - self._aside_at <= self._settings.answer_overlap_ms / 1000:
            self._settled, self._aside = self._aside, ""
            self._set(_Timer.COMMIT, now)

    def tick(self, now: float) -> Decisions:
        """What has fallen due by `now`."""
        decisions: Decisions = []
        while due := [timer for timer, at in self._due.items() if at <= now]:
            timer = min(due, key=self._due.__getitem__)
            del self._due[timer]
            decisions += self._handlers[timer](self, now)
        return decisions

    @property
    def _text(self) -> str:
        return _join(self._settled, self._interim)

    def _set(self, timer: _Timer, at: float) -> None:
        self._due[timer] = at

    def _stop(self, *timers: _Timer) -> None:
        for timer in timers:
            self._due.pop(timer, None)

    def _limit_turn(self, now: float) -> None:
        """From the first sound to the answer; sounds that come to no words do not begin it anew."""
        self._due.setdefault(_Timer.TURN_LIMIT, now + self._settings.user_turn_sec)

    def _confirm_ms(self) -> float | None:
        """Speech over ours that takes the floor without words; None: none does."""
        if self._false_stops == 0:
            return self._settings.barge_in_ms
        return max(FALSE_STOP_MS, self._settings.barge_in_ms) if self._false_stops == 1 else None

    def _await_verdict(self, now: float) -> None:
        """Sets the instant until which words may show that the floor was taken in earnest."""
        patience_ms = self._settings.verdict_ms
        if self._slowest_words_sec is not None:
            patience_ms = min(patience_ms, max(SOONEST_VERDICT_MS, 1250 * self._slowest_words_sec))
        if is_backchannel(self._text):
            patience_ms = min(patience_ms, SURE_OF_BACKCHANNEL_MS)
        self._set(_Timer.VERDICT, max(now, self._last_voice_at + patience_ms / 1000))

    def _await_end(self, now: float) -> None:
        """Sets the instant at which silence, or the recogniser's signal, ends the turn."""
        quiet_since = self._last_voice_at
        if self._signal != "none" and not self._signalled:
            # Words that still come in say more than a detector that may have missed a quiet voice.
            quiet_since = max(quiet_since, self._last_word_at)
        self._set(_Timer.COMMIT, max(now, quiet_since + self._silence_ms() / 1000))

    def _silence_ms(self) -> float:
        settings = self._settings
        if self._signalled and self._signal == "semantic":
            return 0
        if self._is_unfinished:
            return max(settings.unfinished_ms, settings.endpointing_ms)
        if self._signalled:
            return 0
        if self._signal == "none" and not self._interim:
            return settings.endpointing_ms
        return max(settings.patience_ms, settings.endpointing_ms)

    @property
    def _is_unfinished(self) -> bool:
        return sounds_unfinished(self._text, self._language)

    def _speculate(self) -> Decisions:
        text = self._text
        if not self._settings.eager or not text or self._speculated is not None or self._is_unfinished:
            return []
        if self._agent_active or self._speculations >= self._settings.speculations_per_turn:
            return []
        self._speculated = text
        self._speculations += 1
        return [Speculate(text)]

    def _drop(self) -> Decisions:
        if self._speculated is None:
            return []
        self._speculated = None
        return [Drop()]

    def _drop_stale(self) -> Decisions:
        if self._speculated is None or same_words(self._speculated, self._text):
            return []
        return self._drop()

    def _words_over_us(self, now: float) -> Decisions:
        """Words that are more than a backchannel take the floor, and keep it."""
        text = self._text
        if not words(text) or (is_backchannel(text) and not self._heeds_all):
            return []
        taken: Decisions = [] if self._cut else [TakeFloor()]
        self._agent_active = self._cut = False
        self._false_stops = 0
        self._stop(_Timer.BARGE_IN, _Timer.VERDICT)
        self._limit_turn(now)
        return [*taken, Yield()]

    def _commit(self, now: float) -> Decisions:
        text = self._text
        if self._agent_active:
            # Words that mean something would have ended the reply already.
            self._set_aside()
            self._forget_turn()
            return self._give_back() if self._cut else []
        if not text:
            self._forget_turn()
            self._expect_speech(now)
            return []
        speculated = self._speculated is not None and same_words(self._speculated, text)
        dropped = [] if speculated else self._drop()
        self._forget_turn()
        self._patience.answered(text)
        self._agent_active = True
        self._false_stops //= 2
        self._aside = ""
        self._stop(_Timer.SILENCE, _Timer.TURN_LIMIT)
        return [*dropped, Commit(text, speculated)]

    def _forget_turn(self) -> None:
        self._settled = self._interim = ""
        self._signalled = False
        self._speculated = None
        self._speculations = 0
        self._stop(_Timer.COMMIT, _Timer.FINALIZE)

    def _set_aside(self) -> None:
        if self._text:
            self._aside, self._aside_at = self._text, self._last_word_at
        self._settled = self._interim = ""

    def _give_back(self) -> Decisions:
        self._cut = False
        self._false_stops += 1
        self._stop(_Timer.VERDICT)
        return [GiveBack()]

    def _expect_speech(self, now: float) -> None:
        self._set(_Timer.SILENCE, now + self._patience.limit_sec)

    def _on_finalize(self, now: float) -> Decisions:
        return [Finalize()]

    def _on_barge_in(self, now: float) -> Decisions:
        if not self._agent_active or self._cut:
            return []
        self._cut, self._cut_at = True, now
        self._set(_Timer.VERDICT, now + LONGEST_CUT_SEC)
        return [TakeFloor()]

    def _on_verdict(self, now: float) -> Decisions:
        self._set_aside()
        self._forget_turn()
        return self._give_back()

    def _on_silence(self, now: float) -> Decisions:
        decision = self._patience.run_out()
        if isinstance(decision, Reprompt):
            self._expect_speech(now)
        return [decision]

    def _on_turn_limit(self, now: float) -> Decisions:
        """Endless talk is answered; endless sound without a word counts as silence."""
        return self._commit(now) if self._text else self._on_silence(now)

    _handlers: dict[_Timer, Callable[[TurnTaker, float], Decisions]] = {
        _Timer.FINALIZE: _on_finalize,
        _Timer.COMMIT: _commit,
        _Timer.BARGE_IN: _on_barge_in,
        _Timer.VERDICT: _on_verdict,
        _Timer.SILENCE: _on_silence,
        _Timer.TURN_LIMIT: _on_turn_limit,
    }


def _join(*parts: str) -> str:
    return " ".join(part for part in parts if part)
