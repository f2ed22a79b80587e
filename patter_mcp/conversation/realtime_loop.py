"""A conversation held by a speech-to-speech model: it hears and answers by itself, and we keep it honest.

What is left to us: the first words, what of its speech was really heard, tools, guardrails, silence, the time
limit, a voicemail's beep, and the books. Everything arrives as a plain call in the event loop and is acted on at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import anyio
from anyio.abc import TaskGroup

from patter_mcp import events as ev
from patter_mcp.audio.frame import ULAW_SILENCE
from patter_mcp.conversation.agent import Agent
from patter_mcp.conversation.answering import GREETING_LOST_MS, Pickup
from patter_mcp.conversation.dialogue import Dialogue
from patter_mcp.conversation.engine import Journal, Parting
from patter_mcp.conversation.leg import CallLeg
from patter_mcp.conversation.model_turn import Kind, ModelTurn
from patter_mcp.conversation.mouth import Apology, Mouth
from patter_mcp.conversation.patience import GiveUp, Patience
from patter_mcp.conversation.reply import MAX_TOOL_ROUNDS
from patter_mcp.conversation.screen import Screen, judge_of
from patter_mcp.conversation.speech_text import is_farewell, same_words
from patter_mcp.conversation.tool_rounds import ToolRounds
from patter_mcp.errors import ProviderError
from patter_mcp.guardrails.base import Verdict
from patter_mcp.guardrails.speech import SpeechGuard
from patter_mcp.hooks import DROP, HookRunner
from patter_mcp.realtime.base import (
    Complaint,
    Past,
    RealtimeEvent,
    RealtimeStream,
    Reconnected,
    ResponseAudio,
    ResponseDone,
    ResponseItem,
    ResponseStarted,
    ResponseWords,
    ToolCall,
    UserItem,
    UserStarted,
    UserStopped,
    UserWords,
)
from patter_mcp.tools.base import CallControl
from patter_mcp.tools.executor import ToolExecutor
from patter_mcp.types import EndReason, GoalMet

logger = logging.getLogger(__name__)

MAX_FAILURES = 2
"""Responses that may come to nothing in a row before the model counts as gone."""
LAST_WORDS_SEC = 1.0
"""How long the transcript of what the user said last may take once the conversation is over."""
AFTER_THE_BEEP = "[voicemail: the beep has sounded]"


class RealtimeConversation:
    """One call's. Built by `speech_to_speech.SpeechToSpeechEngine`, which owns the stream and the task group."""

    _stream: RealtimeStream
    _tasks: TaskGroup
    _mouth: Mouth

    def __init__(
        self,
        *,
        agent: Agent,
        provider: str,
        first_message: str,
        journal: Journal,
        hooks: HookRunner,
        guard: SpeechGuard,
        make_tools: Callable[[CallControl], ToolExecutor],
        apology: Apology,
    ) -> None:
        self._agent = agent
        self._provider = provider
        self._first_message = first_message
        self._journal = journal
        self._hooks = hooks
        self._guard = guard
        self._apology = apology
        self._dialogue = Dialogue(journal)
        self.tools = make_tools(self)
        self._rounds = ToolRounds(self.tools, self._dialogue, journal, self._reassure)
        self._round_count = 0
        self._pickup = Pickup(journal)
        self._patience = Patience(agent.turns)
        self._turns: dict[str, ModelTurn] = {}
        """Under way at the model, by response."""
        self._rehearsal: ModelTurn | None = None
        self._greeting_rehearsed = False
        self._greeting_due: ModelTurn | None = None
        self._repeated: ModelTurn | None = None
        self._unheard: set[str] = set()
        """The user's turns that are not in words yet."""
        self._user_speaking = False
        self._user_stopped: tuple[float, float] | None = None
        """When the user's last sound was and when that was certain, until something is said to it."""
        self._unanswered = False
        self._farewell_cut = False
        self._awaiting_beep = False
        self._recording = False
        """A voicemail has beeped: it listens, and what still sounds on the line (the beep itself) is no reply."""
        self._failures = 0
        self._leg: CallLeg | None = None
        self._parting: Parting | None = None
        self._over = anyio.Event()
        self._stirred = anyio.Event()

    # The conversation as its engine and its call see it.

    def begin(self, stream: RealtimeStream, tasks: TaskGroup) -> None:
        """It rings: the first words are made meanwhile."""
        self._stream, self._tasks = stream, tasks
        self._mouth = Mouth(
            stream=stream,
            dialogue=self._dialogue,
            journal=self._journal,
            tasks=tasks,
            screened=self._screened,
            spoken=self._spoken,
        )
        tasks.start_soon(self._listen)
        self._say(self._first_message, Kind.GREETING)
        if not self._apology.audio:
            self._rehearse_apology()

    async def run(self, leg: CallLeg, time_left_sec: float) -> Parting:
        self._leg = leg
        self._mouth.open(leg.playout)
        self._tasks.start_soon(self._watch_silence)
        self._tasks.start_soon(self._watch_limit, time_left_sec)
        leg.listen(self)
        try:
            await self._over.wait()
            await self._hear_out()
        finally:
            self._close_books()
        assert self._parting is not None
        return self._parting

    def past(self) -> Sequence[Past]:
        """What a model that has forgotten everything has to be told."""
        for turn in self._mouth.turns:
            if turn.line:
                self._dialogue.agent_said(turn.line, turn.recording.text, final=False)
        return self._dialogue.past()

    # The ear: called by the leg, once per frame.

    def heard(self, frame: bytes) -> None:
        if self._recording:
            self._stream.feed(bytes((ULAW_SILENCE,)) * len(frame))
        elif self._hooks.has_before_send_to_stt:
            self._tasks.start_soon(self._filter_frame, frame)
        else:
            self._stream.feed(frame)
        if self._pickup.hears_beep(frame):
            self._beep_sounded()

    def digit(self, digit: str) -> None:
        self._journal.write(ev.DigitReceived(digit=digit))

    def line_ended(self, reason: EndReason) -> None:
        self._part(Parting(reason=reason, ended_by="user" if reason is EndReason.USER_HUNG_UP else "carrier"))

    # What tools may do to the call (`tools.base.CallControl`).

    async def end_call(self, goal_met: GoalMet, summary: str) -> None:
        self._journal.write(ev.OutcomeStated(goal_met=goal_met, summary=summary))
        self._leave()

    async def send_digits(self, digits: str) -> None:
        assert self._leg is not None
        await self._leg.playout.drained()
        await self._leg.send_digits(digits)
        self._journal.write(ev.DigitsSent(digits=digits))

    # Inputs.

    async def _filter_frame(self, frame: bytes) -> None:
        shaped = await self._hooks.before_send_to_stt(frame)
        if shaped is not DROP:
            self._stream.feed(shaped)

    async def _listen(self) -> None:
        try:
            async for event in self._stream:
                self._take(event)
        except ProviderError as error:
            self._fail(error)

    def _take(self, event: RealtimeEvent) -> None:
        match event:
            case ResponseAudio(response=response, audio=audio):
                self._sound(response, audio)
            case ResponseWords(response=response, text=text):
                if (turn := self._turns.get(response)) is not None and not turn.void:
                    turn.words(text)
            case UserStarted():
                self._user_started()
            case UserStopped(silence_ms=silence_ms):
                self._user_has_stopped(silence_ms)
            case UserItem(item=item, after=after):
                self._user_has_place(item, after)
            case UserWords(item=item, text=text, final=final):
                self._user_said(item, text, final)
            case ResponseStarted(response=response):
                self._response_started(response)
            case ResponseItem(response=response, item=item):
                self._piece(response, item)
            case ResponseDone():
                self._response_done(event)
            case Reconnected(message=message):
                self._reconnected(message)
            case Complaint(code=code, message=message):
                self._trouble(code, message, recovered=True)

    # The user.

    def _user_started(self) -> None:
        self._user_speaking = True
        self._stir()
        turns = self._mouth.turns
        if self._recording or not turns:
            return
        first, last = turns[0], turns[-1]
        first.recording.stop()
        self._farewell_cut = last.parting is not None
        if first.kind is Kind.GREETING and first.recording.heard_ms < GREETING_LOST_MS and not self._pickup.is_machine:
            self._lose_greeting(first)
        elif first.recording.heard_ms > 0 and not first.recording.is_heard:
            self._journal.write(ev.BargeIn(heard_ms=round(first.recording.heard_ms)))
        self._mouth.cut_all()
        if last.parting is not None and last.parting.reason is EndReason.MAX_DURATION:
            self._part(last.parting)

    def _user_has_stopped(self, silence_ms: float) -> None:
        now = anyio.current_time()
        self._user_speaking = False
        self._user_stopped = now - silence_ms / 1000, now
        self._unanswered = True
        self._round_count = 0
        self._stir()

    def _user_has_place(self, item: str, after: str | None) -> None:
        self._unheard.add(item)
        self._dialogue.place(item, after)
        if self._greeting_due is not None:
            self._greet_again(self._greeting_due)

    def _user_said(self, item: str, text: str, final: bool) -> None:
        self._dialogue.user_said(item, text, final=final)
        if not final:
            return
        self._unheard.discard(item)
        self._stir()
        if text:
            self._patience.answered(text)
            self._pickup.judge(text)
            if self._pickup.is_machine:
                self._machine_spoke()
            if self._farewell_cut and is_farewell(text):
                self._leave()

    def _lose_greeting(self, turn: ModelTurn) -> None:
        """Whoever picked up said hello over our first words: they will be said again, and the model need not know."""
        self._greeting_due = turn
        self._mouth.take_away(turn)
        if turn.line:
            self._dialogue.drop(turn.line)

    def _greet_again(self, lost: ModelTurn) -> None:
        self._greeting_due = None
        if not lost.recording.is_complete:
            self._repeated = self._say(self._first_message)
            return
        self._repeated = ModelTurn(
            response=lost.response,
            kind=Kind.PHRASE,
            recording=lost.recording.again(),
            made=True,
            line=lost.line,
            items=lost.items,
            received_ms=lost.received_ms,
        )
        self._dialogue.place(lost.line)
        self._mouth.add(self._repeated)

    # Machines that answer.

    def _machine_spoke(self) -> None:
        """They do not mind having been talked over, and do not listen."""
        if self._recording:
            return
        self._greeting_due = None
        if self._pickup.may_not_speak_yet:
            self._await_beep()
        elif self._pickup.who == "voicemail":
            self._recording = True
        elif self._repeated in self._mouth.turns:
            self._mouth.cut(self._repeated)
            self._reply()

    def _await_beep(self) -> None:
        """The model answers the machine's greeting at once; none of that is wanted until the beep."""
        self._awaiting_beep = True
        self._user_stopped = None
        self._mouth.cut_all()
        self._stir()

    def _beep_sounded(self) -> None:
        if self._awaiting_beep:
            self._awaiting_beep = False
            self._recording = True
            self._stream.tell(AFTER_THE_BEEP)
            self._reply()

    # What comes of the model.

    def _response_started(self, response: str) -> None:
        self._unanswered = False
        if response in self._turns:
            return
        turn = ModelTurn(response=response, kind=Kind.REPLY)
        if self._awaiting_beep or self._mouth.turns or self._parting is not None:
            # Begun by itself, while we have something else to say, or nothing.
            turn.void = True
            self._turns[response] = turn
            self._stream.cancel(response)
        else:
            self._add(turn)

    def _piece(self, response: str, item: str) -> None:
        turn = self._turns.get(response)
        if turn is None:
            return
        turn.piece(item)
        if not turn.line and not turn.void:
            turn.line = item
            self._dialogue.place(item)

    def _sound(self, response: str, audio: bytes) -> None:
        turn = self._turns.get(response)
        if turn is None or turn.void:
            return
        if turn.kind is Kind.REPLY and self._user_stopped is not None:
            turn.user_stopped_at, turn.committed_at = self._user_stopped
            self._user_stopped = None
        turn.audio(audio)

    def _response_done(self, done: ResponseDone) -> None:
        turn = self._turns.pop(done.response, None)
        if turn is None:
            return
        turn.made = True
        if turn.void or turn.blocked or done.status != "completed":
            for call in done.calls:
                self._stream.forget(call.item)
        if turn is self._rehearsal:
            self._apology.audio = turn.recording.audio if done.status == "completed" else b""
        elif turn.void:
            turn.remind(self._stream, turn.recording.heard_ms)
        elif turn.blocked:
            turn.remind(self._stream, turn.recording.total_ms)
        elif done.status in ("completed", "incomplete"):
            turn.calls = done.calls if done.status == "completed" else ()
            self._failures = 0
            self._complete(turn)
        else:
            self._try_again(turn, done)

    def _complete(self, turn: ModelTurn) -> None:
        turn.complete()
        if turn.screen is None:
            self._completed(turn)

    def _completed(self, turn: ModelTurn) -> None:
        """All of it is there, and may be heard."""
        self._mouth.let_out()
        if turn.calls:
            self._tasks.start_soon(self._use_tools, turn.calls)
        if turn.kind is Kind.GREETING and not self._mouth.is_open and not same_words(turn.recording.text, turn.wanted):
            self._rehearse_greeting(turn)

    def _rehearse_greeting(self, turn: ModelTurn) -> None:
        """The model did not keep to its words, and nobody has heard it yet: once more."""
        if not self._greeting_rehearsed:
            self._greeting_rehearsed = True
            self._mouth.cut(turn)
            self._say(self._first_message, Kind.GREETING)

    def _try_again(self, turn: ModelTurn, done: ResponseDone) -> None:
        """The vendor failed, or the connection broke: what there is of it is said, and the model goes on from there."""
        if done.status == "failed":
            self._failures += 1
            self._trouble("response-failed", done.message, recovered=self._failures <= MAX_FAILURES)
        if self._failures > MAX_FAILURES:
            self._fail(ProviderError(done.message, provider=self._provider))
        elif not turn.received_ms:
            self._mouth.cut(turn)
            self._say(turn.wanted, turn.kind, turn.parting) if turn.wanted else self._reply()
        else:
            self._complete(turn)
            if turn.kind is Kind.REPLY:
                self._reply()

    def _reconnected(self, message: str) -> None:
        self._trouble("reconnected", message, recovered=True)
        for turn in self._mouth.turns:
            turn.items.clear()
        self._user_speaking = False
        heard_again = self._dialogue.forget(self._unheard)
        self._unheard.clear()
        if self._unanswered and not heard_again and not self._mouth.turns:
            self._reply()
        self._stir()

    # Our turns.

    def _reply(self) -> None:
        self._add(ModelTurn(response=self._stream.ask(), kind=Kind.REPLY))

    def _say(self, text: str, kind: Kind = Kind.PHRASE, parting: Parting | None = None) -> ModelTurn:
        turn = ModelTurn(response=self._stream.ask(say=text), kind=kind, wanted=text, parting=parting)
        self._add(turn)
        return turn

    def _say_last(self, text: str, parting: Parting) -> None:
        self._awaiting_beep = False
        self._mouth.cut_all()
        self._say(text, parting=parting)

    def _reassure(self, text: str) -> None:
        if not (self._mouth.turns or self._user_speaking or self._unanswered):
            self._say(text)

    def _rehearse_apology(self) -> None:
        response = self._stream.ask(say=self._agent.phrases.trouble, aside=True)
        self._rehearsal = self._turns[response] = ModelTurn(response=response, kind=Kind.PHRASE)

    def _add(self, turn: ModelTurn) -> None:
        judge = judge_of(self._guard) if self._agent.guardrails and turn.kind is Kind.REPLY else None
        audio_filter = self._filter_speech if self._hooks.has_after_synthesize else None
        if judge is not None or audio_filter is not None:
            turn.screen = Screen(turn.recording, judge, audio_filter)
        self._turns[turn.response] = turn
        self._mouth.add(turn)
        self._stir()

    def _spoken(self, turn: ModelTurn) -> None:
        self._stir()
        if turn.parting is not None:
            self._part(turn.parting)

    # Guardrails and hooks.

    def _screened(self, turn: ModelTurn, verdict: Verdict | None) -> None:
        if verdict is not None:
            self._block(turn, verdict)
        self._completed(turn)

    def _block(self, turn: ModelTurn, verdict: Verdict) -> None:
        """What was let through is still heard; the model says the replacement, and forgets what nobody heard."""
        assert verdict.guardrail is not None
        self._journal.write(ev.GuardrailHit(name=verdict.guardrail, action=verdict.action))
        turn.blocked = True
        turn.calls = ()
        if turn.made:
            turn.remind(self._stream, turn.recording.total_ms)
        else:
            self._stream.cancel(turn.response)
        if verdict.text:
            self._say(verdict.text)

    async def _filter_speech(self, audio: bytes, text: str) -> bytes | None:
        shaped = await self._hooks.after_synthesize(audio, text)
        return None if shaped is DROP else shaped

    # Tools.

    async def _use_tools(self, calls: Sequence[ToolCall]) -> None:
        try:
            wants_reply = await self._rounds.run(calls, self._stream, self._tasks)
        finally:
            self._stir()
        if not wants_reply or self._user_speaking or any(turn.parting for turn in self._mouth.turns):
            # What the user is saying, the model will answer it knowing the results.
            return
        self._round_count += 1
        if self._round_count < MAX_TOOL_ROUNDS:
            self._reply()
        else:
            logger.warning("a reply was ended after too many rounds of tools", extra={"rounds": MAX_TOOL_ROUNDS})
            self._say(self._agent.phrases.too_many_steps)

    # Time.

    async def _watch_silence(self) -> None:
        while True:
            self._stirred = anyio.Event()
            if self._mouth.turns or self._rounds.running:
                await self._stirred.wait()
                continue
            with anyio.move_on_after(self._silence_limit_sec) as patience:
                await self._stirred.wait()
            if patience.cancelled_caught:
                self._fell_silent()

    @property
    def _silence_limit_sec(self) -> float:
        """Endless sound without a pause counts as silence, in the end."""
        turns = self._agent.turns
        if self._user_speaking:
            return turns.user_turn_sec
        return turns.beep_wait_sec if self._awaiting_beep else self._patience.limit_sec

    def _fell_silent(self) -> None:
        if self._awaiting_beep:
            self._pickup.beeped()
            self._beep_sounded()
        elif self._pickup.who == "voicemail":
            self._leave()
        elif isinstance(self._patience.run_out(), GiveUp):
            self._say_last(self._agent.phrases.nobody_there, Parting(reason=EndReason.SILENCE, ended_by="agent"))
        else:
            self._say(self._agent.phrases.are_you_there)

    async def _watch_limit(self, time_left_sec: float) -> None:
        goodbye_sec = self._agent.turns.goodbye_sec
        if time_left_sec < 5 * goodbye_sec:
            return
        await anyio.sleep(time_left_sec - goodbye_sec)
        self._say_last(self._agent.phrases.time_is_up, Parting(reason=EndReason.MAX_DURATION, ended_by="agent"))

    def _stir(self) -> None:
        """Something happened; the silence, if there is one, begins anew."""
        self._stirred.set()

    # Books.

    def _trouble(self, code: str, message: str, *, recovered: bool) -> None:
        self._journal.write(
            ev.ProviderTrouble(part="llm", provider=self._provider, code=code, message=message, recovered=recovered)
        )

    def _fail(self, error: ProviderError) -> None:
        """The model is gone for good: say so, in its voice but from memory, and end politely."""
        self._trouble(error.code, error.message, recovered=False)
        self._mouth.cut_all()
        self._tasks.start_soon(self._apologise, error)

    async def _apologise(self, error: ProviderError) -> None:
        if self._leg is not None:
            self._leg.playout.write(self._apology.audio)
            await self._leg.playout.drained()
        self._part(Parting(reason=EndReason.PROVIDER_FAILED, ended_by="agent", detail=error.message))

    def _leave(self) -> None:
        """Hangs up once everything has been said."""
        parting = Parting(reason=EndReason.AGENT_HUNG_UP, ended_by="agent")
        if self._mouth.turns:
            self._mouth.turns[-1].parting = parting
        else:
            self._part(parting)

    def _part(self, parting: Parting) -> None:
        if self._parting is None:
            self._parting = parting
            self._over.set()

    async def _hear_out(self) -> None:
        self._mouth.cut_all()
        with anyio.move_on_after(LAST_WORDS_SEC):
            while self._unheard:
                await self._stirred.wait()

    def _close_books(self) -> None:
        self._mouth.cut_all()
        self._dialogue.close()
