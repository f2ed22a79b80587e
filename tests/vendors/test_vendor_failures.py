from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from patter_mcp.errors import ProviderConnectionError, ProviderProtocolError, ProviderStatusError, ProviderTimeout
from patter_mcp.vendors.failures import closed_error, parse_json, status_error, translated
from patter_mcp.websocket import Closed, HandshakeRefused


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ('{"err_code": "INVALID_AUTH", "err_msg": "Invalid credentials."}', "Invalid credentials."),
        ('{"detail": {"status": "quota_exceeded", "message": "No quota."}}', "No quota."),
        ('{"error": {"message": "No such model.", "code": "model_not_found"}}', "No such model."),
        ('{"error": "plain"}', "plain"),
        ("bad \n  gateway", "bad gateway"),
        ("\n<html>bad gateway</html>", ""),
        ("[1, 2]", "[1, 2]"),
        ("", ""),
        ('[{"error": {"message": "No.", "status": "INVALID"}}]', "No."),
        ('{"message": "No.", "code": "bad"}', "No."),
        ('{"error": {"type": "overloaded_error"}}', "overloaded_error"),
        ("{}", ""),
        ("[]", ""),
        ("17", "17"),
    ],
)
def test_the_vendors_own_words_are_found_wherever_they_stand(body: str, detail: str) -> None:
    message = status_error("acme", 400, body).message
    assert message == ("acme answered 400" + (f": {detail}" if detail else ""))


def test_a_long_answer_is_cut() -> None:
    assert len(status_error("acme", 500, "x" * 10_000).message) < 300


@pytest.mark.parametrize(
    ("status", "body", "retryable"),
    [(400, "", False), (401, "", False), (402, "", False), (403, "", False), (404, "", False), (408, "", True)]
    + [(429, "slow down", True), (429, "insufficient_quota", False), (429, "out of credits", False)]
    + [(500, "", True), (503, "", True)],
)
def test_what_passes_by_itself_is_retryable(status: int, body: str, retryable: bool) -> None:
    assert status_error("acme", status, body).retryable is retryable


@pytest.mark.parametrize(
    ("code", "status", "retryable"),
    [("insufficient_quota", 429, False), ("RESOURCE_EXHAUSTED", 429, True), ("tool_use_failed", 400, True)],
)
def test_some_codes_say_more_than_their_status(code: str, status: int, retryable: bool) -> None:
    body = json.dumps({"error": {"code": code, "message": "You exceeded your quota."}})
    assert status_error("acme", status, body).retryable is retryable


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "7"}, "", 7.0),
        ({"retry-after": "0.5"}, "", 0.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, "", 0.25),
        ({"retry-after": "soon"}, "", None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, "", 0.0),
        ({}, '{"error": {"details": [{"@type": "Help"}, {"retryDelay": "17s"}, 3]}}', 17.0),
        ({}, '{"error": {"details": 3}}', None),
        ({}, "", None),
    ],
)
def test_when_to_come_back_is_understood_in_every_form(
    headers: dict[str, str], body: str, seconds: float | None
) -> None:
    assert status_error("acme", 429, body, headers).retry_after_sec == seconds


def test_a_date_to_come_back_is_counted_from_now() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    seconds = status_error("acme", 503, "", {"retry-after": date}).retry_after_sec
    assert seconds is not None and 90 < seconds <= 100


@pytest.mark.parametrize(
    ("code", "retryable"), [(1000, True), (1001, True), (1011, True), (1008, False), (1009, False)]
)
def test_a_close_code_tells_whose_fault_it_is(code: int, retryable: bool) -> None:
    error = closed_error("acme", Closed(code, "because"))
    assert isinstance(error, ProviderStatusError)
    assert (error.status, error.retryable) == (code, retryable)
    assert error.message == f"acme closed the connection with {code}: because"


def test_a_connection_closed_for_idleness_can_be_had_again() -> None:
    assert closed_error("acme", Closed(1008, "input_timeout_exceeded")).retryable


def test_a_connection_without_a_close_broke() -> None:
    error = closed_error("acme", Closed(1006))
    assert isinstance(error, ProviderConnectionError)
    assert error.retryable


@pytest.mark.parametrize(
    ("error", "translation"),
    [
        (HandshakeRefused(401, {}, ""), ProviderStatusError),
        (TimeoutError(), ProviderTimeout),
        (ConnectionRefusedError(), ProviderConnectionError),
    ],
)
def test_failures_to_connect_are_named(error: Exception, translation: type[Exception]) -> None:
    with pytest.raises(translation) as named, translated("acme"):
        raise error
    assert named.value.__cause__ is error


@pytest.mark.parametrize("message", ["", "{", "[]", "1", "nonsense"])
def test_what_is_no_json_object_cannot_be_read(message: str) -> None:
    with pytest.raises(ProviderProtocolError):
        parse_json("acme", message)
