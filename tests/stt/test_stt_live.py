from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from patter_mcp.audio.frame import BYTES_PER_MS
from patter_mcp.stt.live import UnsettledAudio

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
            position_ms = min(ms, (len(fed) - origin) // BYTES_PER_MS)
            if origin + position_ms * BYTES_PER_MS >= settled:
                settled = origin + position_ms * BYTES_PER_MS
                audio.settle(position_ms)
        else:
            kept_from = max(settled, len(fed) - limit_ms * BYTES_PER_MS)
            replayed, lost_ms = audio.restart()
            assert replayed == bytes(fed[kept_from:])
            assert lost_ms == (kept_from - settled) // BYTES_PER_MS
            origin = settled = kept_from
