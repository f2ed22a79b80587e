"""Runs the tools of one call: whatever the model asks for and whatever goes wrong, it gets an answer it can act on.

Above: `conversation`. Nothing here raises, but for cancellation: a barge-in may drop a tool that is running.
"""

from __future__ import annotations

import functools
import inspect
import json
import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import anyio
import anyio.to_thread

from patter_mcp.errors import ConfigError, ToolArgumentsInvalid, ToolError, ToolTimeout
from patter_mcp.llm.base import ToolSpec
from patter_mcp.tools.base import CallControl, Handler, Tool
from patter_mcp.tools.breaker import Breakers
from patter_mcp.tools.builtin import builtin_tools
from patter_mcp.tools.retry import ToolFailed, attempt
from patter_mcp.tools.schema import problems
from patter_mcp.tools.signature import misfit, takes_mapping
from patter_mcp.tools.webhook import WebhookClient
from patter_mcp.types import Json

logger = logging.getLogger(__name__)

MAX_ARGUMENTS_CHARS = 65_536
MAX_RESULT_BYTES = 1_000_000
"""A result beyond this is a fault of the tool, not something to be cut."""
MAX_ANSWER_BYTES = 8_000
"""What the model gets of a result: more would slow down every turn that follows."""
BACKOFF_SEC = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutcome:
    """`text` goes to the model, as a tool message and nowhere else."""

    text: str
    ok: bool
    duration_ms: int


class ToolExecutor:
    """The tools of one call, the built-in ones among them.

    Args:
        tools: The agent's own.
        control: What the built-in tools act on.
        breakers: Shared by the agent's calls; None: this call learns by itself.
        webhooks: None: a client of its own.
        clock: Monotonic seconds.

    Raises:
        ConfigError: two tools have one name.
    """

    def __init__(
        self,
        tools: Sequence[Tool],
        control: CallControl,
        *,
        call_id: str = "",
        breakers: Breakers | None = None,
        webhooks: WebhookClient | None = None,
        clock: Callable[[], float] = time.monotonic,
        backoff_sec: float = BACKOFF_SEC,
    ) -> None:
        builtin = builtin_tools(control)
        self.tools: Mapping[str, Tool] = _by_name([*tools, *builtin])
        self._builtin = frozenset(tool.name for tool in builtin)
        self._call_id = call_id
        self._breakers = breakers or Breakers(clock)
        self._webhooks = webhooks or WebhookClient()
        self._clock = clock
        self._backoff_sec = backoff_sec
        self._uses: Counter[str] = Counter()

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """The tools as the model sees them."""
        return [tool.spec for tool in self.tools.values()]

    async def run(self, name: str, arguments_json: str) -> ToolOutcome:
        """Runs a tool with the arguments as the model wrote them.

        A tool that does not work answers `{"error": "...", "fallback": true}`.
        """
        started_mono = self._clock()
        try:
            text, ok = _cut(await self._answer(name, arguments_json) or '{"ok": true}'), True
        except ToolError as error:
            text, ok = json.dumps({"error": _cut(error.message), "fallback": True}, ensure_ascii=False), False
        return ToolOutcome(text=text, ok=ok, duration_ms=round((self._clock() - started_mono) * 1000))

    async def _answer(self, name: str, arguments_json: str) -> str:
        tool = self.tools.get(name)
        if tool is None:
            raise ToolArgumentsInvalid(f"There is no tool {name[:64]!r}; there are {', '.join(self.tools)}.")
        arguments = _parsed(arguments_json, tool)
        self._count_use(tool)
        if name in self._builtin:
            # They act on this line alone, so a failure says nothing about other calls; and hanging up stays possible.
            return await self._run_in_time(tool, arguments)
        with self._breakers.of(name).watch():
            return await self._run_in_time(tool, arguments)

    def _count_use(self, tool: Tool) -> None:
        if tool.max_uses is not None and self._uses[tool.name] >= tool.max_uses:
            raise ToolError(f"{tool.name} has reached its limit of {tool.max_uses} use(s) in a call.")
        self._uses[tool.name] += 1

    async def _run_in_time(self, tool: Tool, arguments: Json) -> str:
        once = functools.partial(self._attempt, tool, arguments, uuid.uuid4().hex)
        with anyio.move_on_after(tool.timeout_sec):
            return await attempt(once, idempotent=tool.idempotent, backoff_sec=self._backoff_sec)
        raise ToolTimeout(f"{tool.name} did not answer within {tool.timeout_sec:g} seconds.")

    async def _attempt(self, tool: Tool, arguments: Json, key: str) -> str:
        try:
            if tool.handler is None:
                return await self._webhooks.post(tool, arguments, call_id=self._call_id, key=key)
            return _as_text(await _call(tool.handler, tool.parameters, arguments, {"call_id": self._call_id}))
        except ToolError:
            raise
        except Exception as error:
            fields = {"tool": tool.name, "call_id": self._call_id}
            logger.warning("A tool crashed", extra=fields, exc_info=error)
            raise ToolFailed(f"{tool.name} failed ({type(error).__name__}).", may_have_acted=True) from error


def _by_name(tools: Sequence[Tool]) -> dict[str, Tool]:
    names = Counter(tool.name for tool in tools)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise ConfigError(f"There are two tools named {', '.join(twice)} (end_call and send_digits are built in).")
    return {tool.name: tool for tool in tools}


def _parsed(arguments_json: str, tool: Tool) -> Json:
    if len(arguments_json) > MAX_ARGUMENTS_CHARS:
        raise ToolArgumentsInvalid("The arguments are too long.")
    try:
        arguments = json.loads(arguments_json or "{}", parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ToolArgumentsInvalid(f"The arguments are not valid JSON: {error}") from error
    found = list(islice(problems(arguments, tool.parameters), 3))
    if found:
        raise ToolArgumentsInvalid(f"Wrong arguments for {tool.name}: {'; '.join(found)}.")
    return arguments


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


async def _call(handler: Handler, parameters: Json, arguments: Json, context: Json) -> Any:
    """Sync handlers run in a worker thread: one that blocks must not stall the other calls."""
    if takes_mapping(handler, parameters):
        bound = functools.partial(handler, arguments, context)
    else:
        problem = misfit(handler, arguments)
        if problem:
            raise ToolArgumentsInvalid(f"Wrong arguments: {problem}.")
        bound = functools.partial(handler, **arguments)
    if inspect.iscoroutinefunction(handler):
        return await bound()
    result = await anyio.to_thread.run_sync(bound, abandon_on_cancel=True)
    return await result if inspect.isawaitable(result) else result


def _as_text(result: Any) -> str:
    if result is None:
        return ""
    text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str)
    if len(text.encode(errors="replace")) > MAX_RESULT_BYTES:
        raise ToolError(f"The tool's result has more than {MAX_RESULT_BYTES:,} bytes.")
    return text


def _cut(text: str) -> str:
    raw = text.encode(errors="replace")
    kept = raw[:MAX_ANSWER_BYTES].decode(errors="ignore")
    return kept if len(raw) <= MAX_ANSWER_BYTES else f"{kept}… [cut: {len(raw):,} bytes in all]"
