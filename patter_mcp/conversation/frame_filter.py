"""The user's frames on their way through the `before_send_to_stt` hook: in their order, however long each one takes."""

from __future__ import annotations

import logging
from collections.abc import Callable

from patter_mcp.hooks import DROP, HookRunner
from patter_mcp.mailbox import Mailbox

logger = logging.getLogger(__name__)

MOST_WAITING_FRAMES = 10
"""200 ms. A hook that is slower than speech would else make every answer later than the one before."""


class FrameFilter:
    """One call's. `hear` never waits; `run` hands on what the hook leaves of the frames.

    Args:
        hooks: With a `before_send_to_stt`.
        feed: Takes each frame, at once.
    """

    def __init__(self, hooks: HookRunner, feed: Callable[[bytes], None]) -> None:
        self._hooks = hooks
        self._feed = feed
        self._frames = Mailbox[bytes]()
        self._waiting = 0
        self._has_fallen_behind = False

    def hear(self, frame: bytes) -> None:
        self._waiting += 1
        self._frames.put(frame)

    async def run(self) -> None:
        async for frame in self._frames:
            self._waiting -= 1
            shaped = frame if self._is_behind() else await self._hooks.before_send_to_stt(frame)
            if shaped is not DROP:
                self._feed(shaped)

    def _is_behind(self) -> bool:
        behind = self._waiting > MOST_WAITING_FRAMES
        if behind and not self._has_fallen_behind:
            self._has_fallen_behind = True
            logger.warning("The hook before_send_to_stt is slower than speech; frames pass it unchanged to catch up")
        return behind
