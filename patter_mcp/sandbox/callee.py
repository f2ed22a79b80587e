"""Somebody, or a machine, who answers a scenario's number: 20 ms heard in, 20 ms spoken out.

No clock, no socket, no synthesis: one tick is one frame of mono μ-law at 8 kHz (160 bytes), and how fast
ticks follow one another is the caller's affair. The course of a call reads from top to bottom in
generators that yield once per frame.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Generator, Mapping
from random import Random
from typing import Literal, NamedTuple

from patter_mcp.audio import tones
from patter_mcp.audio.frame import BYTES_PER_MS, FRAME_BYTES, FRAME_MS, ULAW_SILENCE
from patter_mcp.sandbox.callers import CALLERS_SAY
from patter_mcp.sandbox.hearing import Ear
from patter_mcp.sandbox.manners import MANNERS, STILL_THERE
from patter_mcp.sandbox.matching import Words, contains_any, words
from patter_mcp.sandbox.scenario import (
    START,
    Drop,
    ExpectDigits,
    GoTo,
    HandOver,
    HangUp,
    Listen,
    PlayBeep,
    PressKeys,
    Reply,
    Say,
    Scenario,
    StaySilent,
    Step,
)

PICK_UP_MS = (300, 600)
"""From the answer to the first word, at least and at most."""
TURN_QUIET_MS = 900
"""So much silence of the agent's, and it is our turn; a pause between its sentences is shorter."""
YIELD_MS = 1200
"""A person spoken over for so long stops, hears the other out and begins again."""
MAX_RESTARTS = 2
"""After which a person speaks on, whoever else does."""
LATE_MS = 700
"""What the agent said into our line still counts when it ended no longer than this before the line did."""
INTERRUPT_WAIT_MS = 10_000
"""How long someone who means to interrupt waits for something to interrupt."""
LINGER_SEC = 3.0
"""How long a person waits for the other's last words before hanging up."""
CLOSING_WAIT_SEC = 5.0
"""When everything is said a person waits for so long before saying goodbye."""
NEXT_TURN_SEC = 8.0
"""How long a person who was interrupted waits for what was so important."""
BETWEEN_KEYS_MS = 3000
KEY_MS = 200
PATIENCE = 2
"""Into so many silences a person asks whether somebody is there, and so often a menu is repeated."""
LAST_WORDS = 4

Ending = Literal["hung-up", "dropped"]
Act = Generator[None]


class Spoken(NamedTuple):
    """A line in a voice."""

    text: str
    voice: str


def spoken_lines(scenario: Scenario) -> list[Spoken]:
    """All that the callee may have to say."""
    manners = (STILL_THERE, *(reply.say for reply in MANNERS if reply.say))
    return [Spoken(text, voice) for voice in scenario.voices for text in dict.fromkeys((*scenario.lines, *manners))]


def listened_phrases(scenario: Scenario) -> list[str]:
    """What it should be able to recognise: all that it would react to, the request it is made for, and what callers
    say anyway.
    """
    manners = (phrase for reply in MANNERS for phrase in reply.phrases)
    example = scenario.example
    requests = (example.first_message, example.goal) if example else ()
    return list(dict.fromkeys((*scenario.phrases, *requests, *manners, *CALLERS_SAY)))


class _SceneChange(Exception):
    def __init__(self, scene: str) -> None:
        self.scene = scene


class _Leave(Exception):
    """Time to hang up."""


class _LineBroke(Exception):
    pass


class Mouth:
    """What is still to be said."""

    def __init__(self) -> None:
        self._audio = bytearray()

    @property
    def busy(self) -> bool:
        return bool(self._audio)

    def say(self, audio: bytes) -> None:
        self._audio += audio

    def stop(self) -> None:
        self._audio.clear()

    def frame(self) -> bytes:
        frame = bytes(self._audio[:FRAME_BYTES])
        del self._audio[:FRAME_BYTES]
        return frame.ljust(FRAME_BYTES, bytes((ULAW_SILENCE,)))


class Callee:
    """One call's callee.

    Args:
        scenario: Its script.
        audio: The sound of all `spoken_lines(scenario)`.
        ear: Its own; best with a recogniser that expects `listened_phrases(scenario)`.
        random: Makes its reaction times differ.
    """

    def __init__(self, scenario: Scenario, audio: Mapping[Spoken, bytes], ear: Ear, random: Random) -> None:
        self.ended: Ending | None = None
        self.pressed: deque[str] = deque()
        """Keys it has pressed, for the network to carry."""
        self.heard: list[str] = []
        """What it understood of the agent, utterance by utterance."""
        self._scenario = scenario
        self._audio = audio
        self._ear = ear
        self._random = random
        self._mouth = Mouth()
        self._machine = scenario.callee == "machine"
        self._voice = scenario.voice
        self._scene = START
        self._replies_used: Counter[Reply] = Counter()
        self._last_line = self._unsaid_greeting = scenario.greeting
        self._extra_wait_sec = 0.0
        self._leaving = False
        self._ticks_left = int(scenario.hang_up_after_sec * 1000 / FRAME_MS)
        self._course = self._live()

    def digit(self, digit: str) -> None:
        """The agent pressed a key."""
        self._ear.digits.append(digit)

    def tick(self, heard: bytes) -> bytes:
        """20 ms pass: `heard` is the agent's sound in them, the callee's own comes back."""
        self._ear.hear(heard)
        self._ticks_left -= 1
        if self._ticks_left < 0:
            self.ended = self.ended or "hung-up"
        if self.ended is None:
            next(self._course, None)
        return self._mouth.frame()

    def _live(self) -> Act:
        try:
            yield from self._pick_up()
            yield from self._play()
        except _Leave:
            self.ended = "hung-up"
        except _LineBroke:
            self.ended = "dropped"

    def _pick_up(self) -> Act:
        """A machine recites its greeting. A person keeps it back from a caller who speaks first, or over it."""
        yield from _pass(self._random.randint(*PICK_UP_MS))
        if self._unsaid_greeting and (self._machine or not self._ear.open):
            greeting, self._unsaid_greeting = self._unsaid_greeting, ""
            yield from self._utter(greeting, yielding=not self._machine)

    def _play(self) -> Act:
        scene = START
        while True:
            self._scene, self._leaving = scene, False
            try:
                for step in self._scenario.scenes[scene]:
                    yield from self._do(step)
                yield from self._run_out()
            except _SceneChange as change:
                scene = change.scene
                yield  # or scenes that lead to each other in a ring would stop the clock

    def _run_out(self) -> Act:
        """The script is finished and nobody has hung up: a person answers what is still asked, then says goodbye."""
        if not self._machine:
            yield from self._answer_questions(CLOSING_WAIT_SEC)
            yield from self._say(self._scenario.closing)
        yield from self._hang_up(None)

    def _do(self, step: Step) -> Act:
        match step:
            case Say():
                yield from self._say_step(step)
            case Listen():
                yield from self._listen(step)
            case PlayBeep():
                yield from self._beep(step)
            case StaySilent(sec=sec):
                yield from _pass(sec * 1000)
            case ExpectDigits():
                yield from self._expect_digits(step)
            case PressKeys(digits=digits):
                self.pressed.extend(digits)
                yield from _pass(KEY_MS * len(digits))
            case HandOver():
                self._machine = step.to == "machine"
                self._voice = step.voice or self._voice
            case GoTo(scene=scene):
                raise _SceneChange(scene)
            case HangUp(linger_sec=linger_sec):
                yield from self._hang_up(linger_sec)
            case Drop():
                raise _LineBroke

    # Speaking

    def _say_step(self, step: Say) -> Act:
        self._last_line = step.text
        if step.interrupt_after_ms is not None:
            yield from self._until_interruptible(step.interrupt_after_ms)
            yield from self._utter(step.text, yielding=False, cut_after_ms=step.cut_after_ms)
        elif step.cut_after_ms is not None:
            yield from self._until_quiet()
            yield from self._utter(step.text, yielding=False, cut_after_ms=step.cut_after_ms)
        else:
            yield from self._say(step.text)

    def _say(self, text: str) -> Act:
        """Says the line to its end, in its turn; spoken over, hears the other out and says it again."""
        self._last_line = text
        if self._machine:
            yield from self._utter(text, yielding=False)
            return
        for restart in range(MAX_RESTARTS + 1):
            yield from self._until_quiet()
            if (yield from self._utter(text, yielding=restart < MAX_RESTARTS)):
                return
            heard = yield from self._hear(TURN_QUIET_MS, NEXT_TURN_SEC)
            yield from self._reply_to(heard or "")

    def _utter(self, text: str, *, yielding: bool, cut_after_ms: int | None = None) -> Generator[None, None, bool]:
        """False: stopped, because the agent spoke over it. A machine's line is over once a key is pressed."""
        self._unsaid_greeting = ""  # nobody says hello in the middle of a talk
        audio = self._audio[Spoken(text, self._voice)]
        voiced_before_ms = self._ear.voiced_ms
        self._mouth.say(audio if cut_after_ms is None else audio[: cut_after_ms * BYTES_PER_MS])
        while self._mouth.busy and not (self._machine and self._ear.digits):
            yield
            if yielding and self._ear.voiced_ms - voiced_before_ms >= YIELD_MS:
                self._mouth.stop()
                return False
        self._mouth.stop()
        if self._ear.quiet_ms > LATE_MS:
            self._ear.take()
        return True

    def _beep(self, step: PlayBeep) -> Act:
        self._mouth.say(tones.beep(frequency_hz=step.frequency_hz, duration_ms=step.duration_ms))
        while self._mouth.busy:
            yield

    def _until_quiet(self) -> Act:
        while self._ear.quiet_ms < TURN_QUIET_MS:
            yield

    def _until_interruptible(self, after_ms: int) -> Act:
        """Until the agent has spoken for so long, has finished, or does not begin at all."""
        waited_ms = 0
        while self._ear.voiced_ms < after_ms and not self._ear.over(TURN_QUIET_MS) and waited_ms < INTERRUPT_WAIT_MS:
            waited_ms += 0 if self._ear.open else FRAME_MS
            yield

    # Listening

    def _listen(self, step: Listen) -> Act:
        """Until something was heard that the step waits for; answers what can be answered meanwhile."""
        wanted = [words(phrase) for phrase in step.phrases]
        silences = misses = 0
        while True:
            heard = yield from self._hear(step.quiet_ms, step.max_wait_sec)
            if heard is None:
                if step.if_silent:
                    raise _SceneChange(step.if_silent)
                if self._machine:
                    return
                if silences == PATIENCE:
                    raise _Leave
                silences += 1
                yield from self._say(STILL_THERE)
            elif (yield from self._reply_to(heard)):
                continue
            elif not wanted or contains_any(words(heard), wanted):
                return
            elif self._unsaid_greeting:
                line, self._unsaid_greeting = self._unsaid_greeting, ""
                yield from self._say(line)
            elif misses == step.tries:
                return
            else:
                misses += 1
                yield from self._say(step.prompt)

    def _hear(self, quiet_ms: int, max_wait_sec: float) -> Generator[None, None, str | None]:
        """The agent's next utterance; None when it does not begin in time."""
        wait_ms = (max_wait_sec + self._extra_wait_sec) * 1000
        self._extra_wait_sec = 0.0
        while self._ear.open or wait_ms > 0:
            wait_ms -= 0 if self._ear.open else FRAME_MS
            if self._ear.over(quiet_ms) and (heard := self._ear.take()) is not None:
                self.heard.append(heard)
                return heard
            yield
        return None

    def _reply_to(self, heard: str) -> Generator[None, None, bool]:
        """Answers by the first rule that fits, if any does."""
        reply = self._fitting_reply(words(heard))
        if reply is None:
            return False
        self._replies_used[reply] += 1
        self._extra_wait_sec = reply.wait_sec
        line = self._last_line if reply.again else reply.say
        if line and not (reply.hang_up and self._leaving):
            yield from self._say(line)
        if reply.goto:
            raise _SceneChange(reply.goto)
        if reply.hang_up:
            raise _Leave
        return True

    def _fitting_reply(self, heard: Words) -> Reply | None:
        rules = self._scenario.replies if self._machine else (*self._scenario.replies, *MANNERS)
        return next((reply for reply in rules if self._fits(reply, heard)), None)

    def _fits(self, reply: Reply, heard: Words) -> bool:
        place = not reply.scenes or self._scene in reply.scenes
        part = heard[-LAST_WORDS:] if reply.at_end else heard
        return (
            place
            and self._replies_used[reply] < reply.times
            and contains_any(part, [words(phrase) for phrase in reply.phrases])
            and not contains_any(heard, [words(phrase) for phrase in reply.unless])
        )

    def _expect_digits(self, step: ExpectDigits) -> Act:
        for repetition in range(PATIENCE + 1):
            digits = yield from self._collect_digits(step)
            scene = step.scenes.get(digits) or (step.wrong if digits else step.nothing)
            if scene:
                raise _SceneChange(scene)
            if self._last_line and repetition < PATIENCE:
                yield from self._say(self._last_line)
        raise _Leave

    def _collect_digits(self, step: ExpectDigits) -> Generator[None, None, str]:
        """Until they are an answer, cannot become one, or no more come."""
        digits, wait_ms = "", step.wait_sec * 1000
        while wait_ms > 0:
            if self._ear.digits:
                digits, wait_ms = digits + self._ear.digits.popleft(), BETWEEN_KEYS_MS
                longer = any(answer != digits and answer.startswith(digits) for answer in step.scenes)
                if not longer:
                    break
            wait_ms -= FRAME_MS
            yield
        return digits

    def _hang_up(self, linger_sec: float | None) -> Act:
        """Lets the agent finish, and answers if it still has a question."""
        if linger_sec is None:
            linger_sec = 0.0 if self._machine else LINGER_SEC
        self._leaving = True
        if linger_sec > 0 or self._ear.open:
            yield from self._answer_questions(linger_sec)
        raise _Leave

    def _answer_questions(self, wait_sec: float) -> Act:
        """Until the agent says something to which there is no reply, or nothing at all."""
        answered = True
        while answered:
            heard = yield from self._hear(TURN_QUIET_MS, wait_sec)
            answered = heard is not None and (yield from self._reply_to(heard))


def _pass(ms: float) -> Act:
    for _ in range(int(ms / FRAME_MS)):
        yield
