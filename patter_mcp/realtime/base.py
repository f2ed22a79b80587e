"""What the conversation needs of a speech-to-speech model, whoever provides it.

Above: `conversation`. Below: one vendor per file. The model hears the line, decides when the user's turn is over
and answers with audio by itself; it falls silent by itself when the user speaks. Everything else is asked of it.
Audio is mono μ-law at 8 kHz both ways, 20 ms = 160 bytes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from patter_mcp.types import TranscriptLine

Status = Literal["completed", "cancelled", "incomplete", "failed", "lost"]
"""How a response ended."""

# What the model tells. `response` is a name of its own for each answer, asked for or not.


@dataclass(frozen=True, slots=True, kw_only=True)
class UserStarted:
    """The user speaks; what was being answered is not completed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserStopped:
    """The user's turn is over; an answer follows by itself."""

    silence_ms: float
    """How long ago, in audio given to the model, the user's last sound was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserItem:
    """A turn of the user's has its place in the conversation."""

    item: str
    after: str | None
    """The item before it; None: unknown, or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserWords:
    """The transcript of a turn: the whole of what is known; comes late, and in any order."""

    item: str
    text: str
    final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseStarted:
    response: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseItem:
    """A piece of speech in a response, and last in the conversation; its words and sound follow."""

    response: str
    item: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseWords:
    """More of a response's transcript. As a rule it comes before the audio that says it."""

    response: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseAudio:
    """Made faster than it can be played."""

    response: str
    audio: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """`item` is its place in the conversation, `call` what its result refers to."""

    item: str
    call: str
    name: str
    arguments: str
    """JSON text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseDone:
    """Nothing more of it will come.

    `cancelled`: because the user spoke, or we did not want it. `failed`: the vendor could not, or broke it off.
    `lost`: with the connection, before or after it was begun. Tools are called only by what is `completed`.
    """

    response: str
    status: Status
    calls: Sequence[ToolCall] = ()
    message: str = ""
    """Why, if it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnected:
    """The connection broke and was made anew, and the model told what had been said.

    Items of before are gone. Audio of turns not yet understood is heard again; `lost_ms` are missing.
    """

    lost_ms: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """The vendor refused something we said; the conversation goes on."""

    code: str
    message: str


RealtimeEvent = (
    UserStarted
    | UserStopped
    | UserItem
    | UserWords
    | ResponseStarted
    | ResponseItem
    | ResponseWords
    | ResponseAudio
    | ResponseDone
    | Reconnected
    | Complaint
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUse:
    """A tool that was called, and what it answered."""

    name: str
    arguments: str
    output: str


Past = TranscriptLine | ToolUse
"""What a model that knows nothing of the conversation has to be told of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeOptions:
    """What one call tells its model."""

    instructions: str
    tools: Sequence[Mapping[str, object]] = ()
    """Each with `name`, `description` and `parameters`, a JSON Schema object."""
    language: str = "en"
    """BCP-47; of the user, for the transcript."""
    voice: str | None = None
    """The vendor's own name for it; None: the provider's default."""
    hints: Sequence[str] = ()
    """Words and phrases to expect: names, the business called."""
    max_output_tokens: int | None = None
    """Of one response; None leaves it to the vendor."""
    past: Callable[[], Sequence[Past]] = field(default=tuple)
    """Asked for when the connection has to be made anew."""


@dataclass(slots=True, kw_only=True)
class RealtimeUsage:
    """What the vendor counted, or what we estimate where it did not; each token under one kind only."""

    tokens: dict[str, int] = field(default_factory=dict[str, int])
    """`text_input`, `cached_text`, `audio_input`, `cached_audio`, `text_output`, `audio_output`."""
    transcribed_sec: float = 0.0
    """The user's audio that was put into words, by a model and a bill of its own."""


class RealtimeStream(Protocol):
    """One call's model. Nothing here waits but `connected`.

    Iterating ends when the stream is closed; it raises `ProviderError` when it is beyond repair.
    """

    async def connected(self) -> None:
        """Returns once there is, or has been, a connection; what is wanted before waits for it."""
        ...

    def feed(self, frame: bytes) -> None:
        """Takes the line's audio, any length; backed up, the oldest is dropped."""
        ...

    def ask(self, *, say: str | None = None, aside: bool = False) -> str:
        """Wants a response, begun once no other is being made; returns its name.

        Args:
            say: These very words; None: an answer to all that has been said.
            aside: It is no part of the conversation, and may be made while another is. See `makes_asides`.
        """
        ...

    def cancel(self, response: str) -> None:
        """Wants no more of it. `ResponseDone` follows if it had been begun, and nothing if not."""
        ...

    def truncate(self, item: str, heard_ms: int) -> None:
        """The user heard no more of this speech; `heard_ms` must not exceed what came of it.

        Here as in `forget` it does no harm if the model does not know the item, or not any more.
        """
        ...

    def forget(self, item: str) -> None:
        """As if it had never been in the conversation."""
        ...

    def tell(self, text: str) -> None:
        """A stage direction."""
        ...

    def answer(self, call: ToolCall, output: str) -> None:
        """A tool's result. Asking for a response to it is a step of its own."""
        ...

    def renew(self) -> None:
        """It does not answer: wants the connection made anew, as if it had broken."""
        ...

    @property
    def makes_asides(self) -> bool:
        """Whether asides may be asked for; not known before the first response was begun."""
        ...

    @property
    def usage(self) -> RealtimeUsage:
        """So far, cancelled responses included."""
        ...

    def __aiter__(self) -> AsyncIterator[RealtimeEvent]: ...


class SpeechToSpeech(Protocol):
    """A vendor's model with its settings; shared by all calls."""

    @property
    def provider(self) -> str: ...
    @property
    def model(self) -> str: ...

    @property
    def transcriber(self) -> str:
        """The model that puts the user's speech into words."""
        ...

    def open(self, options: RealtimeOptions) -> AbstractAsyncContextManager[RealtimeStream]:
        """Connects and agrees on the session; leaving the block leaves no task or socket.

        A vendor that is slow to answer is not waited for: it rings, and may be connected meanwhile.

        Raises:
            ProviderError: no connection can be made, or the session was refused.
        """
        ...
