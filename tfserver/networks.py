"""Addresses and the networks they are in, as settings name them."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from tfserver.errors import ConfigError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_NEIGHBOURS: Final = 64
"""Bits of an IPv6 address that all addresses of one site share: each device has as many as it likes."""
_HIGH: Final = ((1 << _NEIGHBOURS) - 1) << (128 - _NEIGHBOURS)


class Networks:
    """Some networks. Raises ConfigError for a text that is none."""

    __slots__ = ("_networks",)

    def __init__(self, texts: Sequence[str]) -> None:
        self._networks: tuple[Network, ...] = tuple(map(network_of, texts))

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._networks)

    def hold(self, address: Address) -> bool:
        """Whether an address is in one of them."""
        return any(address in network for network in self._networks)


class SiteNetworks:
    """Where the terminals of sites come from (``admission.networks``); of a site that is not named, from
    anywhere."""

    def __init__(self, sites: Mapping[str, Sequence[str]]) -> None:
        self._sites = {site: Networks(texts) for site, texts in sites.items()}
        self.named = _listed(list(self._sites))
        """All sites that are named, for a script: each between two line ends."""
        self.holding: Callable[[str], str] = lru_cache(4096)(self._holding)
        """Those of them that an address is in, in the same way."""

    def _holding(self, address: str) -> str:
        found = address_of(address) if self._sites else None
        if found is None:
            return ""
        return _listed([site for site, networks in self._sites.items() if networks.hold(found)])


def _listed(sites: list[str]) -> str:
    return "\n".join(("", *sites, "")) if sites else ""


def network_of(text: str) -> Network:
    """A network by its text, ``10.0.0.0/8``; one address is one too. Raises ConfigError."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as wrong:
        raise ConfigError(f"expected a network such as 10.0.0.0/8, got '{text}'") from wrong


def address_of(text: str) -> Address | None:
    """An address by its text, an IPv4 address within IPv6 as what it is; None for anything else."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None) or found


def household_of(address: Address) -> str:
    """Whose address it is, for counting: itself, of IPv6 the network of 64 bits that it is in."""
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return f"{ipaddress.IPv6Address(int(address) & _HIGH)}/{_NEIGHBOURS}"
