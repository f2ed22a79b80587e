"""What the conversation needs of a language model, whoever provides it.

Messages and tools have the shape of OpenAI's chat completions, which every vendor's adapter
translates from and which hooks may edit as plain data.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NotRequired, Protocol, TypedDict, runtime_checkable


class FunctionCall(TypedDict):
    name: str
    arguments: str
    """JSON text."""


class ToolCallEntry(TypedDict):
    id: str
    type: Literal["function"]
    function: FunctionCall


class Message(TypedDict):
    """One entry of the history. `tool_calls` with role assistant, `tool_call_id` with role tool."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: NotRequired[list[ToolCallEntry]]
    tool_call_id: NotRequired[str]


class ToolSpec(TypedDict):
    """A tool as the model sees it; `parameters` is a JSON Schema object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextChunk:
    type: ClassVar[Literal["text"]] = "text"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallChunk:
    """A fragment of a tool call; fragments with one `index` belong together.

    `id` and `name` come with the first fragment and are "" in the others; `arguments` is to be concatenated.
    """

    type: ClassVar[Literal["tool_call"]] = "tool_call"
    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageChunk:
    """Tokens of this request. `input_tokens` counts the whole prompt, cached parts included."""

    type: ClassVar[Literal["usage"]] = "usage"
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_creation_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneChunk:
    type: ClassVar[Literal["done"]] = "done"
    reason: Literal["stop", "tool_calls", "length", "refusal", "other"] = "stop"


Chunk = TextChunk | ToolCallChunk | UsageChunk | DoneChunk


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmOptions:
    """None leaves the choice to the adapter."""

    max_output_tokens: int | None = None
    temperature: float | None = None


class LanguageModel(Protocol):
    """A vendor's model with its settings; shared by all calls."""

    @property
    def provider(self) -> str: ...
    @property
    def model(self) -> str: ...

    async def warmup(self) -> None:
        """Opens the connection so that the first token comes sooner. May raise `ProviderError`; callers swallow it."""
        ...

    def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), options: LlmOptions = LlmOptions()
    ) -> AsyncGenerator[Chunk]:
        """One completion. Closing the iterator (or cancelling the task) closes the connection.

        Usage, where the vendor sends it, comes before `DoneChunk`, which is last.

        Raises:
            ProviderError: at any point of the iteration.
        """
        ...


@runtime_checkable
class Closable(Protocol):
    """A model that keeps connections; whoever made it closes it in the end."""

    async def aclose(self) -> None: ...


def served_by(stream: AsyncGenerator[Chunk], asked: LanguageModel) -> LanguageModel:
    """The model a stream really comes from, which is to be billed: with `FallbackLLM` it may be another one.

    Known from the first chunk on.
    """
    return getattr(stream, "served_by", asked)
