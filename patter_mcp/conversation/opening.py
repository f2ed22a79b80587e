"""How a call with a speech-to-speech model begins: our first words, theirs over them, and machines that answer."""

from __future__ import annotations

from patter_mcp.conversation.answering import GREETING_LOST_MS, Pickup
from patter_mcp.conversation.model_turn import Kind, ModelTurn
from patter_mcp.conversation.speech_text import same_words
from patter_mcp.conversation.voice import Means, Voice

AFTER_THE_BEEP = "[voicemail: the beep has sounded]"


class Opening:
    """One call's."""

    def __init__(self, means: Means, voice: Voice, first_message: str) -> None:
        self._first_message = first_message
        self._dialogue = means.dialogue
        self._voice = voice
        self._mouth = voice.mouth
        self._stream = means.stream
        self._pickup = Pickup(means.journal)
        self._rehearsed = False
        self._due: ModelTurn | None = None
        """The greeting, if it has to be said again."""
        self._repeated: ModelTurn | None = None
        self.recording = False
        """A voicemail has beeped: it listens, and what still sounds on the line (the beep itself) is no reply."""

    @property
    def awaits_beep(self) -> bool:
        """The model answers a voicemail's greeting at once; nothing of that is wanted before the beep."""
        return self._voice.hushed

    @property
    def is_machine(self) -> bool:
        return self._pickup.is_machine

    @property
    def is_voicemail(self) -> bool:
        return self._pickup.who == "voicemail"

    # Our first words.

    def greet(self) -> None:
        self._voice.say(self._first_message, Kind.GREETING)

    def rehearse(self, turn: ModelTurn) -> None:
        """A turn has been made. If the model did not keep to its first words and nobody has heard them: once more."""
        if turn.kind is not Kind.GREETING:
            return
        if same_words(turn.recording.text, turn.wanted):
            self._voice.make_spare()
        elif not self._mouth.is_open and not self._rehearsed:
            self._rehearsed = True
            self._mouth.cut(turn)
            self.greet()

    def is_drowned(self, turn: ModelTurn) -> bool:
        """The user has begun to speak: if that was hello over our first words, they will be said again."""
        drowned = turn.kind is Kind.GREETING and turn.recording.heard_ms - turn.bridged_ms < GREETING_LOST_MS
        if drowned and not self._pickup.is_machine:
            # The model need not know: it has said them, and hello is what came back.
            self._due = turn
            self._mouth.take_away(turn)
            if turn.line:
                self._dialogue.drop(turn.line)
        return self._due is turn

    def user_has_spoken(self) -> None:
        """Their turn is over and has its place."""
        lost, self._due = self._due, None
        if lost is None:
            return
        if not lost.recording.is_complete:
            self._repeated = self._voice.say(self._first_message)
            return
        self._repeated = lost.again()
        self._dialogue.place(lost.line)
        self._dialogue.agent_said(lost.line, lost.recording.text, final=False)
        self._mouth.add(self._repeated)

    # Machines that answer.

    def heard(self, frame: bytes) -> None:
        """Takes every frame of the line."""
        if self._pickup.hears_beep(frame):
            self._beep_sounded()

    def beep_missed(self) -> None:
        """Silence has lasted so long that it will not come."""
        self._pickup.beeped()
        self._beep_sounded()

    def judge(self, text: str) -> None:
        """Words of the user's."""
        self._pickup.judge(text)
        if self._pickup.is_machine and not self.recording:
            self._machine_spoke()

    def _machine_spoke(self) -> None:
        """It does not mind having been talked over, and does not listen."""
        self._due = None
        if self._pickup.may_not_speak_yet:
            self._voice.hushed = True
            self._mouth.cut_all()
        elif self.is_voicemail:
            self._begin_recording()
        elif self._repeated in self._mouth.turns:
            self._mouth.cut(self._repeated)
            self._voice.reply()

    def _beep_sounded(self) -> None:
        if self.awaits_beep:
            self._voice.hushed = False
            self._begin_recording()
            self._stream.tell(AFTER_THE_BEEP)
            self._voice.reply()

    def _begin_recording(self) -> None:
        self.recording = True
        self._voice.nobody_waits()
