"""A whole call at the speed of the machine: both voices, both recognisers, the rules, and no clock.

What a busy machine does to a call in real time is left out, so that what is understood and decided can be judged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random

from patter_mcp.audio.frame import FRAME_BYTES, FRAME_MS, silence
from patter_mcp.llm.base import Message, ToolCallChunk, ToolSpec
from patter_mcp.llm.rules import RulesLLM
from patter_mcp.sandbox.callee import Callee, Spoken, listened_phrases, spoken_lines
from patter_mcp.sandbox.hearing import Ear
from patter_mcp.sandbox.scenario import Scenario
from patter_mcp.sandbox.speech import EmbeddedSpeech
from patter_mcp.stt.pocketsphinx import UtteranceDecoder

TURN_MS = 900
"""So much quiet, and it is the agent's turn."""
SILENCE_MS = 8000
MAX_SEC = 180
WORDS_PER_MINUTE = 160
TOOLS: list[ToolSpec] = [
    {"name": name, "description": "", "parameters": {"type": "object"}} for name in ("end_call", "send_digits")
]
TODAY = "Today is Wednesday, 2026-05-06."


class SpokenCall:
    """One call to a scenario for its own example; `run` plays it."""

    def __init__(self, scenario: Scenario, speech: EmbeddedSpeech, lines: Mapping[Spoken, bytes]) -> None:
        assert scenario.example is not None
        self.goal_met = "unknown"
        self.summary = ""
        self.transcript: list[str] = []
        self._speech = speech
        self._callee = Callee(scenario, lines, Ear(speech.recogniser(listened_phrases(scenario))), Random(1))
        self._ear = UtteranceDecoder([line.text for line in spoken_lines(scenario)])
        self._first_message = scenario.example.first_message if scenario.callee == "person" else ""
        self._messages: list[Message] = [{"role": "system", "content": f"Goal: {scenario.example.goal}\n{TODAY}"}]
        self._sound = bytearray()
        self._over = False

    async def run(self) -> None:
        quiet_ms, heard_voice = 0, False
        for _ in range(MAX_SEC * 1000 // FRAME_MS):
            speaking = bool(self._sound)
            if self._callee.ended or (self._over and not speaking):
                return
            voiced = self._tick()
            quiet_ms = 0 if voiced or speaking else quiet_ms + FRAME_MS
            heard_voice |= voiced
            if heard_voice and quiet_ms >= TURN_MS:
                heard_voice = False
                await self._answer(self._ear.finish())
            elif quiet_ms >= SILENCE_MS:
                quiet_ms = 0
                await self._answer("[the line is silent]")

    def _tick(self) -> bool:
        """20 ms pass; whether the callee sounded in them."""
        frame = bytes(self._sound[:FRAME_BYTES]).ljust(FRAME_BYTES, silence(1)[:1])
        del self._sound[:FRAME_BYTES]
        sound = self._callee.tick(frame)
        self._ear.feed(sound)
        return bool(sound.strip(silence(1)))

    async def _answer(self, heard: str) -> None:
        if not heard or self._over:
            return
        self.transcript.append(f"user: {heard}")
        self._messages.append({"role": "user", "content": heard})
        if self._first_message:
            text, calls, self._first_message = self._first_message, list[ToolCallChunk](), ""
        else:
            text, calls = await self._think()
        self._messages.append(_assistant(text, calls))
        for call in calls:
            self._act(call)
        if text:
            self.transcript.append(f"agent: {text}")
            line = Spoken(text, "en-us")
            self._sound += (await self._speech.speak([line], WORDS_PER_MINUTE))[line]

    async def _think(self) -> tuple[str, list[ToolCallChunk]]:
        text, calls = "", list[ToolCallChunk]()
        async for chunk in RulesLLM().stream(self._messages, TOOLS):
            if chunk.type == "text":
                text += chunk.text
            elif chunk.type == "tool_call":
                calls.append(chunk)
        return text.strip(), calls

    def _act(self, call: ToolCallChunk) -> None:
        arguments = json.loads(call.arguments)
        if call.name == "end_call":
            self.goal_met, self.summary, self._over = arguments["goal_met"], arguments["summary"], True
            return
        for digit in arguments["digits"]:
            self._callee.digit(digit)
        self._messages.append({"role": "tool", "tool_call_id": call.id, "content": "{}"})


def _assistant(text: str, calls: list[ToolCallChunk]) -> Message:
    message: Message = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in calls
        ]
    return message
