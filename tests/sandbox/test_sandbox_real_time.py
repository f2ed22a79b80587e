"""One call as a user has it: real voices, real recognition, real time."""

from __future__ import annotations

import anyio
import pytest
from agent_end import agent_end

from patter_mcp.audio.frame import silence
from patter_mcp.carriers.base import CarrierReport, DialRequest
from patter_mcp.sandbox.callee import Spoken
from patter_mcp.sandbox.carrier import SandboxCarrier
from patter_mcp.sandbox.speech import EmbeddedSpeech
from patter_mcp.stt.pocketsphinx import decoder
from patter_mcp.tts import espeak
from patter_mcp.types import CallState, EndReason

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,
    pytest.mark.skipif(not (espeak.installed() and decoder.installed()), reason="needs espeak-ng and pocketsphinx"),
]
BARBER = "+12025550100"
AGENT = [Spoken(text, "en-us") for text in ("Could I book a haircut for tomorrow at four?", "No thank you, goodbye.")]


async def test_a_call_in_real_time() -> None:
    ended: list[CarrierReport] = []
    over = anyio.Event()

    async def report(news: CarrierReport) -> None:
        if news.state is CallState.ENDED:
            ended.append(news)
            over.set()

    request, goodbye = (await EmbeddedSpeech().speak(AGENT, 160)).values()
    async with agent_end() as agent, SandboxCarrier() as carrier:
        order = DialRequest(
            call_id="c", to_number=BARBER, stream_url=f"{agent.url}/media", status_url="", ring_timeout_sec=30,
            time_limit_sec=60,
        )  # fmt: skip
        await carrier.dial(order, report)
        leg = await agent.leg()
        await leg.say(request)
        await leg.mark("asked")
        await leg.until(lambda leg: "asked" in leg.marks)
        assert not leg.audio.strip(silence(1)), "it does not speak while the agent does"
        await leg.until(lambda leg: bool(leg.audio.strip(silence(1))))
        await leg.until(lambda leg: leg.audio.endswith(silence(600)))
        await leg.say(goodbye)
        with anyio.fail_after(20):
            await over.wait()
    assert ended[0].reason is EndReason.USER_HUNG_UP
    assert ended[0].detail == ""
