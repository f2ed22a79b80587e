"""What was heard of a text that the voice was given in other words."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.conversation.reading import Reading
from patter_mcp.conversation.spoken import speakable
from patter_mcp.conversation.track import Track
from patter_mcp.testing.scripted import MemoryPlayout
from patter_mcp.tts.base import Speech

MS_PER_CHAR = 10


def reading(*pieces: str) -> tuple[Reading, str]:
    """And all that the voice was given."""
    result = Reading()
    for piece in pieces:
        result.add(piece, speakable(piece))
    return result, " ".join(filter(None, map(speakable, pieces)))


@pytest.mark.parametrize(
    ("heard", "written"),
    [
        ("", ""),
        ("The price", "The price"),
        ("The price is twenty-five", "The price is"),
        ("The price is twenty-five dollars and fifty cents", "The price is **$25.50**"),
        ("The price is twenty-five dollars and fifty cents for two.", "The price is **$25.50** for two."),
        ("The price is twenty-five dollars and fifty cents for two. At", "The price is **$25.50** for two. At"),
    ],
)
def test_number_counts_as_heard_once_all_its_words_are(heard: str, written: str) -> None:
    result, spoken = reading("The price is **$25.50** for two.", "At 4:30?")
    assert spoken.startswith(heard)
    assert result.written_until(len(heard)) == written


def test_piece_without_words_is_heard_with_what_is_before_it() -> None:
    result, spoken = reading("Fine.", "👍")
    assert spoken == "Fine."
    assert result.written_until(5) == "Fine. 👍"
    assert result.written_until(4) == ""


def test_aside_can_be_left_out() -> None:
    result = Reading()
    result.add("One moment.", "One moment.", aside=True)
    result.add("It is free.", "It is free.")
    assert result.written == "One moment. It is free."
    assert result.written_until(17) == "One moment. It is"
    assert result.written_until(17, asides=False) == "It is"
    assert result.written_until(6, asides=False) == ""


WORDS = "yes at 4:30 $25 **no** 5 km Dr. Lee 👍 e.g. a-b 555-0132"
PIECES = st.lists(st.lists(st.sampled_from(WORDS.split()), min_size=1).map(" ".join), max_size=4)


@given(PIECES, st.data())
def test_more_heard_is_never_less_written(pieces: list[str], data: st.DataObject) -> None:
    result, spoken = reading(*pieces)
    first = data.draw(st.integers(0, len(spoken)))
    second = data.draw(st.integers(first, len(spoken)))
    assert result.written_until(second).startswith(result.written_until(first))
    assert result.written.startswith(result.written_until(second))
    assert result.written_until(len(spoken)) == result.written or not spoken


class Voice:
    """Speaks each character for 10 ms and says how far it came."""

    def __init__(self) -> None:
        self.text = ""

    def feed(self, text: str) -> None:
        self.text += text

    def end(self) -> None: ...

    def cancel(self) -> None: ...

    async def __aiter__(self) -> AsyncIterator[Speech]:
        for count in range(1, len(self.text) + 1):
            yield Speech(audio=b"\x00" * (MS_PER_CHAR * BYTES_PER_MS), text_chars=count)


@pytest.mark.anyio
async def test_voice_gets_words_and_the_transcript_keeps_what_was_written() -> None:
    voice, playout = Voice(), MemoryPlayout()
    track = Track(voice)
    track.say("It is at 4:30 PM.")
    track.say("That is $5.")
    assert voice.text == "It is at four thirty PM. That is five dollars."
    await track.run()
    assert track.text == "It is at 4:30 PM. That is $5."
    track.release(playout)
    began_at = anyio.current_time()
    for heard, written in (
        ("It is at four th", "It is at"),
        ("It is at four thirty PM. That", "It is at 4:30 PM. That"),
    ):
        await anyio.sleep_until(began_at + (len(heard) * MS_PER_CHAR + 1) / 1000)
        assert track.heard_text() == written
