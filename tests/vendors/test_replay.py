from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter_mcp.audio.frame import BYTES_PER_MS, silence
from patter_mcp.vendors.replay import UnsettledAudio

Step = tuple[str, int]

steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 40)),
        st.tuples(st.just("settle"), st.integers(0, 60)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    max_size=30,
)


@given(steps)
def test_a_new_connection_hears_exactly_what_is_unsettled_and_still_kept(script: list[Step]) -> None:
    """Against a model that keeps everything: `fed` since the beginning, positions absolute."""
    limit_ms = 100
    audio = UnsettledAudio(limit_ms)
    fed = bytearray()
    origin = settled = 0  # bytes; where the connection began, and up to where it has settled
    for name, ms in script:
        if name == "append":
            piece = bytes((len(fed) + offset) % 251 for offset in range(ms * BYTES_PER_MS))
            audio.append(piece)
            fed += piece
        elif name == "settle":
            audio.settle(ms)
            settled = max(settled, min(origin + ms * BYTES_PER_MS, len(fed)))
        else:
            kept_from = max(settled, len(fed) - limit_ms * BYTES_PER_MS)
            replayed, lost_ms = audio.restart()
            assert replayed == bytes(fed[kept_from:])
            assert lost_ms == (kept_from - settled) // BYTES_PER_MS
            origin = settled = kept_from


def test_audio_beyond_ten_seconds_is_known_to_be_lost() -> None:
    unheard = UnsettledAudio()
    for _ in range(600):
        unheard.append(silence(20))
    audio, lost_ms = unheard.restart()
    assert (len(audio), lost_ms) == (10_000 * 8, 2000)
    unheard.settle(9_000)
    assert unheard.restart() == (silence(1000), 0)


@pytest.mark.parametrize("position_ms", [math.inf, math.nan])
def test_position_that_is_no_number_harms_nobody(position_ms: float) -> None:
    unheard = UnsettledAudio()
    unheard.append(silence(20))
    unheard.settle(position_ms)
    unheard.append(silence(40))
    assert unheard.restart() == (silence(40), 0)
