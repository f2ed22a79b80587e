"""Makes our turns: replies of the model's, and phrases that are fixed."""

from __future__ import annotations

from patter_mcp.conversation.agent_turn import AgentTurn
from patter_mcp.conversation.engine import Parting
from patter_mcp.conversation.rehearsal import Rehearsal
from patter_mcp.conversation.reply import Mind, Reply
from patter_mcp.conversation.set_phrase import SetPhrase
from patter_mcp.conversation.track import Track
from patter_mcp.hooks import DROP, HookRunner
from patter_mcp.tts.base import TtsStream, Utterance


class TurnMaker:
    """One call's."""

    def __init__(self, mind: Mind, tts: TtsStream, rehearsal: Rehearsal) -> None:
        self._mind = mind
        self._hooks = mind.hooks
        self._tts = tts
        self._rehearsal = rehearsal

    def reply(self, text: str) -> AgentTurn:
        """To a user's turn."""
        track = self._track()
        return AgentTurn(track, user_text=text, reply=Reply(self._mind, track))

    def phrase(self, text: str, parting: Parting | None = None) -> AgentTurn:
        """From memory where it has been made; but a hook that wants to see it may want it otherwise."""
        remembered = None if self._hooks.has_before_synthesize else self._rehearsal.utterance(text)
        return self._set_phrase(text, self._track(remembered), self._hooks, parting)

    def last_resort(self, parting: Parting) -> AgentTurn:
        """An apology that needs no voice."""
        text, utterance = self._rehearsal.apology
        return self._set_phrase(text, self._track(utterance), None, parting)

    def _set_phrase(self, text: str, track: Track, hooks: HookRunner | None, parting: Parting | None) -> AgentTurn:
        phrase = SetPhrase(text, track, hooks, lambda: self._rehearsal.fillers)
        return AgentTurn(track, parting=parting, phrase=phrase, noted=True)

    def _track(self, utterance: Utterance | None = None) -> Track:
        audio_filter = self._after_synthesize if self._hooks.has_after_synthesize else None
        return Track(utterance or self._tts.utterance(), audio_filter, language=self._mind.language)

    async def _after_synthesize(self, audio: bytes, text: str) -> bytes | None:
        shaped = await self._hooks.after_synthesize(audio, text)
        return None if shaped is DROP else shaped
