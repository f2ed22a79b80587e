"""Whole calls with vendors as they should be, over real sockets, and what passes between us and them."""

from __future__ import annotations

import pytest
from vendor_phone import BYE, vendor_phone

from patter_mcp.config import TurnSettings
from patter_mcp.testing.llm import FakeAnthropic, FakeLlmServer, FakeOpenAI, Reply

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.mark.parametrize("mind", [FakeOpenAI, FakeAnthropic])
async def test_turn_after_an_interruption_finds_its_connection_made(mind: type[FakeLlmServer]) -> None:
    endless = Reply(text="And so on. " * 50, token_sec=0.1)
    said = ["Go ahead.", "Stop it now."]
    async with vendor_phone(endless, BYE, said=said, mind=mind, turns=TurnSettings(eager=False)) as phone:
        call = await phone.place()
        person = await phone.greeted()
        await person.says(said[0])
        await person.hears_agent()
        await person.waits(1.5)
        await person.says(said[1])
        result = await call.wait()
        cut, answered = phone.mind.completions
    assert cut.abandoned.is_set()
    first = next(request for request in phone.mind.requests if request.connection == answered.connection)
    assert first.method == "GET" and first.connection != cut.connection
    assert [line.role for line in result.transcript] == ["agent", "user", "agent", "user", "agent"]
