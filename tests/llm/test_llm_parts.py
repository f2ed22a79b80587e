"""The parts adapters are made of, without a network: events, fragments, histories, failures, estimates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_vendors import calls_of

from patter_mcp.errors import ProviderConnectionError, ProviderProtocolError, ProviderTimeout
from patter_mcp.llm.base import Message, UsageChunk
from patter_mcp.llm.failures import connection_error
from patter_mcp.llm.fragments import ToolFragments
from patter_mcp.llm.history import CALL_CONNECTED, INTERRUPTED_RESULT, NO_ANSWER, json_object, mended, turns
from patter_mcp.llm.sse import MAX_EVENT_BYTES, SseEvent, SseParser
from patter_mcp.llm.usage import estimate_usage

_texts = st.text(st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)), min_size=1)


def _parse(data: bytes, cuts: Sequence[int] = ()) -> list[SseEvent]:
    parser = SseParser()
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [
        event for start, end in zip(edges, edges[1:], strict=False) for event in parser.feed(data[start:end])
    ]  # fmt: skip


@given(st.lists(_texts), st.lists(st.integers(0)), st.sampled_from(["\n", "\r\n"]))
def test_events_are_the_same_however_the_bytes_are_cut(texts: list[str], cuts: list[int], newline: str) -> None:
    data = "".join(f"event: token{newline}data: {text}{newline}{newline}" for text in texts).encode()
    assert _parse(data, cuts) == [SseEvent("token", text) for text in texts]


def test_comments_and_unknown_fields_are_passed_over() -> None:
    assert _parse(b": ping\n\nid: 7\nretry: 10\ndata:{}\n\n") == [SseEvent("", "{}")]


def test_several_data_lines_are_one_event() -> None:
    assert _parse(b"data: a\ndata: b\n\n") == [SseEvent("", "a\nb")]


def test_an_event_without_its_end_is_not_given() -> None:
    assert _parse(b"data: {}\n\ndata: {") == [SseEvent("", "{}")]


@pytest.mark.parametrize(
    "data", [b"x" * (MAX_EVENT_BYTES + 1), b"data: 0123456789\n" * (MAX_EVENT_BYTES // 10 + 1)], ids=["line", "lines"]
)
def test_an_endless_event_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="too large"):
        _parse(data)


def _assemble(fragments: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    tools = ToolFragments()
    chunks = [chunk for fragment in fragments for chunk in tools.feed(fragment)]
    return calls_of([*chunks, *tools.close()])


def _named(name: str, arguments: Any = "", **fields: Any) -> dict[str, Any]:
    return {**fields, "function": {"name": name, "arguments": arguments}}


def _more(arguments: Any, **fields: Any) -> dict[str, Any]:
    return {**fields, "function": {"arguments": arguments}}


A, B = ("dial", '{"n": 1}'), ("hold", '{"m": 2}')

FRAGMENTS = {
    "by the book": [
        _named("dial", index=0, id="a"), _more('{"n"', index=0), _more(": 1}", index=0),
        _named("hold", index=1, id="b"), _more('{"m": 2}', index=1),
    ],
    "in turns, the later call first": [
        _named("hold", index=1, id="b"), _named("dial", index=0, id="a"),
        _more('{"m":', index=1), _more('{"n"', index=0), _more(" 2}", index=1), _more(": 1}", index=0),
    ],
    "whole": [_named("dial", '{"n": 1}', index=0, id="a"), _named("hold", '{"m": 2}', index=1, id="b")],
    "without index": [
        _named("dial", id="a"), _more('{"n": 1}'), _named("hold", id="b"), _more('{"m"'), _more(": 2}"),
    ],
    "without index, id every time": [
        _named("dial", id="a"), _named("hold", id="b"), _more('{"n": 1}', id="a"), _more('{"m": 2}', id="b"),
    ],
    "without index and id": [_named("dial", '{"n": 1}'), _named("hold", '{"m": 2}')],
    "all at index 0": [_named("dial", '{"n": 1}', index=0, id="a"), _named("hold", '{"m": 2}', index=0, id="b")],
    "id and name every time": [
        _named("dial", '{"n"', index=0, id="a"), _named("dial", ": 1}", index=0, id="a"),
        _named("hold", '{"m": 2}', index=1, id="b"),
    ],
    "arguments before the name": [
        _more('{"n"', index=0), _named("dial", ": 1}", index=0, id="a"), _named("hold", '{"m": 2}', index=1, id="b"),
    ],
    "arguments as an object": [
        _named("dial", {"n": 1}, index=0, id="a"), _named("hold", {"m": 2}, index=1, id="b"),
    ],
    "beginning at index 1": [_named("dial", '{"n": 1}', index=1, id="a"), _named("hold", '{"m": 2}', index=2, id="b")],
}  # fmt: skip


@pytest.mark.parametrize("fragments", FRAGMENTS.values(), ids=FRAGMENTS.keys())
def test_tool_calls_come_together_out_of_fragments(fragments: list[dict[str, Any]]) -> None:
    assert _assemble(fragments) == [A, B]


def test_a_call_that_got_no_id_is_given_one_that_every_vendor_takes() -> None:
    [chunk] = ToolFragments().feed(_named("dial", "{}"))
    assert chunk.id.replace("_", "").isalnum() and len(chunk.id) <= 40


@pytest.mark.parametrize("arguments", ["", None])
def test_no_arguments_are_an_empty_object(arguments: Any) -> None:
    assert _assemble([_named("dial", arguments, index=0, id="a")]) == [("dial", "{}")]


def test_a_call_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="name"):
        _assemble([_more("{}", index=0)])


def _user(text: str) -> Message:
    return {"role": "user", "content": text}


def _agent(text: str, *call_ids: str) -> Message:
    message: Message = {"role": "assistant", "content": text}
    if call_ids:
        message["tool_calls"] = [
            {"id": id_, "type": "function", "function": {"name": "dial", "arguments": "{}"}} for id_ in call_ids
        ]
    return message


def _result(call_id: str, text: str = "ok") -> Message:
    return {"role": "tool", "content": text, "tool_call_id": call_id}


def test_a_history_in_order_is_left_as_it_is() -> None:
    history = [_user("Hi"), _agent("", "a", "b"), _result("a"), _result("b"), _agent("Done."), _user("Bye")]
    assert mended(history) == history


def test_blank_messages_and_results_without_a_call_are_dropped() -> None:
    assert mended([_user(" "), _result("a"), _agent(""), _user("Hi")]) == [_user("Hi")]


def test_a_call_that_was_cut_off_gets_a_result_that_says_so() -> None:
    assert mended([_agent("", "a", "b"), _result("b"), _user("Wait")]) == [
        _agent("", "a", "b"), _result("a", INTERRUPTED_RESULT), _result("b"), _user("Wait"),
    ]  # fmt: skip


def test_a_result_that_came_late_goes_behind_its_call() -> None:
    assert mended([_agent("", "a"), _user("Hm"), _result("a")]) == [_agent("", "a"), _result("a"), _user("Hm")]


def test_results_of_a_later_round_are_not_taken_for_those_of_an_earlier_one() -> None:
    history = [_agent("", "a"), _result("a", "first"), _agent("", "a"), _result("a", "second")]
    assert mended(history) == history


def test_two_parties_take_turns_and_the_user_begins_and_ends() -> None:
    spoken = turns([_agent("Hello."), _agent("Anybody there?")])
    assert [(turn.role, [message["content"] for message in turn.messages]) for turn in spoken] == [
        ("user", [CALL_CONNECTED]),
        ("assistant", ["Hello.", "Anybody there?"]),
        ("user", [NO_ANSWER]),
    ]


def test_an_instruction_in_the_middle_is_marked_as_one() -> None:
    [turn] = turns([_user("Hi"), {"role": "system", "content": "Time is short."}])
    assert turn.messages[1] == _user("<instruction>Time is short.</instruction>")


@pytest.mark.parametrize("text", ["", "[1]", "{", "null"])
def test_what_is_no_object_becomes_an_empty_one(text: str) -> None:
    assert json_object(text) == {}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx2.ConnectTimeout("slow"), ProviderTimeout),
        (httpx2.ConnectError("refused"), ProviderConnectionError),
        (httpx2.RemoteProtocolError("cut"), ProviderConnectionError),
        (httpx2.DecodingError("zip"), ProviderProtocolError),
    ],
)
def test_what_goes_wrong_below_http_has_our_names(error: Exception, expected: type[Exception]) -> None:
    assert type(connection_error("x", error)) is expected


def test_an_estimate_takes_four_characters_for_a_token() -> None:
    history = [_user("12345678"), _agent("", "a"), _result("a", "123")]
    assert estimate_usage(history, "12345") == UsageChunk(input_tokens=4, output_tokens=2)
