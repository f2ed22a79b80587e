"""`make_phone_call` as a client sees it, in both eras of the protocol: a real websocket per call, no network beyond."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import anyio
import pytest
from jsonschema import Draft202012Validator
from mcp import Client
from mcp.client.client import ConnectMode
from mcp.types import CallToolResult, TextContent
from phone_exchange import Callee, PhoneExchange
from scripted_phone import STAY, VERSION, scripted_app

from patter_mcp.app import App
from patter_mcp.calls.manager import CallManager
from patter_mcp.contract import INPUT_SCHEMA, OUTPUT_SCHEMA, TOOL_DESCRIPTION, TOOL_NAME
from patter_mcp.errors import ConfigError, StoreError
from patter_mcp.events import Logged
from patter_mcp.server.build import build_server
from patter_mcp.server.failures import ERROR_META_KEY
from patter_mcp.server.progress import PROGRESS_SEC
from patter_mcp.store.memory import MemoryStore
from patter_mcp.types import CallState

pytestmark = pytest.mark.anyio

NUMBER = "+12025550123"


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> ConnectMode:
    return request.param


@pytest.fixture
async def client(app: App, mode: ConnectMode) -> AsyncGenerator[Client]:
    async with Client(build_server(app, version=VERSION), mode=mode) as client:
        yield client


async def place(client: Client, **arguments: Any) -> CallToolResult:
    with anyio.fail_after(5):
        return await client.call_tool(TOOL_NAME, arguments)


def envelope_of(result: CallToolResult) -> dict[str, Any]:
    Draft202012Validator(OUTPUT_SCHEMA).validate(result.structured_content)
    return result.structured_content


def texts_of(result: CallToolResult) -> list[str]:
    return [block.text for block in result.content if isinstance(block, TextContent)]


async def test_the_tool_is_published_as_it_is_written(client: Client) -> None:
    (tool,) = (await client.list_tools()).tools

    assert (tool.name, tool.description) == (TOOL_NAME, TOOL_DESCRIPTION)
    assert tool.input_schema == INPUT_SCHEMA
    assert tool.output_schema == OUTPUT_SCHEMA
    assert tool.annotations is not None
    assert tool.annotations.destructive_hint
    assert not tool.annotations.read_only_hint


async def test_a_call_comes_back_as_envelope_readable_text_and_json(client: Client) -> None:
    result = await place(client, to=NUMBER, goal="a table for two", first_message="Hi!")

    envelope = envelope_of(result)
    readable, as_json = texts_of(result)
    assert not result.is_error
    assert envelope["status"] == "completed"
    assert envelope["transcript"] == [
        {"role": "agent", "text": "Hi!"},
        {"role": "user", "text": f"You called {NUMBER} about: a table for two"},
    ]
    assert envelope["metrics"]["outcome"] == {"goal_met": "yes", "summary": "It went well."}
    assert json.loads(as_json) == envelope
    assert readable.startswith(f"Call to {NUMBER}: completed.")
    assert f"callee: You called {NUMBER} about: a table for two" in readable


@pytest.mark.parametrize(
    ("callee", "status"), [(Callee.IS_BUSY, "busy"), (Callee.NEVER_ANSWERS, "no-answer")], ids=["busy", "no-answer"]
)
async def test_a_call_nobody_takes_is_a_result_and_no_error(
    client: Client, exchange: PhoneExchange, callee: Callee, status: str
) -> None:
    exchange.callees[NUMBER] = callee

    result = await place(client, to=NUMBER)

    assert not result.is_error
    assert envelope_of(result)["status"] == status
    assert envelope_of(result)["duration_seconds"] == 0


async def test_ten_calls_at_once_get_ten_right_envelopes(client: Client) -> None:
    results: dict[str, dict[str, Any]] = {}

    async def call(number: str) -> None:
        results[number] = envelope_of(await place(client, to=number, goal=f"goal of {number}"))

    async with anyio.create_task_group() as tasks:
        for index in range(10):
            tasks.start_soon(call, f"+1202555010{index}")

    assert len({envelope["call_id"] for envelope in results.values()}) == 10
    for number, envelope in results.items():
        assert envelope["status"] == "completed"
        assert envelope["transcript"][1]["text"] == f"You called {number} about: goal of {number}"


BAD_ARGUMENTS: dict[str, tuple[dict[str, Any], str]] = {
    "no number": ({}, "to"),
    "null": ({"to": None}, "to"),
    "no country code": ({"to": "5551234"}, "to"),
    "uri": ({"to": f"tel:{NUMBER}"}, "to"),
    "emoji": ({"to": "☎️"}, "to"),
    "300 digits": ({"to": "+1" + "2" * 300}, "to"),
    "number as integer": ({"to": 123}, "to"),
    "number as json": ({"to": '"+12025550123"'}, "to"),
    "too short a call": ({"to": NUMBER, "max_duration_sec": 4}, "max_duration_sec"),
    "too long a call": ({"to": NUMBER, "max_duration_sec": 1801}, "max_duration_sec"),
    "duration as text": ({"to": NUMBER, "max_duration_sec": "60"}, "max_duration_sec"),
    "duration as fraction": ({"to": NUMBER, "max_duration_sec": 60.5}, "max_duration_sec"),
    "duration as boolean": ({"to": NUMBER, "max_duration_sec": True}, "max_duration_sec"),
    "a megabyte of goal": ({"to": NUMBER, "goal": "x" * 1_000_000}, "goal"),
    "goal as list": ({"to": NUMBER, "goal": ["x"]}, "goal"),
    "unknown field": ({"to": NUMBER, "phone": NUMBER}, "arguments"),
}


@pytest.mark.parametrize(("arguments", "rule"), BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS.keys())
async def test_bad_arguments_are_refused_in_a_sentence_and_nothing_is_dialed(
    client: Client, app: App, exchange: PhoneExchange, arguments: dict[str, Any], rule: str
) -> None:
    result = await place(client, **arguments)

    assert result.is_error
    assert result.structured_content is None
    (sentence,) = texts_of(result)
    assert sentence.endswith(".")
    assert len(sentence) < 300
    assert result.meta is not None
    assert result.meta[ERROR_META_KEY] == {"code": "call-refused", "retryable": False, "rule": rule}
    assert await (await app.calls()).store.recent() == []
    assert exchange.lines == []


async def test_a_whole_number_may_come_with_a_decimal_point(client: Client, app: App) -> None:
    envelope = envelope_of(await place(client, to=NUMBER, max_duration_sec=60.0))

    record = await (await app.calls()).store.get(envelope["call_id"])
    assert record is not None
    assert (record.request.max_duration_sec, type(record.request.max_duration_sec)) == (60, int)


async def test_a_goal_that_looks_like_json_arrives_as_it_was_written(client: Client) -> None:
    envelope = envelope_of(await place(client, to=NUMBER, goal='["x"]'))

    assert envelope["transcript"][1]["text"].endswith('about: ["x"]')


async def test_the_same_request_twice_at_once_is_one_call(client: Client, exchange: PhoneExchange) -> None:
    results: list[CallToolResult] = []

    async def call() -> None:
        results.append(await place(client, to=NUMBER, goal=STAY))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            line = await exchange.line()
            tasks.start_soon(call)
            await line.talking.wait()
            line.callee_hangs_up()

    first, second = results
    assert envelope_of(first) == envelope_of(second)
    assert len(exchange.lines) == 1
    assert sum("nothing was dialed a second time" in texts_of(result)[0] for result in results) == 1


async def test_the_same_request_after_the_result_is_a_new_call(client: Client, exchange: PhoneExchange) -> None:
    first = envelope_of(await place(client, to=NUMBER))
    second = envelope_of(await place(client, to=NUMBER))

    assert first["call_id"] != second["call_id"]
    assert len(exchange.lines) == 2


async def test_progress_rises_and_tells_how_the_call_goes(client: Client, exchange: PhoneExchange) -> None:
    exchange.callees[NUMBER] = Callee.LETS_IT_RING
    reports: list[tuple[float, float | None, str | None]] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        reports.append((progress, total, message))
        if message == "ringing":
            exchange.lines[0].callee_answers()
        elif message and "callee" in message:
            exchange.lines[0].callee_hangs_up()

    with anyio.fail_after(5):
        await client.call_tool(
            TOOL_NAME, {"to": NUMBER, "goal": STAY, "max_duration_sec": 60}, progress_callback=on_progress
        )

    steps = [progress for progress, _, _ in reports]
    messages = [message for _, _, message in reports]
    assert steps == sorted(set(steps))
    assert {total for _, total, _ in reports} == {60}
    assert "ringing" in messages
    assert f"in progress 0:00 · callee: You called {NUMBER} about: {STAY}" in messages


async def test_what_happens_while_the_client_is_busy_is_not_slept_over(
    client: Client, app: App, exchange: PhoneExchange
) -> None:
    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        store = (await app.calls()).store
        (record,) = await store.recent()
        while record.state is not CallState.ENDED:
            await store.changed(record.call_id, 1)
            (record,) = await store.recent()

    with anyio.fail_after(PROGRESS_SEC / 2):
        result = await client.call_tool(TOOL_NAME, {"to": NUMBER}, progress_callback=on_progress)

    assert envelope_of(result)["status"] == "completed"


async def test_a_cancelled_request_hangs_up(client: Client, app: App, exchange: PhoneExchange) -> None:
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.call_tool, TOOL_NAME, {"to": NUMBER, "goal": STAY})
            await (await exchange.line()).talking.wait()
            tasks.cancel_scope.cancel()
        await exchange.lines[0].down.wait()

    assert exchange.lines[0].hung_up_by_agent.is_set()


class ForgetfulStore(MemoryStore):
    """Cannot read a call's events once somebody answered."""

    async def events(self, call_id: str, after: str = "") -> list[Logged]:
        record = await self.get(call_id)
        if record is not None and record.state is CallState.IN_PROGRESS:
            raise StoreError("The database is gone.", retryable=True)
        return await super().events(call_id, after)


async def test_a_call_that_cannot_be_followed_is_not_called_failed(exchange: PhoneExchange, mode: ConnectMode) -> None:
    async with (
        scripted_app(exchange.port, ForgetfulStore()).run() as app,
        Client(build_server(app, version=VERSION), mode=mode) as client,
    ):
        result = await place(client, to=NUMBER, goal=STAY)
        assert not exchange.lines[0].down.is_set()

    assert result.is_error
    assert texts_of(result)[0].startswith("The database is gone. The call may be under way all the same.")
    assert result.meta is not None
    assert result.meta[ERROR_META_KEY] == {
        "code": "store",
        "retryable": True,
        "call_id": exchange.lines[0].call_id,
    }


class BrokenPhone:
    """Fails whenever it is needed."""

    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    async def calls(self) -> CallManager:
        raise self._failure


async def test_a_missing_setting_is_named(mode: ConnectMode) -> None:
    phone = BrokenPhone(ConfigError("TWILIO_AUTH_TOKEN is not set."))

    async with Client(build_server(phone, version=VERSION), mode=mode) as client:
        result = await place(client, to=NUMBER)

    assert result.is_error
    assert texts_of(result) == ["TWILIO_AUTH_TOKEN is not set."]


async def test_a_mistake_of_ours_keeps_its_details_to_itself(mode: ConnectMode) -> None:
    async with Client(build_server(BrokenPhone(RuntimeError("secret")), version=VERSION), mode=mode) as client:
        result = await place(client, to=NUMBER)

    assert result.is_error
    assert "secret" not in texts_of(result)[0]
