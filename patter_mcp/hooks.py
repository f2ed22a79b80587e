"""The stages at which a user's code may look at, change or drop what flows through a conversation.

Above: `conversation`, which owns one `HookRunner` per call. Below: types only. Knows nothing of audio
devices, vendors or turns; it decides what a hook's answer means and keeps a bad hook from hurting the call.

A hook that crashes, answers with the wrong type or exceeds its time limit passes the value on
unchanged: hooks are a convenience and fail open. What must not be said belongs in a guardrail.
"""

from __future__ import annotations

import copy
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, TypeVar, cast

import anyio
import anyio.to_thread

from patter_mcp.errors import ConfigError
from patter_mcp.llm.base import Message
from patter_mcp.types import TranscriptLine

logger = logging.getLogger(__name__)

T = TypeVar("T")
Maybe = T | None | Awaitable[T | None]


class Drop(Enum):
    DROP = "drop"


DROP: Final = Drop.DROP
"""What a stage answers when the hook wants the value gone: `if result is DROP`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookContext:
    """Which call a hook is looking at."""

    call_id: str
    to_number: str = field(default="", repr=False)
    """E.164, in full: hooks are the operator's own code. Not for logs."""
    history: Sequence[TranscriptLine] = ()
    """What has been said so far; grows while the call lives."""


@dataclass(frozen=True, slots=True)
class PipelineHooks:
    """User code at eight stages; each hook is a sync or async callable. Audio is mono μ-law at 8 kHz.

    Sync hooks run in a worker thread, but for `before_send_to_stt` and `on_chunk`: those run in the event
    loop of every live call and must return at once (~0 ms). An async `on_chunk` is an error.
    """

    before_send_to_stt: Callable[[bytes, HookContext], Maybe[bytes]] | None = None
    """(frame, ctx), 50 times a second. None drops the frame."""
    after_transcribe: Callable[[str, HookContext], Maybe[str]] | None = None
    """(transcript, ctx). None skips the turn."""
    before_llm: Callable[[list[Message], HookContext], Maybe[list[Message]]] | None = None
    """(messages, ctx), the messages being a copy. None keeps them."""
    after_llm: object = None
    """An object or dict with any of `on_chunk(chunk)`, `on_sentence(sentence, ctx)`, `on_response(text, ctx)`.

    None from any of them keeps the value; "" leaves nothing to say. A plain callable stands for `on_response`,
    which needs the whole response: with it nothing is spoken before the model has finished.
    """
    before_synthesize: Callable[[str, HookContext], Maybe[str]] | None = None
    """(sentence, ctx): the model's sentences, and our own words such as the first message. None leaves them unspoken.

    Only what is played because the voice is gone has been recorded long before, and passes it by.
    """
    after_synthesize: Callable[[bytes, str, HookContext], Maybe[bytes]] | None = None
    """(audio, sentence, ctx). None discards that piece of audio."""

    def __post_init__(self) -> None:
        for stage in ("before_send_to_stt", "after_transcribe", "before_llm", "before_synthesize", "after_synthesize"):
            hook = getattr(self, stage)
            if hook is not None and not callable(hook):
                raise ConfigError(f"The hook {stage} must be a function, not {type(hook).__name__}.")
        _after_llm_stages(self.after_llm)


@dataclass(frozen=True, slots=True, kw_only=True)
class HookLimits:
    """How long a hook may take before the conversation goes on without it. Every second here is silence on the line."""

    audio_sec: float = 0.1
    """`before_send_to_stt` and `after_synthesize`: a few frames, which the buffers around them bear."""
    text_sec: float = 1.0
    response_sec: float = 3.0
    """`on_response`, for which the conversation waits anyway."""


_AFTER_LLM_STAGES = ("on_chunk", "on_sentence", "on_response")


def _after_llm_stages(hook: object) -> Mapping[str, Callable[..., Any]]:
    """The stages of `after_llm` that are set, by name."""
    if hook is None:
        return {}
    if isinstance(hook, Mapping):
        stages = dict(cast("Mapping[str, Any]", hook))
    else:
        stages = {name: getattr(hook, name) for name in _AFTER_LLM_STAGES if hasattr(hook, name)}
        if not stages and callable(hook):
            stages = {"on_response": hook}
    stages = {name: stage for name, stage in stages.items() if stage is not None}
    if not stages or not set(stages) <= set(_AFTER_LLM_STAGES) or not all(map(callable, stages.values())):
        raise ConfigError(f"The hook after_llm must be a function or have any of {', '.join(_AFTER_LLM_STAGES)}.")
    if "on_chunk" in stages and _is_async(stages["on_chunk"]):
        raise ConfigError("The hook on_chunk runs once per token and cannot be async; use on_sentence.")
    return stages


class HookRunner:
    """The hooks of one call. A stage without a hook hands its value back at once.

    The `has_…` flags let the conversation leave a stage out of its path altogether; `has_on_response`
    also says that the response has to be held back until it is complete.
    """

    def __init__(self, hooks: PipelineHooks, context: HookContext, *, limits: HookLimits | None = None) -> None:
        self._hooks = hooks
        self._context = context
        self._limits = limits or HookLimits()
        stages = _after_llm_stages(hooks.after_llm)
        self._on_chunk = stages.get("on_chunk")
        self._on_sentence = stages.get("on_sentence")
        self._on_response = stages.get("on_response")
        self._reported: set[str] = set()
        self.has_before_send_to_stt = hooks.before_send_to_stt is not None
        self.has_on_chunk = self._on_chunk is not None
        self.has_on_response = self._on_response is not None
        self.has_before_synthesize = hooks.before_synthesize is not None
        self.has_after_synthesize = hooks.after_synthesize is not None

    async def before_send_to_stt(self, frame: bytes) -> bytes | Drop:
        hook, limit_sec = self._hooks.before_send_to_stt, self._limits.audio_sec
        return _or_drop(await self._run("before_send_to_stt", hook, limit_sec, frame, frame, inline=True))

    async def after_transcribe(self, transcript: str) -> str | Drop:
        hook, limit_sec = self._hooks.after_transcribe, self._limits.text_sec
        return _or_drop(await self._run("after_transcribe", hook, limit_sec, transcript, transcript))

    async def before_llm(self, messages: list[Message]) -> list[Message]:
        hook, limit_sec = self._hooks.before_llm, self._limits.text_sec
        if hook is None:
            return messages
        # A copy: a hook that edits in place, or goes on editing after its time is up, must not reach the history.
        result = await self._run("before_llm", hook, limit_sec, messages, copy.deepcopy(messages))
        return messages if result is None else result

    def on_chunk(self, chunk: str) -> str:
        """A piece of the model's text, of any length."""
        if self._on_chunk is None:
            return chunk
        try:
            result = _of_kind(self._on_chunk(chunk), str)
        except Exception as error:
            self._report("on_chunk", error)
            return chunk
        return chunk if result is None else result

    async def on_sentence(self, sentence: str) -> str:
        result = await self._run("on_sentence", self._on_sentence, self._limits.text_sec, sentence, sentence)
        return sentence if result is None else result

    async def on_response(self, text: str) -> str:
        result = await self._run("on_response", self._on_response, self._limits.response_sec, text, text)
        return text if result is None else result

    async def before_synthesize(self, sentence: str) -> str | Drop:
        hook, limit_sec = self._hooks.before_synthesize, self._limits.text_sec
        return _or_drop(await self._run("before_synthesize", hook, limit_sec, sentence, sentence))

    async def after_synthesize(self, audio: bytes, sentence: str) -> bytes | Drop:
        hook, limit_sec = self._hooks.after_synthesize, self._limits.audio_sec
        return _or_drop(await self._run("after_synthesize", hook, limit_sec, audio, audio, sentence))

    async def _run(
        self,
        stage: str,
        hook: Callable[..., Any] | None,
        limit_sec: float,
        value: T,
        *args: object,
        inline: bool = False,
    ) -> T | None:
        """What `hook(*args, ctx)` answers: None or something of `value`'s type; `value` without a (working) hook."""
        if hook is None:
            return value
        try:
            with anyio.fail_after(limit_sec):
                return _of_kind(await _call(hook, *args, self._context, inline=inline), type(value))
        except Exception as error:
            self._report(stage, error)
            return value

    def _report(self, stage: str, error: Exception) -> None:
        if stage in self._reported:
            return
        self._reported.add(stage)
        fields = {"stage": stage, "call_id": self._context.call_id}
        logger.warning("A pipeline hook failed; its input went on unchanged", extra=fields, exc_info=error)


async def _call(hook: Callable[..., Any], *args: object, inline: bool) -> object:
    if inline or _is_async(hook):
        result = hook(*args)
    else:
        result = await anyio.to_thread.run_sync(hook, *args, abandon_on_cancel=True)
    return await result if inspect.isawaitable(result) else result


def _is_async(hook: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(hook) or inspect.iscoroutinefunction(getattr(hook, "__call__", None))  # noqa: B004


def _of_kind(result: object, kind: type[T]) -> T | None:
    if result is None or isinstance(result, kind):
        return result
    raise TypeError(f"the hook returned {type(result).__name__} instead of {kind.__name__}")


def _or_drop(value: T | None) -> T | Drop:
    return DROP if value is None else value
