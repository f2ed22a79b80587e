"""What the conversation needs of text-to-speech, whoever provides it.

Audio leaves as mono μ-law at 8 kHz, 20 ms = 160 bytes, in pieces of any length. A provider is an
immutable value shared by all calls; `open` gives one call its own voice, and one call's hang-up can
never touch another's speech.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class TtsOptions:
    language: str = "en"
    """BCP-47."""
    voice: str | None = None
    """The vendor's own name for it; None: the provider's default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """A piece of audio.

    `text_chars`: how many characters of the utterance's text have been spoken at its end, if known.
    """

    audio: bytes
    text_chars: int | None = None


class Utterance(Protocol):
    """One stretch of speech. Iterating yields its audio and ends when all of it came, or after `cancel`.

    Iteration raises `ProviderError` when the vendor failed; text that was not spoken may then be given
    to another provider.
    """

    def feed(self, text: str) -> None:
        """Adds a speakable piece (a clause or a sentence); never waits."""
        ...

    def end(self) -> None:
        """No more text will come."""
        ...

    def cancel(self) -> None:
        """Stop. No audio is yielded from now on; the vendor is told in the background."""
        ...

    def __aiter__(self) -> AsyncIterator[Speech]: ...


class TtsStream(Protocol):
    """One call's voice."""

    def utterance(self) -> Utterance:
        """Begins a new utterance on the connection that is already there."""
        ...

    @property
    def characters(self) -> int:
        """Characters sent so far, cancelled ones included; what most vendors bill."""
        ...


class TextToSpeech(Protocol):
    """A vendor's synthesiser with its settings."""

    @property
    def provider(self) -> str: ...
    @property
    def model(self) -> str: ...

    def open(self, options: TtsOptions) -> AbstractAsyncContextManager[TtsStream]:
        """Connects; leaving the block leaves no task or socket.

        Raises:
            ProviderError: no connection could be made.
        """
        ...
