"""What the conversation needs of speech-to-text, whoever provides it.

Above: `conversation`. Below: one vendor per file. A provider is an immutable value that can be
shared by all calls; `open` gives one call its own stream.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Interim:
    """Best guess at the utterance so far; each one replaces the one before."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Final:
    """A settled stretch of speech, to be appended to what is already settled of this turn.

    `end_of_turn`: the provider's own endpointing says the user has finished (`text` may then be empty).
    """

    text: str
    end_of_turn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStarted:
    """The provider hears a voice (it may be noise)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EagerEndOfTurn:
    """Probably finished; `text` is the whole turn so far. `TurnResumed` or a `Final` follows."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnResumed:
    """The user went on after `EagerEndOfTurn`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnected:
    """The provider's connection broke and was made anew; speech of `lost_ms` may be missing."""

    lost_ms: int
    message: str


SttEvent = Interim | Final | SpeechStarted | EagerEndOfTurn | TurnResumed | Reconnected


@dataclass(frozen=True, slots=True, kw_only=True)
class SttOptions:
    """What one call tells its recogniser."""

    language: str = "en"
    """BCP-47."""
    hints: Sequence[str] = ()
    """Words and phrases to expect: names, the business called."""


class SttStream(Protocol):
    """One call's ear. Iterating ends when the stream is closed; it raises `ProviderError` when it is beyond repair."""

    def feed(self, frame: bytes) -> None:
        """Takes mono μ-law at 8 kHz, any length, and never waits; backed up, it drops the oldest audio."""
        ...

    def finalize(self) -> None:
        """Our own detector thinks the user has stopped: settle what you have. A hint; a `Final` may follow."""
        ...

    @property
    def audio_sec(self) -> float:
        """Audio taken so far; what most vendors bill."""
        ...

    def __aiter__(self) -> AsyncIterator[SttEvent]: ...


class SpeechToText(Protocol):
    """A vendor's recogniser with its settings."""

    @property
    def provider(self) -> str: ...
    @property
    def model(self) -> str: ...

    @property
    def end_of_turn(self) -> Literal["none", "silence", "semantic"]:
        """Whether `Final.end_of_turn` and `EagerEndOfTurn` are to be expected, and what they rest on."""
        ...

    def open(self, options: SttOptions) -> AbstractAsyncContextManager[SttStream]:
        """Connects; leaving the block leaves no task or socket.

        Raises:
            ProviderError: no connection could be made.
        """
        ...


def hears(stream: SttStream) -> bool:
    """False while a stream that can tell is making its lost connection anew."""
    return getattr(stream, "hears", True)
