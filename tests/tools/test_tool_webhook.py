"""Webhook tools, against servers that behave and servers that do not."""

from __future__ import annotations

import datetime
import gzip
import hashlib
import hmac
import json
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import anyio
import httpcore
import pytest
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSListener
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from patter_mcp.tools.base import Tool, WebhookOptions
from patter_mcp.tools.breaker import FAILURES, Breakers
from patter_mcp.tools.executor import ToolExecutor, ToolOutcome
from patter_mcp.tools.webhook import WebhookClient
from patter_mcp.types import GoalMet

pytestmark = pytest.mark.anyio

HOST = "tool.test"


class Control:
    async def end_call(self, goal_met: GoalMet, summary: str) -> None: ...
    async def send_digits(self, digits: str) -> None: ...


async def resolve(host: str, port: int) -> Sequence[str]:
    assert host == HOST
    return ["127.0.0.1"]


@dataclass
class Request:
    line: str
    headers: dict[str, str]
    body: bytes


Script = Callable[[ByteStream], Awaitable[None]] | bytes


@dataclass
class Server:
    """Answers its connections by script, one entry each; the last one goes on for ever."""

    scripts: list[Script]
    port: int = 0
    requests: list[Request] = field(default_factory=list[Request])
    connections: int = 0

    async def handle(self, stream: ByteStream) -> None:
        script = self.scripts[min(self.connections, len(self.scripts) - 1)]
        self.connections += 1
        async with stream:
            self.requests.append(await read_request(stream))
            if callable(script):
                await script(stream)
            else:
                await stream.send(script)


async def read_request(stream: ByteStream) -> Request:
    received = b""
    while b"\r\n\r\n" not in received:
        received += await stream.receive()
    head, body = received.split(b"\r\n\r\n", 1)
    line, *fields = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, value in (one.split(":", 1) for one in fields)}
    while len(body) < int(headers["content-length"]):
        body += await stream.receive()
    return Request(line, headers, body)


@asynccontextmanager
async def serving(*scripts: Script, context: ssl.SSLContext | None = None) -> AsyncGenerator[Server]:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as tcp, anyio.create_task_group() as tasks:
        server = Server(list(scripts), tcp.extra(SocketAttribute.local_port))
        listener = TLSListener(tcp, context) if context else tcp
        tasks.start_soon(listener.serve, quietly(server.handle))
        with anyio.fail_after(10):
            yield server
        tasks.cancel_scope.cancel()


def quietly(handle: Callable[[ByteStream], Awaitable[None]]) -> Callable[[ByteStream], Awaitable[None]]:
    """A client that goes away is part of these tests."""

    async def handle_until_gone(stream: ByteStream) -> None:
        try:
            await handle(stream)
        except (anyio.BrokenResourceError, anyio.EndOfStream):
            await stream.aclose()

    return handle_until_gone


def answer(status: int = 200, body: bytes = b"done", *fields: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *fields])
    return head.encode() + b"\r\n\r\n" + body


def hook(
    server: Server,
    *,
    scheme: str = "http",
    timeout_sec: float = 5.0,
    idempotent: bool = False,
    networks: str = "127.0.0.1/32",
    **options: Any,
) -> Tool:
    return Tool(
        "book",
        "Book.",
        {"type": "object", "properties": {"day": {"type": "string"}}},
        webhook_url=f"{scheme}://{HOST}:{server.port}/hook?a=1",
        timeout_sec=timeout_sec,
        idempotent=idempotent,
        webhook=WebhookOptions(allow_http=True, allow_hosts={HOST: networks}, **options),
    )


def executor(tool: Tool, **overrides: Any) -> ToolExecutor:
    complete: dict[str, Any] = {
        "call_id": "c1",
        "backoff_sec": 0.0,
        "webhooks": WebhookClient(resolve=resolve),
        **overrides,
    }
    return ToolExecutor([tool], Control(), **complete)


async def run(tool: Tool, arguments: str = '{"day": "mon"}', **overrides: Any) -> ToolOutcome:
    return await executor(tool, **overrides).run("book", arguments)


def error(outcome: ToolOutcome) -> str:
    assert not outcome.ok
    return json.loads(outcome.text)["error"]


async def test_the_arguments_are_posted_and_the_answer_goes_to_the_model() -> None:
    async with serving(answer(body=b'{"booked": true}')) as server:
        assert (await run(hook(server))).text == '{"booked": true}'
        (request,) = server.requests
    content = json.loads(request.body)
    assert request.line == "POST /hook?a=1 HTTP/1.1"
    assert content == {"id": content["id"], "tool": "book", "call_id": "c1", "arguments": {"day": "mon"}}
    assert request.headers["host"] == f"{HOST}:{server.port}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["idempotency-key"] == content["id"]
    assert "x-patter-signature" not in request.headers


async def test_headers_and_signature_come_from_the_configuration() -> None:
    async with serving(answer()) as server:
        await run(hook(server, headers={"Authorization": "Bearer t0ken"}, secret="s3cret"))
        (request,) = server.requests
    assert request.headers["authorization"] == "Bearer t0ken"
    digest = hmac.new(b"s3cret", request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-patter-signature"] == f"sha256={digest}"


async def test_what_the_model_writes_stays_in_the_body() -> None:
    async with serving(answer()) as server:
        await run(hook(server), json.dumps({"day": "x\r\nX-Evil: 1", "Host": "evil", "url": "http://evil/"}))
        (request,) = server.requests
    assert "x-evil" not in request.headers
    assert request.headers["host"].startswith(HOST)
    assert request.line.startswith("POST /hook?a=1 ")


async def test_each_use_has_a_key_of_its_own_and_its_attempts_share_it() -> None:
    async with serving(answer(503), answer(), answer()) as server:
        tools = executor(hook(server))
        assert (await tools.run("book", "{}")).ok
        assert (await tools.run("book", "{}")).ok
        first, second, third = (request.headers["idempotency-key"] for request in server.requests)
    assert first == second != third


@pytest.mark.parametrize("status", [429, 503])
async def test_a_server_that_turned_the_request_away_is_asked_again(status: int) -> None:
    async with serving(answer(status), answer(status), answer()) as server:
        assert (await run(hook(server))).ok
        assert server.connections == 3


@pytest.mark.parametrize("script", [answer(500), answer(502), answer(504), b"", b"HTTP/1.1 200 OK\r\nContent-Le"])
async def test_a_server_that_may_have_acted_is_asked_again_only_if_that_does_no_harm(script: bytes) -> None:
    for idempotent, connections in ((False, 1), (True, 2)):
        async with serving(script, answer()) as server:
            assert (await run(hook(server, idempotent=idempotent))).ok is idempotent
            assert server.connections == connections


async def test_a_server_that_never_took_the_connection_is_asked_again() -> None:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as closed:
        gone = Server([], closed.extra(SocketAttribute.local_port))
    looked_up: list[str] = []

    async def counting(host: str, port: int) -> Sequence[str]:
        looked_up.append(host)
        return ["127.0.0.1"]

    outcome = await run(hook(gone), webhooks=WebhookClient(resolve=counting))
    assert "cannot be reached" in error(outcome)
    assert looked_up == [HOST] * 3


async def test_a_name_that_does_not_resolve_is_an_answer_too() -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError("Name or service not known")

    outcome = await run(hook(Server([], 80)), webhooks=WebhookClient(resolve=unknown))
    assert "cannot be reached" in error(outcome)


async def test_a_server_that_wants_a_long_pause_is_not_waited_for() -> None:
    async with serving(answer(429, b"", "Retry-After: 30")) as server:
        assert "429" in error(await run(hook(server)))
        assert server.connections == 1


async def test_a_server_that_says_no_is_quoted_and_not_asked_again() -> None:
    async with serving(answer(422, b"no table at 7")) as server:
        assert error(await run(hook(server, idempotent=True))).endswith("answered 422: no table at 7")
        assert server.connections == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_are_not_followed(status: int) -> None:
    async with serving(answer(status, b"", "Location: http://169.254.169.254/")) as server:
        assert "redirect" in error(await run(hook(server)))
        assert server.connections == 1


async def test_no_cookie_is_kept() -> None:
    async with serving(answer(200, b"done", "Set-Cookie: a=b")) as server:
        tools = executor(hook(server))
        for _ in range(2):
            await tools.run("book", "{}")
        assert not any("cookie" in request.headers for request in server.requests)


async def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with serving(answer()) as server:
        assert (await run(hook(server))).ok


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "gzip, identity"])
async def test_a_packed_answer_is_refused_at_its_headers(encoding: str) -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    async with serving(answer(200, bomb, f"Content-Encoding: {encoding}")) as server:
        assert "compressed" in error(await run(hook(server)))


async def test_an_endless_answer_is_cut_off() -> None:
    async def endless(stream: ByteStream) -> None:
        await stream.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await stream.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")

    async with serving(endless) as server:
        assert "more than 1,000,000 bytes" in error(await run(hook(server)))


async def test_an_answer_that_trickles_is_given_up_at_the_deadline() -> None:
    async def trickle(stream: ByteStream) -> None:
        await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            await stream.send(b"x")
            await anyio.sleep(0.01)

    async with serving(trickle) as server:
        assert "within 0.3 seconds" in error(await run(hook(server, timeout_sec=0.3)))


async def test_a_server_that_never_answers_is_given_up_at_the_deadline() -> None:
    async def silent(stream: ByteStream) -> None:
        await anyio.sleep_forever()

    async with serving(silent) as server:
        assert "within 0.3 seconds" in error(await run(hook(server, timeout_sec=0.3, idempotent=True)))
        assert server.connections == 1


async def test_arguments_that_grow_too_long_as_json_are_refused() -> None:
    async with serving(answer()) as server:
        assert "too long" in error(await run(hook(server), json.dumps({"day": "é" * 20_000}, ensure_ascii=False)))
        assert server.connections == 0


@pytest.mark.parametrize(("body", "text"), [(b"", '{"ok": true}'), (b"\xff\xfe", "\ufffd\ufffd")])
async def test_any_body_becomes_text(body: bytes, text: str) -> None:
    async with serving(answer(body=body)) as server:
        assert (await run(hook(server))).text == text


async def test_a_webhook_runs_ten_times_a_call() -> None:
    async with serving(answer()) as server:
        tools = executor(hook(server))
        outcomes = [await tools.run("book", "{}") for _ in range(11)]
        assert [outcome.ok for outcome in outcomes] == [True] * 10 + [False]
        assert server.connections == 10


async def test_a_server_that_keeps_failing_is_left_alone() -> None:
    async with serving(answer(500)) as server:
        tools = executor(hook(server), breakers=Breakers(lambda: 0.0))
        for _ in range(FAILURES):
            assert "500" in error(await tools.run("book", "{}"))
        assert "left alone" in error(await tools.run("book", "{}"))
        assert server.connections == FAILURES


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    asked_for: list[str] = []

    async def resolve_two(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.2", "127.0.0.1"]

    async def connect(address: str, port: int, timeout: float | None) -> httpcore.AsyncNetworkStream:
        asked_for.append(address)
        if address == "127.0.0.2":
            raise httpcore.ConnectTimeout
        return await tcp.connect_tcp(address, port, timeout)

    tcp = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
    async with serving(answer()) as server:
        webhooks = WebhookClient(resolve=resolve_two, connect=connect)
        assert (await run(hook(server, networks="127.0.0.0/8"), webhooks=webhooks)).ok
    assert asked_for == ["127.0.0.2", "127.0.0.1"]


def tls(directory: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server with a certificate for that name, and a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = directory / f"{name}.pem"
    encryption = serialization.NoEncryption()
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))


async def test_over_tls_the_certificate_is_checked_against_the_name_though_the_address_is_pinned(
    tmp_path: Path,
) -> None:
    named: list[str | None] = []
    server_context, client_context = tls(tmp_path, HOST)
    server_context.sni_callback = lambda _socket, name, _context: named.append(name)
    async with serving(answer(), context=server_context) as server:
        webhooks = WebhookClient(resolve=resolve, context=client_context)
        assert (await run(hook(server, scheme="https"), webhooks=webhooks)).ok
        assert server.requests[0].headers["host"] == f"{HOST}:{server.port}"
    assert named == [HOST]


async def test_a_certificate_for_another_name_sends_nothing(tmp_path: Path) -> None:
    server_context, client_context = tls(tmp_path, "other.test")
    async with serving(answer(), context=server_context) as server:
        webhooks = WebhookClient(resolve=resolve, context=client_context)
        assert "cannot be reached" in error(await run(hook(server, scheme="https"), webhooks=webhooks))
        assert server.requests == []
