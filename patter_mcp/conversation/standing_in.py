"""Recorded words for somebody who has answered and whose conversation is not there yet, or will never be."""

from __future__ import annotations

import anyio

from patter_mcp.conversation.bridging import FILLER_AFTER_SEC
from patter_mcp.conversation.engine import Journal
from patter_mcp.conversation.leg import CallLeg
from patter_mcp.conversation.prerecorded import Name, prerecorded
from patter_mcp.conversation.recording import Recording
from patter_mcp.events import AgentSaid


class StandIn:
    """One call's.

    Args:
        language: What is spoken, BCP-47.
    """

    def __init__(self, journal: Journal, language: str) -> None:
        self._journal = journal
        self._language = language
        self._relieved = anyio.Event()
        self._speaking = anyio.Lock()

    async def bridge(self, leg: CallLeg) -> None:
        """Asks for patience, again and again, until relieved."""
        async with self._speaking:
            while not self._relieved.is_set():
                with anyio.move_on_after(FILLER_AFTER_SEC) as waiting:
                    await self._relieved.wait()
                if waiting.cancelled_caught:
                    await self._say("one_moment", leg)

    async def relieve(self) -> None:
        """Returns once what has been begun is said."""
        self._relieved.set()
        async with self._speaking:
            pass

    async def apologise(self, leg: CallLeg) -> None:
        await self._say("trouble", leg)

    async def _say(self, name: Name, leg: CallLeg) -> None:
        words = prerecorded(name, self._language)
        recording = Recording()
        recording.write(words.text)
        recording.add(words.audio)
        recording.complete()
        recording.release(leg.playout)
        try:
            await recording.played()
        finally:
            if heard := recording.heard_text():
                self._journal.write(AgentSaid(text=heard, interrupted=not recording.is_heard))
