"""The terminals of this process: leases held and lost, heartbeats, wake-ups (design §3.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from twisted.internet import task
from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from tfserver.commands.context import Services
from tfserver.errors import StoreError
from tfserver.gateway.link import Link
from tfserver.model import canonical_sn

TICK_SECONDS: Final = 1.0
EXPIRE_SECONDS: Final = 0.1
BEAT_SECONDS: Final = 5.0
LEASES_SECONDS: Final = 10.0
TELL_AGAIN_SECONDS: Final = 600.0
MOST_TOLD: Final = 10_000
MOST_UNRELEASED: Final = 100_000
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
        self._reactor = reactor
        self._services = services
        self._monotonic = monotonic
        self._beaten: dict[str, float] = {}
        self._told: dict[tuple[str, str], float] = {}
        self._unreleased: dict[str, str] = {}
        self._loops = [
            self._loop(self.tick, TICK_SECONDS),
            self._loop(self.expire, EXPIRE_SECONDS),
            self._loop(self.beat, BEAT_SECONDS),
            self._loop(self.check_leases, LEASES_SECONDS),
        ]

    async def start(self) -> None:
        """Announce this process and begin the sweeps."""
        await self._services.store.terminals.beat({})
        for loop, seconds in self._loops:
            loop.start(seconds, now=False)

    async def stop(self) -> None:
        """End the sweeps, give back what is held, and retire."""
        for loop, _ in self._loops:
            if loop.running:
                loop.stop()
        try:
            await self.beat()
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
        self._unreleased.pop(link.context.connection, None)
        other = self.by_sn.get(sn)
        if other is not None and other is not link:
            newest, older = sorted((link, other), key=lambda each: -each.context.leased)
            older.close(_CLOSE_POLICY, "a newer connection of this terminal took over")
            link = newest
        self.by_sn[sn] = link
        self._services.metrics.terminals = len(self.by_sn)

    def refused(self, link: Link, reason: str) -> None:
        """A terminal was not admitted, or not any more: its lease goes back. Logged once in a while: it comes
        again and again."""
        told = (canonical_sn(link.claimed_sn), reason)
        now = self._monotonic()
        if now - self._told.get(told, -TELL_AGAIN_SECONDS) >= TELL_AGAIN_SECONDS:
            if len(self._told) >= MOST_TOLD:
                self._told.clear()
            self._told[told] = now
            who = {"sn": link.claimed_sn, "address": link.context.address}
            self._log.info("{sn} from {address} refused: {reason}", reason=reason, **who)
        self._drop(link)

    def forget(self, link: Link) -> None:
        """A link is over."""
        self.links.discard(link)
        self._drop(link)

    def _drop(self, link: Link) -> None:
        # a reg that ran into its deadline may have taken the lease all the same
        sn = canonical_sn(link.context.sn or link.claimed_sn)
        if self.by_sn.get(sn) is link:
            del self.by_sn[sn]
            self._services.metrics.terminals = len(self.by_sn)
        if sn and len(self._unreleased) < MOST_UNRELEASED:
            self._unreleased[link.context.connection] = sn
            self._run(self._release(link.context.connection, sn))

    async def _release(self, connection: str, sn: str) -> None:
        """Compared by connection id in the store, so a newer connection keeps what it has."""
        await self._services.store.terminals.release(sn, connection)
        self._unreleased.pop(connection, None)

    def tick(self) -> None:
        """Ping the silent, end what leads nowhere: one sweep in place of timers for each connection."""
        for link in list(self.links):
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

    async def beat(self) -> None:
        """Tell that this process lives and whom it heard; try again to give back what is still held."""
        heard = {sn: link.heard_at for sn, link in self.by_sn.items()}
        ahead = self._services.now().timestamp() - self._monotonic()
        news = {sn: round((at + ahead) * 1000) for sn, at in heard.items() if self._beaten.get(sn) != at}
        await self._services.store.terminals.beat(news)
        self._beaten = heard
        for connection, sn in list(self._unreleased.items()):
            if connection in self._unreleased:  # registered again meanwhile?
                await self._release(connection, sn)

    async def check_leases(self) -> None:
        """Close what was taken over or disapproved without a wake-up reaching us."""
        held = [(sn, link.context.connection) for sn, link in self.by_sn.items()]
        lost = set(await self._services.store.terminals.lost_leases(held)) if held else set()
        for link in [link for link in self.by_sn.values() if link.context.connection in lost]:
            link.close(_CLOSE_POLICY, "the lease of this connection is gone")

    def woken(self, _channel: str, message: str) -> None:
        """Another process did something that concerns a terminal: look at what holds now."""
        what, _, sn = message.partition(" ")
        link = self.by_sn.get(sn)
        if what == "admission":
            self._close_refused(sn)
        if link is not None and what in ("lease", "admission"):
            self._run(self.check_leases())
        elif link is not None and what == "change":
            self._run(self._reread(link))

    def _close_refused(self, sn: str) -> None:
        """A decision was taken: refused connections of that terminal come again at once."""
        for link in list(self.links):
            if not link.is_registered and canonical_sn(link.claimed_sn) == sn:
                link.close(_CLOSE_GOING_AWAY, "register again")

    async def _reread(self, link: Link) -> None:
        site, timezone, profile = await self._services.store.terminals.settings(link.context.sn)
        link.context.settle(site, timezone, profile)

    async def drain(self, seconds: float) -> None:
        """Let answers that are under way go out, then close every connection."""
        deadline = self._reactor.seconds() + seconds
        while self.asking and self._reactor.seconds() < deadline:
            await task.deferLater(self._reactor, 0.02)
        for link in list(self.links):
            link.close(_CLOSE_GOING_AWAY, "server is going away")
        closing = self._reactor.seconds() + 2.0
        while self.links and self._reactor.seconds() < min(closing, deadline + 2.0):
            await task.deferLater(self._reactor, 0.02)
        for link in list(self.links):
            link.abort()
        await DeferredList(
            [self._swallowed(self._release(c, sn)) for c, sn in list(self._unreleased.items())]
        )

    def _loop(self, act: Callable[[], Any], seconds: float) -> tuple[task.LoopingCall, float]:
        def turn() -> Any:
            found = act()
            return None if found is None else self._swallowed(found)

        loop = task.LoopingCall(turn)
        loop.clock = self._reactor
        return loop, seconds

    def _run(self, coroutine: Any) -> None:
        self._swallowed(coroutine)

    def _swallowed(self, coroutine: Any) -> Deferred[Any]:
        """The store is away: the next sweep does it. Anything else is our own mistake."""
        running: Deferred[Any] = Deferred.fromCoroutine(coroutine)
        running.addErrback(lambda failure: failure.trap(StoreError) and None)
        running.addErrback(lambda failure: self._log.failure("our own mistake", failure=failure))
        return running


def host_and_port(listening: Iterable[Any]) -> list[str]:
    """Where ports really listen, for people: ``0.0.0.0:7788``."""
    hosts = (port.getHost() for port in listening)
    return [f"{host.host}:{host.port}" if hasattr(host, "port") else str(host.name) for host in hosts]
