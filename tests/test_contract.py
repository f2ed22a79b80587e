"""The published schemas say what the code does."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from patter_mcp import contract, types
from patter_mcp import events as ev
from patter_mcp.calls.fold import CallView, fold, metrics
from patter_mcp.calls.states import STATUS_OF
from patter_mcp.errors import CallRefused
from patter_mcp.guardrails import dialing

RESULT = Draft202012Validator(contract.OUTPUT_SCHEMA)
NOON = datetime(2026, 7, 28, 12, tzinfo=UTC)


def test_the_input_schema_is_exactly_this() -> None:
    properties = contract.INPUT_SCHEMA["properties"]
    bare = {name: {k: v for k, v in schema.items() if k != "description"} for name, schema in properties.items()}

    assert {**contract.INPUT_SCHEMA, "properties": bare} == {
        "type": "object",
        "properties": {
            "to": {"type": "string", "pattern": "^\\+[1-9][0-9]{7,14}$"},
            "goal": {"type": "string", "maxLength": 4000},
            "first_message": {"type": "string", "maxLength": 1000},
            "max_duration_sec": {"type": "integer", "minimum": 5, "maximum": 1800, "default": 180},
        },
        "required": ["to"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize("schema", [contract.INPUT_SCHEMA, contract.OUTPUT_SCHEMA], ids=["input", "output"])
def test_both_are_json_schemas(schema: types.Json) -> None:
    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema


def test_the_limits_are_those_requests_are_checked_by() -> None:
    properties = contract.INPUT_SCHEMA["properties"]

    assert properties["to"]["pattern"] == f"^{dialing.E164.pattern}$"
    assert properties["goal"]["maxLength"] == dialing.MAX_GOAL_CHARS
    assert properties["first_message"]["maxLength"] == dialing.MAX_FIRST_MESSAGE_CHARS
    assert properties["max_duration_sec"]["minimum"] == types.MIN_MAX_DURATION_SEC
    assert properties["max_duration_sec"]["maximum"] == types.MAX_MAX_DURATION_SEC
    assert properties["max_duration_sec"]["default"] == types.DEFAULT_MAX_DURATION_SEC


def whole_numbers() -> st.SearchStrategy[float]:
    return st.integers(0, 2000).map(float)


ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "to": st.from_regex(dialing.E164, fullmatch=True) | st.text(max_size=20) | st.integers(),
        "goal": st.sampled_from(["", "book a table", "x" * 4000, "x" * 4001]) | st.integers(),
        "first_message": st.sampled_from(["Hello!", "x" * 1000, "x" * 1001]) | st.booleans(),
        "max_duration_sec": st.integers(0, 2000) | whole_numbers() | st.floats() | st.text(max_size=3) | st.booleans(),
        "extra": st.just(1),
    },
)


@given(ARGUMENTS)
def test_what_the_schema_admits_is_what_is_accepted(arguments: types.Json) -> None:
    admitted = Draft202012Validator(contract.INPUT_SCHEMA).is_valid(arguments)

    try:
        dialing.check_request(arguments)
        accepted = True
    except CallRefused:
        accepted = False

    assert accepted == admitted


def test_the_words_are_those_of_the_code() -> None:
    properties = contract.OUTPUT_SCHEMA["properties"]
    of_metrics = properties["metrics"]["properties"]

    assert properties["status"]["enum"] == [*get_args(types.CallStatus), "in-progress"]
    assert of_metrics["answered_by"]["enum"] == list(get_args(types.AnsweredBy))
    assert of_metrics["ended_by"]["enum"] == [*get_args(types.Party), None]
    assert of_metrics["outcome"]["properties"]["goal_met"]["enum"] == list(get_args(types.GoalMet))
    assert properties["transcript"]["items"]["properties"]["role"]["enum"] == list(get_args(types.Role))


def test_every_metric_is_described() -> None:
    described = contract.OUTPUT_SCHEMA["properties"]["metrics"]["properties"]

    assert list(described) == list(metrics(CallView(call_id="call_1")))


BUSY_CALL: list[ev.Event] = [
    ev.Created(to_number="+12025550123", max_duration_sec=60, carrier="sandbox", engine={"llm": "rules"}),
    ev.Answered(at=NOON),
    ev.WhoAnswered(answered_by="voicemail", source="audio"),
    ev.AgentSaid(text="Hello?"),
    ev.UserSaid(text="☎️ hi"),
    ev.BargeIn(heard_ms=300),
    ev.TurnMeasured(response_ms=700, endpointing_ms=500, overhead_ms=1.5),
    ev.TurnMeasured(),
    ev.ToolCalled(name="end_call", arguments="{}", result="ok", ok=True, duration_ms=2),
    ev.DigitsSent(digits="12#"),
    ev.ProviderTrouble(part="stt", provider="deepgram", code="provider-timeout", message="late", recovered=True),
    ev.Usage(part="llm", provider="openai", cost_micros=1250),
    ev.Usage(part="tts", provider="elevenlabs"),
    ev.OutcomeStated(goal_met="no", summary="They were closed."),
]


@pytest.mark.parametrize("reason", STATUS_OF, ids=str)
def test_every_ending_makes_a_valid_envelope(reason: types.EndReason) -> None:
    for kept in (BUSY_CALL, BUSY_CALL[:1], []):
        ended = ev.Ended(reason=reason, ended_by="system", at=NOON + timedelta(seconds=12))
        logged = [ev.Logged(str(number), event) for number, event in zip(itertools.count(), [*kept, ended])]

        RESULT.validate(fold(CallView(call_id="call_1"), logged).result().to_json())
