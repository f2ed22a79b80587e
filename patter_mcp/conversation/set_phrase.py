"""Words of our own on their way to the voice: a greeting, a question whether anybody is there, a goodbye."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import anyio
import anyio.lowlevel

from patter_mcp.conversation.bridging import Bridge
from patter_mcp.conversation.track import Track
from patter_mcp.hooks import DROP, HookRunner


class SetPhrase:
    """Said as it stands, or as the hook wants it.

    Args:
        hooks: None: it comes from memory, and is what it is.
        fillers: What can be said while the voice keeps us waiting, and its audio.
    """

    def __init__(
        self, text: str, track: Track, hooks: HookRunner | None, fillers: Callable[[], Mapping[str, bytes]]
    ) -> None:
        self.text = text
        self._track = track
        self._hooks = hooks
        self._fillers = fillers

    async def speak(self) -> None:
        await anyio.lowlevel.checkpoint_if_cancelled()
        shaped = self.text if self._hooks is None else await self._hooks.before_synthesize(self.text)
        if shaped is not DROP:
            self._track.say(shaped)
        self._track.end()

    async def bridge(self) -> None:
        """Keeps silence from lasting once it should be heard, until cancelled."""
        await self._track.released()
        fillers = self._fillers()
        await Bridge(self._track, list(fillers), fillers.get).run(anyio.current_time())
