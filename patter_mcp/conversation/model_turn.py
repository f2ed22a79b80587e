"""One turn of a speech-to-speech model: on its way to the user's ear, and kept in the model's own memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

import anyio

from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.conversation.engine import Parting
from patter_mcp.conversation.recording import Recording
from patter_mcp.conversation.screen import Screen
from patter_mcp.realtime.base import RealtimeStream, ToolCall


class Kind(Enum):
    GREETING = auto()
    REPLY = auto()
    PHRASE = auto()
    SPARE = auto()
    """For another day; nobody hears it now."""


@dataclass(eq=False, slots=True)
class ModelTurn:
    """What comes of one response."""

    kind: Kind
    wanted: str = ""
    """The words it was asked to say; "" for an answer of its own."""
    parting: Parting | None = None
    """The call is over once this has been said."""
    response: str = ""
    """The stream's name for it; another one once it had to be asked for again."""
    recording: Recording = field(default_factory=Recording)
    screen: Screen | None = None
    user_stopped_at: float | None = None
    """The user's last sound, if this is the first we have to say to it."""
    committed_at: float = 0.0
    """The user's turn was certainly over."""
    begun: bool = False
    """The model is at it, or done."""
    made: bool = False
    """The model is done with it."""
    void: bool = False
    """Cut off or unwanted: nothing more of it is to be heard."""
    blocked: bool = False
    """A guardrail lets no more of it through than there is."""
    calls: Sequence[ToolCall] = ()
    line: str = ""
    """Its place in the dialogue."""
    items: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])
    """Its pieces in the model's memory, and where in its audio each begins."""
    received_ms: float = 0.0
    """Audio of the model's own."""
    bridged_ms: float = 0.0
    """Audio from memory before it."""
    first_audio_at: float | None = None
    last_audio_at: float | None = None
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)

    @classmethod
    def remembered(cls, text: str, audio: bytes, line: str, parting: Parting | None = None) -> ModelTurn:
        """Words from memory, of which the model knows nothing."""
        turn = cls(kind=Kind.PHRASE, wanted=text, parting=parting, line=line, begun=True, made=True)
        turn.recording.write(text)
        turn.recording.add(audio)
        turn.recording.complete()
        return turn

    def piece(self, item: str) -> None:
        if self.items:
            self.words(" ")
        self.items.append((item, self.bridged_ms + self.received_ms))

    def words(self, text: str) -> None:
        (self.screen or self.recording).write(text)

    def audio(self, audio: bytes) -> None:
        self.last_audio_at = anyio.current_time()
        self.first_audio_at = self.first_audio_at or self.last_audio_at
        self.received_ms += len(audio) / BYTES_PER_MS
        (self.screen or self.recording).add(audio)

    def complete(self) -> None:
        (self.screen or self.recording).complete()

    @property
    def is_bridgeable(self) -> bool:
        """Nothing of what the model said can be heard yet."""
        return not self.recording.is_complete and self.recording.total_ms <= self.bridged_ms

    def bridge(self, text: str, audio: bytes) -> None:
        """A word from memory for whoever waits for it."""
        length_ms = len(audio) / BYTES_PER_MS
        self.recording.write(f"{text} ")
        self.recording.add(audio)
        self.recording.align(len(self.recording.text))
        self.recording.first_audio_at = None  # that is when the model's own comes
        self.bridged_ms += length_ms
        self.items = [(item, start_ms + length_ms) for item, start_ms in self.items]

    def again(self) -> ModelTurn:
        """The same, to be heard from its beginning; the model need do nothing."""
        return ModelTurn(
            kind=Kind.PHRASE,
            recording=self.recording.again(),
            begun=True,
            made=True,
            line=self.line,
            items=self.items,
            received_ms=self.received_ms,
            bridged_ms=self.bridged_ms,
        )

    def remind(self, stream: RealtimeStream, heard_ms: float) -> None:
        """Has the model remember no more of it than was heard."""
        ends_ms = [*(start_ms for _, start_ms in self.items[1:]), self.bridged_ms + self.received_ms]
        for (item, start_ms), end_ms in zip(self.items, ends_ms, strict=False):
            if int(heard_ms - start_ms) <= 0:
                stream.forget(item)
            elif heard_ms < end_ms:
                stream.truncate(item, int(heard_ms - start_ms))
