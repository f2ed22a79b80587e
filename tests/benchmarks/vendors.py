"""The vendors of the benchmark: the package's fakes, with the latencies of a good day."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from patter_mcp.testing.llm import FakeOpenAI
from patter_mcp.testing.speech import FakeSpeech, SttScript, Timing, TtsScript

ENDPOINTING_MS = 300
STT_MS = 50
FIRST_TOKEN_MS = 200
TOKEN_MS = 10
FIRST_BYTE_MS = 100
USER_SAYS = "Could we make that a table for four people"
AGENT_SAYS = "Let me check that now, just to be sure. Yes, that is fine."
FIRST_CLAUSE_TOKENS = 5
"""Of what the agent says: the reply is spoken from "now," on."""

ANSWER_MS = FIRST_TOKEN_MS + (FIRST_CLAUSE_TOKENS - 1) * TOKEN_MS + FIRST_BYTE_MS
"""From asking the model to the first byte of its voice, if we take no time."""
VENDORS_MS = ENDPOINTING_MS + STT_MS + ANSWER_MS
"""From the user's last sound to the agent's first, if we take no time and wait for the end of the turn."""


@dataclass(frozen=True, slots=True)
class Vendors:
    """Where they are."""

    speech_url: str
    llm_url: str


@asynccontextmanager
async def run_vendors(connect_ms: float) -> AsyncGenerator[Vendors]:
    """`connect_ms`: what a new connection to one of those for speech costs."""
    stt = SttScript(transcripts=lambda _: USER_SAYS, latency_ms=STT_MS, ms_per_word=120)
    tts = TtsScript(timing=Timing(first_byte_ms=FIRST_BYTE_MS))
    llm = FakeOpenAI(AGENT_SAYS, first_token_sec=FIRST_TOKEN_MS / 1000, token_sec=TOKEN_MS / 1000)
    async with FakeSpeech(stt=stt, tts=tts).run() as speech, llm as model:
        speech.faults.setup_ms = connect_ms
        yield Vendors(speech.url, model.base_url)
