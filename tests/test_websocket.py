from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream
from loopback_certificate import server_context, write_certificate
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request
from websockets.server import ServerProtocol

from patter_mcp import websocket
from patter_mcp.testing.speech.server import FakeConnection, FakeServer
from patter_mcp.websocket import Closed, HandshakeRefused, connect

pytestmark = pytest.mark.anyio


class Recorder:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.messages: list[str | bytes] = []
        self.closes: list[Closed] = []
        self._changed = anyio.Event()

    def received(self, message: str | bytes) -> None:
        self.messages.append(message)
        self._changed.set()

    def closed(self, close: Closed) -> None:
        self.closes.append(close)
        self._changed.set()

    async def until(self, *, messages: int = 0, closes: int = 0) -> None:
        with anyio.fail_after(5):
            while len(self.messages) < messages or len(self.closes) < closes:
                self._changed = anyio.Event()
                await self._changed.wait()


class Echo:
    """Sends back what it is sent."""

    def __init__(self, connection: FakeConnection) -> None:
        self._connection = connection

    def text(self, message: str) -> None:
        self._connection.send(message)

    def audio(self, data: bytes) -> None:
        self._connection.send(data)


@pytest.fixture
async def server() -> AsyncGenerator[FakeServer]:
    fake = FakeServer()
    fake.websocket("/echo", Echo)
    async with fake.run():
        yield fake


def address(server: FakeServer) -> str:
    return f"ws://127.0.0.1:{server.port}/echo"


async def test_messages_of_both_kinds_go_there_and_come_back_in_order(server: FakeServer) -> None:
    heard = Recorder()
    socket = await connect(address(server), heard)
    lengths = (0, 1, 125, 126, 127, 65_535, 65_536, 70_000)  # the header is longer from 126 and from 65,536 on
    sent: Sequence[str | bytes] = ("grüß dich", b"\xff\x00", *("x" * n for n in lengths), *(b"y" * n for n in lengths))
    for message in sent:
        socket.send(message)
    await heard.until(messages=len(sent))
    assert heard.messages == list(sent)
    await socket.aclose()


async def test_each_message_has_a_mask_of_its_own() -> None:
    count, frame_bytes = 600, 7
    masks: set[bytes] = set()

    async def take(stream: SocketStream) -> None:
        asked = ServerProtocol()
        asked.receive_data(await stream.receive())
        (request,) = asked.events_received()
        assert isinstance(request, Request)
        await stream.send(asked.accept(request).serialize())
        reader = BufferedByteReceiveStream(stream)
        await reader.receive_exactly(len(b"\x89\x80mask"))  # a connection begins with a ping
        for number in range(count):
            frame = await reader.receive_exactly(frame_bytes)
            assert frame[:2] == b"\x82\x81" and frame[6] ^ frame[2] == number % 256
            masks.add(frame[2:6])
        await stream.aclose()

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    heard = Recorder()
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, take)
        port = listener.extra(SocketAttribute.local_port)
        socket = await connect(f"ws://127.0.0.1:{port}/", heard)
        for number in range(count):
            socket.send(bytes((number % 256,)))
        await heard.until(closes=1)
        tasks.cancel_scope.cancel()
    assert len(masks) >= count - 1


async def test_headers_are_sent_with_the_upgrade(server: FakeServer) -> None:
    socket = await connect(address(server), Recorder(), headers={"Authorization": "Token secret"})
    assert server.connections[0].asked.headers["authorization"] == "Token secret"
    await socket.aclose()


async def test_a_refused_upgrade_tells_status_headers_and_body(server: FakeServer) -> None:
    server.faults.refuse(429, '{"message": "slow down"}', headers={"retry-after": "3"})
    with pytest.raises(HandshakeRefused) as refused:
        await connect(address(server), Recorder())
    assert refused.value.status == 429
    assert refused.value.body == '{"message": "slow down"}'
    assert refused.value.headers["retry-after"] == "3"
    with anyio.fail_after(5):
        await server.until(lambda: server.open_sockets == 0)


async def test_a_server_that_never_answers_the_upgrade_runs_into_the_timeout(server: FakeServer) -> None:
    server.faults.setup_ms = 60_000
    with pytest.raises(TimeoutError):
        await connect(address(server), Recorder(), timeout_sec=0.05)
    with anyio.fail_after(5):
        await server.until(lambda: server.open_sockets == 0)


async def test_cancelling_a_connect_leaves_no_socket(server: FakeServer) -> None:
    server.faults.setup_ms = 60_000
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(connect, address(server), Recorder())
        with anyio.fail_after(5):
            await server.until(lambda: server.attempts == 1)
        tasks.cancel_scope.cancel()
    with anyio.fail_after(5):
        await server.until(lambda: server.open_sockets == 0)


@pytest.mark.parametrize("cut", range(1, 40))
async def test_messages_may_come_with_the_answer_to_the_handshake_and_be_cut_anywhere(cut: int) -> None:
    done = anyio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = ServerProtocol()
        asked.receive_data(await reader.readuntil(b"\r\n\r\n"))
        (request,) = asked.events_received()
        assert isinstance(request, Request)
        asked.send_response(asked.accept(request))
        head = b"".join(asked.data_to_send())
        asked.send_text(b"first")
        asked.send_ping(b"")
        asked.send_text(b"second")
        wire = head + b"".join(asked.data_to_send())
        place = len(head) - 10 + cut
        for part in (wire[:place], wire[place:]):
            writer.write(part)
            await writer.drain()
            await anyio.sleep(0.001)
        await done.wait()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        heard = Recorder()
        port: int = server.sockets[0].getsockname()[1]
        socket = await connect(f"ws://127.0.0.1:{port}/", heard)
        await heard.until(messages=2)
        done.set()
        await socket.aclose()
    assert heard.messages == ["first", "second"]


async def test_a_port_without_a_server_is_an_os_error() -> None:
    fake = FakeServer()
    async with fake.run():
        url = address(fake)
    with pytest.raises(OSError, match="refused|Connect"):
        await connect(url, Recorder())


async def test_a_server_that_speaks_something_else_is_an_os_error() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        port: int = server.sockets[0].getsockname()[1]
        with pytest.raises(ConnectionError, match="handshake"):
            await connect(f"ws://127.0.0.1:{port}/", Recorder())


async def test_the_peers_close_is_told_once_with_code_and_reason(server: FakeServer) -> None:
    heard = Recorder()
    socket = await connect(address(server), heard)
    server.connections[0].close(1011, "NET-0001")
    await heard.until(closes=1)
    socket.send("into the void")
    await socket.aclose()
    assert heard.closes == [Closed(1011, "NET-0001")]
    assert heard.messages == []


async def test_a_cut_connection_is_told_as_1006(server: FakeServer) -> None:
    heard = Recorder()
    socket = await connect(address(server), heard)
    server.connections[0].cut()
    await heard.until(closes=1)
    assert [close.code for close in heard.closes] == [1006]
    await socket.aclose()


async def test_what_came_before_the_close_is_delivered_first(server: FakeServer) -> None:
    heard = Recorder()
    socket = await connect(address(server), heard)
    server.connections[0].send("last words")
    server.connections[0].close(1000)
    await heard.until(closes=1)
    assert heard.messages == ["last words"]
    await socket.aclose()


async def test_our_own_close_is_clean_and_the_listener_hears_no_more(server: FakeServer) -> None:
    heard = Recorder()
    socket = await connect(address(server), heard)
    socket.send("echo me")
    await socket.aclose()
    with anyio.fail_after(5):
        await server.until(lambda: server.open_sockets == 0)
    assert (heard.messages, heard.closes) == ([], [])
    assert server.connections[0].received == ["echo me"]


async def test_closing_does_not_wait_for_a_peer_that_stalls(server: FakeServer) -> None:
    heard = Recorder()
    socket = await connect(address(server), heard)
    server.connections[0].stall()
    with anyio.fail_after(5):
        await socket.aclose()


async def test_closing_is_finished_even_when_cancelled(server: FakeServer) -> None:
    socket = await connect(address(server), Recorder())
    with anyio.CancelScope() as scope:
        scope.cancel()
        await socket.aclose()
    with anyio.fail_after(5):
        await server.until(lambda: server.open_sockets == 0)


async def test_a_peer_that_falls_silent_is_found_out_by_the_heartbeat(server: FakeServer) -> None:
    heard = Recorder()
    socket = await connect(address(server), heard, heartbeat_sec=0.02)
    server.connections[0].stall()
    await heard.until(closes=1)
    assert heard.closes == [Closed(1006, "no sign of life")]
    await socket.aclose()


async def test_a_peer_that_answers_pings_is_left_alone(server: FakeServer) -> None:
    heard = Recorder()
    socket = await connect(address(server), heard, heartbeat_sec=0.02)
    await anyio.sleep(0.15)
    socket.send("still there")
    await heard.until(messages=1)
    assert heard.closes == []
    await socket.aclose()


async def test_a_peer_that_does_not_read_costs_the_oldest_audio_but_no_control_message(server: FakeServer) -> None:
    socket = await connect(address(server), Recorder(), heartbeat_sec=60)
    connection = server.connections[0]
    connection.stall()
    socket.send("first")
    frames = 0
    while socket.dropped_bytes == 0:
        socket.send(b"\xff" * 16_000, droppable=True)
        frames += 1
        await anyio.lowlevel.checkpoint()
    socket.send("last")
    connection.resume()
    with anyio.fail_after(5):
        await server.until(lambda: connection.received == ["first", "last"])
    assert connection.audio_bytes == frames * 16_000 - socket.dropped_bytes
    await socket.aclose()


async def test_fragments_are_put_together() -> None:
    async def in_pieces(connection: ServerConnection) -> None:
        await connection.send(["one ", "two ", "three"])
        await connection.send([b"\x01", b"\x02"])
        await connection.wait_closed()

    heard = Recorder()
    async with serve(in_pieces, "127.0.0.1", 0) as server:
        port: int = next(iter(server.sockets)).getsockname()[1]
        socket = await connect(f"ws://127.0.0.1:{port}/", heard)
        await heard.until(messages=2)
        await socket.aclose()
    assert heard.messages == ["one two three", b"\x01\x02"]


async def test_a_message_beyond_the_limit_ends_the_connection(server: FakeServer) -> None:
    heard = Recorder()
    socket = await connect(address(server), heard)
    server.connections[0].send(b"x" * (websocket.MAX_MESSAGE_BYTES + 1))
    await heard.until(closes=1)
    assert heard.messages == []
    await socket.aclose()


@asynccontextmanager
async def tls_echo(directory: Path) -> AsyncGenerator[tuple[str, Path]]:
    """A wss:// echo server and the certificate it proves itself with."""
    pem = write_certificate(directory)

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with serve(echo, "127.0.0.1", 0, ssl=server_context(pem)) as server:
        port: int = next(iter(server.sockets)).getsockname()[1]
        yield f"wss://127.0.0.1:{port}/", pem


async def test_tls_with_a_trusted_certificate(tmp_path: Path) -> None:
    heard = Recorder()
    async with tls_echo(tmp_path) as (url, pem):
        socket = await connect(url, heard, tls=ssl.create_default_context(cafile=pem))
        socket.send("psst")
        await heard.until(messages=1)
        await socket.aclose()
    assert heard.messages == ["psst"]


async def test_tls_with_an_unknown_certificate_is_no_connection(tmp_path: Path) -> None:
    async with tls_echo(tmp_path) as (url, _):
        with pytest.raises(OSError, match="certificate"):
            await connect(url, Recorder())
