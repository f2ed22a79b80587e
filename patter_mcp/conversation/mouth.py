"""What we have to say, in the order of speaking: let out when it may, followed to its end, cut."""

from __future__ import annotations

from collections.abc import Callable

from anyio.abc import TaskGroup

from patter_mcp.conversation.dialogue import Dialogue
from patter_mcp.conversation.engine import Journal
from patter_mcp.conversation.leg import Playout
from patter_mcp.conversation.measure import Instants, measured
from patter_mcp.conversation.model_turn import ModelTurn
from patter_mcp.guardrails.base import Verdict
from patter_mcp.realtime.base import RealtimeStream


class Mouth:
    """One call's.

    Args:
        wanted: Told when there is something to say.
        screened: Told when a turn's screen has let through what it will, with the verdict that stopped it.
        spoken: Told when a turn has been heard to its end.
    """

    def __init__(
        self,
        *,
        stream: RealtimeStream,
        dialogue: Dialogue,
        journal: Journal,
        tasks: TaskGroup,
        wanted: Callable[[], None],
        screened: Callable[[ModelTurn, Verdict | None], None],
        spoken: Callable[[ModelTurn], None],
    ) -> None:
        self._stream = stream
        self._dialogue = dialogue
        self._journal = journal
        self._tasks = tasks
        self._wanted = wanted
        self._screened = screened
        self._spoken = spoken
        self._playout: Playout | None = None
        self.turns: list[ModelTurn] = []
        """Wanted, and not heard to their end."""

    @property
    def is_open(self) -> bool:
        """Somebody is there to hear."""
        return self._playout is not None

    @property
    def left_ms(self) -> float:
        """Audio on its way to the user and not yet heard, in whole milliseconds."""
        return sum(turn.recording.left_ms for turn in self.turns if turn.recording.released_at is not None) // 1

    def open(self, playout: Playout) -> None:
        self._playout = playout
        self.let_out()

    def add(self, turn: ModelTurn) -> None:
        self.turns.append(turn)
        self._tasks.start_soon(self._follow, turn)
        self.let_out()
        self._wanted()

    def let_out(self) -> None:
        """Whatever nothing incomplete stands before."""
        if self._playout is None:
            return
        for turn in self.turns:
            if turn.recording.released_at is None:
                turn.recording.release(self._playout)
            if not turn.recording.is_complete:
                return

    def cut(self, turn: ModelTurn) -> None:
        """No more of it is heard, and the model learns how much was."""
        self.take_away(turn)
        self._note(turn)
        if turn.recording.is_heard:
            return
        if turn.made:
            turn.remind(self._stream, turn.recording.heard_ms)
        else:
            self._stream.cancel(turn.response)

    def cut_all(self) -> None:
        for turn in list(self.turns):
            self.cut(turn)

    def take_away(self, turn: ModelTurn) -> None:
        """As `cut`, but nobody learns of it."""
        turn.void = True
        turn.scope.cancel()
        if turn.recording.total_ms:
            # Else there is nothing of it on the line, but perhaps of one before it.
            turn.recording.stop()
        self.turns.remove(turn)

    async def _follow(self, turn: ModelTurn) -> None:
        with turn.scope:
            if turn.screen is not None:
                self._screened(turn, await turn.screen.run())
            await turn.recording.played()
            if turn.void:
                return  # cut in the very moment in which it had been heard
            self.turns.remove(turn)
            self._note(turn)
            self.let_out()
            self._spoken(turn)

    def _note(self, turn: ModelTurn) -> None:
        heard = " ".join(turn.recording.heard_text().split())
        if turn.line and heard:
            self._dialogue.agent_said(turn.line, heard, interrupted=not turn.recording.is_heard)
        elif turn.line:
            self._dialogue.drop(turn.line)
        self._measure(turn)

    def _measure(self, turn: ModelTurn) -> None:
        let_through_at = turn.recording.first_audio_at
        if turn.user_stopped_at is None or turn.recording.released_at is None or let_through_at is None:
            return
        self._journal.write(
            measured(
                Instants(
                    user_stopped=turn.user_stopped_at,
                    committed=turn.committed_at,
                    llm_started=turn.committed_at,
                    llm_first=turn.first_audio_at,
                    tts_fed=None,
                    tts_first=turn.first_audio_at,
                    # A word from memory may have gone before, and taken the first frame.
                    sent=max(turn.recording.first_sent_at or 0.0, let_through_at),
                )
            )
        )
