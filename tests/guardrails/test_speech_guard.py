"""Judging what the agent says: safety fails closed."""

from __future__ import annotations

import logging
import threading
from typing import Any

import anyio
import pytest

from patter_mcp.guardrails.base import Guardrail, guardrail
from patter_mcp.guardrails.speech import SpeechGuard

pytestmark = pytest.mark.anyio


@guardrail(replacement="Let me ask.")
def no_prices(text: str) -> bool:
    return "$" in text


@guardrail
async def no_names(text: str) -> bool:
    await anyio.lowlevel.checkpoint()
    return "Smith" in text


TERMS = Guardrail("terms", blocked_terms=["secret"], replacement="")


async def test_what_no_guardrail_objects_to_is_said_as_it_is() -> None:
    for guard in (SpeechGuard([]), SpeechGuard([no_prices, no_names, TERMS])):
        verdict = await guard.check_sentence("Hello there.")
        assert (verdict.blocked, verdict.text, verdict.guardrail) == (False, "Hello there.", None)


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("It is $5.", "no_prices", "Let me ask."),
        ("Ask Smith.", "no_names", "I'm sorry, I can't say that."),
        ("A Secret!", "terms", ""),
        ("Smith: $5, secret", "no_prices", "Let me ask."),
    ],
)
async def test_the_first_guardrail_that_objects_decides(text: str, name: str, said: str) -> None:
    guard = SpeechGuard([no_prices, no_names, TERMS])
    for verdict in (await guard.check_sentence(text), await guard.check_response(text)):
        assert (verdict.blocked, verdict.guardrail, verdict.text) == (True, name, said)


async def test_the_whole_response_shows_what_no_sentence_does() -> None:
    guard = SpeechGuard([Guardrail("split", blocked_terms=["top. secret"])])
    assert not (await guard.check_sentence("It is top.")).blocked
    assert not (await guard.check_sentence("Secret, I mean.")).blocked
    assert (await guard.check_response("It is top. Secret, I mean.")).blocked


async def crashes(text: str) -> bool:
    raise RuntimeError("boom")


def crashes_sync(text: str) -> bool:
    raise RuntimeError("boom")


async def hangs(text: str) -> bool:
    await anyio.sleep_forever()
    return False


def forgets_to_answer(text: str) -> Any:
    return None


def answers_text(text: str) -> Any:
    return "fine"


@pytest.mark.parametrize("check", [crashes, crashes_sync, hangs, forgets_to_answer, answers_text])
async def test_a_check_that_does_not_answer_blocks_and_is_logged(check: Any, caplog: pytest.LogCaptureFixture) -> None:
    guard = SpeechGuard([Guardrail("broken", check=check)], check_limit_sec=0.02)
    with caplog.at_level(logging.WARNING), anyio.fail_after(5):
        verdict = await guard.check_sentence("Hello there.")
    assert (verdict.blocked, verdict.guardrail) == (True, "broken")
    assert vars(caplog.records[0])["guardrail"] == "broken"
    assert "Hello there." not in caplog.records[0].getMessage()


async def test_a_sync_check_that_takes_too_long_blocks() -> None:
    release = threading.Event()

    def check(text: str) -> bool:
        release.wait(2)
        return False

    try:
        guard = SpeechGuard([Guardrail("slow", check=check)], check_limit_sec=0.02)
        assert (await guard.check_sentence("Hello")).blocked
    finally:
        release.set()


async def test_a_sync_check_that_is_waiting_does_not_stall_the_loop() -> None:
    release = threading.Event()

    released: list[bool] = []

    def check(text: str) -> bool:
        released.append(release.wait(2))
        return False

    guard = SpeechGuard([Guardrail("slow", check=check)], check_limit_sec=5)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(guard.check_sentence, "Hello")
            await anyio.lowlevel.checkpoint()
            release.set()
    assert released == [True]


async def test_a_callable_object_that_is_async_is_awaited() -> None:
    class Check:
        async def __call__(self, text: str) -> bool:
            return True

    assert (await SpeechGuard([Guardrail("object", check=Check())]).check_sentence("Hello")).blocked


async def test_cancellation_is_not_taken_for_a_broken_check() -> None:
    with anyio.move_on_after(0.01) as scope:
        await SpeechGuard([Guardrail("slow", check=hangs)]).check_sentence("Hello")
    assert scope.cancelled_caught
