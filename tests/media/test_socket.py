"""The carrier's end of the wire may cut what it sends wherever it likes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from patter_mcp.media.socket import MAX_MESSAGE_BYTES, ServerSocket
from patter_mcp.websocket import Closed

LENGTHS = st.sampled_from([0, 1, 125, 126, 127, 400, 65_535])
PIECES = st.one_of(
    st.tuples(st.sampled_from([Opcode.TEXT, Opcode.BINARY]), LENGTHS, st.integers(1, 3)),
    st.tuples(st.just(Opcode.PING), st.integers(0, 125), st.just(1)),
)
"""Kind, bytes, and in how many fragments."""


class Wire(asyncio.Transport):
    """Takes what is written and forgets it."""

    def __init__(self) -> None:
        super().__init__({"socket": self})

    def setsockopt(self, *_: Any) -> None: ...

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def write(self, data: Any) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...


class Heard:
    def __init__(self) -> None:
        self.messages: list[str | bytes] = []
        self.closes: list[Closed] = []

    def received(self, message: str | bytes) -> None:
        self.messages.append(message)

    def closed(self, close: Closed) -> None:
        self.closes.append(close)


def asking() -> ServerSocket:
    """Its request has come."""
    carrier = ClientProtocol(parse_uri("ws://127.0.0.1/media/token"))
    carrier.send_request(carrier.connect())
    socket = ServerSocket(lambda _: None, set())
    socket.connection_made(Wire())
    socket.data_received(b"".join(carrier.data_to_send()))
    return socket


def frames(opcode: Opcode, data: bytes, fragments: int) -> bytes:
    size = max(1, -(-len(data) // fragments))
    parts = [data[start : start + size] for start in range(0, len(data), size)] or [b""]
    sent = b""
    for number, part in enumerate(parts):
        kind = opcode if number == 0 else Opcode.CONT
        sent += Frame(kind, part, fin=number == len(parts) - 1).serialize(mask=True, extensions=[])
    return sent


def hear(*reads: bytes) -> Heard:
    """What comes of bytes that arrive so."""

    async def listen() -> Heard:
        heard = Heard()
        socket = asking()
        socket.accept(heard)
        for read in reads:
            socket.data_received(read)
        socket.abort()
        return heard

    return anyio.run(listen)


@given(st.lists(PIECES, max_size=6), st.lists(st.integers(0, 200_000), max_size=5))
def test_messages_come_whole_and_in_order_however_they_are_cut(
    pieces: Sequence[tuple[Opcode, int, int]], cuts: Sequence[int]
) -> None:
    said = [(opcode, b"%d" % number * length) for number, (opcode, length, _) in enumerate(pieces)]
    sent = b"".join(
        frames(opcode, data, fragments) for (opcode, data), (_, _, fragments) in zip(said, pieces, strict=True)
    )
    places = [0, *sorted(min(cut, len(sent)) for cut in cuts), len(sent)]
    heard = hear(*(sent[start:end] for start, end in zip(places, places[1:], strict=False)))
    assert heard.messages == [
        data.decode() if opcode is Opcode.TEXT else data for opcode, data in said if opcode is not Opcode.PING
    ]
    assert heard.closes == []


def test_a_message_without_a_mask_breaks_the_protocol() -> None:
    heard = hear(Frame(Opcode.TEXT, b"hello").serialize(mask=False, extensions=[]))
    assert heard.messages == [] and len(heard.closes) == 1


def test_a_message_within_another_ones_fragments_breaks_the_protocol() -> None:
    begun = Frame(Opcode.TEXT, b"one", fin=False).serialize(mask=True, extensions=[])
    heard = hear(begun, Frame(Opcode.TEXT, b"two").serialize(mask=True, extensions=[]))
    assert heard.messages == [] and len(heard.closes) == 1


def test_a_message_too_long_breaks_the_protocol() -> None:
    heard = hear(Frame(Opcode.TEXT, b"x" * (MAX_MESSAGE_BYTES + 1)).serialize(mask=True, extensions=[]))
    assert heard.messages == [] and len(heard.closes) == 1


@pytest.mark.anyio
async def test_accepting_who_has_just_gone_tells_the_listener() -> None:
    heard, socket = Heard(), asking()
    socket.eof_received()
    socket.accept(heard)
    assert len(heard.closes) == 1


@pytest.mark.anyio
async def test_refusing_who_has_just_gone_is_no_error() -> None:
    socket = asking()
    socket.eof_received()
    socket.refuse(403)
