"""To which addresses webhooks may lead: none inside, unless the operator allows it.

Whoever may make a webhook could otherwise let the server talk to what only the server reaches. So the host is
looked up once, every address that it has is judged, and the connection goes to an address that was judged.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from tfserver.errors import TfserverError

MOST_URL: Final = 2048
PORTS: Final = {"https": 443, "http": 80}
HOW_TO_ALLOW: Final = "webhooks.allow_private in the server's configuration allows it"

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_ALWAYS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("an address of a cloud's metadata", ("169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32",
                                          "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32",
                                          "fd00:ec2::254/128", "fd20:ce::254/128")),
    ("an unspecified address", ("0.0.0.0/8", "::/128")),
    ("a multicast address", ("224.0.0.0/4", "ff00::/8")),
    ("a broadcast address", ("255.255.255.255/32",)),
)  # fmt: skip
"""Never a receiver, whatever is allowed."""

# the registries of special-purpose addresses: https://www.iana.org/assignments/iana-ipv4-special-registry and
# https://www.iana.org/assignments/iana-ipv6-special-registry
_INSIDE: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("a loopback address", ("127.0.0.0/8", "::1/128")),
    ("a link-local address", ("169.254.0.0/16", "fe80::/10")),
    ("a private address", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
                           "fc00::/7", "fec0::/10", "64:ff9b:1::/48")),
    ("a reserved address", ("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
                            "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "2001::/23",
                            "2001:db8::/32", "3fff::/20")),
)  # fmt: skip


def _networks(table: tuple[tuple[str, tuple[str, ...]], ...]) -> list[tuple[str, Network]]:
    return [(told, IPv6Network(text) if ":" in text else IPv4Network(text))
            for told, texts in table for text in texts]  # fmt: skip


_NEVER: Final = _networks(_ALWAYS)
_PRIVATE: Final = _networks(_INSIDE)
_UNICAST: Final = IPv6Network("2000::/3")
_6TO4: Final = IPv6Network("2002::/16")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_ISATAP: Final = (0x5EFE, 0x0200_5EFE)


class BadUrl(TfserverError):
    """A webhook can't have this URL; the text says what was expected."""


class AddressRefused(TfserverError):
    """The host has an address to which webhooks may not lead; the text says which, and what it is."""


class Target(NamedTuple):
    """A URL in its parts: ``host`` without brackets, ``path`` with the query."""

    is_secure: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as the header ``Host`` has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS["https" if self.is_secure else "http"] else f"{host}:{self.port}"


_VISIBLE: Final = re.compile(r"[!-~]+")
_LABEL: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


def read_url(url: str, allow_private: bool) -> Target:
    """A URL in its parts; BadUrl says what was expected. Plain http goes only where private addresses do."""
    if len(url) > MOST_URL or not _VISIBLE.fullmatch(url) or "\\" in url:
        told = f"expected at most {MOST_URL} visible ASCII characters"
        raise BadUrl(f"{told}; hosts with others are written as xn--…, other parts with %XX")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname or ""
    except ValueError as wrong:
        raise BadUrl(f"expected a URL such as https://hr.example/punches: {wrong}") from wrong
    if parts.scheme not in PORTS:
        raise BadUrl("expected a URL such as https://hr.example/punches")
    if parts.scheme == "http" and not allow_private:
        raise BadUrl(f"expected https, so that nobody on the way reads punches; {HOW_TO_ALLOW}")
    if "@" in parts.netloc:
        raise BadUrl("expected no user name or password; signatures prove who sends")
    if "#" in url:
        raise BadUrl("expected no fragment (#…)")
    if not _is_host(host) or port == 0:
        raise BadUrl("expected a host, and a port from 1 to 65535")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme == "https", host, port or PORTS[parts.scheme], path)


def _is_host(host: str) -> bool:
    if ":" in host:
        # a scope is only of use on this machine
        return literal(host) is not None and "%" not in host
    return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in host.split("."))


def literal(host: str) -> Address | None:
    """The address that a host is, None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def refusal(address: str, allow_private: bool) -> str:
    """What speaks against connecting to an address, empty when nothing does."""
    for form in _forms(ip_address(address)):
        for told, network in _NEVER:
            if form in network:
                return f"{address} is {told}"
        if allow_private:
            continue
        for told, network in _PRIVATE:
            if form in network:
                return f"{address} is {told}; {HOW_TO_ALLOW}"
        if isinstance(form, IPv6Address) and not _carries(form) and form not in _UNICAST:
            return f"{address} is a reserved address; {HOW_TO_ALLOW}"
    return ""


def _forms(address: Address) -> list[Address]:
    """An address, and the one that it stands for: so could somebody write one that is inside."""
    if isinstance(address, IPv4Address):
        return [address]
    # without a scope, which networks know nothing of
    plain = IPv6Address(int(address))
    found: list[Address] = [plain]
    if _carries(plain):
        found.append(IPv4Address(int(plain) & 0xFFFF_FFFF))
    elif plain in _6TO4:
        found.append(IPv4Address(int(plain) >> 80 & 0xFFFF_FFFF))
    elif int(plain) >> 32 & 0xFFFF_FFFF in _ISATAP:
        found.append(IPv4Address(int(plain) & 0xFFFF_FFFF))
    return found


def _carries(address: IPv6Address) -> bool:
    """Whether the last 32 bits are an IPv4 address that is meant, and nothing else is."""
    return address.ipv4_mapped is not None or address in _NAT64
