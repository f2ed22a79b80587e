"""A conversation held with separate ears, mind and voice: listen, think, speak.

Everything that happens on the line arrives here as a plain call in the event loop (a frame, a verdict on
it, a word, a key), goes through the turn-taker and comes back as decisions, which are carried out at once:
nothing is queued between the user's silence and our first word.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable

import anyio
from anyio.abc import TaskGroup

from patter_mcp import events as ev
from patter_mcp.conversation.agent import Agent
from patter_mcp.conversation.agent_turn import AgentTurn, Books
from patter_mcp.conversation.answering import GREETING_LOST_MS, Pickup
from patter_mcp.conversation.bridging import FILLER_AFTER_SEC
from patter_mcp.conversation.engine import Journal, Parting
from patter_mcp.conversation.floor import Floor
from patter_mcp.conversation.history import History
from patter_mcp.conversation.leg import CallLeg
from patter_mcp.conversation.rehearsal import Rehearsal
from patter_mcp.conversation.reply import Mind, Reply
from patter_mcp.conversation.speech_text import is_farewell
from patter_mcp.conversation.trouble import trouble
from patter_mcp.conversation.turn_maker import TurnMaker
from patter_mcp.conversation.turns import (
    Commit,
    Decision,
    Drop,
    Finalize,
    GiveBack,
    GiveUp,
    Hurry,
    Leave,
    Reprompt,
    Speculate,
    TakeFloor,
    Yield,
)
from patter_mcp.conversation.verdict import HUNG_UP, state_outcome
from patter_mcp.conversation.voicing import voice
from patter_mcp.errors import ProviderError
from patter_mcp.hooks import DROP
from patter_mcp.stt.base import Reconnected, SttStream, hears
from patter_mcp.tts.base import TtsStream
from patter_mcp.types import EndReason, GoalMet
from patter_mcp.vad.base import VoiceDetector

logger = logging.getLogger(__name__)

EARS_CHECK_SEC = 0.4
"""How often we look whether the recogniser can still be reached: seldom, because every call does."""
PROMPT_SEC = 1.0
"""Even after an end of turn that was late in coming, the model is given a moment before the wait counts as long."""


class PipelineConversation:
    """One call's. Built by `pipeline.PipelineEngine`, which owns the streams and the task group.

    Args:
        lose: Told when it has become pointless before anybody answered.
    """

    def __init__(
        self,
        *,
        agent: Agent,
        first_message: str,
        history: History,
        stt: SttStream,
        tts: TtsStream,
        detector: VoiceDetector,
        journal: Journal,
        tasks: TaskGroup,
        make_mind: Callable[[PipelineConversation], Mind],
        rehearsal: Rehearsal,
        lose: Callable[[ProviderError], None],
    ) -> None:
        self._agent = agent
        self._history = history
        self._books = Books(history, journal)
        self._stt = stt
        self._tts = tts
        self._journal = journal
        self._tasks = tasks
        self._mind = make_mind(self)
        self._hooks = self._mind.hooks
        self._turn_maker = TurnMaker(self._mind, tts, rehearsal)
        self._lose = lose
        self._detector = detector
        self._floor: Floor | None = None
        self._pickup = Pickup(journal)
        self._awaiting_beep: AgentTurn | None = None
        self._turn: AgentTurn | None = None
        self._eager: AgentTurn | None = None
        self._greeting_due = False
        self._goodbye = False
        """What we said last was our goodbye, or the part of it that was heard."""
        self._unjudged = False
        """The user has said something since the model last stated the outcome."""
        self._failed = False
        """A provider is gone for good; nothing but that is left to say."""
        self._leg: CallLeg | None = None
        self._parting: Parting | None = None
        self._over = anyio.Event()
        self._greeting_text = first_message
        self._greeting = self._turn_maker.phrase(first_message)
        self._prepare(self._greeting)

    # The conversation as its engine and its call see it.

    async def ready_to_greet(self) -> None:
        """Returns when the first words have been made."""
        await self._greeting.track.made()

    def mindless(self, error: ProviderError) -> None:
        """The model wants nothing to do with us. Whoever has answered already will hear so at their first word."""
        if self._leg is None:
            self._fail("llm", error)

    async def run(self, leg: CallLeg, time_left_sec: float) -> Parting:
        self._leg = leg
        self._floor = self._open_floor()
        self._tasks.start_soon(self._watch_limit, time_left_sec)
        self._tasks.start_soon(self._excuse_deafness)
        self._speak(self._greeting)
        leg.listen(self)
        try:
            await self._over.wait()
            if self._line_is_down:
                await self._hear_out()
        finally:
            self._close_books()
        assert self._parting is not None
        return self._parting

    async def judge(self) -> None:
        """States the outcome if the user has hung up on words that the model had not answered."""
        if self._line_is_down and self._unjudged:
            await state_outcome(self._mind, self._history.messages(user=HUNG_UP))

    # The ear: called by the leg, once per frame.

    def heard(self, frame: bytes) -> None:
        self._listening.heard(frame)
        if self._pickup.hears_beep(frame):
            self._beep_sounded()

    def digit(self, digit: str) -> None:
        self._journal.write(ev.DigitReceived(digit=digit))

    def line_ended(self, reason: EndReason) -> None:
        self._part(Parting(reason=reason, ended_by="user" if reason is EndReason.USER_HUNG_UP else "carrier"))

    # What tools may do to the call (`tools.base.CallControl`).

    async def end_call(self, goal_met: GoalMet, summary: str) -> None:
        self._journal.write(ev.OutcomeStated(goal_met=goal_met, summary=summary))
        self._unjudged = False
        if self._turn is not None:
            self._turn.parting = Parting(reason=EndReason.AGENT_HUNG_UP, ended_by="agent")
            if self._turn.reply is not None:
                self._turn.reply.ended_call = True

    async def send_digits(self, digits: str) -> None:
        assert self._leg is not None
        await self._leg.playout.drained()
        await self._leg.send_digits(digits)
        self._journal.write(ev.DigitsSent(digits=digits))

    @property
    def _listening(self) -> Floor:
        assert self._floor is not None
        return self._floor

    def _open_floor(self) -> Floor:
        floor = Floor(
            self._agent.turns,
            self._agent.language,
            self._agent.parts.stt,
            self._stt,
            self._detector,
            self._hooks,
            self._tasks,
            decided=self._carry_out,
            reconnected=self._note_reconnected,
            failed=lambda error: self._fail("stt", error),
        )
        floor.open()
        return floor

    async def _watch_limit(self, time_left_sec: float) -> None:
        goodbye_sec = self._agent.turns.goodbye_sec
        if time_left_sec < 5 * goodbye_sec:
            return
        await anyio.sleep(time_left_sec - goodbye_sec)
        if self._goodbye and self._turn is None:
            self._hang_up()
        elif not self._failed:
            self._say_last(self._agent.phrases.time_is_up, Parting(reason=EndReason.MAX_DURATION, ended_by="agent"))

    async def _excuse_deafness(self) -> None:
        """While the recogniser's connection is being made anew nobody's turn comes to an end."""
        phrases = itertools.cycle([self._agent.phrases.one_moment, self._agent.phrases.bear_with_me])
        fine_at = anyio.current_time()
        while not self._failed:
            await anyio.sleep(EARS_CHECK_SEC)
            if hears(self._stt) or self._turn is not None:
                fine_at = anyio.current_time()
            elif anyio.current_time() - fine_at > FILLER_AFTER_SEC - EARS_CHECK_SEC:
                text = next(phrases)
                self._say(self._turn_maker.phrase(text))

    # Decisions of the floor.

    def _carry_out(self, decision: Decision) -> None:
        if self._failed:
            return
        match decision:
            case Speculate(text=text):
                self._speculate(text)
            case Drop():
                self._abandon_eager()
            case Commit(text=text, speculated=speculated):
                self._commit(text, speculated)
            case Finalize():
                self._listening.finalize()
            case TakeFloor():
                if self._turn is not None:
                    self._turn.track.stop()
            case GiveBack():
                if self._turn is not None:
                    self._turn.track.resume()
            case Yield():
                self._yield()
            case Hurry():
                if self._turn is not None and self._turn.reply is not None:
                    self._turn.reply.hurry()
            case Reprompt():
                self._reprompt()
            case GiveUp():
                self._give_up()
            case Leave():
                self._hang_up()

    def _speculate(self, text: str) -> None:
        if not self._is_their_goodbye(text):
            self._eager = self._turn_maker.reply(text)
            self._prepare(self._eager)

    def _is_their_goodbye(self, text: str) -> bool:
        """In answer to ours: nothing is left to be said."""
        return self._goodbye and is_farewell(text)

    def _commit(self, text: str, speculated: bool) -> None:
        if self._is_their_goodbye(text):
            self._journal.write(ev.UserSaid(text=text))
            self._hang_up()
            return
        self._unjudged = True
        self._pickup.judge(text)
        if self._pickup.is_machine:
            # Machines do not mind having been talked over, and do not listen.
            self._greeting_due = False
        turn = self._eager if speculated and not self._greeting_due else None
        if turn is None:
            turn = self._greeting_again(text) if self._greeting_due else self._turn_maker.reply(text)
            self._abandon_eager()
            self._prepare(turn)
        self._eager = None
        turn.user_stopped_at = self._listening.last_voice_at
        turn.committed_at = anyio.current_time()
        self._books.note_user(turn)
        if self._pickup.may_not_speak_yet:
            self._turn, self._awaiting_beep = turn, turn
            self._listening.agent_started(turn.track)
            self._tasks.start_soon(self._miss_beep, turn)
        else:
            self._listening.closed_to_user = self._pickup.who == "voicemail"
            self._speak(turn)

    def _yield(self) -> None:
        turn, self._turn = self._turn, None
        if turn is None:
            return
        turn.cancel()
        self._goodbye = turn.is_goodbye
        if turn.parting is not None and turn.parting.reason is EndReason.MAX_DURATION:
            self._part(turn.parting)
        if turn is self._greeting and turn.track.heard_own_ms < GREETING_LOST_MS:
            self._greeting_due = not self._pickup.is_machine
            return
        self._journal.write(ev.BargeIn(heard_ms=round(turn.track.heard_ms)))
        self._books.note_agent(turn, interrupted=True)

    def _reprompt(self) -> None:
        if self._pickup.who == "voicemail":
            self._give_up()
        else:
            self._say(self._turn_maker.phrase(self._agent.phrases.are_you_there))

    def _give_up(self) -> None:
        if self._pickup.who == "voicemail":
            self._hang_up()
        else:
            self._say_last(self._agent.phrases.nobody_there, Parting(reason=EndReason.SILENCE, ended_by="agent"))

    # The beep.

    def _beep_sounded(self) -> None:
        turn, self._awaiting_beep = self._awaiting_beep, None
        if turn is not None and turn is self._turn:
            self._listening.closed_to_user = True
            turn.user_stopped_at = anyio.current_time()
            self._speak(turn)

    async def _miss_beep(self, turn: AgentTurn) -> None:
        await anyio.sleep(self._agent.turns.beep_wait_sec)
        if self._awaiting_beep is turn:
            self._pickup.beeped()
            self._beep_sounded()

    # Our turns.

    def _greeting_again(self, user_text: str) -> AgentTurn:
        """Whoever picked up has said hello over our first words; now it is our turn to say them."""
        self._greeting_due = False
        turn = self._turn_maker.phrase(self._greeting_text)
        turn.user_text, turn.noted = user_text, False
        return turn

    def _say(self, turn: AgentTurn) -> None:
        self._drop_turn()
        self._prepare(turn)
        turn.committed_at = anyio.current_time()
        self._speak(turn)

    def _say_last(self, text: str, parting: Parting) -> None:
        self._abandon_eager()
        self._say(self._turn_maker.phrase(text, parting=parting))

    def _prepare(self, turn: AgentTurn) -> None:
        self._tasks.start_soon(self._make, turn)

    def _speak(self, turn: AgentTurn) -> None:
        """From now on this is what we are saying."""
        assert self._leg is not None
        self._turn = turn
        gives_up = turn.parting is not None and turn.parting.reason is EndReason.SILENCE
        self._listening.agent_started(turn.track, heeds_all=gives_up)
        turn.committed_at = turn.committed_at or anyio.current_time()
        if turn.reply is not None:
            turn.reply.commit(max(turn.user_stopped_at, turn.committed_at - PROMPT_SEC))
        turn.track.release(self._leg.playout)

    async def _make(self, turn: AgentTurn) -> None:
        """Thinks and speaks one turn, to the end of its being heard."""
        with turn.scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._voice_track, turn, tasks.cancel_scope)
                if turn.reply is not None:
                    tasks.start_soon(turn.reply.bridge)
                    await self._think(turn, turn.reply)
                if turn.phrase is not None:
                    tasks.start_soon(turn.phrase.bridge)
                    await turn.phrase.speak()
            await turn.track.released()
            await turn.track.played()
            self._finished(turn)

    async def _voice_track(self, turn: AgentTurn, making: anyio.CancelScope) -> None:
        """Until all of it has come; then nothing is left to be made."""
        try:
            await voice(turn.track, self._tts, self._journal)
        except ProviderError as error:
            self._fail("tts", error, turn)
        making.cancel()

    async def _think(self, turn: AgentTurn, reply: Reply) -> None:
        text = await self._hooks.after_transcribe(turn.user_text)
        if text is DROP:
            turn.noted = True
            turn.track.end()
            return
        turn.user_text, turn.transcribed = text, True
        prompt = self._history.messages(user=self._directed(text))
        if turn.committed_at is not None:
            self._books.note_user(turn)
        try:
            await reply.think(prompt)
        except ProviderError as error:
            self._fail("llm", error, turn)

    def _directed(self, text: str) -> str:
        """What the model is told besides the words: it will be heard after the beep."""
        if self._pickup.verdict(text) != "voicemail":
            return text
        return f"{text}\n[voicemail: the beep has sounded]"

    def _finished(self, turn: AgentTurn) -> None:
        """It has been heard to its end."""
        if turn.scope.cancel_called:
            # Cut in the very moment it was over: whoever cut it has kept the books.
            return
        self._books.note_agent(turn, interrupted=False)
        self._goodbye = turn.is_goodbye and not self._pickup.is_machine
        if self._turn is turn:
            self._turn = None
            self._listening.agent_finished(goodbye=self._goodbye)
        if turn.parting is not None and not self._goodbye:
            self._part(turn.parting)

    def _drop_turn(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.cancel()
            self._books.note_agent(turn, interrupted=True)

    def _abandon_eager(self) -> None:
        turn, self._eager = self._eager, None
        if turn is not None:
            turn.cancel()

    # Trouble.

    def _note_reconnected(self, event: Reconnected) -> None:
        self._journal.write(
            ev.ProviderTrouble(
                part="stt",
                provider=self._agent.parts.stt.provider,
                code="reconnected",
                message=event.message,
                recovered=True,
            )
        )

    def _fail(self, part: ev.CostPart, error: ProviderError, turn: AgentTurn | None = None) -> None:
        """A provider is gone for good: say so, if possible in a voice made beforehand, and end politely."""
        if turn is not None and turn is self._eager:
            # It was a try; if the user's turn really is over, there will be another.
            self._journal.write(trouble(part, error, recovered=True))
            self._abandon_eager()
            return
        self._journal.write(trouble(part, error, recovered=False))
        if self._leg is None:
            self._lose(error)
            return
        parting = Parting(reason=EndReason.PROVIDER_FAILED, ended_by="agent", detail=error.message)
        if part == "tts":
            self._apologise(self._turn_maker.last_resort((turn and turn.parting) or parting))
        elif not self._failed:
            self._apologise(self._turn_maker.phrase(self._agent.phrases.trouble, (turn and turn.parting) or parting))
        if turn is not None:
            turn.scope.cancel()

    def _apologise(self, turn: AgentTurn) -> None:
        self._failed = True
        self._abandon_eager()
        self._say(turn)

    @property
    def _line_is_down(self) -> bool:
        return self._parting is not None and self._parting.reason is EndReason.USER_HUNG_UP

    async def _hear_out(self) -> None:
        """They may have hung up on their last word."""
        self._abandon_eager()
        self._drop_turn()
        said = await self._listening.last_words()
        text = await self._hooks.after_transcribe(said) if said else DROP
        if text is DROP:
            return
        self._history.user_said(text)
        self._journal.write(ev.UserSaid(text=text))
        self._unjudged = self._unjudged or not self._is_their_goodbye(text)

    def _hang_up(self) -> None:
        self._part(Parting(reason=EndReason.AGENT_HUNG_UP, ended_by="agent"))

    def _part(self, parting: Parting) -> None:
        if self._parting is None:
            self._parting = parting
            self._over.set()

    def _close_books(self) -> None:
        self._listening.close()
        self._abandon_eager()
        self._drop_turn()
