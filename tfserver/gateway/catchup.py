"""Terminals are asked for what they did not push: some time after their ``reg``, and then again and again.

One sweep for all of them: a storm of ten thousand registrations costs a place in a list each.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from tfserver.commands.context import Services
from tfserver.errors import StoreError
from tfserver.gateway.link import Link
from tfserver.gateway.post import Post
from tfserver.gateway.silence import Silences
from tfserver.gateway.tally import Tally
from tfserver.gateway.visit import Visit, Visited
from tfserver.gateway.wheel import Wheel
from tfserver.model import canonical_sn

PATIENCE_SECONDS: Final = 300.0
"""A terminal that pushes on and on is asked all the same after this long."""
LONG_SECONDS: Final = 900.0
"""Whoever takes longer than this for its pages takes no room of the others any more."""
REST_SECONDS: Final = 10.0
"""After the store was away nobody is asked for this long."""
SPREAD: Final = 0.2
"""By so much of their distance visits are shifted, so that terminals that came together spread."""
SPARE: Final = 1000
"""So many links that are gone may wait beside those that live."""


class CatchUp:
    """Visits the terminals of ``by_sn``, a few at a time. ``chance`` gives numbers from 0 to 1."""

    _log = Logger()

    def __init__(
        self,
        services: Services,
        post: Post,
        by_sn: dict[str, Link],
        silences: Silences,
        clock: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        self._services = services
        self._settings = services.settings.catchup
        self._post = post
        self._by_sn = by_sn
        self._silences = silences
        self._clock = clock
        self._chance = chance
        self._known: set[Link] = set()
        """Those whose turn comes some time, or is now: each has one."""
        self._wheel = Wheel(clock())
        self._ready: deque[Link] = deque()
        self._looked_at: set[Link] = set()
        self._visits: dict[Visit, float] = {}
        """Each with when it began."""
        self._patience: dict[Link, float] = {}
        """Until when those that still push are left alone."""
        self._again: set[Link] = set()
        """Those that were being asked when the store failed over: once more, soon."""
        self._rests_until = clock()
        self._tally = Tally(services, by_sn, clock)

    def registered(self, link: Link) -> None:
        """A terminal was admitted; firmware may say ``reg`` again and again on one connection."""
        if self._settings.enabled and link not in self._known:
            self._known.add(link)
            self._wheel.add(link, self._clock() + self._settings.after_seconds)

    def forget(self, link: Link) -> None:
        """A connection is over."""
        self._silences.forget(link)
        self._known.discard(link)
        self._again.discard(link)
        self._patience.pop(link, None)

    def renew(self) -> None:
        """The store may have lost what terminals pushed last: all are asked again, soon."""
        now = self._clock()
        self._again = self._looked_at | {visit.link for visit in self._visits}
        self._ready.clear()
        self._wheel = Wheel(now)
        # whoever pushes on and on has waited long enough
        self._patience = dict.fromkeys(self._known, now)
        for link in self._known - self._again:
            self._wheel.add(link, now + self._settings.after_seconds * (1 + self._chance()))

    def end(self) -> None:
        """Begin no more visits: the process is about to end."""
        self._rests_until = math.inf

    def sweep(self) -> None:
        """Visit whose turn has come, as far as there is room."""
        now = self._clock()
        self._tally.sweep()
        self._ready.extend(self._wheel.due(now))
        for visit in [visit for visit in self._visits if visit.is_stuck]:
            visit.end(Visited.GONE if visit.link.closing else Visited.STORE_AWAY)
        self._wheel.keep(self._known.__contains__, 2 * len(self._known) + SPARE)
        if len(self._ready) > 2 * len(self._known) + SPARE:
            self._ready = deque(filter(self._known.__contains__, self._ready))
        while self._ready and self._has_room(now):
            link = self._ready.popleft()
            if self._is_ours(link):
                self._begin(link)
            else:
                self._known.discard(link)

    def _has_room(self, now: float) -> bool:
        if self._post.stopped or now < self._rests_until:
            return False
        visited = sum(now - began < LONG_SECONDS for began in self._visits.values())
        return visited + len(self._looked_at) < self._settings.at_once

    def _is_ours(self, link: Link) -> bool:
        return not link.closing and self._by_sn.get(canonical_sn(link.context.sn)) is link

    def _begin(self, link: Link) -> None:
        self._looked_at.add(link)
        looking = Deferred.fromCoroutine(self._look(link))
        looking.addErrback(self._mistaken, link)
        looking.addBoth(lambda _: self._looked_at.discard(link))

    def _mistaken(self, failure: Failure, link: Link) -> None:
        self._log.failure("our own mistake", failure=failure)
        self._wheel.add(link, self._clock() + self._settings.every_seconds)

    async def _look(self, link: Link) -> None:
        """Visit a terminal that is at rest: it neither pushes nor carries out orders."""
        now, after = self._clock(), self._settings.after_seconds
        courier = self._post.courier_of(link)
        try:
            pushing = await self._pushes_for(link)
        except StoreError:
            self._rest(link)
            return
        if not self._is_ours(link):
            self._known.discard(link)
        elif courier.is_working:
            self._wheel.add(link, now + after)
        elif pushing > 0 and now < self._patience.setdefault(link, now + PATIENCE_SECONDS):
            self._wheel.add(link, now + pushing)
        else:
            self._patience.pop(link, None)
            visit = Visit(courier, self._silences, self._over)
            self._visits[visit] = now
            visit.begin()

    async def _pushes_for(self, link: Link) -> float:
        """Seconds for which a terminal still counts as one that pushes."""
        known = await self._services.store.terminals.proof(link.context.sn)
        if known.pushed_ms is None:
            return 0.0
        since = (self._services.present.read().ms - known.pushed_ms) / 1000
        after = self._settings.after_seconds
        return after - since if 0 <= since < after else 0.0

    def _over(self, visit: Visit, why: Visited) -> None:
        self._visits.pop(visit, None)
        if why is Visited.STORE_AWAY:
            self._rest(visit.link)
        elif why is Visited.NOT_NOW:
            self._wheel.add(visit.link, self._clock() + self._settings.after_seconds)
        elif why is Visited.GONE:
            self._known.discard(visit.link)
        else:
            self._services.metrics.catchup[why.value] += 1
            shift = SPREAD * (self._chance() - 0.5)
            wait = self._settings.every_seconds * (1 + shift)
            if visit.link in self._again:
                self._again.discard(visit.link)
                wait = self._settings.after_seconds
            self._wheel.add(visit.link, self._clock() + wait)

    def _rest(self, link: Link) -> None:
        """The store is away: nobody is asked for a while, and this terminal later."""
        now = self._clock()
        self._rests_until = max(self._rests_until, now + REST_SECONDS)
        self._wheel.add(link, now + REST_SECONDS)
