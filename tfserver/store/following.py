"""Follows the primary: whether the server that we are connected to is still the one that sentinels name."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.interfaces import IStreamClientEndpoint

from tfserver.store.address import Address
from tfserver.store.reach import check_certificates, plain_endpoint
from tfserver.store.sentinels import Place, Primary, SentinelEndpoint, Sentinels, Untold

LOOK_EVERY: Final = 12
"""Probes between two questions to the sentinels while the store is well; else each of them asks."""


class Following:
    """The way to the primary, and whether it has changed."""

    def __init__(self, reactor: Any, address: Address) -> None:
        self._address = address
        self._sentinels = Sentinels(reactor, address) if address.service else None
        self._looks = 0
        self._asked: Deferred[Primary] | None = None
        self.endpoint: IStreamClientEndpoint
        if self._sentinels is None:
            self.endpoint = plain_endpoint(reactor, address)
        else:
            self.endpoint = SentinelEndpoint(reactor, address, self._sentinels)

    @property
    def found(self) -> Primary | None:
        """What the sentinels said last; None where there are none."""
        return self.endpoint.found if isinstance(self.endpoint, SentinelEndpoint) else None

    @property
    def place(self) -> Place | None:
        """Where the primary is by that."""
        return self.found.place if self.found else None

    def check(self) -> None:
        """StartError for certificates that can't be read."""
        if self._address.ca_file:
            check_certificates(self._address.ca_file)

    def stop(self) -> None:
        """Ask no more."""
        if self._asked is not None:
            self._asked.cancel()

    async def is_primary(self, places: Collection[Place], is_well: bool) -> bool:
        """Whether the sentinels name the server that all connections lead to. They are asked often while
        something is wrong with it, else once in a while. That they say nothing is no reason to leave it."""
        self._looks += 1
        endpoint, sentinels = self.endpoint, self._sentinels
        if sentinels is None or not isinstance(endpoint, SentinelEndpoint):
            return True
        if not places or endpoint.found is None or (is_well and self._looks % LOOK_EVERY):
            return True
        self._asked = ensureDeferred(sentinels.primary())
        try:
            now = endpoint.learn(await self._asked)
        except CancelledError:
            return True
        except Untold:
            endpoint.found = endpoint.found._replace(confirmed=False)
            return True
        return set(places) == {now.place}
