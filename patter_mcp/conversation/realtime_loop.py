"""A conversation held by a speech-to-speech model: it hears and answers by itself, and we keep it honest.

What is left to us: the first words, what of its speech was really heard, tools, guardrails, silence, the time
limit, a voicemail's beep, and the books. Everything arrives as a plain call in the event loop and is acted on at once.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable

import anyio

from patter_mcp import events as ev
from patter_mcp.audio.frame import ULAW_SILENCE
from patter_mcp.conversation.controls import Controls
from patter_mcp.conversation.engine import Parting
from patter_mcp.conversation.frame_filter import FrameFilter
from patter_mcp.conversation.leg import CallLeg
from patter_mcp.conversation.model_turn import ModelTurn
from patter_mcp.conversation.opening import Opening
from patter_mcp.conversation.speech_text import is_farewell
from patter_mcp.conversation.stillness import ANSWER_LIMIT_SEC, Stillness
from patter_mcp.conversation.tool_rounds import ToolRounds
from patter_mcp.conversation.voice import Means, Voice
from patter_mcp.errors import ProviderError, ProviderTimeout
from patter_mcp.realtime import base as rt
from patter_mcp.types import EndReason

logger = logging.getLogger(__name__)

LAST_WORDS_SEC = 1.0
"""How long the transcript of what the user said last may take once the conversation is over."""
CONNECTED_WITHIN_SEC = 4.0
"""What is left to a model's first connection once somebody has answered: time to ask for a moment's patience."""
REPLAY_SEC = 0.5
"""How long a model takes at most to hear again what it missed."""
FINAL = (EndReason.MAX_DURATION, EndReason.PROVIDER_FAILED)
"""Goodbyes after which nothing can be said, also if the user talks over them."""


class RealtimeConversation:
    """One call's. Built by `speech_to_speech.SpeechToSpeechEngine` while it rings; the first words are made at once.

    Args:
        means: What its speech is made with.
        first_message: Spoken on answer.
        rounds: Its tools.
        controls: What they act on.
        lose: Told when it has become pointless before anybody answered.
    """

    def __init__(
        self,
        means: Means,
        *,
        first_message: str,
        rounds: ToolRounds,
        controls: Controls,
        lose: Callable[[ProviderError], None],
    ) -> None:
        self._agent = means.agent
        self._provider = means.provider
        self._stream = means.stream
        self._dialogue = means.dialogue
        self._journal = means.journal
        self._tasks = means.tasks
        self._rounds = rounds
        self._controls = controls
        self._lose = lose
        self._voice = Voice(
            means,
            wanted=lambda: self._stillness.look(),
            made=self._made,
            spoken=self._spoken,
            failed=self._fail,
        )
        self._mouth = self._voice.mouth
        self._opening = Opening(means, self._voice, first_message)
        self._stillness = Stillness(
            means.agent,
            self._voice,
            self._opening,
            rounds,
            is_user_speaking=lambda: self._user_speaking,
            renew=means.stream.renew,
            gave_up=self._give_up,
            leave=self._hang_up,
        )
        self._hear_frame = means.stream.feed
        if means.hooks.has_before_send_to_stt:
            ear = FrameFilter(means.hooks, means.stream.feed)
            self._hear_frame = ear.hear
            self._tasks.start_soon(ear.run)
        self._unheard: set[str] = set()
        """The user's turns that are not in words yet."""
        self._after_goodbye: set[str] = set()
        """The user's turns that came over our goodbye or after it; words of others may come later still."""
        self._user_speaking = False
        self._replayed_until = -math.inf
        """Until then the user is heard by a model that missed them; they say nothing now."""
        self._goodbye = False
        """What we said last was our goodbye, or the part of it that was heard."""
        self._failed = False
        self._leg: CallLeg | None = None
        self._parting: Parting | None = None
        self._over = anyio.Event()
        self._all_heard = anyio.Event()
        controls.leave = self._leave
        self._tasks.start_soon(self._listen)
        self._opening.greet()

    # The conversation as its call sees it.

    async def run(self, leg: CallLeg, time_left_sec: float) -> Parting:
        self._leg = self._controls.leg = leg
        self._mouth.open(leg.playout)
        self._stillness.stir()
        self._tasks.start_soon(self._stillness.run)
        self._tasks.start_soon(self._watch_limit, time_left_sec)
        self._tasks.start_soon(self._watch_connection)
        leg.listen(self)
        try:
            await self._over.wait()
            await self._hear_out()
        finally:
            self._mouth.cut_all()
            self._dialogue.close()
        assert self._parting is not None
        return self._parting

    # The ear: called by the leg, once per frame.

    def heard(self, frame: bytes) -> None:
        if not self._over.is_set():
            self._hear_frame(bytes((ULAW_SILENCE,)) * len(frame) if self._opening.recording else frame)
            self._opening.heard(frame)

    def digit(self, digit: str) -> None:
        self._journal.write(ev.DigitReceived(digit=digit))

    def line_ended(self, reason: EndReason) -> None:
        self._part(Parting(reason=reason, ended_by="user" if reason is EndReason.USER_HUNG_UP else "carrier"))

    # What the model tells.

    async def _listen(self) -> None:
        try:
            async for event in self._stream:
                self._take(event)
        except ProviderError as error:
            self._fail(error)

    def _take(self, event: rt.RealtimeEvent) -> None:
        match event:
            case rt.ResponseAudio(response=response, audio=audio):
                self._voice.sound(response, audio)
            case rt.ResponseWords(response=response, text=text):
                self._voice.words(response, text)
            case rt.UserStarted():
                self._user_started()
            case rt.UserStopped(silence_ms=silence_ms):
                self._user_stopped(silence_ms)
            case rt.UserItem(item=item, after=after):
                self._user_has_place(item, after)
            case rt.UserWords(item=item, text=text, final=final):
                self._user_said(item, text, final)
            case rt.ResponseStarted(response=response):
                self._voice.started(response)
            case rt.ResponseItem(response=response, item=item):
                self._voice.piece(response, item)
            case rt.ResponseDone():
                self._voice.done(event)
            case rt.Reconnected(message=message):
                self._reconnected(message)
            case rt.Complaint(code=code, message=message):
                self._voice.note_trouble(code, message, recovered=True)

    def _reconnected(self, message: str) -> None:
        self._voice.note_trouble("reconnected", message, recovered=True)
        self._user_speaking = False
        if self._dialogue.forget(self._unheard):
            self._replayed_until = anyio.current_time() + REPLAY_SEC
        elif self._voice.is_unasked:
            self._voice.answer()
        self._unheard.clear()

    # The user.

    def _user_started(self) -> None:
        self._user_speaking = True
        self._stillness.stir()
        turns = self._mouth.turns
        is_replay = anyio.current_time() < self._replayed_until
        if self._opening.recording or is_replay or not turns:
            return
        first, parting = turns[0], turns[-1].parting
        was_sounding = first.recording.left_ms > 0
        first.recording.stop()
        self._goodbye = parting is not None and parting.reason is EndReason.AGENT_HUNG_UP
        if not self._opening.is_drowned(first) and first.recording.heard_ms > 0 and was_sounding:
            self._journal.write(ev.BargeIn(heard_ms=round(first.recording.heard_ms)))
        self._mouth.cut_all()
        if parting is not None and parting.reason in FINAL:
            self._part(parting)

    def _user_stopped(self, silence_ms: float) -> None:
        last_sound_at = anyio.current_time() - silence_ms / 1000
        self._user_speaking = False
        self._replayed_until = -math.inf
        self._rounds.begin()
        self._stillness.stir(last_sound_at)
        if not self._opening.recording:
            self._voice.user_stopped(last_sound_at)

    def _user_has_place(self, item: str, after: str | None) -> None:
        self._unheard.add(item)
        if self._goodbye:
            self._after_goodbye.add(item)
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
            self._opening.judge(text)
            if item in self._after_goodbye and is_farewell(text):
                self._hang_up()
            elif item in self._after_goodbye or not self._goodbye:
                self._stillness.answered(text)

    # Our turns.

    def _made(self, turn: ModelTurn) -> None:
        if turn.calls:
            self._tasks.start_soon(self._use_tools, turn)
        self._opening.rehearse(turn)

    def _spoken(self, turn: ModelTurn) -> None:
        if turn.recording.total_ms:
            self._stillness.stir()
        self._goodbye = False
        if turn.parting is not None and turn.parting.reason is EndReason.AGENT_HUNG_UP:
            self._take_leave()
        elif turn.parting is not None:
            self._part(turn.parting)

    async def _use_tools(self, turn: ModelTurn) -> None:
        self._stillness.look()
        wants_reply = await self._rounds.run(turn.calls, self._stream, told=bool(turn.received_ms))
        self._stillness.stir()
        if not wants_reply or self._user_speaking or any(other.parting for other in self._mouth.turns):
            # What the user is saying, the model will answer it knowing the results.
            return
        if self._rounds.exhausted:
            logger.warning("a reply was ended after too many rounds of tools")
            self._voice.say(self._agent.phrases.too_many_steps)
        else:
            self._voice.reply()

    # The end.

    def _leave(self) -> None:
        """Hangs up once everything has been said, unless they have something to add."""
        if not self._hangs_up_last():
            self._take_leave()

    def _take_leave(self) -> None:
        if self._opening.is_machine:
            self._hang_up()
        else:
            self._goodbye = True
            self._stillness.said_goodbye()

    def _hang_up(self) -> None:
        """Once everything has been said."""
        if not self._hangs_up_last():
            self._part(Parting(reason=EndReason.AGENT_HUNG_UP, ended_by="agent"))

    def _hangs_up_last(self) -> bool:
        """What we are saying becomes our last word; False if we are saying nothing."""
        if not self._mouth.turns:
            return False
        last = self._mouth.turns[-1]
        last.parting = last.parting or Parting(reason=EndReason.AGENT_HUNG_UP, ended_by="agent")
        return True

    async def _watch_limit(self, time_left_sec: float) -> None:
        goodbye_sec = self._agent.turns.goodbye_sec
        if time_left_sec < 5 * goodbye_sec:
            return
        await anyio.sleep(time_left_sec - goodbye_sec)
        if self._goodbye and not self._mouth.turns:
            self._hang_up()
        elif not self._failed:
            parting = Parting(reason=EndReason.MAX_DURATION, ended_by="agent")
            self._voice.say_last(self._agent.phrases.time_is_up, parting)

    async def _watch_connection(self) -> None:
        with anyio.move_on_after(CONNECTED_WITHIN_SEC) as patience:
            await self._stream.connected()
        if patience.cancelled_caught:
            message = f"{self._provider} could not be reached in time"
            self._fail(ProviderTimeout(message, provider=self._provider))

    def _give_up(self) -> None:
        message = f"{self._provider} did not answer within {ANSWER_LIMIT_SEC:g} seconds"
        self._fail(ProviderTimeout(message, provider=self._provider))

    def _fail(self, error: ProviderError) -> None:
        """The model is gone for good: say so from memory, and end politely."""
        if self._failed or self._parting is not None:
            return
        self._failed = True
        self._voice.note_trouble(error.code, error.message, recovered=False)
        self._voice.close()
        self._mouth.cut_all()
        if self._leg is None:
            self._lose(error)
            return
        self._voice.apologise(Parting(reason=EndReason.PROVIDER_FAILED, ended_by="agent", detail=error.message))

    def _part(self, parting: Parting) -> None:
        if self._parting is None:
            self._parting = parting
            self._voice.close()
            self._over.set()

    async def _hear_out(self) -> None:
        """What the user said last may not be in words yet."""
        self._mouth.cut_all()
        if self._unheard:
            with anyio.move_on_after(LAST_WORDS_SEC):
                await self._all_heard.wait()
