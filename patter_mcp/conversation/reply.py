"""One reply: the model's words, its tools, and the voice they go to.

A reply may be begun before the user's turn is certainly over. Until it is committed nothing of it is
heard and no tool is run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import anyio

from patter_mcp import events as ev
from patter_mcp.conversation.bridging import Bridge
from patter_mcp.conversation.engine import Journal
from patter_mcp.conversation.meter import LlmMeter, RequestMeter
from patter_mcp.conversation.phrases import Phrases
from patter_mcp.conversation.sentences import SentenceCutter
from patter_mcp.conversation.track import Track
from patter_mcp.conversation.trouble import Troubles, pause_before_retry_sec, trouble
from patter_mcp.errors import ProviderError
from patter_mcp.guardrails.speech import SpeechGuard
from patter_mcp.hooks import DROP, HookRunner
from patter_mcp.llm.base import (
    Chunk,
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
SAYING_NOTHING = frozenset({"end_call", "send_digits"})
"""Tools after which nothing need be said: what follows is the line's end, or the menu's to say."""
GO_ON = "[a fault cut your answer off here; say only what is missing of it]"
"""Told to the model in the user's place."""


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
    troubles: Troubles
    """The model's own."""
    phrases: Phrases
    language: str
    remembered: Callable[[str], bytes | None]
    """A phrase's audio, where it has been made beforehand."""
    warm_up: Callable[[], object]
    """To be called when a request was broken off: that has closed its connection."""


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
    is_silent: bool = True
    """The model has given no text at all."""

    def break_off(self) -> None:
        """Forgets what had not come to anything."""
        self.held.clear()
        self.calls.clear()

    def so_far(self) -> list[Message]:
        """How the model learns where it was cut off."""
        said = _joined(self.spoken)
        return [{"role": "assistant", "content": said}, {"role": "user", "content": GO_ON}] if said else []


class Reply:
    """`think` in a task of its own scope; cancelling that scope is how a reply ends early."""

    def __init__(self, mind: Mind, track: Track) -> None:
        self.track = track
        self.messages: list[Message] = []
        """What it adds to the history, complete rounds only."""
        self.committed = anyio.Event()
        self.llm_started_at: float | None = None
        self.llm_first_at: float | None = None
        self.ended_call = False
        self._mind = mind
        self._prompt: list[Message] = []
        fillers = mind.phrases.one_moment, mind.phrases.bear_with_me
        self._bridge = Bridge(track, fillers, mind.remembered, mind.hooks.before_synthesize)
        self._awaited_since = 0.0

    def commit(self, awaited_since: float) -> None:
        """It may be heard, and tools may run; somebody has been waiting since then."""
        self._awaited_since = awaited_since
        self.committed.set()

    async def think(self, prompt: Sequence[Message]) -> None:
        """Speaks into the track until there is nothing left to say.

        Raises:
            ProviderError: the model failed and a second try did not help.
        """
        self._prompt = list(prompt)
        for _ in range(MAX_TOOL_ROUNDS):
            completion = await self._complete()
            calls = [call.entry(index) for index, call in sorted(completion.calls.items())]
            self._note(completion.spoken, calls)
            if not calls:
                await self._say_something(completion)
                break
            await self.committed.wait()
            if not await self._use_tools(calls):
                break
        else:
            logger.warning("a reply was ended after too many rounds of tools", extra={"rounds": MAX_TOOL_ROUNDS})
            self._note([await self._say(self._mind.phrases.too_many_steps)], [])
        self.track.end()

    async def bridge(self) -> None:
        """Keeps silence from lasting while it is made, until cancelled."""
        await self.committed.wait()
        await self._bridge.run(self._awaited_since)

    def hurry(self) -> None:
        """The user asks into our silence whether we are there."""
        if self.committed.is_set():
            self._bridge.hurry()

    async def _say_something(self, completion: _Completion) -> None:
        """A model that answers with nothing leaves the user waiting."""
        used = {call["function"]["name"] for message in self.messages for call in message.get("tool_calls", ())}
        if completion.is_silent and not used & SAYING_NOTHING:
            self._note([await self._say(self._mind.phrases.pardon)], [])

    def _note(self, spoken: list[str], calls: list[ToolCallEntry]) -> None:
        message: Message = {"role": "assistant", "content": _joined(spoken)}
        if calls:
            message["tool_calls"] = calls
        if message["content"] or calls:
            self.messages.append(message)

    async def _complete(self) -> _Completion:
        """One completion; after a first failure that may pass the model is asked to go on where it stopped."""
        completion = _Completion()
        try:
            await self._stream(completion)
        except ProviderError as error:
            pause_sec = pause_before_retry_sec(error)
            if pause_sec is None:
                raise
            self._mind.journal.write(trouble("llm", error, recovered=True))
            completion.break_off()
            await anyio.sleep(pause_sec)
            await self._stream(completion)
        return completion

    async def _stream(self, completion: _Completion) -> None:
        mind = self._mind
        cutter = SentenceCutter(mind.language)
        messages = await mind.hooks.before_llm([*self._prompt, *self.messages, *completion.so_far()])
        self.llm_started_at = self.llm_started_at or anyio.current_time()
        try:
            with mind.meter.request(messages, mind.llm) as meter:
                async with aclosing(mind.llm.stream(messages, mind.tools.specs, mind.options)) as chunks:
                    with mind.troubles.noted(chunks):
                        async for chunk in chunks:
                            meter.served = served_by(chunks, mind.llm)
                            await self._take(chunk, meter, cutter, completion)
        except anyio.get_cancelled_exc_class():
            mind.warm_up()
            raise
        await self._speak([cutter.rest()], completion)
        if completion.held:
            text = await mind.hooks.on_response(" ".join(completion.held))
            await self._say_all([*cutter.feed(text), cutter.rest()], completion)

    async def _take(self, chunk: Chunk, meter: RequestMeter, cutter: SentenceCutter, completion: _Completion) -> None:
        if isinstance(chunk, TextChunk):
            self.llm_first_at = self.llm_first_at or anyio.current_time()
            meter.text += chunk.text
            completion.is_silent = completion.is_silent and not chunk.text.strip()
            await self._speak(cutter.feed(self._mind.hooks.on_chunk(chunk.text)), completion)
        elif isinstance(chunk, ToolCallChunk):
            # What is said before a tool call is said before the tool runs.
            await self._speak([cutter.rest()], completion)
            meter.text += chunk.arguments
            _collect(chunk, completion.calls)
        elif isinstance(chunk, UsageChunk):
            meter.reported = chunk

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

    async def _use_tools(self, calls: Sequence[ToolCallEntry]) -> bool:
        """Runs them in order; False when one of them has ended the call."""
        for call in calls:
            function = call["function"]
            tool = self._mind.tools.tools.get(function["name"])
            with self._bridge.tool(tool and tool.reassurance):
                outcome = await self._mind.tools.run(function["name"], function["arguments"])
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


def _joined(spoken: Sequence[str]) -> str:
    return " ".join(filter(None, spoken))


def _collect(chunk: ToolCallChunk, calls: dict[int, _Call]) -> None:
    call = calls.setdefault(chunk.index, _Call())
    call.id = call.id or chunk.id
    call.name = call.name or chunk.name
    call.arguments += chunk.arguments
