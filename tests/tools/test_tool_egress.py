"""Where a webhook may connect to: every way round the guard that is known, none of them leaving loopback."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address

import anyio
import httpcore
import pytest
from anyio.abc import SocketAttribute, SocketStream
from hypothesis import given, settings
from hypothesis import strategies as st

from patter_mcp.errors import ConfigError, ToolError
from patter_mcp.tools.base import Tool, WebhookOptions
from patter_mcp.tools.egress import check_url, is_public, judged_addresses, resolve_host
from patter_mcp.tools.retry import ToolFailed
from patter_mcp.tools.webhook import WebhookClient

pytestmark = pytest.mark.anyio

PUBLIC = "93.184.216.34"

VECTORS = """
127.0.0.1 | 2130706433 | 0x7f000001 | 0177.0.0.1 | 0x7f.1 | 127.1 | 0 | 0.0.0.0 | [::] | [::1] | [::ffff:127.0.0.1]
[::ffff:7f00:1] | [::127.0.0.1] | [64:ff9b::7f00:1] | [64:ff9b:1::1] | [2002:7f00:1::]
[2001:0:4136:e378:8000:63bf:80ff:fffe] | 100.64.0.1 | 100.100.100.200 | 169.254.169.254 | [fd00:ec2::254]
[fe80::1%25lo]
192.0.0.192 | 168.63.129.16 | 10.0.0.1 | 172.31.255.255 | 192.168.1.1 | 198.18.0.1 | 224.0.0.1 | 240.0.0.1
255.255.255.255 | localhost | localhost. | LOCALHOST | 127.0.0.1. | example.com@127.0.0.1
127.0.0.1#@example.com
127.0.0.1\\@example.com | 127。0。0。1 | ①②⑦.⓪.⓪.① | ⓛocalhost
127.0.0.1%00.example.com | [::1]:22
file:///etc/passwd | gopher://127.0.0.1 | //127.0.0.1 | http:///etc | metadata.google.internal
metadata.google.internal.
"""
HOSTS = [vector for line in VECTORS.split("\n") for vector in line.split(" | ") if vector]
URLS = [host if "//" in host else f"https://{host}/" for host in HOSTS]

NAMES = {
    "localhost": ["127.0.0.1", "::1"],
    "127.0.0.1": ["127.0.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
}


async def resolve_locally(host: str, port: int) -> Sequence[str]:
    """The system's resolver for numbers, a table for names: no question leaves the machine."""
    if ":" in host or is_inet_aton(host):
        return await resolve_host(host, port)
    return NAMES[host.rstrip(".")]


def is_inet_aton(host: str) -> bool:
    try:
        socket.inet_aton(host)
    except OSError:
        return False
    return True


@dataclass
class Loopback:
    """Listens on 127.0.0.1 and ::1. As a connector it takes whatever address it is given to that listener."""

    port: int
    accepted: list[str] = field(default_factory=list[str])
    asked_for: list[str] = field(default_factory=list[str])

    async def connect(self, address: str, port: int, timeout: float | None) -> httpcore.AsyncNetworkStream:
        self.asked_for.append(address)
        stream = await anyio.connect_tcp("127.0.0.1", self.port)
        await stream.aclose()
        raise httpcore.ConnectError("only looked")


@asynccontextmanager
async def listening() -> AsyncGenerator[Loopback]:
    async with await anyio.create_tcp_listener(local_host="localhost") as listener, anyio.create_task_group() as tasks:
        loopback = Loopback(listener.extra(SocketAttribute.local_port))

        async def accept(stream: SocketStream) -> None:
            async with stream:
                loopback.accepted.append(str(stream.extra(SocketAttribute.remote_address)))

        tasks.start_soon(listener.serve, accept)
        yield loopback
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("url", URLS)
async def test_a_url_into_the_house_is_refused_without_a_connection(url: str) -> None:
    async with listening() as loopback:
        client = WebhookClient(resolve=resolve_locally, connect=loopback.connect)
        with anyio.fail_after(10), pytest.raises((ConfigError, ToolError)) as caught:
            await client.post(Tool("do", "Do.", webhook_url=url), {}, call_id="c1", key="k")
        assert not isinstance(caught.value, ToolFailed)
        assert loopback.asked_for == loopback.accepted == []


def test_no_url_got_lost_in_the_list() -> None:
    assert len(set(URLS)) == 49


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address", ["", "example.com", "1.2.3", "127.1", "fe80::1%lo", "192.0.0.8", "fec0::1", "5f00::1"]
)
def test_anything_else_is_not(address: str) -> None:
    assert not is_public(address)


@settings(deadline=None)
@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_in_every_spelling(address: IPv4Address) -> None:
    number = int(address)
    a, b, c, d = address.packed
    spellings = [
        str(number), hex(number), oct(number).replace("o", ""), f"{a}.{number & 0xFFFFFF}", f"{a}.{b}.{c << 8 | d}",
        f"0{a:o}.0x{b:x}.{c}.{d}",
    ]  # fmt: skip
    for spelling in spellings:
        assert socket.getaddrinfo(spelling, 443, type=socket.SOCK_STREAM)[0][4][0] == str(address)
    for base in ("::ffff:0:0", "64:ff9b::", "::"):
        assert is_public(str(IPv6Address(int(ip_address(base)) + number))) == is_public(str(address))
    assert is_public(str(address)) <= address.is_global


async def test_a_name_that_changes_its_address_gains_nothing() -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"]])

    async def rebinding(host: str, port: int) -> Sequence[str]:
        return next(answers)

    async with listening() as loopback:
        client = WebhookClient(resolve=rebinding, connect=loopback.connect)
        hook = Tool("do", "Do.", webhook_url="https://rebind.example/")
        with pytest.raises(ToolFailed):
            await client.post(hook, {}, call_id="c1", key="k")
        with pytest.raises(ToolError, match="may not be connected to"):
            await client.post(hook, {}, call_id="c1", key="k")
        assert loopback.asked_for == [PUBLIC]


@pytest.mark.parametrize("answer", [[PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], [PUBLIC, "nonsense"], []])
async def test_one_bad_address_spoils_the_answer(answer: list[str]) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return answer

    with pytest.raises(ToolError, match="may not be connected to"):
        await judged_addresses("mixed.example", 443, resolve, {})


@pytest.mark.parametrize(
    ("addresses", "allowed"),
    [
        (["10.0.0.7"], True),
        (["fd00::7"], True),
        (["10.0.0.7", "fd00::7"], True),
        (["10.0.0.8"], False),
        (["127.0.0.1"], False),
        ([PUBLIC], False),
        (["10.0.0.7", PUBLIC], False),
        (["::ffff:10.0.0.7"], False),
    ],
)
async def test_listing_a_host_opens_its_networks_and_nothing_else(addresses: list[str], allowed: bool) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    allow_hosts = {"CRM.lan.": "10.0.0.7/32 fd00::/64"}
    if allowed:
        assert await judged_addresses("crm.lan", 443, resolve, allow_hosts) == addresses
    else:
        with pytest.raises(ToolError):
            await judged_addresses("crm.lan", 443, resolve, allow_hosts)
    with pytest.raises(ToolError):
        await judged_addresses("other.lan", 443, resolve_private, allow_hosts)


async def resolve_private(host: str, port: int) -> Sequence[str]:
    return ["10.0.0.7"]


def test_a_url_is_taken_apart() -> None:
    target = check_url("HTTPS://Example.COM?a=1", allow_http=False, allow_hosts={})
    assert (target.scheme, target.host, target.port) == ("https", "example.com", 443)
    assert (target.authority, target.path) == ("example.com", "/?a=1")
    target = check_url("http://[2001:DB8::1]:8080/x", allow_http=True, allow_hosts={"[2001:db8::1]": "2001:db8::/64"})
    assert (target.host, target.port, target.authority) == ("2001:db8::1", 8080, "[2001:db8::1]:8080")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.com/", "allow_http"),
        ("https://example.com:8443/", "allow_hosts"),
        ("https://example.com:99999999/", "looks like"),
        ("https://user:pass@example.com/", "looks like"),
        ("https://example.com/#top", "looks like"),
        ("https://example.com/a b", "looks like"),
        ("https://example.com/\r\nX: y", "looks like"),
        ("https://example.com/\n", "looks like"),
        ("https://exämple.com/", "looks like"),
        ("https:///path", "looks like"),
        ("example.com", "looks like"),
    ],
)
def test_a_url_that_is_refused_says_why(url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check_url(url, allow_http=False, allow_hosts={})


def test_networks_are_checked_when_the_tool_is_defined() -> None:
    options = WebhookOptions(allow_hosts={"crm.lan": "10.0.0.7/33"})
    with pytest.raises(ConfigError, match="allow_hosts"):
        Tool("do", "Do.", webhook_url="https://crm.lan/", webhook=options)
