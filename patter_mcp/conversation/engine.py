"""The seam between a call and whatever holds its conversation.

Three engines fit it: the pipeline (STT, LLM, TTS), speech-to-speech, and a bring-your-own agent.
`calls` opens one while the phone rings and runs it on the leg once somebody answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import anyio

from patter_mcp.conversation.leg import CallLeg
from patter_mcp.events import Event
from patter_mcp.llm.base import Closable
from patter_mcp.types import EndReason, Party


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What the conversation is told about its call."""

    call_id: str
    to_number: str
    goal: str
    first_message: str
    hints: Sequence[str] = ()
    """Words the recogniser should expect."""
    variables: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parting:
    """How a conversation came to its end; the call decides what follows from it."""

    reason: EndReason
    ended_by: Party
    detail: str = ""


class Journal(Protocol):
    """Where events go. Never waits: the store is reached by somebody else's task."""

    def write(self, event: Event) -> None: ...


class Conversation(Protocol):
    """Prepared for one call: connections made, first words synthesised."""

    async def run(self, leg: CallLeg, time_left_sec: float) -> Parting:
        """Holds the conversation until it is over, saying goodbye in good time before `time_left_sec` has passed.

        What we still wanted to say has been played when this returns; hanging up is the caller's part.
        A provider that fails for good makes a `Parting` with PROVIDER_FAILED, not an exception.
        """
        ...


class Engine(Protocol):
    """A way of holding conversations, with its settings; shared by all calls."""

    @property
    def parts(self) -> Mapping[str, str]:
        """What it is made of, for the record: {"stt": "deepgram/nova-3", …}."""
        ...

    @property
    def language(self) -> str:
        """What is spoken, BCP-47: also where it comes to no conversation."""
        ...

    def open(self, brief: Brief, journal: Journal) -> AbstractAsyncContextManager[Conversation]:
        """Gets ready while the phone rings. Leaving the block leaves no task or socket and has journalled the usage."""
        ...


async def close_engine(engine: Engine) -> None:
    """Closes what an engine keeps open between calls. Whoever made it does this, after its last call."""
    if isinstance(engine, Closable):
        with anyio.CancelScope(shield=True):
            await engine.aclose()
