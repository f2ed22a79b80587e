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
from patter_mcp.conversation.dialogue import Dialogue
from patter_mcp.conversation.engine import Journal, Parting
from patter_mcp.conversation.frame_filter import FrameFilter
from patter_mcp.conversation.leg import CallLeg
from patter_mcp.conversation.model_turn import Kind, ModelTurn
from patter_mcp.conversation.mouth import Apology, Mouth
from patter_mcp.conversation.opening import Opening
from patter_mcp.conversation.patience import GiveUp, Patience, Vigil
from patter_mcp.conversation.screen import Screen, judge_of
from patter_mcp.conversation.speech_text import is_farewell
from patter_mcp.conversation.tool_rounds import ToolRounds
from patter_mcp.errors import ProviderError, ProviderTimeout
from patter_mcp.guardrails.base import Verdict
from patter_mcp.guardrails.speech import SpeechGuard
from patter_mcp.hooks import DROP, HookRunner
from patter_mcp.realtime import base as rt
from patter_mcp.tools.base import CallControl
from patter_mcp.tools.executor import ToolExecutor
from patter_mcp.types import EndReason, GoalMet

logger = logging.getLogger(__name__)

MAX_FAILURES = 2
"""Responses that may come to nothing in a row before the model counts as gone."""
ANSWER_LIMIT_SEC = 10.0
"""How long the model may leave us waiting; nobody stays on a silent line for longer."""
LAST_WORDS_SEC = 1.0
"""How long the transcript of what the user said last may take once the conversation is over."""


class RealtimeConversation:
    """One call's. Built by `speech_to_speech.SpeechToSpeechEngine`, which owns the stream and the task group."""

    _stream: rt.RealtimeStream
    _tasks: TaskGroup
    _mouth: Mouth
    _opening: Opening

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
        self._patience = Patience(agent.turns)
        self._vigil = Vigil(self._silence_limit_sec, self._fell_silent)
        self._turns: dict[str, ModelTurn] = {}
        """Under way at the model, by response."""
        self._rehearsal: ModelTurn | None = None
        self._unheard: set[str] = set()
        """The user's turns that are not in words yet."""
        self._user_speaking = False
        self._user_stopped: tuple[float, float] | None = None
        """When the user's last sound was and when that was certain, until something is said to it."""
        self._unanswered = False
        self._farewell_cut = False
        self._failures = 0
        self._failed = False
        self._leg: CallLeg | None = None
        self._parting: Parting | None = None
        self._over = anyio.Event()
        self._all_heard = anyio.Event()

    # The conversation as its engine and its call see it.

    def begin(self, stream: rt.RealtimeStream, tasks: TaskGroup) -> None:
        """It rings: the first words are made meanwhile."""
        self._stream, self._tasks = stream, tasks
        self._hear_frame = stream.feed
        if self._hooks.has_before_send_to_stt:
            ear = FrameFilter(self._hooks, stream.feed)
            self._hear_frame = ear.hear
            tasks.start_soon(ear.run)
        self._mouth = Mouth(
            stream=stream,
            dialogue=self._dialogue,
            journal=self._journal,
            tasks=tasks,
            screened=self._screened,
            spoken=self._spoken,
        )
        self._opening = Opening(
            first_message=self._first_message,
            journal=self._journal,
            dialogue=self._dialogue,
            mouth=self._mouth,
            stream=stream,
            say=self._say,
            reply=self._reply,
        )
        tasks.start_soon(self._listen)
        self._opening.greet()
        if not self._apology.audio:
            self._rehearse_apology()

    async def run(self, leg: CallLeg, time_left_sec: float) -> Parting:
        self._leg = leg
        self._mouth.open(leg.playout)
        self._tasks.start_soon(self._vigil.run)
        self._tasks.start_soon(self._watch_limit, time_left_sec)
        leg.listen(self)
        try:
            await self._over.wait()
            await self._hear_out()
        finally:
            self._close_books()
        assert self._parting is not None
        return self._parting

    def past(self) -> Sequence[rt.Past]:
        """What a model that has forgotten everything has to be told."""
        for turn in self._mouth.turns:
            if turn.line:
                self._dialogue.agent_said(turn.line, turn.recording.text, final=False)
        return self._dialogue.past()

    # The ear: called by the leg, once per frame.

    def heard(self, frame: bytes) -> None:
        self._hear_frame(bytes((ULAW_SILENCE,)) * len(frame) if self._opening.recording else frame)
        self._opening.heard(frame)

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

    async def _listen(self) -> None:
        try:
            async for event in self._stream:
                self._take(event)
        except ProviderError as error:
            self._fail(error)

    def _take(self, event: rt.RealtimeEvent) -> None:
        match event:
            case rt.ResponseAudio(response=response, audio=audio):
                self._sound(response, audio)
            case rt.ResponseWords(response=response, text=text):
                if (turn := self._turns.get(response)) is not None and not turn.void:
                    turn.words(text)
            case rt.UserStarted():
                self._user_started()
            case rt.UserStopped(silence_ms=silence_ms):
                self._user_has_stopped(silence_ms)
            case rt.UserItem(item=item, after=after):
                self._user_has_place(item, after)
            case rt.UserWords(item=item, text=text, final=final):
                self._user_said(item, text, final)
            case rt.ResponseStarted(response=response):
                self._response_started(response)
            case rt.ResponseItem(response=response, item=item):
                self._piece(response, item)
            case rt.ResponseDone():
                self._response_done(event)
            case rt.Reconnected(message=message):
                self._reconnected(message)
            case rt.Complaint(code=code, message=message):
                self._trouble(code, message, recovered=True)

    # The user.

    def _user_started(self) -> None:
        self._user_speaking = True
        self._vigil.stir()
        turns = self._mouth.turns
        if self._opening.recording or not turns:
            return
        first, last = turns[0], turns[-1]
        first.recording.stop()
        self._farewell_cut = last.parting is not None
        if not self._opening.is_drowned(first) and first.recording.heard_ms > 0 and not first.recording.is_heard:
            self._journal.write(ev.BargeIn(heard_ms=round(first.recording.heard_ms)))
        self._mouth.cut_all()
        if last.parting is not None and last.parting.reason is EndReason.MAX_DURATION:
            self._part(last.parting)

    def _user_has_stopped(self, silence_ms: float) -> None:
        now = anyio.current_time()
        self._user_speaking = False
        self._user_stopped = now - silence_ms / 1000, now
        self._unanswered = True
        self._rounds.begin()
        self._vigil.stir()

    def _user_has_place(self, item: str, after: str | None) -> None:
        self._unheard.add(item)
        self._all_heard = anyio.Event()
        self._dialogue.place(item, after)
        self._opening.user_has_spoken()

    def _user_said(self, item: str, text: str, final: bool) -> None:
        self._dialogue.user_said(item, text, final=final)
        if not final:
            return
        self._unheard.discard(item)
        if not self._unheard:
            self._all_heard.set()
        if text:
            self._patience.answered(text)
            self._vigil.stir()
            self._opening.judge(text)
            if self._farewell_cut and is_farewell(text):
                self._leave()

    # What comes of the model.

    def _response_started(self, response: str) -> None:
        self._unanswered = False
        if response in self._turns:
            return
        turn = ModelTurn(response=response, kind=Kind.REPLY)
        if self._speaks_itself:
            self._add(turn)
        else:
            turn.void = True
            self._turns[response] = turn
            self._stream.cancel(response)

    @property
    def _speaks_itself(self) -> bool:
        """What the model begins by itself is wanted: we have nothing else to say, and may say something."""
        over = self._failed or self._parting is not None
        return not (over or self._opening.awaiting_beep or self._mouth.turns)

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
        if turn.kind is Kind.REPLY and self._user_stopped is not None and not self._opening.recording:
            turn.user_stopped_at, turn.committed_at = self._user_stopped
            self._user_stopped = None
        turn.audio(audio)

    def _response_done(self, done: rt.ResponseDone) -> None:
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
        self._opening.rehearse(turn)

    def _try_again(self, turn: ModelTurn, done: rt.ResponseDone) -> None:
        """The vendor failed, or the connection broke: what there is of it is said, and the model goes on from there."""
        if done.status == "failed":
            self._failures += 1
            self._trouble("response-failed", done.message, recovered=self._failures <= MAX_FAILURES)
        if self._failures > MAX_FAILURES:
            self._fail(ProviderError(done.message, provider=self._provider))
        elif not turn.received_ms:
            self._mouth.cut(turn)
            self._ask_again(turn)
        else:
            self._complete(turn)
            if turn.kind is Kind.REPLY:
                self._reply()

    def _ask_again(self, turn: ModelTurn) -> None:
        if turn.wanted:
            self._say(turn.wanted, turn.kind, turn.parting)
        else:
            self._reply()

    def _reconnected(self, message: str) -> None:
        self._trouble("reconnected", message, recovered=True)
        self._user_speaking = False
        heard_again = self._dialogue.forget(self._unheard)
        self._unheard.clear()
        if self._unanswered and not heard_again and not self._mouth.turns:
            self._reply()
        self._vigil.stir()

    # Our turns.

    def _reply(self) -> None:
        self._add(ModelTurn(response=self._stream.ask(), kind=Kind.REPLY))

    def _say(self, text: str, kind: Kind = Kind.PHRASE, parting: Parting | None = None) -> ModelTurn:
        turn = ModelTurn(response=self._stream.ask(say=text), kind=kind, wanted=text, parting=parting)
        self._add(turn)
        return turn

    def _say_last(self, text: str, parting: Parting) -> None:
        self._opening.awaiting_beep = False
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
        self._vigil.stir()

    def _spoken(self, turn: ModelTurn) -> None:
        self._vigil.stir()
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

    async def _use_tools(self, calls: Sequence[rt.ToolCall]) -> None:
        try:
            wants_reply = await self._rounds.run(calls, self._stream, self._tasks)
        finally:
            self._vigil.stir()
        if not wants_reply or self._user_speaking or any(turn.parting for turn in self._mouth.turns):
            # What the user is saying, the model will answer it knowing the results.
            return
        if self._rounds.exhausted:
            logger.warning("a reply was ended after too many rounds of tools")
            self._say(self._agent.phrases.too_many_steps)
        else:
            self._reply()

    # Time.

    def _silence_limit_sec(self) -> float:
        """Endless sound without a pause counts as silence, in the end."""
        turns = self._agent.turns
        if self._mouth.turns or self._rounds.running:
            return ANSWER_LIMIT_SEC
        if self._user_speaking:
            return turns.user_turn_sec
        return turns.beep_wait_sec if self._opening.awaiting_beep else self._patience.limit_sec

    def _fell_silent(self) -> None:
        if self._mouth.turns or self._rounds.running:
            self._check_answer()
        elif self._opening.awaiting_beep:
            self._opening.beep_missed()
        elif self._opening.is_voicemail:
            self._leave()
        elif isinstance(self._patience.run_out(), GiveUp):
            self._say_last(self._agent.phrases.nobody_there, Parting(reason=EndReason.SILENCE, ended_by="agent"))
        else:
            self._say(self._agent.phrases.are_you_there)

    def _check_answer(self) -> None:
        """We wait for the model, and it does not so much as fail."""
        if any(not turn.made and turn.recording.left_ms <= 0 for turn in self._mouth.turns[:1]):
            message = f"{self._provider} did not answer within {ANSWER_LIMIT_SEC:g} seconds"
            self._fail(ProviderTimeout(message, provider=self._provider))

    async def _watch_limit(self, time_left_sec: float) -> None:
        goodbye_sec = self._agent.turns.goodbye_sec
        if time_left_sec < 5 * goodbye_sec:
            return
        await anyio.sleep(time_left_sec - goodbye_sec)
        self._say_last(self._agent.phrases.time_is_up, Parting(reason=EndReason.MAX_DURATION, ended_by="agent"))

    # Books.

    def _trouble(self, code: str, message: str, *, recovered: bool) -> None:
        self._journal.write(
            ev.ProviderTrouble(part="llm", provider=self._provider, code=code, message=message, recovered=recovered)
        )

    def _fail(self, error: ProviderError) -> None:
        """The model is gone for good: say so, in its voice but from memory, and end politely."""
        if self._failed:
            return
        self._failed = True
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
            last = self._mouth.turns[-1]
            last.parting = last.parting or parting
        else:
            self._part(parting)

    def _part(self, parting: Parting) -> None:
        if self._parting is None:
            self._parting = parting
            self._over.set()

    async def _hear_out(self) -> None:
        """What the user said last may not be in words yet."""
        self._mouth.cut_all()
        if self._unheard:
            with anyio.move_on_after(LAST_WORDS_SEC):
                await self._all_heard.wait()

    def _close_books(self) -> None:
        self._mouth.cut_all()
        self._dialogue.close()
