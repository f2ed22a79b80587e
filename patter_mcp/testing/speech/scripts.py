"""How the fakes behave: data, to be changed while they run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Transcripts = Callable[[int], str] | Sequence[str]
"""What the user says in turn n, counted from 0. `|` stands where the recogniser settles a part of the turn."""


def transcript_of(transcripts: Transcripts, turn: int) -> str:
    if callable(transcripts):
        return transcripts(turn)
    return transcripts[turn] if turn < len(transcripts) else ""


@dataclass(slots=True)
class SttScript:
    """What a recogniser hears and how fast it says so. Audio time decides, then the wall clock delays."""

    transcripts: Transcripts = field(default_factory=lambda: lambda turn: f"this is turn {turn}")
    latency_ms: float = 50.0
    """From the frame that decides to the message."""
    interim_ms: float = 300.0
    ms_per_word: float = 250.0
    idle_timeout_sec: float = 10.0
    """Nova: time without a message after which it closes."""
    speech_final: bool = True
    """Nova: False when noise hides the silence, and only the gap between words ends the utterance."""
    eager_silence_ms: float = 200.0
    """Flux: silence after which the turn is probably over."""
    end_silence_ms: float = 400.0
    """Flux: silence after which it is."""
    transcription_ms: tuple[float, ...] = (100.0,)
    """OpenAI: from a stretch's end to its transcript, by turn, the last one for all that follow."""


@dataclass(slots=True)
class Timing:
    """How fast a synthesiser answers. Deadlines are absolute: a late one does not delay the next."""

    first_byte_ms: float = 100.0
    """From text to its first audio."""
    chunk_chars: int = 4
    """Characters per message: 240 ms of audio."""
    speed: float = 5.0
    """Seconds of audio per second."""


@dataclass(slots=True)
class TtsScript:
    """How a synthesiser answers."""

    timing: Timing = field(default_factory=Timing)
    confirm_ms: float = 20.0
    """Aura: from Clear to Cleared."""
    late_audio: bool = False
    """Aura, Cartesia: audio of what was cancelled goes on for a while, as it does with the real ones."""
    cut_after_chars: int | None = None
    """The connection is cut, once, when that many characters have been sung on it."""
    stall: bool = False
    """Text is taken, and nothing ever comes back."""
    max_contexts: int = 5
    """ElevenLabs: one more ends the connection."""
    odd_bytes: bool = False
    """OpenAI: chunks of PCM end in the middle of a sample."""
