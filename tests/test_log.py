"""What log lines look like, and what never stands in them."""

from __future__ import annotations

import io
import logging
from collections.abc import Generator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter_mcp import log

logger = logging.getLogger("patter_mcp.test_log")


@pytest.fixture
def written() -> Generator[io.StringIO]:
    """What is logged; the process's own logging is put back afterwards."""
    root, ours = logging.getLogger(), logging.getLogger("patter_mcp")
    before = root.handlers[:], root.level, ours.level
    stream = io.StringIO()
    log.configure("INFO", stream)
    yield stream
    logging.captureWarnings(False)
    root.handlers[:], root.level, ours.level = before[0], before[1], before[2]


def test_a_line_is_a_sentence_and_its_fields(written: io.StringIO) -> None:
    logger.info("a call ended", extra={"call_id": "call_1", "why": "two words", "count": 3})

    _, line = written.getvalue().rstrip("\n").split(" ", 1)
    assert line == 'INFO patter_mcp.test_log a call ended call_id=call_1 why="two words" count=3'


def test_the_time_is_utc_to_the_millisecond(written: io.StringIO) -> None:
    record = logging.makeLogRecord({"msg": "x", "levelname": "INFO", "created": 0.25, "msecs": 250.0, "name": "n"})

    assert log.LineFormatter().format(record) == "1970-01-01T00:00:00.250Z INFO n x"


def test_one_message_is_one_line(written: io.StringIO) -> None:
    logger.warning("first\nsecond", extra={"why": "a\nb"})

    assert written.getvalue().count("\n") == 1


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("+12025550123", "+1202•••••23"),
        ("To=%2B12025550123&x", "To=%2B1202•••••23&x"),
        ("+1234567", "+•••••67"),
        ("/Accounts/AC0123456789abcdef0123456789abcdef/Calls", "/Accounts/AC…cdef/Calls"),
        ("CA0123456789abcdef0123456789abcdef", "CA…cdef"),
        ("SK0123456789abcdef0123456789abcdef", "SK…cdef"),
        ("{'Authorization': 'Bearer abc.def-123=='}", "{'Authorization': 'Bearer •••'}"),
        ("sk-proj-abcdef123456", "sk-•••"),
        ("ws://127.0.0.1:8/media/Zm9v_YmFy-1 failed", "ws://127.0.0.1:8/media/••• failed"),
    ],
)
def test_numbers_ids_and_keys_are_masked_wherever_they_stand(written: io.StringIO, secret: str, shown: str) -> None:
    logger.error("in the message: %s", secret)
    logger.error("in a field", extra={"why": secret})
    try:
        raise ValueError(secret)
    except ValueError:
        logger.exception("in an exception")

    assert secret not in written.getvalue()
    assert log.mask(secret) == shown
    assert written.getvalue().count(shown) >= 3


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_no_number_shows_more_than_its_beginning_and_its_last_two_digits(number: str) -> None:
    masked = log.mask(f"calling {number}.")

    assert masked.count("•") >= 5
    assert masked.endswith(f"{number[-2:]}.")


@pytest.mark.parametrize("field", sorted(log.SPEECH_FIELDS))
def test_speech_shows_its_length_only(written: io.StringIO, field: str) -> None:
    logger.info("something was said", extra={field: "my secret wish"})

    assert f"{field}=<14 chars>" in written.getvalue()
    assert "secret" not in written.getvalue()


def test_other_libraries_are_heard_when_something_is_wrong(written: io.StringIO) -> None:
    logging.getLogger("httpx").info("a request with its body")
    logging.getLogger("httpx").warning("trouble")

    assert "a request" not in written.getvalue()
    assert "trouble" in written.getvalue()
