"""`Patter` and `PatterTool` as their users hold them: a fake Twilio over real sockets, scripted providers."""

from __future__ import annotations

import asyncio
import contextvars
import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

import patter_mcp
from patter_mcp import Patter, PatterTool, PatterToolResult
from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.config import DialingSettings, Settings
from patter_mcp.contract import INPUT_SCHEMA, TOOL_NAME
from patter_mcp.conversation.agent import Agent
from patter_mcp.errors import CallRefused, ConfigError
from patter_mcp.stt.base import Final
from patter_mcp.testing.fake_twilio import FakeTwilio, Plan
from patter_mcp.testing.scripted import Say, ScriptedLLM, ScriptedSTT, ScriptedTTS

pytestmark = pytest.mark.anyio

OURS, THEIRS = "+12025550123", "+12025550100"
VOICE = b"\x00"
"""What the scripted voice sounds like."""
PAUSE_BYTES = 300 * BYTES_PER_MS
BYE = Say("Bye.", calls=[("end_call", '{"goal_met": "yes", "summary": "Done."}')])


@dataclass
class Setting:
    twilio: FakeTwilio
    phone: Patter
    agent: Agent
    llm: ScriptedLLM
    stt: ScriptedSTT

    async def answer(self, number: int) -> None:
        """The callee of the nth call hears the first message to its end and says hello; the agent ends the call."""
        call = await self.twilio.call(number)
        await call.line.open.wait()
        await call.until(lambda: VOICE in call.heard and VOICE not in call.heard[-PAUSE_BYTES:])
        self.stt.streams[number].emit(Final(text="Yes, hello?", end_of_turn=True))


@asynccontextmanager
async def setting(plan: Plan | None = None) -> AsyncGenerator[Setting]:
    stt, llm = ScriptedSTT(), ScriptedLLM(script=[BYE] * 20, first_token_sec=0.01, token_sec=0.001)
    agent = Agent(stt=stt, llm=llm, tts=ScriptedTTS(first_byte_sec=0.01), system_prompt="You are polite.")
    settings = Settings(store="memory:", phone_number=OURS, dialing=DialingSettings(countries=("US",)))
    with anyio.fail_after(30):
        async with FakeTwilio(plan).run() as twilio:
            phone = Patter(carrier=twilio.carrier(), settings=settings, agent=agent)
            yield Setting(twilio, phone, agent, llm, stt)


def first_words(result: PatterToolResult) -> str:
    """Ours. That they were heard is told by the network, on a busy machine after the answer to them."""
    return next(line.text for line in result.transcript if line.role == "agent")


async def test_goal_and_first_message_of_the_call_reach_the_conversation() -> None:
    async with setting() as s, s.phone:
        goal, first_message = "Find out about the bicycle.", "Good day, a question."
        call = await s.phone.place(THEIRS, goal=goal, first_message=first_message)
        await s.answer(0)
        result = await call.wait()
        assert result.status == "completed"
        assert first_words(result) == "Good day, a question."
        system = s.llm.requests[0][0]["content"]
        assert "Find out about the bicycle." in system and "You are polite." in system


async def test_tool_takes_a_dict_or_keywords_and_gives_the_envelope() -> None:
    async with setting(Plan(outcome="busy")) as s:
        tool = PatterTool(s.phone, s.agent)
        await tool.start()
        await tool.start()
        by_dict = await tool.execute({"to": THEIRS, "goal": "x"})
        by_keywords = await tool.execute(to=THEIRS, goal="x", max_duration_sec=None)
        await tool.stop()
        await tool.stop()
    assert isinstance(by_dict, PatterToolResult)
    assert by_dict.call_id != by_keywords.call_id
    assert list(by_dict.to_dict()) == ["call_id", "status", "duration_seconds", "cost_usd", "transcript", "metrics"]
    assert by_dict.status == by_keywords.status == "busy"


async def test_whole_number_of_seconds_may_come_with_a_decimal_point() -> None:
    async with setting(Plan(outcome="busy")) as s:
        tool = PatterTool(s.phone, s.agent)
        await tool.execute({"to": THEIRS, "max_duration_sec": 60.0})
        await tool.execute(to=THEIRS, max_duration_sec=61.0)
        await tool.hermes_handler()({"to": THEIRS, "max_duration_sec": 62.0})
        refused = await tool.hermes_handler()({"to": THEIRS, "max_duration_sec": 62.5})
        await tool.stop()
    # The carrier's own limit is longer.
    assert [call.field("TimeLimit") for call in s.twilio.calls] == ["75", "76", "77"]
    assert "not a decimal" in refused


async def test_many_at_once_run_at_once_each_with_its_own_result() -> None:
    async with setting() as s:
        tool = PatterTool(s.phone)
        await tool.start()
        results: dict[int, PatterToolResult] = {}

        async def one(index: int) -> None:
            results[index] = await tool.execute(to=f"+1202555010{index}", first_message=f"Message number {index}.")

        async with anyio.create_task_group() as tasks:
            for index in range(5):
                tasks.start_soon(one, index)
                tasks.start_soon(s.answer, index)
        await tool.stop()
    assert len({result.call_id for result in results.values()}) == 5
    for index, result in results.items():
        assert first_words(result) == f"Message number {index}."


async def test_execute_opens_the_phone_by_itself() -> None:
    async with setting(Plan(outcome="busy")) as s:
        tool = PatterTool(s.phone)
        assert (await tool.execute(to=THEIRS)).status == "busy"
        await tool.stop()


async def test_calls_that_begin_at_once_share_the_opening_of_the_phone() -> None:
    async with setting(Plan(outcome="busy")) as s:
        tool = PatterTool(s.phone)
        await asyncio.gather(tool.start(), tool.start(), tool.start())
        results = await asyncio.gather(*(tool.execute(to=f"+1202555010{index}") for index in range(3)))
        await asyncio.gather(tool.stop(), tool.stop())
    assert [result.status for result in results] == ["busy"] * 3
    assert len({result.call_id for result in results}) == 3


async def test_phone_is_opened_used_and_closed_by_different_tasks_and_again() -> None:
    async with setting(Plan(outcome="busy")) as s:
        tool = PatterTool(s.phone, s.agent)
        for _ in range(2):
            await asyncio.create_task(tool.start())
            assert (await asyncio.create_task(tool.execute(to=THEIRS))).status == "busy"
            await asyncio.create_task(tool.stop())
        with pytest.raises(ConfigError, match="not open"):
            await s.phone.call(THEIRS)


async def test_stop_that_is_given_up_on_hangs_up_all_the_same() -> None:
    async with setting() as s:
        await s.phone.start()
        await s.phone.place(THEIRS)
        call = await s.twilio.call(0)
        await call.line.open.wait()
        with anyio.move_on_after(0):
            await s.phone.stop()
        await s.phone.stop()
        assert call.status == "completed"


async def test_start_while_the_phone_is_closing_opens_it_again() -> None:
    async with setting(Plan(outcome="busy")) as s:
        await s.phone.start()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(s.phone.stop)
            await anyio.lowlevel.checkpoint()
            await s.phone.start()
        assert (await s.phone.call(THEIRS)).status == "busy"
        await s.phone.stop()


def test_arguments_are_added_to_settings_that_are_given() -> None:
    settings = Settings(carrier="sandbox", phone_number="+12025550111")
    phone = Patter(settings=settings, phone_number="+12025550123", webhook_url="calls.example.com")
    assert phone.settings.phone_number == "+12025550123"
    assert phone.settings.media.public_url == "https://calls.example.com"
    assert Patter(settings=settings).settings == settings


def test_each_event_loop_gets_the_phone_though_the_last_one_ended_without_a_stop() -> None:
    phone = Patter(settings=Settings(carrier="sandbox", stt="pocketsphinx", llm="rules", tts="espeak", store="memory:"))
    for _ in range(2):
        asyncio.run(phone.start())


def test_program_that_leaves_its_event_loop_standing_ends_all_the_same(tmp_path: Path) -> None:
    program = """if True:
        import asyncio, sys
        from patter_mcp import Patter
        from patter_mcp.config import Settings
        settings = Settings(carrier="sandbox", stt="pocketsphinx", llm="rules", tts="espeak", store=sys.argv[1])
        asyncio.new_event_loop().run_until_complete(Patter(settings=settings).start())
    """
    subprocess.run([sys.executable, "-c", program, f"sqlite:{tmp_path / 'calls.db'}"], check=True, timeout=30)


@pytest.mark.parametrize("arguments", [{}, {"to": "5551234"}, {"to": THEIRS, "colour": "red"}, {"to": 12025550100}])
async def test_bad_arguments_are_refused_before_anything_is_opened(arguments: dict[str, Any]) -> None:
    async with setting() as s:
        with pytest.raises(CallRefused):
            await PatterTool(s.phone).execute(arguments)
        assert s.twilio.calls == []


async def test_phone_works_in_an_event_loop_that_anyio_did_not_start() -> None:
    async def one_call(s: Setting) -> PatterToolResult:
        async with s.phone:
            call = await s.phone.place(THEIRS)
            await s.answer(0)
            return await call.wait()

    async with setting() as s:
        # What is left by asyncio.run: nothing that names the event loop to callbacks.
        result = await asyncio.get_running_loop().create_task(one_call(s), context=contextvars.Context())
    assert [line.text for line in result.transcript][1:] == ["Yes, hello?", "Bye."]


async def test_call_brings_its_agent_where_the_settings_make_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("DEEPGRAM_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    async with setting(Plan(outcome="busy")) as s:
        phone = Patter(carrier=s.twilio.carrier(), settings=s.phone.settings)
        async with phone:
            assert (await phone.call(THEIRS, agent=s.agent)).status == "busy"
            with pytest.raises(ConfigError, match="DEEPGRAM_API_KEY"):
                await phone.call(THEIRS)
        assert len(s.twilio.calls) == 1


@pytest.mark.parametrize(
    ("make", "variable"),
    [
        (patter_mcp.Twilio, "TWILIO_ACCOUNT_SID"),
        (patter_mcp.DeepgramSTT, "DEEPGRAM_API_KEY"),
        (patter_mcp.ElevenLabsTTS, "ELEVENLABS_API_KEY"),
        (patter_mcp.OpenAITTS, "OPENAI_API_KEY"),
        (patter_mcp.OpenAILLM, "OPENAI_API_KEY"),
        (patter_mcp.AnthropicLLM, "ANTHROPIC_API_KEY"),
    ],
)
def test_part_without_its_credentials_cannot_be_made_and_names_them(
    make: Callable[[], Any], variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable, raising=False)
    with pytest.raises(ValueError, match=variable):
        make()


async def test_cancelled_wait_hangs_up() -> None:
    async with setting() as s, s.phone:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(s.phone.call, THEIRS)
            await (await s.twilio.call(0)).line.open.wait()
            tasks.cancel_scope.cancel()
        await (await s.twilio.call(0)).ended.wait()


async def test_phone_that_cannot_be_opened_says_why_and_hangs_nobody() -> None:
    phone = Patter(settings=Settings(carrier="pigeon", store="memory:"))
    with anyio.fail_after(10), pytest.raises(ConfigError, match="pigeon"):
        await phone.start()
    with anyio.fail_after(10):
        await phone.stop()


async def test_phone_that_is_not_open_says_so() -> None:
    with pytest.raises(ConfigError, match="not open"):
        await Patter(settings=Settings(store="memory:")).call(THEIRS)


def exported(tool: PatterTool) -> dict[str, dict[str, Any]]:
    return {"openai": tool.openai_schema(), "anthropic": tool.anthropic_schema(), "hermes": tool.hermes_schema()}


def test_every_framework_gets_the_same_schema() -> None:
    schemas = exported(PatterTool(Patter(), name="ring", description="Rings."))
    function = schemas["openai"]["function"]
    assert schemas["openai"]["type"] == "function"
    assert (
        function["parameters"]
        == schemas["anthropic"]["input_schema"]
        == schemas["hermes"]["parameters"]
        == INPUT_SCHEMA
    )
    assert {s["name"] for s in (function, schemas["anthropic"], schemas["hermes"])} == {"ring"}
    function["parameters"]["properties"].clear()
    assert PatterTool(Patter()).openai_schema()["function"]["parameters"] == INPUT_SCHEMA


async def test_hermes_gets_a_handler_that_answers_in_json() -> None:
    registered: dict[str, Any] = {}

    class Registry:
        def register(self, *, name: str, toolset: str, schema: dict[str, Any], handler: Callable[..., Any]) -> None:
            registered.update(name=name, toolset=toolset, schema=schema, handler=handler)

    async with setting(Plan(outcome="busy")) as s:
        tool = PatterTool(s.phone)
        tool.register_hermes(Registry(), toolset="phones")
        answer = json.loads(await registered["handler"]({"to": THEIRS}, session="ignored"))
        refused = json.loads(await registered["handler"]({"to": "12"}))
        await tool.stop()
    assert (registered["name"], registered["toolset"]) == (TOOL_NAME, "phones")
    assert answer["status"] == "busy"
    assert "country code" in refused["error"]


def test_agent_with_an_unknown_field_says_which_there_are() -> None:
    with pytest.raises(ConfigError, match="system_prompt"):
        Patter().agent(prompt="x")


def test_webhook_url_is_a_host_or_https() -> None:
    assert Patter(webhook_url="calls.example.com").settings.media.public_url == "https://calls.example.com"
    with pytest.raises(ConfigError, match="https"):
        Patter(webhook_url="http://calls.example.com")
    with pytest.raises(ConfigError, match="https"):
        Patter(webhook_url="ftp://localhost")


def test_webhook_url_on_this_machine_needs_no_https() -> None:
    assert Patter(webhook_url="http://127.0.0.1:8080/").settings.media.public_url == "http://127.0.0.1:8080"


@pytest.mark.parametrize("name", patter_mcp.__all__)
def test_public_name_can_be_imported(name: str) -> None:
    assert getattr(patter_mcp, name) is not None


def test_importing_the_package_imports_no_vendor() -> None:
    heavy = "{'openai', 'anthropic', 'twilio', 'numpy', 'mcp'}"
    check = f"import sys, patter_mcp; found = {heavy} & sys.modules.keys(); assert not found, found"
    subprocess.run([sys.executable, "-c", check], check=True, timeout=60)
