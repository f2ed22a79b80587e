"""Judges what the agent is about to say. Safety fails closed: a check that does not answer blocks.

Above: `conversation`, which asks before each sentence reaches the voice and once more for the whole response.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Sequence

import anyio
import anyio.to_thread

from patter_mcp.guardrails.base import Check, Guardrail, Verdict

logger = logging.getLogger(__name__)

CHECK_LIMIT_SEC = 1.0
"""A check delays the sentence it judges; one that takes longer is as good as broken."""


class SpeechGuard:
    """The guardrails of an agent; shared by all its calls. The first one that blocks decides."""

    def __init__(self, guardrails: Sequence[Guardrail], *, check_limit_sec: float = CHECK_LIMIT_SEC) -> None:
        self._guardrails = tuple(guardrails)
        self._check_limit_sec = check_limit_sec

    async def check_sentence(self, sentence: str) -> Verdict:
        """To be asked before the sentence is synthesised."""
        return await self._judge(sentence)

    async def check_response(self, text: str) -> Verdict:
        """To be asked of the whole response: finds what only shows across sentences."""
        return await self._judge(text)

    async def _judge(self, text: str) -> Verdict:
        for guardrail in self._guardrails:
            if guardrail.has_blocked_term(text) or await self._check_blocks(guardrail, text):
                return Verdict(text=guardrail.replacement, guardrail=guardrail.name)
        return Verdict(text=text)

    async def _check_blocks(self, guardrail: Guardrail, text: str) -> bool:
        if guardrail.check is None:
            return False
        try:
            with anyio.fail_after(self._check_limit_sec):
                return await _answer(guardrail.check, text)
        except Exception as error:
            logger.warning(
                "A guardrail failed, so what it should have judged is blocked",
                extra={"guardrail": guardrail.name},
                exc_info=error,
            )
            return True


async def _answer(check: Check, text: str) -> bool:
    """Sync checks run in a worker thread: one that blocks must not stall the other calls."""
    if inspect.iscoroutinefunction(check):
        result = check(text)
    else:
        result = await anyio.to_thread.run_sync(check, text, abandon_on_cancel=True)
    answer: object = await result if inspect.isawaitable(result) else result
    if not isinstance(answer, bool):
        raise TypeError(f"the check returned {type(answer).__name__} instead of True or False")
    return answer
