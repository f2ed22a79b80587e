"""The engine of one piece: a model that hears the line and speaks on it.

Opened while the phone rings: the session is agreed on and the first words are made, so that the call begins with
sound; in the first call also the words for bad moments (`Spares`). They cost what speech costs, also when nobody
answers.

Of the hooks only those on audio have a place here, `before_send_to_stt` and `after_synthesize`: between hearing
and speaking there is no text. Guardrails are kept; see `conversation.screen` for what they cost.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from anyio.abc import TaskGroup

from patter_mcp.conversation.agent import Agent
from patter_mcp.conversation.controls import Controls
from patter_mcp.conversation.dialogue import Dialogue
from patter_mcp.conversation.engine import Brief, Journal
from patter_mcp.conversation.meter import realtime_usage
from patter_mcp.conversation.prompt import first_message_for, prompt_for
from patter_mcp.conversation.realtime_loop import RealtimeConversation
from patter_mcp.conversation.spares import Spares
from patter_mcp.conversation.tool_rounds import ToolRounds
from patter_mcp.conversation.transcript import Transcript
from patter_mcp.conversation.trouble import opened
from patter_mcp.conversation.voice import Means
from patter_mcp.errors import ConfigError, ProviderError
from patter_mcp.guardrails.speech import SpeechGuard
from patter_mcp.hooks import HookContext, HookRunner
from patter_mcp.realtime.base import RealtimeOptions, RealtimeStream, SpeechToSpeech
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
        reassurances = [tool.reassurance for tool in agent.tools if tool.reassurance]
        self._spares = Spares(agent.phrases, agent.language, reassurances)

    @property
    def parts(self) -> Mapping[str, str]:
        model = self._model
        return {"realtime": f"{model.provider}/{model.model}", "stt": f"{model.provider}/{model.transcriber}"}

    @property
    def language(self) -> str:
        return self._agent.language

    @asynccontextmanager
    async def open(self, brief: Brief, journal: Journal) -> AsyncGenerator[RealtimeConversation]:
        lost: list[ProviderError] = []
        dialogue = Dialogue(transcript := Transcript(journal))
        controls = Controls(transcript)
        tools = ToolExecutor(self._agent.tools, controls, call_id=brief.call_id, breakers=self._breakers)
        options = self._options(brief, tools, dialogue)
        async with opened("llm", self._model.open(options), journal) as stream, helpers() as tasks:

            def lose(error: ProviderError) -> None:
                lost.append(error)
                tasks.cancel_scope.cancel()

            try:
                yield RealtimeConversation(
                    self._means(brief, stream, dialogue, transcript, tasks),
                    first_message=first_message_for(self._agent, brief),
                    rounds=ToolRounds(tools, dialogue, transcript),
                    controls=controls,
                    lose=lose,
                )
            finally:
                for event in realtime_usage(self._model, stream.usage):
                    journal.write(event)
        if lost:
            raise lost[0]

    def _options(self, brief: Brief, tools: ToolExecutor, dialogue: Dialogue) -> RealtimeOptions:
        agent = self._agent
        return RealtimeOptions(
            instructions=prompt_for(agent, brief),
            tools=tools.specs,
            language=agent.language,
            voice=agent.voice,
            hints=brief.hints,
            max_output_tokens=agent.llm_options.max_output_tokens,
            past=dialogue.past,
        )

    def _means(
        self, brief: Brief, stream: RealtimeStream, dialogue: Dialogue, transcript: Transcript, tasks: TaskGroup
    ) -> Means:
        context = HookContext(call_id=brief.call_id, to_number=brief.to_number, history=transcript)
        return Means(
            agent=self._agent,
            provider=self._model.provider,
            stream=stream,
            dialogue=dialogue,
            journal=transcript,
            hooks=HookRunner(self._agent.hooks, context),
            guard=self._guard,
            spares=self._spares,
            tasks=tasks,
        )
