"""A word over the silence in which somebody waits for us, whatever it is that takes so long."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager

import anyio

from patter_mcp.conversation.phrases import Phrases
from patter_mcp.conversation.track import Track

FILLER_AFTER_SEC = 1.6
"""Silence that is filled with a word; two seconds feel like a dead line."""
REASSURE_AFTER_SEC = 1.0
"""Silence in which a tool runs, before its reassurance is said."""
BRIDGE_SEC = 2.0
"""How long such a word holds before it may be said again, to a user who asks whether we are there."""
TICK_SEC = 0.1


class Bridge:
    """One reply's.

    Args:
        track: Where the reply goes.
        phrases: What may be said meanwhile.
        remembered: A phrase's audio, where it has been made beforehand. Else the voice has to say it, if it can.
    """

    def __init__(self, track: Track, phrases: Phrases, remembered: Callable[[str], bytes | None]) -> None:
        self._track = track
        self._remembered = remembered
        self._fillers = deque([phrases.one_moment, phrases.bear_with_me])
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
            await anyio.sleep(TICK_SEC)
            now = anyio.current_time()
            if self._track.is_sounding or self._is_excused:
                silent_since = now
            if self._is_reassurance_due(now) or now - silent_since >= FILLER_AFTER_SEC:
                self._say()

    def hurry(self) -> None:
        """The user asks into our silence whether we are there."""
        if anyio.current_time() - self._said_at > BRIDGE_SEC:
            self._say()

    @property
    def _is_excused(self) -> bool:
        """Whoever has been told what takes so long can wait for a tool."""
        return self._tool_since is not None and bool(self._track.text) and not self._reassurance

    def _is_reassurance_due(self, now: float) -> bool:
        if not self._reassurance or self._tool_since is None or self._track.is_sounding:
            return False
        return now - self._tool_since >= REASSURE_AFTER_SEC

    def _say(self) -> None:
        if self._track.has_aside_to_say:
            return
        text = self._reassurance or self._next_filler()
        self._reassurance = ""
        self._said_at = anyio.current_time()
        self._track.bridge(text, self._remembered(text))

    def _next_filler(self) -> str:
        """By turns, but rather one from memory than one that the voice may not come to say."""
        ready = [text for text in self._fillers if self._remembered(text) is not None]
        text = (ready or self._fillers)[0]
        self._fillers.remove(text)
        self._fillers.append(text)
        return text
