"""Where a request comes from: its address, also through load balancers, and whether by TLS."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final, NamedTuple

from twisted.web.server import Request

from tfserver.config import LimitSettings
from tfserver.networks import Networks, address_of, household_of
from tfserver.proxies import LOCAL, Proxies

_REMEMBERED: Final = 4096
_OWN_NAME: Final = re.compile(rb"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?", re.IGNORECASE)


class Visitor(NamedTuple):
    """``household`` is whose address it is for bounds, empty for one that has none; ``is_secure``: it came by
    TLS, as far as we or a trusted proxy know; ``is_here``: from this machine, by no proxy that we trust, and
    under a name that only this machine has: a proxy here that nobody told us of passes on another."""

    address: str
    household: str
    is_secure: bool
    is_here: bool


class Visitors:
    """Tells who asks. ``limits.trusted_proxies`` are believed, ``limits.exempt`` have no bounds."""

    def __init__(self, limits: LimitSettings) -> None:
        self.proxies = Proxies(limits.trusted_proxies)
        self._exempt = Networks(limits.exempt)
        self.household = lru_cache(_REMEMBERED)(self._household)
        self._is_loopback = lru_cache(_REMEMBERED)(_is_loopback)

    def of(self, request: Request, is_tls: bool) -> Visitor:
        """Who makes this request."""
        peer: str = getattr(request.client, "host", LOCAL)
        if not (self.proxies and self.proxies.trusts(peer)):
            is_here = self._is_loopback(peer) and _is_own_name(request.getHeader(b"Host") or b"")
            return Visitor(peer, self.household(peer), is_tls, is_here)
        headers = request.requestHeaders
        said = [value.decode("latin-1") for value in headers.getRawHeaders(b"X-Forwarded-For", [])]
        address = self.proxies.client(peer, said)
        schemes = headers.getRawHeaders(b"X-Forwarded-Proto", [])
        scheme = schemes[0].partition(b",")[0].strip().lower() if schemes else b""
        return Visitor(address, self.household(address), is_tls or scheme == b"https", False)

    def _household(self, address: str) -> str:
        found = address_of(address)
        if found is None or self._exempt.hold(found) or self.proxies.trusts(address):
            return ""
        return household_of(found)


def peer_of(address: Any) -> str:
    """The host of an address as Twisted gives it, before anything was said."""
    return str(getattr(address, "host", LOCAL))


def _is_loopback(address: str) -> bool:
    found = address_of(address)
    return address == LOCAL or (found is not None and found.is_loopback)


def _is_own_name(host: bytes) -> bool:
    return not host or _OWN_NAME.fullmatch(host) is not None
