"""The wire may cut what it carries wherever it likes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, SERVER, Protocol

from patter_mcp.frames import FrameSplitter, frame, masks

SIZES = st.sampled_from([0, 1, 125, 126, 400, 65_535, 65_536])
MESSAGES = st.one_of(
    st.tuples(st.sampled_from([Opcode.TEXT, Opcode.BINARY]), SIZES, st.integers(1, 3)),
    st.tuples(st.sampled_from([Opcode.PING, Opcode.PONG]), st.integers(0, 125), st.just(1)),
)
"""Kind, bytes, and in how many fragments."""


class Receiver:
    """Messages in their order, whoever understood them."""

    def __init__(self, *, masked: bool) -> None:
        self.messages: list[tuple[Opcode, bytes]] = []
        self._fragments: list[Frame] = []
        self.protocol = Protocol(SERVER if masked else CLIENT)
        self.splitter = FrameSplitter(masked=masked, plain=self._plain, other=self._other)

    def _plain(self, payload: bytes, is_text: bool) -> None:
        self.messages.append((Opcode.TEXT if is_text else Opcode.BINARY, payload))

    def _other(self, data: bytes) -> None:
        self.protocol.receive_data(data)
        for event in self.protocol.events_received():
            assert isinstance(event, Frame)
            self._take(event)

    def _take(self, event: Frame) -> None:
        if event.opcode in (Opcode.PING, Opcode.PONG, Opcode.CLOSE):
            self.messages.append((event.opcode, bytes(event.data)))
            return
        self._fragments.append(event)
        if event.fin:
            data = b"".join(bytes(fragment.data) for fragment in self._fragments)
            self.messages.append((self._fragments[0].opcode, data))
            self._fragments = []


def sent(opcode: Opcode, data: bytes, fragments: int, *, masked: bool) -> bytes:
    size = max(1, -(-len(data) // fragments))
    parts = [data[start : start + size] for start in range(0, len(data), size)] or [b""]
    last = len(parts) - 1
    kinds = [opcode, *[Opcode.CONT] * last]
    return b"".join(
        Frame(kind, part, fin=number == last).serialize(mask=masked, extensions=[])
        for number, (kind, part) in enumerate(zip(kinds, parts, strict=True))
    )


@given(st.booleans(), st.lists(MESSAGES, max_size=5), st.lists(st.floats(0, 1), max_size=8))
def test_messages_come_whole_and_in_order_however_they_are_cut(
    masked: bool, messages: Sequence[tuple[Opcode, int, int]], cuts: Sequence[float]
) -> None:
    said = [(opcode, b"%d" % number * length) for number, (opcode, length, _) in enumerate(messages)]
    wire = b"".join(
        sent(opcode, data, fragments, masked=masked)
        for (opcode, data), (_, _, fragments) in zip(said, messages, strict=True)
    )
    receiver = Receiver(masked=masked)
    places = [0, *sorted(int(cut * len(wire)) for cut in cuts), len(wire)]
    for start, end in zip(places, places[1:], strict=False):
        receiver.splitter.feed(wire[start:end])
    assert receiver.messages == said
    assert receiver.protocol.parser_exc is None


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.PING])
def test_a_cut_at_any_byte_loses_nothing(masked: bool, opcode: Opcode) -> None:
    said = [(opcode, b"one"), (Opcode.TEXT, b"two" * 50), (opcode, b""), (Opcode.BINARY, b"four")]
    wire = b"".join(sent(kind, data, 1, masked=masked) for kind, data in said)
    for cut in range(len(wire)):
        receiver = Receiver(masked=masked)
        receiver.splitter.feed(wire[:cut])
        receiver.splitter.feed(wire[cut:])
        assert receiver.messages == said, cut
    receiver = Receiver(masked=masked)
    for byte in wire:
        receiver.splitter.feed(bytes((byte,)))
    assert receiver.messages == said


def test_a_mask_where_none_belongs_is_for_the_protocol_object_to_judge() -> None:
    receiver = Receiver(masked=False)
    receiver.splitter.feed(sent(Opcode.TEXT, b"hello", 1, masked=True))
    assert receiver.messages == [] and receiver.protocol.parser_exc is not None


def test_after_a_close_nothing_is_heard() -> None:
    receiver = Receiver(masked=True)
    close = sent(Opcode.CLOSE, b"\x03\xe8", 1, masked=True)
    receiver.splitter.feed(close + sent(Opcode.TEXT, b"hello", 1, masked=True))
    assert [opcode for opcode, _ in receiver.messages] == [Opcode.CLOSE]


@given(st.sampled_from([Opcode.TEXT, Opcode.BINARY]), SIZES, st.booleans())
def test_frames_are_what_the_protocol_object_would_send(opcode: Opcode, size: int, masked: bool) -> None:
    payload = b"7" * size
    receiver = Receiver(masked=masked)
    receiver.protocol.receive_data(frame(opcode, payload, next(masks()) if masked else None))
    (event,) = receiver.protocol.events_received()
    assert isinstance(event, Frame) and event.fin
    assert (event.opcode, bytes(event.data)) == (opcode, payload)


def test_masks_differ() -> None:
    drawn = masks()
    assert len({next(drawn) for _ in range(1000)}) > 990
