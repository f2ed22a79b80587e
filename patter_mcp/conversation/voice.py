"""What a speech-to-speech model says on the line: wanted or of itself, tried again, screened, bridged from memory.

Above: `realtime_loop`, which knows the user and the call. Below: `mouth`, the order of speaking.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import anyio
from anyio.abc import TaskGroup

from patter_mcp import events as ev
from patter_mcp.conversation.agent import Agent
from patter_mcp.conversation.dialogue import Dialogue
from patter_mcp.conversation.engine import Journal, Parting
from patter_mcp.conversation.model_turn import Kind, ModelTurn
from patter_mcp.conversation.mouth import Mouth
from patter_mcp.conversation.screen import Screen, judge_of
from patter_mcp.conversation.spares import Spares
from patter_mcp.conversation.speech_text import same_words
from patter_mcp.conversation.trouble import BUSY_PAUSE_SEC
from patter_mcp.errors import ProviderError
from patter_mcp.guardrails.base import Verdict
from patter_mcp.guardrails.speech import SpeechGuard
from patter_mcp.hooks import DROP, HookRunner
from patter_mcp.realtime import base as rt

MAX_FAILURES = 2
"""Responses that may come to nothing in a row before the model counts as gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a call's speech is made with."""

    agent: Agent
    provider: str
    stream: rt.RealtimeStream
    dialogue: Dialogue
    journal: Journal
    hooks: HookRunner
    guard: SpeechGuard
    spares: Spares
    tasks: TaskGroup


class Voice:
    """One call's.

    Args:
        wanted: Told when there is something to say.
        made: Told when all of a turn is there, and may be heard.
        spoken: Told when a turn has been heard to its end.
        failed: Told when the model is gone for good.
    """

    def __init__(
        self,
        means: Means,
        *,
        wanted: Callable[[], None],
        made: Callable[[ModelTurn], None],
        spoken: Callable[[ModelTurn], None],
        failed: Callable[[ProviderError], None],
    ) -> None:
        self._agent = means.agent
        self._provider = means.provider
        self._stream = means.stream
        self._dialogue = means.dialogue
        self._journal = means.journal
        self._hooks = means.hooks
        self._guard = means.guard
        self._spares = means.spares
        self._tasks = means.tasks
        self._made = made
        self._failed = failed
        self.mouth = Mouth(
            stream=means.stream,
            dialogue=means.dialogue,
            journal=means.journal,
            tasks=means.tasks,
            wanted=wanted,
            screened=self._screened,
            spoken=spoken,
        )
        self._turns: dict[str, ModelTurn] = {}
        """At the model, by response."""
        self._lines = count(1)
        self._failures = 0
        self._user_stopped: tuple[float, float] | None = None
        """When the user's last sound was and when that was certain, until something is said to it."""
        self.answer_due = False
        """The model owes the user an answer by itself, and has not begun it."""
        self.hushed = False
        """What the model begins by itself is not wanted."""
        self._closed = False

    # What we want said.

    def reply(self) -> None:
        """An answer to all that has been said."""
        self._ask(ModelTurn(kind=Kind.REPLY))

    def answer(self) -> None:
        """The answer that is due; the model will not begin it by itself."""
        waiting = next((turn for turn in self.mouth.turns if turn.kind is Kind.REPLY and not turn.response), None)
        if waiting is not None:
            self._ask_again(waiting)
        else:
            self.reply()

    def say(self, text: str, kind: Kind = Kind.PHRASE, parting: Parting | None = None) -> ModelTurn:
        """These very words."""
        turn = ModelTurn(kind=kind, wanted=text, parting=parting)
        self._ask(turn)
        return turn

    def say_last(self, text: str, parting: Parting) -> None:
        self.hushed = False
        self.mouth.cut_all()
        self.say(text, parting=parting)

    def recall(self, text: str, parting: Parting | None = None) -> bool:
        """The same from memory, where it has been made beforehand."""
        audio = self._from_memory(text)
        if audio:
            self._recite(text, audio, parting)
        return bool(audio)

    def apologise(self, parting: Parting) -> None:
        """The last words of a call that has lost its model."""
        self._recite(*self._spares.apology, parting)

    def bridge(self, text: str) -> None:
        """A word for whoever waits: in front of what is being made, else by itself."""
        if self._closed:
            return
        waiting = next((turn for turn in self.mouth.turns if turn.is_bridgeable), None)
        if waiting is None and not self.mouth.turns:
            if not self.recall(text):
                self.say(text)
        elif waiting is not None:
            self._give_line(waiting, f"memory-{next(self._lines)}")
            # Also past a hook on audio: the model, busy with what is waited for, cannot say it.
            waiting.bridge(*self._spares.filler(text))

    def _recite(self, text: str, audio: bytes, parting: Parting | None) -> None:
        turn = ModelTurn.remembered(text, audio, f"memory-{next(self._lines)}", parting)
        self._dialogue.place(turn.line)
        self.mouth.add(turn)

    def close(self) -> None:
        """Nothing more is begun."""
        self._closed = True

    def _ask(self, turn: ModelTurn) -> None:
        if self._closed:
            turn.void = True
            return
        turn.response = self._stream.ask(say=turn.wanted or None)
        self._add(turn)

    def _add(self, turn: ModelTurn) -> None:
        agent = self._agent
        judge = judge_of(self._guard) if agent.guardrails and turn.kind is Kind.REPLY else None
        audio_filter = self._filter_audio if self._hooks.has_after_synthesize else None
        if judge is not None or audio_filter is not None:
            turn.screen = Screen(turn.recording, judge, audio_filter, language=agent.language)
        self._turns[turn.response] = turn
        self.mouth.add(turn)

    # How it stands.

    @property
    def is_owed(self) -> bool:
        """The model has to do something before we can say more."""
        return self.answer_due or any(not turn.made for turn in self.mouth.turns[:1])

    @property
    def is_unasked(self) -> bool:
        """An answer is due, and nobody but the model itself could have begun it."""
        return self.answer_due and not any(turn.response for turn in self.mouth.turns)

    @property
    def only_bridged(self) -> bool:
        """What is heard now is a word from memory, and the model has said nothing yet."""
        return any(turn.is_bridgeable for turn in self.mouth.turns[:1])

    @property
    def dry_since(self) -> float | None:
        """The last sound of the model's, if all that may be heard of its speech has been, and it is not done."""
        for turn in self.mouth.turns[:1]:
            recording = turn.recording
            if not turn.made and recording.total_ms > turn.bridged_ms and recording.left_ms <= 0:
                return turn.last_audio_at
        return None

    # What the user does.

    def user_stopped(self, last_sound_at: float) -> None:
        self._user_stopped = last_sound_at, anyio.current_time()
        self.answer_due = True

    def nobody_waits(self) -> None:
        """It was a machine that has stopped, and what is said next is no answer."""
        self._user_stopped = None

    # What the model does.

    def started(self, response: str) -> None:
        turn = self._turns.get(response)
        if turn is None:
            turn = self._begun_by_itself(response)
        turn.begun = True
        if turn.kind is Kind.REPLY:
            self.answer_due = False

    def piece(self, response: str, item: str) -> None:
        turn = self._turns.get(response)
        if turn is None:
            return
        turn.piece(item)
        if not turn.void:
            self._give_line(turn, item)

    def _give_line(self, turn: ModelTurn, line: str) -> None:
        if not turn.line:
            turn.line = line
            self._dialogue.place(line)

    def words(self, response: str, text: str) -> None:
        turn = self._turns.get(response)
        if turn is None or turn.void:
            return
        turn.words(text)
        if turn.line:
            # For a model that loses its memory meanwhile.
            self._dialogue.agent_said(turn.line, turn.recording.text, final=False)

    def sound(self, response: str, audio: bytes) -> None:
        turn = self._turns.get(response)
        if turn is None or turn.void:
            return
        if turn.kind is Kind.REPLY and self._user_stopped is not None:
            turn.user_stopped_at, turn.committed_at = self._user_stopped
            self._user_stopped = None
        turn.audio(audio)

    def done(self, done: rt.ResponseDone) -> None:
        turn = self._turns.pop(done.response, None)
        if turn is None:
            return
        turn.made = True
        if turn.void or turn.blocked or done.status != "completed":
            for call in done.calls:
                self._stream.forget(call.item)
        if turn.kind is Kind.SPARE:
            self._keep_spare(turn, done)
        elif turn.void:
            turn.remind(self._stream, turn.recording.heard_ms)
        elif turn.blocked:
            turn.remind(self._stream, turn.recording.total_ms)
        elif done.status in ("completed", "incomplete"):
            self._take_up(turn, done)
        else:
            self._recover(turn, done)

    def _begun_by_itself(self, response: str) -> ModelTurn:
        wanted = next((turn for turn in self.mouth.turns if turn.kind is Kind.REPLY and not turn.begun), None)
        if wanted is not None:
            # It answers the user, as the one we want would.
            if wanted.response:
                self._stream.cancel(wanted.response)
                self._turns[wanted.response] = ModelTurn(kind=Kind.REPLY, void=True)
            self._turns[response], wanted.response = wanted, response
            if wanted.line:
                # The user may have been heard again, as another turn; it comes after that.
                self._dialogue.place(wanted.line)
            return wanted
        turn = ModelTurn(kind=Kind.REPLY, response=response)
        if self._closed or self.hushed or self.mouth.turns:
            turn.void = True
            self._turns[response] = turn
            self._stream.cancel(response)
        else:
            self._add(turn)
        return turn

    def _take_up(self, turn: ModelTurn, done: rt.ResponseDone) -> None:
        turn.calls = done.calls if done.status == "completed" else ()
        if turn.received_ms or turn.calls:
            self._failures = 0
            self._complete(turn)
        elif turn.wanted:
            self._fail_once(turn, f"{self._provider} said nothing")
        else:
            self.mouth.cut(turn)
            self.say(self._agent.phrases.pardon)

    def _complete(self, turn: ModelTurn) -> None:
        turn.complete()
        if turn.screen is None:
            self._completed(turn)

    def _completed(self, turn: ModelTurn) -> None:
        self.mouth.let_out()
        self._made(turn)

    # What goes wrong.

    def _recover(self, turn: ModelTurn, done: rt.ResponseDone) -> None:
        """What there is of it is said, and the model goes on from there."""
        if done.status == "failed":
            self._fail_once(turn, done.message)
        elif done.status == "cancelled" and (turn.received_ms or turn.wanted):
            # The user speaks, though we have not been told yet.
            self._complete(turn)
            self.answer_due = turn.kind is Kind.REPLY
        elif turn.received_ms:
            self._go_on(turn)
        elif turn.wanted:
            self._ask_again(turn)
        else:
            # Whether the model will hear the user, or hear them again, and answer by itself, is not known yet.
            turn.response, turn.begun = "", False
            self.answer_due = True

    def _fail_once(self, turn: ModelTurn, message: str) -> None:
        self._failures += 1
        if self._failures > MAX_FAILURES:
            self._failed(ProviderError(message, provider=self._provider))
            return
        self.note_trouble("response-failed", message, recovered=True)
        if turn.received_ms:
            self._go_on(turn)
        else:
            self._tasks.start_soon(self._ask_again_later, turn, (self._failures - 1) * BUSY_PAUSE_SEC)

    def _go_on(self, turn: ModelTurn) -> None:
        self._complete(turn)
        if turn.kind is Kind.REPLY:
            self.reply()

    async def _ask_again_later(self, turn: ModelTurn, pause_sec: float) -> None:
        await anyio.sleep(pause_sec)
        if not turn.void:
            self._ask_again(turn)

    def _ask_again(self, turn: ModelTurn) -> None:
        """It keeps its place among what there is to say."""
        turn.response = self._stream.ask(say=turn.wanted or None)
        turn.begun = turn.made = False
        self._turns[turn.response] = turn

    def note_trouble(self, code: str, message: str, *, recovered: bool) -> None:
        self._journal.write(
            ev.ProviderTrouble(part="llm", provider=self._provider, code=code, message=message, recovered=recovered)
        )

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
            self.say(verdict.text)

    async def _filter_audio(self, audio: bytes, text: str) -> bytes | None:
        shaped = await self._hooks.after_synthesize(audio, text)
        return None if shaped is DROP else shaped

    # Words for bad moments.

    def make_spare(self) -> None:
        """One after the other, beside the conversation; only by a model that says what it is asked to say."""
        if not self._stream.makes_asides or (text := self._spares.missing()) is None:
            return
        response = self._stream.ask(say=text, aside=True)
        self._turns[response] = ModelTurn(kind=Kind.SPARE, wanted=text, response=response)

    def _keep_spare(self, turn: ModelTurn, done: rt.ResponseDone) -> None:
        if done.status == "completed" and same_words(turn.recording.text, turn.wanted):
            self._spares.keep(turn.wanted, turn.recording.audio)
            self.make_spare()

    def _from_memory(self, text: str) -> bytes:
        # What is remembered has not been through this call's hook.
        return b"" if self._hooks.has_after_synthesize else self._spares.audio(text)
