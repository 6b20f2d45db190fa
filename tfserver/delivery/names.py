"""Hosts of webhooks are looked up in threads of their own: a silent name server delays nobody else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import Deferred

from tfserver.delivery.addresses import AddressRefused, literal, refusal
from tfserver.errors import TfserverError

MOST_LOOKUPS: Final = 200
MOST_ADDRESSES: Final = 4

Lookup = Callable[[str, int], list[str]]
"""All addresses of a host; it blocks, and raises OSError."""


class HostUnknown(TfserverError):
    """The host has no address, or nobody told it; the text says which host."""


def addresses_of(host: str, port: int) -> list[str]:
    """What the system knows, in the order in which the addresses should be tried."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class Names:
    """Finds the addresses of hosts, and judges them."""

    def __init__(self, reactor: Any, allow_private: bool, lookup: Lookup = addresses_of) -> None:
        self._reactor = reactor
        self.allow_private = allow_private
        self._lookup = lookup
        self._waiting: dict[tuple[str, int], list[Deferred[list[str]]]] = {}

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses to try. Raises HostUnknown, and AddressRefused if one of them is refused: who is
        inside and outside is not trusted at all."""
        found = [host] if literal(host) is not None else await self._looked_up(host, port)
        for address in found:
            why = refusal(address, self.allow_private)
            if why:
                raise AddressRefused(why if address == host else f"{host} leads inside: {why}")
        return found[:MOST_ADDRESSES]

    def _looked_up(self, host: str, port: int) -> Deferred[list[str]]:
        waiter: Deferred[list[str]] = Deferred()
        waiting = self._waiting.get((host, port))
        if waiting is not None:
            # that one is on its way already
            waiting.append(waiter)
            return waiter
        if len(self._waiting) >= MOST_LOOKUPS:
            waiter.errback(HostUnknown(f"{host} was not looked up: too many others are not answered"))
            return waiter
        self._waiting[host, port] = [waiter]
        # not one of the reactor's threads, and a stop does not wait for it
        threading.Thread(target=self._ask, args=(host, port), name=f"lookup {host}", daemon=True).start()
        return waiter

    def _ask(self, host: str, port: int) -> None:
        """In a thread: the system's answer."""
        try:
            found: list[str] | Exception = self._lookup(host, port) or HostUnknown(f"{host} has no address")
        except (OSError, ValueError) as failed:
            why = getattr(failed, "strerror", None) or failed
            found = HostUnknown(f"the host {host} is not found: {why}")
        self._reactor.callFromThread(self._tell, host, port, found)

    def _tell(self, host: str, port: int, found: list[str] | Exception) -> None:
        for waiter in self._waiting.pop((host, port), ()):
            if isinstance(found, Exception):
                waiter.errback(found)
            else:
                waiter.callback(found)
