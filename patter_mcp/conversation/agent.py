"""Who speaks for us: what a user of the library configures once and every call is held with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from patter_mcp.config import HISTORY_TOKENS, TurnSettings
from patter_mcp.conversation.phrases import ENGLISH, Phrases, phrases_in
from patter_mcp.errors import ConfigError
from patter_mcp.guardrails.base import Guardrail
from patter_mcp.hooks import PipelineHooks
from patter_mcp.llm.base import LanguageModel, LlmOptions
from patter_mcp.realtime.base import SpeechToSpeech
from patter_mcp.stt.base import SpeechToText
from patter_mcp.tools.base import Tool
from patter_mcp.tts.base import TextToSpeech


class Parts(NamedTuple):
    """What a pipeline is made of."""

    stt: SpeechToText
    llm: LanguageModel
    tts: TextToSpeech


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Providers, manners and limits of our voice. Shared by all calls; a call adds its goal and first words.

    Either `stt`, `llm` and `tts`, or a speech-to-speech `engine` in their place.

    Raises:
        ConfigError: neither, or both.
    """

    stt: SpeechToText | None = None
    llm: LanguageModel | None = None
    tts: TextToSpeech | None = None
    engine: SpeechToSpeech | None = None
    """A model that hears and speaks by itself, e.g. `OpenAIRealtime()`."""
    system_prompt: str = ""
    """Standing instructions; the call's goal is added to them."""
    first_message: str = ""
    """Spoken on answer where the call brings none."""
    language: str = "en"
    """BCP-47: what is spoken, by both sides."""
    voice: str | None = None
    tools: Sequence[Tool] = ()
    guardrails: Sequence[Guardrail] = ()
    hooks: PipelineHooks = field(default_factory=PipelineHooks)
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    """Values for `{name}` in the system prompt, the goal and the first message."""
    history_tokens: int = HISTORY_TOKENS
    """What a language model is sent of a long call, at most. Older turns are left out."""
    turns: TurnSettings = field(default_factory=TurnSettings)
    phrases: Phrases = ENGLISH
    """Left out: those of `language`, where we have them."""
    llm_options: LlmOptions = field(default_factory=LlmOptions)

    def __post_init__(self) -> None:
        given = [kind for kind in Parts._fields if getattr(self, kind) is not None]
        if self.engine is not None and given:
            raise ConfigError(f"With an engine an agent has no use for {' and '.join(given)}: give one or the other.")
        if self.engine is None and len(given) < len(Parts._fields):
            missing = [kind for kind in Parts._fields if kind not in given]
            raise ConfigError(f"An agent needs {' and '.join(missing)}, or a speech-to-speech engine.")
        if self.phrases is ENGLISH:
            object.__setattr__(self, "phrases", phrases_in(self.language))

    @property
    def parts(self) -> Parts:
        """Of an agent without an engine."""
        assert self.stt is not None and self.llm is not None and self.tts is not None
        return Parts(self.stt, self.llm, self.tts)
