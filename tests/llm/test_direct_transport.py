from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import httpx2
import pytest
from anyio.abc import ByteStream, Listener, SocketAttribute
from anyio.streams.tls import TLSListener
from loopback_certificate import server_context, write_certificate

from patter_mcp.llm.direct import DirectTransport
from patter_mcp.llm.http import Timeouts, new_client

pytestmark = pytest.mark.anyio

HELLO = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"


class Server:
    """Says to each request what it is to say, and hangs up after it where that ends the connection."""

    def __init__(self, answers: Sequence[bytes], *, hangs_up: bool) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self.connections = 0
        self.asked = anyio.Event()
        self.closed = anyio.Event()
        self._hangs_up = hangs_up

    async def serve(self, stream: ByteStream) -> None:
        self.connections += 1
        async with stream:
            try:
                while self.answers:
                    self.requests.append(await stream.receive())
                    self.asked.set()
                    await stream.send(self.answers.pop(0))
                    if self._hangs_up:
                        return
                await stream.receive()
            except anyio.EndOfStream:
                return
            finally:
                self.closed.set()


@asynccontextmanager
async def asking(
    *answers: bytes, hangs_up: bool = False, proof: ssl.SSLContext | None = None, trusted: Path | None = None
) -> AsyncGenerator[tuple[Server, httpx2.AsyncClient, str]]:
    server = Server(answers, hangs_up=hangs_up)
    tcp = await anyio.create_tcp_listener(local_host="127.0.0.1")
    listener: Listener[ByteStream] = tcp if proof is None else TLSListener(tcp, proof)
    port = tcp.extra(SocketAttribute.local_port)
    transport = DirectTransport(ssl.create_default_context(cafile=trusted), keep_sec=300, keep_count=1)
    with anyio.fail_after(5):
        async with listener, anyio.create_task_group() as tasks, httpx2.AsyncClient(transport=transport) as client:
            tasks.start_soon(listener.serve, server.serve)
            yield server, client, f"{'http' if proof is None else 'https'}://127.0.0.1:{port}/ask"
            tasks.cancel_scope.cancel()


async def test_one_connection_serves_one_request_after_another() -> None:
    async with asking(HELLO, CHUNKED, HELLO) as (server, client, url):
        texts = [(await client.post(url, content=b"?")).text for _ in range(3)]
    assert texts == ["hello"] * 3
    assert server.connections == 1


async def test_head_and_body_go_in_one_piece() -> None:
    async with asking(HELLO) as (server, client, url):
        await client.post(f"{url}?a=b%20c", content=b"the body", headers={"x-mine": "yes"})
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /ask?a=b%20c HTTP/1.1\r\n")
    assert b"\r\nx-mine: yes" in head and b"\r\nContent-Length: 8" in head
    assert body == b"the body"


async def test_a_vendor_that_has_moved_is_followed() -> None:
    moved = b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /there\r\ncontent-length: 0\r\n\r\n"
    async with asking(moved, HELLO) as (server, _, url), new_client(url, Timeouts()) as client:
        assert (await client.post(url, content=b"the body")).text == "hello"
    assert server.requests[1].startswith(b"POST /there ") and server.requests[1].endswith(b"the body")


async def test_what_comes_before_the_answer_is_passed_over() -> None:
    async with asking(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + HELLO) as (_, client, url):
        assert (await client.post(url, content=b"?")).text == "hello"


async def test_a_body_may_end_with_the_connection() -> None:
    async with asking(b"HTTP/1.1 200 OK\r\n\r\nhello", hangs_up=True) as (_, client, url):
        assert (await client.post(url, content=b"?")).text == "hello"


@pytest.mark.parametrize("answer", [b"", HELLO[:20], HELLO[:-1], CHUNKED[:-7], b"SSH-2.0-OpenSSH\r\n\r\n"])
async def test_what_breaks_off_or_is_not_http_is_an_error(answer: bytes) -> None:
    async with asking(answer, hangs_up=True) as (_, client, url):
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.post(url, content=b"?")


async def test_a_connection_the_server_closed_meanwhile_is_not_used() -> None:
    async with asking(HELLO, HELLO, hangs_up=True) as (server, client, url):
        await client.post(url, content=b"?")
        await server.closed.wait()
        await anyio.wait_all_tasks_blocked()
        assert (await client.post(url, content=b"?")).text == "hello"
        assert server.connections == 2


async def test_an_answer_nobody_asked_for_is_not_taken_for_the_next() -> None:
    async with asking(HELLO + HELLO.replace(b"hello", b"wrong"), HELLO) as (_, client, url):
        await client.post(url, content=b"?")
        assert (await client.post(url, content=b"?")).text == "hello"


async def test_a_response_left_half_read_closes_its_connection() -> None:
    async with asking(CHUNKED[:-7]) as (server, client, url):
        async with client.stream("POST", url, content=b"?") as response:
            assert await anext(response.aiter_bytes()) == b"he"
        await server.closed.wait()


async def test_no_more_connections_are_kept_than_wanted() -> None:
    async with asking(HELLO, HELLO) as (server, client, url):
        async with client.stream("POST", url), client.stream("POST", url) as second:
            await second.aread()
        await server.closed.wait()
        assert server.connections == 2


async def test_a_line_break_in_a_header_is_refused() -> None:
    async with asking(HELLO) as (server, client, url):
        with pytest.raises(httpx2.LocalProtocolError):
            await client.post(url, headers={"authorization": "Bearer key\r\nhost: elsewhere"})
    assert server.requests == []


async def test_closing_ends_what_is_under_way() -> None:
    async def ask() -> None:
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.post(url, content=b"?")

    async with asking(b"") as (server, client, url), anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await server.asked.wait()
        await client.aclose()
        await server.closed.wait()


async def test_a_connection_that_opens_after_the_end_is_used_once() -> None:
    async def ask() -> None:
        assert (await client.post(url, content=b"?")).text == "hello"

    async with asking(HELLO) as (server, client, url), anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await anyio.lowlevel.checkpoint()
        await client.aclose()
        await server.closed.wait()


async def test_nobody_there_is_no_connection() -> None:
    async with asking() as (_, client, _):
        with pytest.raises(httpx2.ConnectError):
            await client.post("http://127.0.0.1:1/")


async def test_a_server_that_does_not_open_in_time_is_given_up() -> None:
    async with asking(b"") as (_, client, url):
        with pytest.raises(httpx2.ConnectTimeout):  # it knows nothing of shaking hands
            await client.post(url.replace("http:", "https:"), timeout=httpx2.Timeout(5, connect=0.05))


async def test_a_server_proves_who_it_is(tmp_path: Path) -> None:
    pem = write_certificate(tmp_path)
    async with asking(HELLO, HELLO, proof=server_context(pem), trusted=pem) as (server, client, url):
        assert [(await client.post(url, content=b"?")).text for _ in range(2)] == ["hello"] * 2
        assert server.connections == 1


async def test_a_server_that_cannot_is_told_nothing(tmp_path: Path) -> None:
    async with asking(HELLO, proof=server_context(write_certificate(tmp_path))) as (server, client, url):
        with pytest.raises(httpx2.ConnectError, match="certificate"):
            await client.post(url, content=b"?")
        assert server.requests == []


async def test_a_proxy_is_asked_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async with asking(HELLO) as (server, _, url):
        monkeypatch.setenv("HTTP_PROXY", url)
        async with new_client("http://vendor.example", Timeouts()) as client:
            assert (await client.post("http://vendor.example/ask", content=b"?")).text == "hello"
    assert server.requests[0].startswith(b"POST http://vendor.example/ask HTTP/1.1\r\n")


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": True})], ids=["uvloop"])
@pytest.mark.parametrize("steps", range(12))
async def test_a_request_called_off_while_it_connects_leaves_nothing_to_wait_for(steps: int) -> None:
    pytest.importorskip("uvloop")
    async with asking(HELLO) as (_, client, url):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.post, url)
            for _ in range(steps):
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        with anyio.fail_after(3):
            await client.aclose()
