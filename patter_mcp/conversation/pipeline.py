"""The engine of separate parts: speech-to-text, a language model, text-to-speech.

Opened while the phone rings: the connections are made, the model warmed and the first words spoken into
memory, so that the call begins with sound.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from patter_mcp.conversation.agent import Agent
from patter_mcp.conversation.engine import Brief, Journal
from patter_mcp.conversation.history import History
from patter_mcp.conversation.loop import PipelineConversation
from patter_mcp.conversation.meter import LlmMeter, stt_usage, tts_usage
from patter_mcp.conversation.prompt import first_message_for, prompt_for
from patter_mcp.conversation.rehearsal import Rehearsal
from patter_mcp.conversation.reply import Mind
from patter_mcp.conversation.spoken import speakable
from patter_mcp.conversation.together import together
from patter_mcp.conversation.transcript import Transcript
from patter_mcp.conversation.trouble import Troubles, opened
from patter_mcp.errors import ConfigError, ProviderError, ProviderStatusError
from patter_mcp.guardrails.speech import SpeechGuard
from patter_mcp.hooks import HookContext, HookRunner
from patter_mcp.llm.base import Closable
from patter_mcp.stt.base import SttOptions, SttStream
from patter_mcp.tools.breaker import Breakers
from patter_mcp.tools.executor import ToolExecutor
from patter_mcp.tts.base import TtsOptions, TtsStream
from patter_mcp.vad.base import VoiceDetector

logger = logging.getLogger(__name__)

UNAUTHORIZED = 401


class PipelineEngine:
    """Holds conversations as `agent` is configured to. Shared by all its calls.

    Args:
        detector: Gives the process's voice detector; asked once, at the first call, because its model is heavy.
    """

    def __init__(self, agent: Agent, detector: Callable[[], VoiceDetector]) -> None:
        self._agent = agent
        self._parts = agent.parts
        self._detector = detector
        self._guard = SpeechGuard(agent.guardrails)
        self._breakers = Breakers()
        self._rehearsal = Rehearsal(agent.phrases, agent.language)

    @property
    def parts(self) -> Mapping[str, str]:
        return {kind: f"{part.provider}/{part.model}" for kind, part in self._parts._asdict().items()}

    @property
    def language(self) -> str:
        return self._agent.language

    @asynccontextmanager
    async def open(self, brief: Brief, journal: Journal) -> AsyncGenerator[PipelineConversation]:
        lost: list[ProviderError] = []
        async with self._streams(brief, journal) as (stt, tts), anyio.create_task_group() as tasks:

            def lose(error: ProviderError) -> None:
                lost.append(error)
                tasks.cancel_scope.cancel()

            meter = LlmMeter()
            try:
                conversation = self._conversation(brief, Transcript(journal), stt, tts, meter, tasks, lose)
                tasks.start_soon(self._load_detector)
                tasks.start_soon(self._warm_up, conversation)
                tasks.start_soon(self._rehearse, conversation, tts)
                yield conversation
                await conversation.judge()
            finally:
                self._journal_usage(journal, stt, tts, meter)
                tasks.cancel_scope.cancel()
        if lost:
            raise lost[0]

    async def aclose(self) -> None:
        """Closes the model's connections; the next call makes new ones."""
        if isinstance(self._parts.llm, Closable):
            await self._parts.llm.aclose()

    def _streams(self, brief: Brief, journal: Journal) -> AbstractAsyncContextManager[tuple[SttStream, TtsStream]]:
        agent = self._agent
        stt = self._parts.stt.open(SttOptions(language=agent.language, hints=brief.hints))
        tts = self._parts.tts.open(TtsOptions(language=agent.language, voice=agent.voice))
        return together(opened("stt", stt, journal), opened("tts", tts, journal))

    def _conversation(
        self,
        brief: Brief,
        transcript: Transcript,
        stt: SttStream,
        tts: TtsStream,
        meter: LlmMeter,
        tasks: TaskGroup,
        lose: Callable[[ProviderError], None],
    ) -> PipelineConversation:
        return PipelineConversation(
            agent=self._agent,
            first_message=first_message_for(self._agent, brief),
            history=History(prompt_for(self._agent, brief), self._agent.history_tokens),
            stt=stt,
            tts=tts,
            detector=self._detector(),
            journal=transcript,
            tasks=tasks,
            make_mind=lambda conversation: self._mind(brief, transcript, meter, tasks, conversation),
            rehearsal=self._rehearsal,
            lose=lose,
        )

    def _mind(
        self,
        brief: Brief,
        transcript: Transcript,
        meter: LlmMeter,
        tasks: TaskGroup,
        conversation: PipelineConversation,
    ) -> Mind:
        agent = self._agent
        tools = ToolExecutor(agent.tools, conversation, call_id=brief.call_id, breakers=self._breakers)
        context = HookContext(call_id=brief.call_id, to_number=brief.to_number, history=transcript)
        hooks = HookRunner(agent.hooks, context)
        return Mind(
            llm=self._parts.llm,
            options=agent.llm_options,
            tools=tools,
            guard=self._guard,
            hooks=hooks,
            meter=meter,
            journal=transcript,
            troubles=Troubles(transcript, "llm"),
            phrases=agent.phrases,
            language=agent.language,
            # What is remembered has not been through this call's hook.
            remembered=lambda text: None if hooks.has_after_synthesize else self._rehearsal.audio(text),
            warm_up=lambda: tasks.start_soon(self._warm_up, conversation),
        )

    async def _load_detector(self) -> None:
        """Nobody's audio waits for a model to be read; without one, whoever opens the detector is told."""
        with suppress(ConfigError):
            await to_thread.run_sync(self._detector().load, abandon_on_cancel=True)

    async def _warm_up(self, conversation: PipelineConversation) -> None:
        # The first use in a process reads the language's number words from a file, up to 80 ms; now nobody waits.
        speakable("10", self._agent.language)
        try:
            await self._parts.llm.warmup()
        except ProviderError as error:
            logger.info("warming the model up failed; the first reply will be slower", extra={"why": error.message})
            if isinstance(error, ProviderStatusError) and error.status == UNAUTHORIZED:
                conversation.mindless(error)

    async def _rehearse(self, conversation: PipelineConversation, tts: TtsStream) -> None:
        """Once the first words are made: some voices say one thing at a time."""
        await conversation.ready_to_greet()
        await self._rehearsal.hold(tts)

    def _journal_usage(self, journal: Journal, stt: SttStream, tts: TtsStream, meter: LlmMeter) -> None:
        for event in (*stt_usage(self._parts.stt, stt), *meter.usage(), *tts_usage(self._parts.tts, tts)):
            journal.write(event)
