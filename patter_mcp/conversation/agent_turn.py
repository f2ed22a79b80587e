"""One of our turns in a pipeline's conversation, and how it goes down in history."""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio

from patter_mcp import events as ev
from patter_mcp.conversation.engine import Journal, Parting
from patter_mcp.conversation.history import History, cut
from patter_mcp.conversation.measure import Instants, measured
from patter_mcp.conversation.reply import Reply
from patter_mcp.conversation.set_phrase import SetPhrase
from patter_mcp.conversation.track import Track
from patter_mcp.types import EndReason


@dataclass(eq=False, slots=True)
class AgentTurn:
    """A reply of the model's, or a set phrase."""

    track: Track
    user_text: str = ""
    user_stopped_at: float = 0.0
    committed_at: float | None = None
    parting: Parting | None = None
    """The call is over once this has been said."""
    reply: Reply | None = None
    phrase: SetPhrase | None = None
    transcribed: bool = False
    """Its user's words have been through the hook."""
    noted: bool = False
    """They are in the history and the journal."""
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)

    @property
    def is_goodbye(self) -> bool:
        """The model ends the call with it."""
        return self.parting is not None and self.parting.reason is EndReason.AGENT_HUNG_UP

    def cancel(self) -> None:
        self.track.cancel()
        self.scope.cancel()


class Books:
    """One call's: what the model is told of it, and what its record says. Only what was heard counts as said."""

    def __init__(self, history: History, journal: Journal) -> None:
        self._history = history
        self._journal = journal

    def note_user(self, turn: AgentTurn) -> None:
        """Once the turn is certain and its words have been through the hook."""
        if turn.noted or (turn.reply is not None and not turn.transcribed):
            return
        turn.noted = True
        self._history.user_said(turn.user_text)
        self._journal.write(ev.UserSaid(text=turn.user_text))

    def note_agent(self, turn: AgentTurn, *, interrupted: bool) -> None:
        heard = turn.track.heard_text()
        if turn.reply is not None:
            messages = turn.reply.messages
            self._history.extend(cut(messages, turn.track.heard_text(asides=False)) if interrupted else messages)
        else:
            self._history.agent_said(heard, interrupted=interrupted)
        if heard:
            self._journal.write(ev.AgentSaid(text=heard, interrupted=interrupted))
        self._measure(turn)

    def _measure(self, turn: AgentTurn) -> None:
        sent_at, reply = turn.track.first_sent_at, turn.reply
        if reply is None or sent_at is None or turn.committed_at is None:
            return
        self._journal.write(
            measured(
                Instants(
                    user_stopped=turn.user_stopped_at,
                    committed=turn.committed_at,
                    llm_started=reply.llm_started_at,
                    llm_first=reply.llm_first_at,
                    tts_fed=turn.track.fed_at,
                    tts_first=turn.track.first_audio_at,
                    sent=sent_at,
                )
            )
        )
