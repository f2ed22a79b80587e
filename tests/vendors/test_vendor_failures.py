from __future__ import annotations

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
        ("<html>\n  bad   gateway</html>", "<html> bad gateway</html>"),
        ("[1, 2]", "[1, 2]"),
        ("", ""),
    ],
)
def test_the_vendors_own_words_are_found_wherever_they_stand(body: str, detail: str) -> None:
    message = status_error("acme", 400, body, {}).message
    assert message == ("acme answered 400" + (f": {detail}" if detail else ""))


def test_a_long_answer_is_cut() -> None:
    assert len(status_error("acme", 500, "x" * 10_000, {}).message) < 300


@pytest.mark.parametrize(
    ("status", "body", "retryable"),
    [(400, "", False), (401, "", False), (402, "", False), (403, "", False), (404, "", False), (408, "", True)]
    + [(429, "slow down", True), (429, "insufficient_quota", False), (429, "out of credits", False)]
    + [(500, "", True), (503, "", True)],
)
def test_what_passes_by_itself_is_retryable(status: int, body: str, retryable: bool) -> None:
    assert status_error("acme", status, body, {}).retryable is retryable


@pytest.mark.parametrize(("value", "seconds"), [("2", 2.0), ("0.5", 0.5), ("soon", None)])
def test_retry_after_is_read(value: str, seconds: float | None) -> None:
    assert status_error("acme", 429, "", {"Retry-After": value}).retry_after_sec == seconds


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
