"""The transcript's order, whatever the order of the news."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from patter_mcp.conversation.dialogue import Dialogue
from patter_mcp.events import AgentSaid, Event, UserSaid
from patter_mcp.realtime.base import ToolUse
from patter_mcp.types import TranscriptLine


class Journal:
    def __init__(self) -> None:
        self.texts: list[str] = []

    def write(self, event: Event) -> None:
        assert isinstance(event, UserSaid | AgentSaid)
        self.texts.append(event.text)


@given(st.lists(st.booleans(), max_size=8), st.data())
def test_lines_are_journalled_in_the_order_of_their_places(by_user: list[bool], data: st.DataObject) -> None:
    journal = Journal()
    dialogue = Dialogue(journal)
    for place in range(len(by_user)):
        dialogue.place(f"item-{place}", f"item-{place - 1}" if place else None)
    for place in data.draw(st.permutations(range(len(by_user)))):
        if by_user[place]:
            dialogue.user_said(f"item-{place}", f"line {place}", final=True)
        else:
            dialogue.agent_said(f"item-{place}", f"line {place}")
    assert journal.texts == [f"line {place}" for place in range(len(by_user))]


def test_line_waits_for_the_one_before_it_and_not_for_the_one_after() -> None:
    journal = Journal()
    dialogue = Dialogue(journal)
    for item in ("hello", "question", "answer"):
        dialogue.place(item)
    dialogue.agent_said("answer", "At three.")
    assert journal.texts == []
    dialogue.agent_said("hello", "Hello.")
    assert journal.texts == ["Hello."]
    dialogue.user_said("question", "When?", final=True)
    assert journal.texts == ["Hello.", "When?", "At three."]


def test_place_given_late_is_behind_its_predecessor() -> None:
    journal = Journal()
    dialogue = Dialogue(journal)
    dialogue.agent_said("hello", "Hello.")
    dialogue.place("answer")
    dialogue.place("question", "hello")
    dialogue.agent_said("answer", "At three.")
    dialogue.user_said("question", "When?", final=True)
    assert journal.texts == ["Hello.", "When?", "At three."]


def test_words_that_came_before_their_place_keep_it() -> None:
    journal = Journal()
    dialogue = Dialogue(journal)
    dialogue.user_said("question", "Wh", final=False)
    dialogue.place("question", "nobody knows this")
    dialogue.user_said("question", "When?", final=True)
    assert journal.texts == ["When?"]


def test_nothing_said_holds_nobody_up() -> None:
    journal = Journal()
    dialogue = Dialogue(journal)
    dialogue.place("cough")
    dialogue.place("answer")
    dialogue.agent_said("answer", "Pardon?")
    dialogue.user_said("cough", "", final=True)
    assert journal.texts == ["Pardon?"]
    dialogue.place("cut off")
    dialogue.place("question")
    dialogue.user_said("question", "When?", final=True)
    dialogue.drop("cut off")
    assert journal.texts == ["Pardon?", "When?"]


def test_what_is_known_at_the_end_is_kept() -> None:
    journal = Journal()
    dialogue = Dialogue(journal)
    dialogue.user_said("question", "When wo", final=False)
    dialogue.place("answer")
    dialogue.close()
    assert journal.texts == ["When wo"]


def test_past_is_what_was_understood_and_what_is_being_said() -> None:
    dialogue = Dialogue(Journal())
    dialogue.agent_said("hello", "Hello, I", interrupted=True)
    dialogue.user_said("question", "When?", final=True)
    dialogue.tool_used(ToolUse(name="look", arguments="{}", output="at three"))
    dialogue.agent_said("answer", "At three", final=False)
    dialogue.user_said("unclear", "wha", final=False)
    assert dialogue.past() == [
        TranscriptLine(role="agent", text="Hello, I —"),
        TranscriptLine(role="user", text="When?"),
        ToolUse(name="look", arguments="{}", output="at three"),
        TranscriptLine(role="agent", text="At three"),
    ]


def test_turns_to_be_heard_again_make_room() -> None:
    journal = Journal()
    dialogue = Dialogue(journal)
    dialogue.place("unclear")
    dialogue.place("answer")
    dialogue.agent_said("answer", "Yes?")
    assert dialogue.forget({"unclear"})
    assert journal.texts == ["Yes?"]
    assert not dialogue.forget({"unclear"})
