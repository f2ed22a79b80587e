"""The engine of one piece: a model that hears the line and speaks on it.

Opened while the phone rings: the session is agreed on and the first words are made, so that the call begins with
sound. They cost what speech costs, also when nobody answers.

Of the hooks only those on audio have a place here, `before_send_to_stt` and `after_synthesize`: between hearing
and speaking there is no text. Guardrails are kept; see `conversation.screen` for what they cost.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from patter_mcp.conversation.agent import Agent
from patter_mcp.conversation.engine import Brief, Journal
from patter_mcp.conversation.meter import realtime_usage
from patter_mcp.conversation.mouth import Apology
from patter_mcp.conversation.prompt import first_message_for, prompt_for
from patter_mcp.conversation.realtime_loop import RealtimeConversation
from patter_mcp.conversation.transcript import Transcript
from patter_mcp.errors import ConfigError
from patter_mcp.guardrails.speech import SpeechGuard
from patter_mcp.hooks import HookContext, HookRunner
from patter_mcp.realtime.base import RealtimeOptions, SpeechToSpeech
from patter_mcp.tools.breaker import Breakers
from patter_mcp.tools.executor import ToolExecutor
from patter_mcp.vendors.helpers import helpers

TEXT_HOOKS = ("after_transcribe", "before_llm", "after_llm", "before_synthesize")


class SpeechToSpeechEngine:
    """Holds conversations as `agent` is configured to. Shared by all its calls.

    Raises:
        ConfigError: the agent has hooks for text that nobody will see.
    """

    def __init__(self, agent: Agent, model: SpeechToSpeech) -> None:
        out_of_place = [name for name in TEXT_HOOKS if getattr(agent.hooks, name) is not None]
        if out_of_place:
            raise ConfigError(
                f"A speech-to-speech engine has no place for {', '.join(out_of_place)}: only the hooks on audio work, "
                "before_send_to_stt and after_synthesize. Use stt, llm and tts for the others."
            )
        self._agent = agent
        self._model = model
        self._guard = SpeechGuard(agent.guardrails)
        self._breakers = Breakers()
        self._apology = Apology()

    @property
    def parts(self) -> Mapping[str, str]:
        model = self._model
        return {"realtime": f"{model.provider}/{model.model}", "stt": f"{model.provider}/{model.transcriber}"}

    @asynccontextmanager
    async def open(self, brief: Brief, journal: Journal) -> AsyncGenerator[RealtimeConversation]:
        agent = self._agent
        transcript = Transcript(journal)
        context = HookContext(call_id=brief.call_id, to_number=brief.to_number, history=transcript)
        conversation = RealtimeConversation(
            agent=agent,
            provider=self._model.provider,
            first_message=first_message_for(agent, brief),
            journal=transcript,
            hooks=HookRunner(agent.hooks, context),
            guard=self._guard,
            make_tools=lambda control: ToolExecutor(
                agent.tools, control, call_id=brief.call_id, breakers=self._breakers
            ),
            apology=self._apology,
        )
        async with self._model.open(self._options(brief, conversation)) as stream, helpers() as tasks:
            try:
                conversation.begin(stream, tasks)
                yield conversation
            finally:
                for event in realtime_usage(self._model, stream.usage):
                    journal.write(event)

    def _options(self, brief: Brief, conversation: RealtimeConversation) -> RealtimeOptions:
        agent = self._agent
        return RealtimeOptions(
            instructions=prompt_for(agent, brief),
            tools=conversation.tools.specs,
            language=agent.language,
            voice=agent.voice,
            hints=brief.hints,
            max_output_tokens=agent.llm_options.max_output_tokens,
            past=conversation.past,
        )
