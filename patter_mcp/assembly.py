"""Which parts a phone is made of: settings and credentials in, a phone out.

Vendors' modules are imported here and only when chosen.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from patter_mcp.calls.manager import CallManager
from patter_mcp.carriers.base import Carrier
from patter_mcp.carriers.registry import carrier_class
from patter_mcp.config import Settings
from patter_mcp.conversation.agent import Agent
from patter_mcp.conversation.engine import Brief, Conversation, Engine, Journal
from patter_mcp.conversation.pipeline import PipelineEngine
from patter_mcp.conversation.speech_to_speech import SpeechToSpeechEngine
from patter_mcp.errors import ConfigError, PatterError
from patter_mcp.guardrails.dialing import DialingPolicy
from patter_mcp.llm.base import LlmOptions
from patter_mcp.llm.registry import llm
from patter_mcp.phone import open_phone
from patter_mcp.realtime.registry import realtime
from patter_mcp.store.registry import open_store
from patter_mcp.stt.registry import stt
from patter_mcp.tts.registry import tts
from patter_mcp.vad.registry import default_detector

logger = logging.getLogger(__name__)

OpenCarrier = Callable[[], AbstractAsyncContextManager[Carrier]]
CarrierSource = AbstractAsyncContextManager[Carrier] | OpenCarrier
"""A carrier to be entered (more than once, if the phone is), or what makes one."""

PIPELINE = "pipeline"
SANDBOX = "sandbox"
EMBEDDED: Mapping[str, str] = {"stt": "pocketsphinx", "llm": "rules", "tts": "espeak"}
"""What runs with no account: good for seeing a call work, not for people."""

_KINDS: Mapping[str, str] = {"stt": "speech-to-text", "llm": "a language model", "tts": "text-to-speech"}
_BY_KEY: Mapping[str, tuple[tuple[str, str], ...]] = {
    "stt": (("DEEPGRAM_API_KEY", "deepgram"), ("OPENAI_API_KEY", "openai")),
    "llm": (
        ("OPENAI_API_KEY", "openai"),
        ("ANTHROPIC_API_KEY", "anthropic"),
        ("GROQ_API_KEY", "groq"),
        ("CEREBRAS_API_KEY", "cerebras"),
        ("GOOGLE_API_KEY", "google"),
        ("GEMINI_API_KEY", "google"),
    ),
    "tts": (
        ("ELEVENLABS_API_KEY", "elevenlabs"),
        ("CARTESIA_API_KEY", "cartesia"),
        ("DEEPGRAM_API_KEY", "deepgram"),
        ("OPENAI_API_KEY", "openai"),
    ),
}
"""First key found decides."""


def carrier_name(settings: Settings, environ: Mapping[str, str] = os.environ) -> str:
    """The carrier in force. The sandbox is chosen by name, or when no carrier is configured."""
    if settings.carrier != "auto":
        return settings.carrier
    # Half a configuration is one too: it has to be completed, not answered with a simulation.
    configured = environ.get("TWILIO_ACCOUNT_SID") or environ.get("TWILIO_AUTH_TOKEN")
    return "twilio" if configured else SANDBOX


def part_name(kind: str, settings: Settings, environ: Mapping[str, str] = os.environ) -> str:
    """The provider in force for `stt`, `llm` or `tts`.

    Raises:
        ConfigError: `auto` finds no credentials and the carrier rings real phones.
    """
    chosen: str = getattr(settings, kind)
    if chosen != "auto":
        return chosen
    for variable, provider in _BY_KEY[kind]:
        if environ.get(variable):
            return provider
    if carrier_name(settings, environ) != SANDBOX:
        keys = " or ".join(dict.fromkeys(variable for variable, _ in _BY_KEY[kind]))
        raise ConfigError(
            f"Real calls need a provider of {_KINDS[kind]}: set {keys}, or choose one by name with "
            f"`{kind}` ({EMBEDDED[kind]} is the embedded one, meant for the sandbox)."
        )
    return EMBEDDED[kind]


def default_agent(settings: Settings, **spec: Any) -> Agent:
    """An agent from the settings, with `spec` laid over them.

    Raises:
        ConfigError: a provider is unknown, lacks its key, or may not be used here.
    """
    makers: Mapping[str, Callable[[str], Any]] = {"stt": stt, "llm": llm, "tts": tts}
    given = {kind: part for kind, part in spec.items() if part is not None}
    if settings.engine != PIPELINE and given.keys().isdisjoint({"engine", *makers}):
        spec["engine"] = _made("engine", realtime, settings.engine)
    elif "engine" not in given:
        wanted = [kind for kind in makers if kind not in given]
        spec |= {kind: _made(kind, makers[kind], part_name(kind, settings)) for kind in wanted}
    defaults: dict[str, Any] = {
        "language": settings.language,
        "voice": settings.voice,
        "system_prompt": settings.system_prompt,
        "first_message": settings.first_message,
        "history_tokens": settings.history_tokens,
        "llm_options": LlmOptions(max_output_tokens=settings.max_output_tokens, temperature=settings.temperature),
        "turns": settings.turns,
    }
    return Agent(**{**defaults, **spec})


def own_agent(settings: Settings) -> Agent | None:
    """The agent that the setting `app` names, if it names one.

    Raises:
        ConfigError: there is none, or its code fails.
    """
    if not settings.app:
        return None
    where, _, name = settings.app.rpartition(":")
    try:
        found = getattr(_loaded(where), name)
        agent = found(settings) if callable(found) else found
    except PatterError:
        raise
    except Exception as error:
        logger.exception("the code of an agent failed")
        raise ConfigError(f"`app` ({settings.app}) cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(agent, Agent):
        kind = type(agent).__name__
        raise ConfigError(f"`app` ({settings.app}) must be what `Patter().agent(...)` makes, not {kind}.")
    return agent


def _loaded(where: str) -> ModuleType:
    if not where.endswith(".py"):
        return importlib.import_module(where)
    spec = importlib.util.spec_from_file_location(Path(where).stem, where)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _made(kind: str, make: Callable[[str], Any], name: str) -> Any:
    try:
        return make(name)
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(f"{kind.upper()} by {name} cannot be used: {error}") from error


def engine_of(agent: Agent) -> Engine:
    """What holds conversations as this agent."""
    if agent.engine is not None:
        return SpeechToSpeechEngine(agent, agent.engine)
    return PipelineEngine(agent, default_detector)


class Unequipped:
    """An `Engine` in name only, where a part is missing: whoever places a call with it is told which."""

    def __init__(self, missing: ConfigError) -> None:
        self._missing = missing

    @property
    def parts(self) -> Mapping[str, str]:
        raise self._missing

    @property
    def language(self) -> str:
        raise self._missing

    def open(self, brief: Brief, journal: Journal) -> AbstractAsyncContextManager[Conversation]:
        raise self._missing


def configured_phone(
    settings: Settings,
    *,
    carrier: CarrierSource | None = None,
    agent: Agent | None = None,
    calls_may_bring_agents: bool = False,
) -> AbstractAsyncContextManager[CallManager]:
    """The phone the settings describe; nothing is opened before it is entered.

    Args:
        carrier: None: the one in the settings.
        agent: Who speaks where a call brings nobody; None: made from the settings.
        calls_may_bring_agents: Then the phone opens although the settings make none.
    """

    def engine() -> Engine:
        try:
            return engine_of(agent or own_agent(settings) or default_agent(settings))
        except ConfigError as missing:
            if not calls_may_bring_agents:
                raise
            return Unequipped(missing)

    return open_phone(
        store=open_store(settings.store_address),
        carrier=configured_carrier(settings) if carrier is None else _opened_by(carrier),
        engine=engine,
        calls=settings.calls,
        media=settings.media,
        policy=_policy(settings),
        phone_number=settings.phone_number,
    )


def offline(settings: Settings) -> Settings:
    """The same settings with the sandbox and nothing but embedded parts."""
    return replace(settings, carrier=SANDBOX, engine=PIPELINE, app="", **EMBEDDED)


def _policy(settings: Settings) -> DialingPolicy:
    given = {part.name: getattr(settings.dialing, part.name) for part in fields(settings.dialing)}
    return DialingPolicy(from_number=settings.phone_number, **{name: value for name, value in given.items() if value})


def _opened_by(carrier: CarrierSource) -> AbstractAsyncContextManager[Carrier]:
    return carrier() if callable(carrier) else carrier


def configured_carrier(settings: Settings) -> AbstractAsyncContextManager[Carrier]:
    """To be entered.

    Raises:
        ConfigError: there is no such carrier, or it lacks its credentials.
    """
    name = carrier_name(settings)
    options: dict[str, Any] = {}
    if name == SANDBOX:
        options["scenario_dirs"] = settings.scenario_dirs
    return carrier_class(name)(**options)
