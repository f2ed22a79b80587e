"""From arguments of whatever origin to a request, or a refusal that says what to do."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patter_mcp.errors import CallRefused
from patter_mcp.guardrails.dialing import E164, check_request
from patter_mcp.types import CallRequest

TO = "+12025550123"


def refusal(**arguments: object) -> CallRefused:
    with pytest.raises(CallRefused) as caught:
        check_request(arguments)
    return caught.value


def test_all_arguments_make_a_request() -> None:
    arguments = {"to": TO, "goal": "Book\n\ta table.", "first_message": "Hello!", "max_duration_sec": 60}
    assert check_request(arguments, principal="alice") == CallRequest(
        to_number=TO, goal="Book\n\ta table.", first_message="Hello!", max_duration_sec=60, principal="alice"
    )


def test_what_is_not_given_takes_its_default() -> None:
    assert check_request({"to": TO, "goal": None, "max_duration_sec": None}) == CallRequest(to_number=TO)
    request = check_request({"to": TO}, goal="g", first_message="f", max_duration_sec=30)
    assert request == CallRequest(to_number=TO, goal="g", first_message="f", max_duration_sec=30)
    assert check_request({"to": TO, "goal": ""}, goal="g").goal == ""


@pytest.mark.parametrize("arguments", [{}, {"to": None}, {"goal": "Book a table"}])
def test_a_missing_number_is_asked_for(arguments: dict[str, object]) -> None:
    error = refusal(**arguments)
    assert error.rule == "to"
    assert "missing" in error.message
    assert "+14155552671" in error.message


NOT_NUMBERS = {
    "": "empty",
    "   ": "empty",
    "5551234": "country code",
    "2025550123": "country code",
    "12025550123": "country code",
    "0012025550123": "write +",
    "tel:+12025550123": "address",
    "sip:bob@evil": "address",
    "sip:+12025550123@evil.example": "address",
    "client:bob": "address",
    "+12025550123;ext=9": "address",
    "+12025550123@evil": "address",
    "+1 (202) 555-0123": "without spaces and punctuation: +12025550123",
    " +12025550123": "without spaces and punctuation: +12025550123",
    "+1\u00a0202\u00a05550123": "without spaces and punctuation: +12025550123",
    "+12025550123\n": "plain digits",
    "+12025550123\x00": "plain digits",
    "\u202a+12025550123\u202c": "plain digits",
    "+1202555012\uff13": "plain digits",
    "+1202555012\u0663": "plain digits",
    "\u260e\ufe0f \U0001f4de": "plain digits",
    "+1" + "\U0001f4de" * 9: "plain digits",
    "+1800FLOWERS": "letters",
    "call mom": "letters",
    "+02025550123": "0 after the +",
    "++12025550123": "not a phone number",
    "+1202*5550123": "not a phone number",
    "+1234567": "too short",
    "+1234567890123456": "too long",
    "1234567890123456": "too long",
    "1" * 300: "far too long",
    "+" + "1" * 300: "far too long",
    "\U0001f4de" * 10_000: "far too long",
    "911": "emergency",
    "+911": "emergency",
    "+1911": "emergency",
    "1 911": "emergency",
    "9-1-1": "emergency",
    "112": "emergency",
    "+112": "emergency",
    "999": "emergency",
    "+44999": "emergency",
    "+49110": "emergency",
    "+49112": "emergency",
    "+1988": "emergency",
    "+1411": "emergency",
    "*67": "not a phone number",
}


@pytest.mark.parametrize(
    ("number", "advice"), NOT_NUMBERS.items(), ids=[number[:20] or "empty" for number in NOT_NUMBERS]
)
def test_what_is_no_e164_number_is_refused_with_advice(number: str, advice: str) -> None:
    error = refusal(to=number)
    assert error.rule == "to"
    assert advice in error.message
    assert len(error.message) < 200


@pytest.mark.parametrize("number", [123, 12025550123, 1.5, True, ["+12025550123"], {"to": TO}, b"+12025550123"])
def test_a_number_of_another_type_is_refused_rather_than_converted(number: object) -> None:
    error = refusal(to=number)
    assert error.rule == "to"
    assert "must be a string" in error.message


@pytest.mark.parametrize(
    ("value", "kind"), [("60", "a string"), (60.5, "a decimal"), (True, "true or false"), ([60], "an array")]
)
def test_a_wrong_type_is_named_in_the_words_of_json(value: object, kind: str) -> None:
    error = refusal(to=TO, max_duration_sec=value)
    assert f"not {kind}; write 60" in error.message


@pytest.mark.parametrize("broken", ["\x00", "\x1b[31m", "\ud83d", "\ufffd"])
@pytest.mark.parametrize("name", ["goal", "first_message"])
def test_text_with_broken_characters_is_to_be_written_again(name: str, broken: str) -> None:
    error = refusal(to=TO, **{name: f"Book {broken} a table."})
    assert error.rule == name
    assert "Write it again" in error.message


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("+0123456789 -().\n\uff11\u0661"), max_size=20))
def test_only_e164_ever_passes(number: str) -> None:
    try:
        passed = check_request({"to": number}).to_number
    except CallRefused:
        assert not E164.fullmatch(number)
    else:
        assert passed == number
        assert passed.isascii()
        assert passed[0] == "+"
        assert 8 <= len(passed[1:]) <= 15


@pytest.mark.parametrize("seconds", [5, 60, 1800, 5.0, 60.0, 1.8e3])
def test_durations_within_the_limits_pass_as_whole_numbers(seconds: float) -> None:
    passed = check_request({"to": TO, "max_duration_sec": seconds}).max_duration_sec
    assert (passed, type(passed)) == (seconds, int)


@pytest.mark.parametrize("seconds", [4, 0, -1, 1801, 10**400, 4.0, 1e300, "60", 60.5, True, [60], math.nan, math.inf])
def test_other_durations_are_refused(seconds: object) -> None:
    error = refusal(to=TO, max_duration_sec=seconds)
    assert error.rule == "max_duration_sec"
    assert "5 to 1800" in error.message
    is_whole = type(seconds) is int or (isinstance(seconds, float) and seconds.is_integer())
    assert ("not " in error.message) == (not is_whole)


@pytest.mark.parametrize(("name", "limit"), [("goal", 4000), ("first_message", 1000)])
def test_texts_have_a_length_limit(name: str, limit: int) -> None:
    arguments: dict[str, Any] = {"to": TO, name: "x" * limit}
    assert len(getattr(check_request(arguments), name)) == limit
    for length in (limit + 1, 1_000_000):
        error = refusal(**{"to": TO, name: "x" * length})
        assert error.rule == name
        assert f"{limit:,}" in error.message


@pytest.mark.parametrize("name", ["goal", "first_message"])
@pytest.mark.parametrize("text", [123, True, ["text"], {}, b"text"])
def test_texts_of_another_type_are_refused(name: str, text: object) -> None:
    error = refusal(**{"to": TO, name: text})
    assert error.rule == name
    assert "must be a string" in error.message


@pytest.mark.parametrize("name", ["goal", "first_message"])
@pytest.mark.parametrize("character", ["\x00", "\x07", "\x0b", "\r", "\x1b", "\x7f", "\x85", "\x9b", "\ud800"])
def test_control_characters_are_refused(name: str, character: str) -> None:
    error = refusal(**{"to": TO, name: f"Book{character}it"})
    assert error.rule == name
    assert "control characters" in error.message


@pytest.mark.parametrize("hidden", ["\U000e0041", "\U000e007f", "\u202e", "\u2066", "\u2069", "\u200f", "\u061c"])
def test_characters_nobody_sees_are_stripped(hidden: str) -> None:
    request = check_request({"to": TO, "goal": f"Book{hidden} it", "first_message": f"{hidden}Hi"})
    assert (request.goal, request.first_message) == ("Book it", "Hi")


def test_text_of_any_language_passes_unchanged() -> None:
    goal = "Réserver — 東京 \U0001f35c שלום \u200dx"
    assert check_request({"to": TO, "goal": goal}).goal == goal


def test_unknown_arguments_are_named() -> None:
    error = refusal(to=TO, phone="x", **{"y" * 1000: 1})
    assert error.rule == "arguments"
    assert "'phone'" in error.message
    assert "max_duration_sec" in error.message
    assert len(error.message) < 300
