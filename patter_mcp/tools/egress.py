"""Where a webhook tool may connect to: public addresses, and private ones its owner listed.

A URL proves nothing, for whoever owns a name decides what it resolves to, and may decide anew at each
look-up. So a host is resolved once, all its addresses are judged, and the connection goes to a judged
address (`tools.connection`). Knows nothing of HTTP.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import anyio

from patter_mcp.errors import ConfigError, ToolError

Network = IPv4Network | IPv6Network

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port -> addresses in text form."""

_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>[/?][!\"$-\[\]-~]*)?",
    re.IGNORECASE,
)
"""ASCII only; no user name, no fragment, no backslash, no zone id: nothing two parsers could read differently."""

_NEVER = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/3", "168.63.129.16/32", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
)  # fmt: skip
"""Addresses that are no public host, by the IANA special-purpose registries; `is_global` of the standard library
misses several and differs between patch releases. 168.63.129.16 is Azure's host agent."""

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A URL taken apart."""

    scheme: str
    host: str
    """Lower case, without the brackets of an IPv6 address."""
    port: int
    authority: str
    """What the Host header says."""
    path: str
    """Path and query."""


def check_url(url: str, *, allow_http: bool, allow_hosts: Mapping[str, str]) -> Target:
    """Raises:
    ConfigError: a webhook may not have such a URL.
    """
    match = _URL.fullmatch(url)
    if match is None:
        raise ConfigError("A webhook URL looks like https://host/path, in plain ASCII, without user name or fragment.")
    scheme, host = match["scheme"].lower(), match["host"].lower()
    if scheme == "http" and not allow_http:
        raise ConfigError("A webhook URL must begin with https://; to send readable text over http, set allow_http.")
    default_port = 443 if scheme == "https" else 80
    port = int(match["port"] or default_port)
    listed = networks_of(host, allow_hosts) is not None
    if port != default_port and not listed:
        raise ConfigError(f"A webhook URL has port {default_port}; for another one, list the host in allow_hosts.")
    target = match["target"] or "/"
    return Target(
        scheme=scheme,
        host=host.strip("[]"),
        port=port,
        authority=host if port == default_port else f"{host}:{port}",
        path=target if target.startswith("/") else f"/{target}",
    )


def networks_of(host: str, allow_hosts: Mapping[str, str]) -> Sequence[Network] | None:
    """The networks a listed host must lie in; None for a host that is not listed.

    Raises:
        ConfigError: the list has something else than networks.
    """
    listed = {_plain_host(name): networks for name, networks in allow_hosts.items()}.get(_plain_host(host))
    if listed is None:
        return None
    try:
        return [ip_network(network) for network in listed.split()]
    except ValueError as error:
        raise ConfigError(f"allow_hosts needs networks such as 10.0.0.7/32: {error}.") from error


def _plain_host(host: str) -> str:
    return host.lower().strip("[]").rstrip(".")


def is_public(address: str) -> bool:
    """Whether an address is a public host's. IPv4 addresses inside IPv6 ones are judged as what they stand for."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        embedded = _embedded_v4(ip)
        if embedded is not None:
            return is_public(str(embedded))
        if ip not in _GLOBAL_UNICAST:
            return False
    return ip.is_global and not any(ip in network for network in _NEVER)


def _embedded_v4(ip: IPv6Address) -> IPv4Address | None:
    """Of ::ffff:a.b.c.d, ::a.b.c.d and the NAT64 prefix. 6to4 and Teredo are refused whatever they hold."""
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 or int(ip) >> 32 == 0 else None


async def judged_addresses(host: str, port: int, resolve: Resolve, allow_hosts: Mapping[str, str]) -> Sequence[str]:
    """The host's addresses, all of which may be connected to.

    Raises:
        ToolError: at least one of them may not.
        OSError: the host cannot be resolved.
    """
    addresses = await resolve(host, port)
    networks = networks_of(host, allow_hosts)
    if addresses and all(_is_allowed(address, networks) for address in addresses):
        return addresses
    raise ToolError("The tool's server has an address that may not be connected to; see allow_hosts.")


def _is_allowed(address: str, networks: Sequence[Network] | None) -> bool:
    if networks is None:
        return is_public(address)
    return any(ip_address(address) in network for network in networks)


async def resolve_host(host: str, port: int) -> Sequence[str]:
    """By the system's resolver."""
    answers = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in answers))
