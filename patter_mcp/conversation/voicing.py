"""Has a track spoken, at a second try if the voice's first failure may pass."""

from __future__ import annotations

import anyio

from patter_mcp.conversation.engine import Journal
from patter_mcp.conversation.track import Track
from patter_mcp.conversation.trouble import Troubles, pause_before_retry_sec, trouble
from patter_mcp.errors import ProviderError
from patter_mcp.tts.base import TtsStream


async def voice(track: Track, tts: TtsStream, journal: Journal) -> None:
    """Returns when all of it has come.

    Raises:
        ProviderError: the voice failed, and a second try is no use or did not help.
    """
    try:
        await _run(track, journal)
    except ProviderError as error:
        if track.is_said:
            journal.write(trouble("tts", error, recovered=True))
            track.complete()
            return
        pause_sec = pause_before_retry_sec(error)
        if pause_sec is None:
            raise
        journal.write(trouble("tts", error, recovered=True))
        await anyio.sleep(pause_sec)
        track.start_over(tts.utterance())
        await _run(track, journal)


async def _run(track: Track, journal: Journal) -> None:
    with Troubles(journal, "tts").noted(track):
        await track.run()
