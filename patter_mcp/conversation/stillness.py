"""The line is still: who is waited for, how long that may last, and what is said into it."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import anyio

from patter_mcp.conversation.agent import Agent
from patter_mcp.conversation.bridging import FILLER_AFTER_SEC
from patter_mcp.conversation.engine import Parting
from patter_mcp.conversation.opening import Opening
from patter_mcp.conversation.patience import GiveUp, Leave, Patience, Reprompt
from patter_mcp.conversation.tool_rounds import ToolRounds
from patter_mcp.conversation.voice import Voice
from patter_mcp.types import EndReason

ANSWER_LIMIT_SEC = 10.0
"""How long the model may leave us waiting; nobody stays on the line for longer."""
DRY_SEC = 1.0
"""A model that stops for so long in the middle of its speech, which it makes faster than it is heard, has lost it."""
RENEW_AFTER_SEC = 4.0
"""A model that has not begun by then gets a new connection."""
TOLD_SEC = 5.0
"""How long somebody waits for a tool who has been told that it takes a moment."""


class Stillness:
    """One call's. `run` in a task.

    Args:
        is_user_speaking: As the model hears it, which may take music for speech.
        renew: Wants a new connection to the model.
        gave_up: Told when the model did not answer for too long.
        leave: Hangs up once everything has been said.
    """

    def __init__(
        self,
        agent: Agent,
        voice: Voice,
        opening: Opening,
        rounds: ToolRounds,
        *,
        is_user_speaking: Callable[[], bool],
        renew: Callable[[], None],
        gave_up: Callable[[], None],
        leave: Callable[[], None],
    ) -> None:
        self._agent = agent
        self._voice = voice
        self._opening = opening
        self._rounds = rounds
        self._is_user_speaking = is_user_speaking
        self._renew = renew
        self._gave_up = gave_up
        self._leave = leave
        self._patience = Patience(agent.turns)
        self._fillers = itertools.cycle([agent.phrases.one_moment, agent.phrases.bear_with_me])
        self._stirred = anyio.Event()
        self._sounding = False
        self.stir()

    def stir(self, last_sound_at: float | None = None) -> None:
        """Something has happened on the line; the user waits for us since `last_sound_at`."""
        self._still_since = last_sound_at or anyio.current_time()
        self._waiting_since = last_sound_at
        self._renewed = False
        self._stirred.set()

    def look(self) -> None:
        """There is something to wait for."""
        if self._waiting_since is None:
            self._still_since = anyio.current_time()
        self._stirred.set()

    def said_goodbye(self) -> None:
        """Unless something is added to it, the call is over soon."""
        self._patience.said_goodbye()
        self.stir()

    def answered(self, text: str) -> None:
        """The user has said something."""
        self._patience.answered(text)
        self._stirred.set()

    async def run(self) -> None:
        while True:
            self._stirred = anyio.Event()
            with anyio.move_on_after(self._limit_sec()) as patience:
                await self._stirred.wait()
            if patience.cancelled_caught:
                self._break()

    def _limit_sec(self) -> float:
        """From now on."""
        self._sounding = self._voice.mouth.left_ms > 0
        if self._sounding:
            return self._voice.mouth.left_ms / 1000
        if not self._is_awaited:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = self._still_since
        return max(0.0, self._still_since + self._bearable_sec() - anyio.current_time())

    def _bearable_sec(self) -> float:
        """Endless sound without a pause counts as silence, in the end."""
        turns = self._agent.turns
        if self._is_user_speaking():
            return turns.user_turn_sec
        if self._is_awaited:
            return self._bearable_wait_sec()
        return turns.beep_wait_sec if self._opening.awaits_beep else self._patience.limit_sec

    def _bearable_wait_sec(self) -> float:
        if (reassurance := self._rounds.reassurance) is not None:
            return min(FILLER_AFTER_SEC, reassurance.due_at - self._still_since)
        if self._voice.dry_since is not None:
            return DRY_SEC
        return TOLD_SEC if self._rounds.running and self._rounds.told else FILLER_AFTER_SEC

    @property
    def _is_awaited(self) -> bool:
        """The user waits for us."""
        voice = self._voice
        return bool(voice.mouth.turns or self._rounds.running or (voice.answer_due and not voice.hushed))

    def _break(self) -> None:
        self._still_since = anyio.current_time()
        if self._sounding or self._voice.mouth.left_ms > 0:
            if not self._voice.only_bridged:
                self._waiting_since = None
        elif self._is_awaited and not self._is_user_speaking():
            self._hold_on()
        elif self._opening.awaits_beep:
            self._opening.beep_missed()
        elif self._opening.is_voicemail:
            self._leave()
        else:
            self._end_silence()

    def _end_silence(self) -> None:
        match self._patience.run_out():
            case Leave():
                self._leave()
            case GiveUp():
                silence = Parting(reason=EndReason.SILENCE, ended_by="agent")
                self._voice.say_last(self._agent.phrases.nobody_there, silence)
            case Reprompt():
                self._voice.say(self._agent.phrases.are_you_there)

    def _hold_on(self) -> None:
        """The user waits in silence."""
        if self._voice.is_owed and not self._rounds.running:
            waited_sec = self._still_since - (self._waiting_since or self._still_since)
            if waited_sec >= ANSWER_LIMIT_SEC:
                self._gave_up()
                return
            self._prod(waited_sec)
        if not self._opening.recording:
            self._voice.bridge(self._rounds.tell() or next(self._fillers))

    def _prod(self, waited_sec: float) -> None:
        """The model does not so much as fail."""
        if self._voice.is_unasked:
            self._voice.answer()
        elif not self._renewed and (waited_sec >= RENEW_AFTER_SEC or self._is_dry):
            self._renewed = True
            self._renew()

    @property
    def _is_dry(self) -> bool:
        since = self._voice.dry_since
        return since is not None and self._still_since - since >= DRY_SEC
