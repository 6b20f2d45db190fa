"""Load balancers in front of us: whose word about an address counts (limits.trusted_proxies)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from tfserver.networks import Networks, address_of

LOCAL: Final = "local"
"""What the peer of a Unix socket is called: the permissions of the socket say who that may be."""
UNIX: Final = "unix:"
"""Stands among the networks for peers that come by a Unix socket."""
MOST_HOPS: Final = 20
_WITH_PORT: Final = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?|(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}")


class Proxies:
    """The proxies that are believed. Raises ConfigError for a text that is no network."""

    __slots__ = ("_believes_local", "_networks")

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = Networks([text for text in networks if text != UNIX])
        self._believes_local = UNIX in networks

    def __bool__(self) -> bool:
        """Whether any is believed."""
        return self._believes_local or bool(self._networks)

    def trusts(self, address: str) -> bool:
        """Whether what this peer says about others is believed."""
        if address == LOCAL:
            return self._believes_local
        found = address_of(address) if self._networks else None
        return found is not None and self._networks.hold(found)

    def client(self, peer: str, forwarded_for: Sequence[str]) -> str:
        """Whose request it is: the right-most address that is no trusted proxy itself.

        ``forwarded_for`` are the values of X-Forwarded-For in the order they came, each a list with commas.
        What stands to the left of a stranger, or of what is no address, was written by anybody and is not
        read. Where all are trusted it is the left-most.
        """
        found = peer
        rest, hops = ",".join(forwarded_for), 0
        while rest and hops < MOST_HOPS and self.trusts(found):
            rest, _, said = rest.rpartition(",")
            address = address_of(_without_port(said.strip()))
            if address is None:
                break
            found, hops = str(address), hops + 1
        return found


def _without_port(text: str) -> str:
    """Some proxies write ``192.0.2.1:5555`` and ``[2001:db8::1]:5555``."""
    found = _WITH_PORT.fullmatch(text)
    return (found[1] or found[2]) if found else text
