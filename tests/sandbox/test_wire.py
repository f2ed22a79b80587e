"""The network's playout against a plain model of it: what was queued is played once, in order, and marks tell when."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from patter_mcp.audio.frame import FRAME_BYTES, silence
from patter_mcp.carriers.base import MediaAudio, MediaDigit, MediaIgnored, MediaMark, MediaStart, MediaStop
from patter_mcp.carriers.media_streams import MediaStreamsCodec
from patter_mcp.sandbox.wire import MAX_QUEUED_BYTES, NetworkPlayout, NetworkWriter


def connected() -> tuple[NetworkWriter, NetworkPlayout, MediaStreamsCodec]:
    """Both ends of one stream, the agent's having seen `start`."""
    writer, codec = NetworkWriter("MZ1", "CA1"), MediaStreamsCodec()
    codec.decode(writer.start())
    return writer, NetworkPlayout("MZ1"), codec


def test_each_message_of_the_network_is_read_by_the_agents_codec() -> None:
    writer, codec = NetworkWriter("MZ1", "CA1"), MediaStreamsCodec()
    messages = [
        writer.connected(), writer.start({"token": "t"}), writer.media(b"\x01" * 160), writer.mark("m"),
        writer.dtmf("#"), writer.stop(),
    ]  # fmt: skip
    assert [codec.decode(message) for message in messages] == [
        MediaIgnored(),
        MediaStart(stream_id="MZ1", carrier_id="CA1", parameters={"token": "t"}),
        MediaAudio(b"\x01" * 160),
        MediaMark("m"),
        MediaDigit("#"),
        MediaStop(),
    ]


ACTIONS = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=500).map(lambda audio: ("audio", audio)),
        st.just(("mark", b"")),
        st.just(("clear", b"")),
        st.integers(1, 4).map(lambda frames: ("play", bytes(frames))),
    ),
    max_size=40,
)


@given(ACTIONS)
@example([("audio", b"x" * 500), ("clear", b""), ("audio", b"y" * 100), ("mark", b""), ("play", b"12")])
def test_marks_return_in_order_each_when_the_audio_before_it_was_played_or_dropped(
    actions: list[tuple[str, bytes]],
) -> None:
    _, playout, codec = connected()
    queue: list[bytes | str] = []
    sent = returned = 0
    for action, data in actions:
        now: list[str] = []
        before = returned
        if action == "audio":
            now = playout.receive(codec.encode_audio(data))
            queue += [data[place : place + 1] for place in range(len(data))]
        elif action == "mark":
            now = playout.receive(codec.encode_mark(str(sent)))
            queue.append(str(sent))
            sent += 1
        elif action == "clear":
            now = playout.receive(codec.encode_clear())
            queue = [item for item in queue if isinstance(item, str)]
        else:
            for _ in data:
                frame, marks = playout.frame()
                now += marks
                assert frame == expected_frame(queue)
        while queue and isinstance(queue[0], str):
            queue.pop(0)
            returned += 1
        assert now == [str(number) for number in range(before, returned)]


def expected_frame(queue: list[bytes | str]) -> bytes:
    """Takes the next 160 bytes off the model's queue, leaving the marks between them at its head."""
    played = bytearray()
    passed: list[bytes | str] = []
    while queue and len(played) < FRAME_BYTES:
        item = queue.pop(0)
        if isinstance(item, bytes):
            played += item
        else:
            passed.append(item)
    queue[:0] = passed
    return bytes(played).ljust(FRAME_BYTES, silence(1)[:1])


def test_more_than_ten_minutes_are_not_queued() -> None:
    _, playout, codec = connected()
    minute = codec.encode_audio(b"\x20" * 480_000)
    for _ in range(11):
        playout.receive(minute)
    played = 0
    while playout.frame()[0] != silence(20):
        played += FRAME_BYTES
    assert played == MAX_QUEUED_BYTES


@given(
    st.text(max_size=50)
    | st.recursive(st.none() | st.text(), lambda part: st.dictionaries(st.text(), part)).map(json.dumps)
)
def test_junk_is_discarded(message: str) -> None:
    _, playout, _ = connected()
    assert playout.receive(message) == []
    assert playout.frame() == (silence(20), [])
