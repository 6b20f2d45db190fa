"""The terminals of this process: leases held and lost, heartbeats, wake-ups (design §3.1)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any, Final

from twisted.internet import task
from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from tfserver.commands.context import Services
from tfserver.errors import StoreError
from tfserver.gateway.catchup import CatchUp
from tfserver.gateway.challenge import Challenges
from tfserver.gateway.draining import Draining
from tfserver.gateway.enabling import Enabling
from tfserver.gateway.holding import cut_largest
from tfserver.gateway.link import Link
from tfserver.gateway.post import Post
from tfserver.gateway.refusing import AWAY
from tfserver.gateway.silence import Silences
from tfserver.gateway.stalls import Stalls
from tfserver.model import canonical_sn
from tfserver.store.terminals import Lease
from tfserver.wire.session import State

TICK_SECONDS: Final = 1.0
EXPIRE_SECONDS: Final = 0.1
BEAT_SECONDS: Final = 5.0
HEARD_SECONDS: Final = 10.0
LEASES_SECONDS: Final = 10.0
BURY_SECONDS: Final = 15.0
CATCH_UP_SECONDS: Final = 1.0
COMPARE_SECONDS: Final = 600.0
"""All leases are compared that often even if nothing seems to be missing: somebody may have deleted one."""
TELL_AGAIN_SECONDS: Final = 600.0
RELIEF_TOLD_SECONDS: Final = 60.0
MOST_TOLD: Final = 10_000
MOST_UNRELEASED: Final = 100_000
MOST_RELEASES: Final = 1000
"""Leases given back at once when there are many: those after them wait for these."""
_CLOSE_GOING_AWAY: Final = 1001
_CLOSE_POLICY: Final = 1008


class Fleet:
    """All links of a process; the newest admitted connection of a terminal wins, also across processes."""

    _log = Logger()

    def __init__(self, reactor: Any, services: Services, monotonic: Callable[[], float]) -> None:
        self.links: set[Link] = set()
        self.by_sn: dict[str, Link] = {}
        self.asking: set[Link] = set()
        """Links whose request is being answered."""
        self.stalls = Stalls(services.settings.limits)
        services.pressure.relieve = self.relieve
        self.post = Post(reactor, services, self.by_sn, monotonic)
        self.challenges = Challenges(monotonic)
        self.draining = Draining(reactor, self.links, self.asking, self.post)
        silences = Silences(services.store.terminals.models)
        who = (services, self.post, self.by_sn, silences, monotonic)
        self.catchup, self.enabling = CatchUp(*who, random.random), Enabling(*who)
        self._reactor = reactor
        self._services = services
        self._monotonic = monotonic
        self._heard_until = monotonic()
        self._compared_at = monotonic()
        self._told: dict[tuple[str, str], float] = {}
        self._unreleased: dict[tuple[str, str], None] = {}
        """Connection and serial number of each lease to be given back, oldest first."""
        self._wakes = 0
        self._is_renewed = False
        self._relieved_at = -RELIEF_TOLD_SECONDS
        self._loops = [
            self._loop(self.tick, TICK_SECONDS),
            self._loop(self.expire, EXPIRE_SECONDS),
            self._loop(self.beat, BEAT_SECONDS),
            self._loop(self.tell_heard, HEARD_SECONDS),
            self._loop(self.check_leases, LEASES_SECONDS),
            self._loop(self._services.store.terminals.bury, BURY_SECONDS),
            self._loop(self.catchup.sweep, CATCH_UP_SECONDS),
            self._loop(self.enabling.sweep, CATCH_UP_SECONDS),
            self._loop(self.challenges.sweep, TICK_SECONDS),
        ]

    async def start(self) -> None:
        """Announce this process and begin the sweeps."""
        await self._services.store.terminals.beat({})
        for loop, seconds in self._loops:
            loop.start(seconds, now=False)
        self.post.start()

    async def stop(self) -> None:
        """End the sweeps, give back what is held, and retire."""
        self.post.stop()
        for loop, _ in self._loops:
            if loop.running:
                loop.stop()
        try:
            await self.tell_heard()
            await self._services.store.terminals.retire()
        except StoreError as failed:
            self._log.warn("could not retire: {failed}", failed=failed)

    def add(self, link: Link) -> None:
        """A connection was made."""
        self.links.add(link)

    def registered(self, link: Link) -> None:
        """A terminal was admitted on this link. Of two links the one with the later lease stays: that is whom
        the store knows, whichever answer was ready first."""
        sn = canonical_sn(link.context.sn)
        self._unreleased.pop((link.context.connection, sn), None)
        other = self.by_sn.get(sn)
        if other is not None and other is not link:
            newest, older = sorted((link, other), key=lambda each: -each.context.leased)
            older.close(_CLOSE_POLICY, "a newer connection of this terminal took over")
            link = newest
        self.by_sn[sn] = link
        self._services.metrics.terminals = len(self.by_sn)
        if link.context.registration.orders_wait:
            self.post.wake(sn)
        if link is not other:
            self.catchup.registered(link)
            self.enabling.registered(link)

    def refused(self, link: Link, reason: str) -> None:
        """A terminal was not admitted, or not any more: its lease goes back. Logged once in a while: it comes
        again and again."""
        told = (canonical_sn(link.claimed_sn), reason)
        now = self._monotonic()
        # that the store was not in time is counted, and is no matter of this terminal
        if reason != AWAY.reason and now - self._told.get(told, -TELL_AGAIN_SECONDS) >= TELL_AGAIN_SECONDS:
            if len(self._told) >= MOST_TOLD:
                self._told.clear()
            self._told[told] = now
            who = {**link.context.about, "sn": link.claimed_sn}
            self._log.info("{sn} from {address} refused: {reason}", reason=reason, **who)
        self._drop(link)

    def forget(self, link: Link) -> None:
        """A link is over."""
        self.links.discard(link)
        self.stalls.forget(link)
        self.catchup.forget(link)
        self._drop(link)

    def _drop(self, link: Link) -> None:
        # a reg that ran into its deadline may have taken the lease all the same
        # under the name it says now, beside the one under which it was admitted last
        connection = link.context.connection
        for sn in dict.fromkeys((canonical_sn(link.context.sn), canonical_sn(link.claimed_sn))):
            if self.by_sn.get(sn) is link:
                del self.by_sn[sn]
                self._services.metrics.terminals = len(self.by_sn)
            if sn and len(self._unreleased) < MOST_UNRELEASED:
                self._unreleased[connection, sn] = None
                # when thousands go at once, those who come in the same moment wait for the store as well
                if self._services.pressure.registering()[0] < MOST_RELEASES:
                    self._run(self._release(connection, sn))

    async def _release(self, connection: str, sn: str) -> None:
        """Compared by connection id in the store, so a newer connection keeps what it has."""
        await self._services.store.terminals.release(sn, connection)
        self._unreleased.pop((connection, sn), None)

    def relieve(self, count: int) -> None:
        """Memory is short by so many bytes: those that hold most of it go."""
        freed, now = cut_largest(self.links, count), self._monotonic()
        # it is looked for several times a second, also when connections hold nothing that could be let go
        if freed or now - self._relieved_at >= RELIEF_TOLD_SECONDS:
            self._relieved_at = now
            told = "memory is short by {count} bytes: let go of {freed} that connections held"
            self._log.warn(told, count=count, freed=freed)

    def tick(self) -> None:
        """Ping the silent, end what leads nowhere: one sweep in place of timers for each connection."""
        self.stalls.sweep(self._monotonic())
        quiet_since = self._monotonic() - self._services.settings.terminals.ping_seconds
        for link in list(self.links):
            if link.heard_at > quiet_since and link.session.state is State.REGISTERED:
                continue
            try:
                link.tick()
            except Exception:
                self._log.failure("our own mistake in a sweep")

    def expire(self) -> None:
        """Give up answers that take too long."""
        now = self._monotonic()
        for link in list(self.asking):
            try:
                link.expire(now)
            except Exception:
                self._log.failure("our own mistake in a sweep")

    def renew(self) -> None:
        """The store failed over: what it kept last may be gone. Terminals are asked again for what they
        pushed, and orders that it may not know to have been sent are ended with the next heartbeat."""
        self._is_renewed = True
        self.catchup.renew()

    async def beat(self) -> None:
        """Tell that this process lives; try again to give back what is still held."""
        await self._services.store.terminals.beat({})
        if self._is_renewed:
            await self._services.store.outbox.end_doubtful()
            self._is_renewed = False
        await self._release_all()

    async def _release_all(self) -> None:
        rest = list(self._unreleased)
        for start in range(0, len(rest), MOST_RELEASES):
            # One that registers again on its connection has the lease that it asks for now; some began to
            # while those before were given back.
            asking = {link.context.connection for link in self.asking}
            part = [
                one
                for one in rest[start:][:MOST_RELEASES]
                if one in self._unreleased and one[0] not in asking
            ]
            await DeferredList([self._run(self._release(connection, sn)) for connection, sn in part])

    async def tell_heard(self) -> None:
        """Tell whom this process heard since it told last; if that fails, all of it again the next time."""
        now = self._monotonic()
        ahead = self._services.present.read().ms - now * 1000
        since = self._heard_until
        heard = {sn: link.heard_at for sn, link in self.by_sn.items() if link.heard_at >= since}
        await self._services.store.terminals.beat({sn: round(at * 1000 + ahead) for sn, at in heard.items()})
        self._heard_until = now

    async def check_leases(self) -> None:
        """Close what was taken over or disapproved, whether or not a wake-up reached us: what was noted for
        this process, and after the store was away also what a comparison of all leases finds."""
        terminals = self._services.store.terminals
        more = True
        while more:
            losses = await terminals.losses()
            self._close_lost(losses.leases)
            await terminals.dealt_with(losses.leases)
            more = losses.more
        now = self._monotonic()
        if not losses.whole or now - self._compared_at >= COMPARE_SECONDS:
            held = [Lease(sn, link.context.connection) for sn, link in self.by_sn.items()]
            self._close_lost(await terminals.lost_leases(held))
            await terminals.compared(losses.mark)
            self._compared_at = now

    def _close_lost(self, leases: list[Lease]) -> None:
        # taken over already while its own reg is still being answered: then it is not in by_sn yet
        asking = {link.context.connection: link for link in self.asking} if leases else {}
        for sn, connection in leases:
            link = self.by_sn.get(sn)
            if link is None or link.context.connection != connection:
                link = asking.get(connection)
            if link is not None:
                link.close(_CLOSE_POLICY, "the lease of this connection is gone")

    async def _look(self) -> None:
        """Many wake-ups while leases are checked are one check more."""
        self._wakes += 1
        if self._wakes > 1:
            return
        try:
            seen = 0
            while seen != self._wakes:
                seen = self._wakes
                await self.check_leases()
        finally:
            self._wakes = 0

    def woken(self, _channel: str, message: str) -> None:
        """Another process did something that concerns a terminal: look at what holds now."""
        what, _, sn = message.partition(" ")
        if what in ("order", "door"):
            self.post.wake(sn, what == "door")
            return
        link = self.by_sn.get(sn)
        if what in ("admission", "again"):
            self._close_refused(sn)
        if what == "held" and link is not None:
            self.challenges.challenge(link)
        if what == "lease" or (what == "admission" and link is not None):
            self._run(self._look())
        elif link is not None and what == "change":
            self._run(self._reread(link))

    def _close_refused(self, sn: str) -> None:
        """Somebody decided, or a twin is gone: refused connections of that terminal come again at once."""
        for link in list(self.links):
            if not link.is_registered and canonical_sn(link.claimed_sn) == sn:
                link.close(_CLOSE_GOING_AWAY, "register again")

    async def _reread(self, link: Link) -> None:
        link.context.settle(await self._services.store.terminals.decided(link.context.sn))

    async def drain(self, patience: float, spread: float = 0.0) -> None:
        """Let all terminals go over ``spread`` seconds, and give back what they held. What is in flight then
        gets ``patience`` seconds more."""
        self.catchup.end()
        await self.draining.run(patience, spread)
        await self._release_all()

    def _loop(self, act: Callable[[], Any], seconds: float) -> tuple[task.LoopingCall, float]:
        def turn() -> Any:
            """One round of the sweep."""
            found = act()
            return None if found is None else self._run(found)

        loop = task.LoopingCall(turn)
        loop.clock = self._reactor
        return loop, seconds

    def _run(self, coroutine: Any) -> Deferred[Any]:
        """The store is away: the next sweep does it. Anything else is our own mistake."""
        running: Deferred[Any] = Deferred.fromCoroutine(coroutine)
        running.addErrback(lambda failure: failure.trap(StoreError) and None)
        running.addErrback(lambda failure: self._log.failure("our own mistake", failure=failure))
        return running


def host_and_port(listening: Iterable[Any]) -> list[str]:
    """Where ports really listen, for people: ``0.0.0.0:7788``."""
    hosts = (port.getHost() for port in listening)
    return [f"{host.host}:{host.port}" if hasattr(host, "port") else str(host.name) for host in hosts]
