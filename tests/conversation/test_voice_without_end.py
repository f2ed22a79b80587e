"""A voice that says everything, and then not that this was all."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from patter_mcp import events as ev
from patter_mcp.errors import ProviderConnectionError, ProviderError, ProviderTimeout
from patter_mcp.testing.scripted import Say, ScriptedTTS, ScriptedUtterance, ScriptedVoiceStream
from patter_mcp.tts.base import Speech, TtsOptions
from patter_mcp.types import EndReason

pytestmark = pytest.mark.anyio

STALL_SEC = 4.0
LATE = ProviderTimeout("the voice has stopped speaking", provider="scripted", retryable=True)
GONE = ProviderConnectionError("the voice is gone", provider="scripted", retryable=False)
BOOKED = ("end_call", '{"goal_met": "yes", "summary": "Friday at seven."}')


class EndlessVoice(ScriptedTTS):
    def __init__(self, failure: ProviderError) -> None:
        super().__init__()
        self.failure = failure
        self.characters = 0

    @asynccontextmanager
    async def open(self, options: TtsOptions) -> AsyncGenerator[ScriptedVoiceStream]:
        yield EndlessStream(self)


class EndlessStream(ScriptedVoiceStream):
    def __init__(self, voice: EndlessVoice) -> None:
        super().__init__(voice)
        self._endless = voice

    def utterance(self) -> ScriptedUtterance:
        return EndlessUtterance(self._endless, self._count)

    def _count(self, characters: int) -> None:
        super()._count(characters)
        self._endless.characters += characters


class EndlessUtterance(ScriptedUtterance):
    def __init__(self, voice: EndlessVoice, count: Callable[[int], None]) -> None:
        super().__init__(voice, count)
        self._failure = voice.failure

    async def __aiter__(self) -> AsyncIterator[Speech]:
        async for speech in super().__aiter__():
            yield speech
        await anyio.sleep(STALL_SEC)
        raise self._failure


@pytest.mark.parametrize("failure", [LATE, GONE])
async def test_what_was_all_said_is_neither_bridged_nor_said_again(stage: Any, failure: ProviderError) -> None:
    voice = EndlessVoice(failure)
    async with stage(Say("See you on Friday. Goodbye.", [BOOKED]), tts=voice) as s:
        await s.agent_has_spoken()
        await s.leg.quiet(2 * STALL_SEC)
        before = voice.characters
        await s.user_says("Friday at seven it is.")
        parting = await s.ended()
    assert parting.reason is EndReason.AGENT_HUNG_UP
    assert s.journal.transcript[-1] == ("agent", "See you on Friday. Goodbye.")
    assert voice.characters - before == len("See you on Friday. Goodbye.")
    assert all(trouble.recovered for trouble in s.journal.of(ev.ProviderTrouble))
