"""A word over the silence in which somebody waits for us, whatever it is that takes so long."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager

import anyio

from patter_mcp.conversation.track import Track
from patter_mcp.hooks import DROP, Drop

FILLER_AFTER_SEC = 1.6
"""Silence that is filled with a word; two seconds feel like a dead line."""
REASSURE_AFTER_SEC = 1.0
"""Silence in which a tool runs, before its reassurance is said."""
BRIDGE_SEC = 2.0
"""How long such a word holds before it may be said again, to a user who asks whether we are there."""
TICK_SEC = 0.1


async def as_it_is(text: str) -> str:
    return text


class Bridge:
    """One turn's.

    Args:
        track: Where the turn goes.
        fillers: What may be said meanwhile, by turns.
        remembered: A filler's audio, where it has been made beforehand. Else the voice has to say it, if it can.
        shape: The hook that sees what the voice is to say.
    """

    def __init__(
        self,
        track: Track,
        fillers: Sequence[str],
        remembered: Callable[[str], bytes | None],
        shape: Callable[[str], Awaitable[str | Drop]] = as_it_is,
    ) -> None:
        self._track = track
        self._remembered = remembered
        self._shape = shape
        self._fillers = deque(fillers)
        self._hurried = anyio.Event()
        self._reassurance = ""
        """What the tool that runs now has us say if it takes long."""
        self._tool_since: float | None = None
        self._said_at = -math.inf

    @contextmanager
    def tool(self, reassurance: str | None) -> Generator[None]:
        """A tool runs inside."""
        self._reassurance = reassurance or ""
        self._tool_since = anyio.current_time()
        try:
            yield
        finally:
            self._reassurance = ""
            self._tool_since = None

    async def run(self, silent_since: float) -> None:
        """Keeps silence from lasting, until cancelled."""
        while True:
            self._hurried = anyio.Event()
            with anyio.move_on_after(TICK_SEC):
                await self._hurried.wait()
            now = anyio.current_time()
            if self._track.is_sounding or self._track.is_said or self._is_excused:
                silent_since = now
            is_wanted = self._hurried.is_set() and now - self._said_at > BRIDGE_SEC
            if is_wanted or self._is_reassurance_due(now) or now - silent_since >= FILLER_AFTER_SEC:
                await self._say()

    def hurry(self) -> None:
        """The user asks into our silence whether we are there."""
        self._hurried.set()

    @property
    def _is_excused(self) -> bool:
        """Whoever has been told what takes so long can wait for a tool."""
        return self._tool_since is not None and bool(self._track.text) and not self._reassurance

    def _is_reassurance_due(self, now: float) -> bool:
        if not self._reassurance or self._tool_since is None or self._track.is_sounding:
            return False
        return now - self._tool_since >= REASSURE_AFTER_SEC

    async def _say(self) -> None:
        if self._track.has_aside_to_say:
            return
        text = self._reassurance or self._next_filler()
        self._reassurance = ""
        self._said_at = anyio.current_time()
        shaped = await self._shape(text)
        if shaped is not DROP and shaped:
            self._track.bridge(shaped, self._remembered(shaped))

    def _next_filler(self) -> str:
        """By turns, but rather one from memory than one that the voice may not come to say."""
        ready = [text for text in self._fillers if self._remembered(text) is not None]
        text = (ready or self._fillers)[0]
        self._fillers.remove(text)
        self._fillers.append(text)
        return text
