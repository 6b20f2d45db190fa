"""All couriers of a process: wakes them, looks for orders that are due, ends those past their deadline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from twisted.internet import task
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tfserver.commands.context import Services
from tfserver.errors import StoreError
from tfserver.gateway.courier import Courier
from tfserver.gateway.link import Link

TICK_SECONDS: Final = 0.1
DUE_SECONDS: Final = 1.0
SWEEP_SECONDS: Final = 0.5


class Post:
    """Orders for the terminals of ``by_sn``. ``clock`` goes on while the machine sleeps."""

    _log = Logger()

    def __init__(
        self, reactor: Any, services: Services, by_sn: dict[str, Link], clock: Callable[[], float]
    ) -> None:
        self.busy: set[Link] = set()
        """Links whose courier is at work."""
        self.stopped = False
        self._reactor = reactor
        self._services = services
        self._by_sn = by_sn
        self._clock = clock
        self._loops = [
            self._loop(self.tick, TICK_SECONDS),
            self._loop(self.look, DUE_SECONDS),
            self._loop(services.store.outbox.sweep, SWEEP_SECONDS),
        ]

    def start(self) -> None:
        """Begin the sweeps."""
        for loop, seconds in self._loops:
            loop.start(seconds, now=False)

    def stop(self) -> None:
        """End the sweeps."""
        for loop, _ in self._loops:
            if loop.running:
                loop.stop()

    def courier_of(self, link: Link) -> Courier:
        """Who carries the orders of a link; made with the first."""
        if link.courier is None:
            outbox = self._services.store.outbox
            link.courier = Courier(link, outbox, self.busy, self._reactor, self._clock)
            link.courier.stopped = self.stopped
        found: Courier = link.courier
        return found

    def wake(self, sn: str, is_door: bool = False) -> None:
        """An order was put for a terminal, which may be ours."""
        link = self._by_sn.get(sn)
        if link is not None and not self.stopped:
            self.courier_of(link).wake(is_door)

    def tick(self) -> None:
        """Give up on replies that take too long."""
        for link in list(self.busy):
            try:
                link.tick_command()
            except Exception:
                self._log.failure("our own mistake in a sweep")

    async def look(self) -> None:
        """Wake those whose orders are due, whether or not a wake-up reached us."""
        if self.stopped:
            return
        due = await self._services.store.outbox.due()
        gone = [sn for sn in due if sn not in self._by_sn]
        for sn in due:
            link = self._by_sn.get(sn)
            if link is not None and not self.courier_of(link).is_working:
                self.wake(sn)
        if gone:
            await self._services.store.outbox.not_ours(gone)

    def let_be(self, link: Link) -> None:
        """Take no more orders for this one: it is about to be let go."""
        self.courier_of(link).stopped = True

    def hold(self) -> None:
        """Take no more orders: what is in flight may end."""
        self.stopped = True
        for link in self._by_sn.values():
            if link.courier is not None:
                link.courier.stopped = True

    def _loop(self, act: Callable[[], Any], seconds: float) -> tuple[task.LoopingCall, float]:
        async def turn() -> None:
            """One round; the store may be away, then the next does it."""
            try:
                found = act()
                if found is not None:
                    await found
            except StoreError:
                return
            except Exception:
                self._log.failure("our own mistake in a sweep")

        loop = task.LoopingCall(lambda: Deferred.fromCoroutine(turn()))
        loop.clock = self._reactor
        return loop, seconds
