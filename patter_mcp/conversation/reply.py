"""One reply: the model's words, its tools, and the voice they go to.

A reply may be begun before the user's turn is certainly over. Until it is committed nothing of it is
heard and no tool is run.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup

from patter_mcp import events as ev
from patter_mcp.conversation.agent import Phrases
from patter_mcp.conversation.engine import Journal
from patter_mcp.conversation.meter import LlmMeter
from patter_mcp.conversation.sentences import SentenceCutter
from patter_mcp.conversation.track import Track
from patter_mcp.errors import ProviderError
from patter_mcp.guardrails.speech import SpeechGuard
from patter_mcp.hooks import DROP, HookRunner
from patter_mcp.llm.base import (
    LanguageModel,
    LlmOptions,
    Message,
    TextChunk,
    ToolCallChunk,
    ToolCallEntry,
    UsageChunk,
    served_by,
)
from patter_mcp.tools.executor import ToolExecutor

logger = logging.getLogger(__name__)

MAX_TOOL_ROUNDS = 10
FILLER_AFTER_SEC = 1.6
"""Silence after the end of the user's turn that is filled with a word; two seconds feel like a dead line."""
REASSURE_AFTER_SEC = 1.0
"""Silence in which a tool runs, before its reassurance is said."""
BRIDGE_SEC = 2.0
"""How long such a word holds before it may be said again, to a user who asks whether we are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mind:
    """What every reply of a call thinks with."""

    llm: LanguageModel
    options: LlmOptions
    tools: ToolExecutor
    guard: SpeechGuard
    hooks: HookRunner
    meter: LlmMeter
    journal: Journal
    phrases: Phrases
    language: str


@dataclass(slots=True)
class _Call:
    """A tool call as its fragments come in."""

    id: str = ""
    name: str = ""
    arguments: str = ""

    def entry(self, index: int) -> ToolCallEntry:
        return {
            "id": self.id or f"call_{index}",
            "type": "function",
            "function": {"name": self.name, "arguments": self.arguments or "{}"},
        }


@dataclass(slots=True)
class _Completion:
    """One round of the model: what it said aloud and which tools it wants."""

    spoken: list[str] = field(default_factory=list[str])
    held: list[str] = field(default_factory=list[str])
    """Pieces that wait for the whole response, because a hook wants to see it first."""
    calls: dict[int, _Call] = field(default_factory=dict[int, _Call])


class Reply:
    """`run` in a task of its own scope; cancelling that scope is how a reply ends early."""

    def __init__(self, mind: Mind, prompt: Sequence[Message], track: Track) -> None:
        self.track = track
        self.messages: list[Message] = []
        """What it adds to the history, complete rounds only."""
        self.committed = anyio.Event()
        self.llm_started_at: float | None = None
        self.llm_first_at: float | None = None
        self.ended_call = False
        self._reassurance = ""
        """What the tool that runs now has us say if it takes long."""
        self._bridged_at = -math.inf
        self._mind = mind
        self._prompt = list(prompt)

    async def think(self) -> None:
        """Speaks into the track until there is nothing left to say.

        Raises:
            ProviderError: the model failed and a second try did not help.
        """
        failure: ProviderError | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._fill_silence)
            try:
                await self._rounds(tasks)
            except ProviderError as error:
                failure = error
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure
        self.track.end()

    async def _rounds(self, tasks: TaskGroup) -> None:
        for _ in range(MAX_TOOL_ROUNDS):
            completion = await self._complete()
            calls = [call.entry(index) for index, call in sorted(completion.calls.items())]
            self._note(completion.spoken, calls)
            if not calls:
                return
            await self.committed.wait()
            if not await self._use_tools(calls, tasks):
                return
        logger.warning("a reply was ended after too many rounds of tools", extra={"rounds": MAX_TOOL_ROUNDS})
        self._note([await self._say(self._mind.phrases.too_many_steps)], [])

    def _note(self, spoken: list[str], calls: list[ToolCallEntry]) -> None:
        message: Message = {"role": "assistant", "content": " ".join(piece for piece in spoken if piece)}
        if calls:
            message["tool_calls"] = calls
        if message["content"] or calls:
            self.messages.append(message)

    async def _complete(self) -> _Completion:
        """One completion; a first failure before any word of it is tried once more."""
        completion = _Completion()
        try:
            await self._stream(completion)
        except ProviderError as error:
            if completion.spoken or completion.calls or not error.retryable:
                raise
            self._mind.journal.write(_trouble(error))
            completion = _Completion()
            await self._stream(completion)
        return completion

    async def _stream(self, completion: _Completion) -> None:
        mind = self._mind
        cutter = SentenceCutter(mind.language)
        messages = await mind.hooks.before_llm([*self._prompt, *self.messages])
        self.llm_started_at = self.llm_started_at or anyio.current_time()
        with mind.meter.request(messages, mind.llm) as meter:
            async with aclosing(mind.llm.stream(messages, mind.tools.specs, mind.options)) as chunks:
                async for chunk in chunks:
                    meter.served = served_by(chunks, mind.llm)
                    if isinstance(chunk, TextChunk):
                        self.llm_first_at = self.llm_first_at or anyio.current_time()
                        meter.text += chunk.text
                        await self._speak(cutter.feed(mind.hooks.on_chunk(chunk.text)), completion)
                    elif isinstance(chunk, ToolCallChunk):
                        # What is said before a tool call is said before the tool runs.
                        await self._speak([cutter.rest()], completion)
                        meter.text += chunk.arguments
                        _collect(chunk, completion.calls)
                    elif isinstance(chunk, UsageChunk):
                        meter.reported = chunk
            await self._speak([cutter.rest()], completion)
        if completion.held:
            text = await mind.hooks.on_response(" ".join(completion.held))
            await self._say_all([*cutter.feed(text), cutter.rest()], completion)

    async def _speak(self, pieces: Sequence[str], completion: _Completion) -> None:
        if self._mind.hooks.has_on_response:
            completion.held.extend(filter(None, pieces))
        else:
            await self._say_all(pieces, completion)

    async def _say_all(self, pieces: Sequence[str], completion: _Completion) -> None:
        for piece in filter(None, pieces):
            completion.spoken.append(await self._say(piece, " ".join(completion.spoken)))

    async def _say(self, piece: str, before: str = "") -> str:
        """Hooks, then guardrails, then the voice; returns what was really said."""
        mind = self._mind
        shaped = await mind.hooks.before_synthesize(await mind.hooks.on_sentence(piece))
        if shaped is DROP or not shaped:
            return ""
        verdict = await mind.guard.check_sentence(shaped)
        if not verdict.blocked and before:
            verdict = await mind.guard.check_response(f"{before} {shaped}")
        text = verdict.text if verdict.blocked else shaped
        if verdict.guardrail is not None:
            mind.journal.write(ev.GuardrailHit(name=verdict.guardrail, action=verdict.action))
        if text:
            self.track.say(text)
        return text

    async def _use_tools(self, calls: Sequence[ToolCallEntry], tasks: TaskGroup) -> bool:
        """Runs them in order; False when one of them has ended the call."""
        for call in calls:
            function = call["function"]
            tool, waiting = self._mind.tools.tools.get(function["name"]), anyio.CancelScope()
            self._reassurance = (tool and tool.reassurance) or ""
            tasks.start_soon(self._reassure, waiting)
            outcome = await self._mind.tools.run(function["name"], function["arguments"])
            waiting.cancel()
            self._reassurance = ""
            self.messages.append({"role": "tool", "tool_call_id": call["id"], "content": outcome.text})
            self._mind.journal.write(
                ev.ToolCalled(
                    name=function["name"],
                    arguments=function["arguments"],
                    result=outcome.text,
                    ok=outcome.ok,
                    duration_ms=outcome.duration_ms,
                )
            )
        return not self.ended_call

    async def _reassure(self, waiting: anyio.CancelScope) -> None:
        """Not before what has been said is heard: until then there is no silence."""
        with waiting:
            await anyio.sleep(REASSURE_AFTER_SEC)
            await anyio.sleep(self.track.left_ms / 1000)
            if self._reassurance:
                self._bridge(self._reassurance)

    async def _fill_silence(self) -> None:
        await self.committed.wait()
        await anyio.sleep(FILLER_AFTER_SEC)
        if not self.track.text:
            self._bridge(self._reassurance or self._mind.phrases.one_moment)

    def hurry(self) -> None:
        """The user asks into our silence whether we are there."""
        if self.committed.is_set() and anyio.current_time() - self._bridged_at > BRIDGE_SEC:
            self._bridge(self._reassurance or self._mind.phrases.one_moment)

    def _bridge(self, text: str) -> None:
        self._reassurance = ""
        self._bridged_at = anyio.current_time()
        self.track.say(text, aside=True)


def _collect(chunk: ToolCallChunk, calls: dict[int, _Call]) -> None:
    call = calls.setdefault(chunk.index, _Call())
    call.id = call.id or chunk.id
    call.name = call.name or chunk.name
    call.arguments += chunk.arguments


def _trouble(error: ProviderError) -> ev.ProviderTrouble:
    return ev.ProviderTrouble(
        part="llm", provider=error.provider, code=error.code, message=error.message, recovered=True
    )
