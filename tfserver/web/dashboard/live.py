"""All open pages, told of what changes from one look at the feeds: pages that look alike share what was made.

A dashboard must cost terminals nothing: looks are bounded however much happens, rows are made once for all
who see them, and while the process is pressed nobody is told anything but that something was missed.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from http import HTTPStatus
from typing import Any, Final, NamedTuple, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.web.server import Request

from tfserver.errors import Gone, StoreError
from tfserver.model import Terminal, canonical_sn
from tfserver.store.events import Ends, is_behind
from tfserver.web.dashboard.calls import Calls
from tfserver.web.dashboard.happened import PAGE, SHOWN, Happened, LivePunch, Seen
from tfserver.web.dashboard.names import Names, names_of
from tfserver.web.dashboard.onlooker import AWAY, Onlooker, event
from tfserver.web.dashboard.roll import Roll
from tfserver.web.dashboard.turns import Turns
from tfserver.web.problem import Problem
from tfserver.web.sites import Sites
from tfserver.web.sources import Sources
from tfserver.web.standing import STANDING_SECONDS, Standing

MOST_PAGES: Final = 500
MOST_OF_ONE: Final = 250
"""Of one account or token: a wall of screens, but not all there are."""
LOOK_SECONDS: Final = 0.1
MOST_LOOK_SECONDS: Final = 1.0
FLOOD_SECONDS: Final = 1.0
"""Between looks while walls don't show all that comes anyway."""
FLOOD: Final = SHOWN / LOOK_SECONDS
"""So many punches a second are one."""
SHARE: Final = 0.03
"""Of the process's time that telling may take: with many pages and much to tell, looks are further apart."""
ROWS_SECONDS: Final = 1.0
"""How often rows of terminals are made anew; punches do not wait for that."""
ROWS_A_LOOK: Final = 50
MOST_BEFORE: Final = 50
"""Looks that are remembered for pages that were made before them and come after: five seconds in a rush."""


T = TypeVar("T")


class Look(NamedTuple):
    """What was seen at one look, and where the feeds ended then."""

    ends: Ends
    seen: Seen


class Live:
    """Everybody who looks at a page in this process."""

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        sources: Sources,
        roll: Roll,
        monotonic: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._reactor = reactor
        self._sources = sources
        self._roll = roll
        self._pages: set[Onlooker] = set()
        self._is_looking = False
        self._is_away = False
        """Whether the store was at the last look."""
        self._is_flood = False
        """Whether more came before the last look than walls show."""
        self._wait = LOOK_SECONDS
        """Seconds between the last two looks."""
        self._turns = Turns(reactor, monotonic)
        self._happened = Happened(sources)
        self._changed: dict[str, None] = {}
        """Terminals whose rows have to be made anew, oldest first."""
        self._rows_at = self._standing_at = 0.0
        self._calls = {has_one: Calls(reactor.seconds) for has_one in (False, True)}
        """Pages of one terminal do not wait for all the lists."""
        self._before: deque[Look] = deque(maxlen=MOST_BEFORE)
        """The last looks at which something was seen."""

    async def place(self) -> str:
        """Where the feeds end, for a page that is made now and says so when it joins; empty: not known."""
        try:
            ends = self._happened.ends if self._is_looking else await self._sources.events.ends()
        except StoreError:
            return ""
        return f"{ends.punches}.{ends.events}"

    async def join(self, request: Request, page: Onlooker, since: Ends | None) -> None:
        """Tell this page what happens from now on, or from where it was made; Problem 429 when there are too
        many."""
        mine = sum(each.opened.who.id == page.opened.who.id for each in self._pages)
        if len(self._pages) >= MOST_PAGES or mine >= MOST_OF_ONE:
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "too many open pages in this process")
        if not self._is_looking:
            self._before.clear()
            await self._happened.begin(since)
        self._pages.add(page)
        self._sources.metrics.pages = len(self._pages)
        request.notifyFinish().addBoth(lambda _: self._forget(page))
        page.begin()
        if since is not None and self._has_missed(page, since):
            self._calls_of(page).miss(page)
        if not self._is_looking:
            self._is_looking = True
            self._look_later()

    def _has_missed(self, page: Onlooker, since: Ends) -> bool:
        """Whether something that it shows happened after it was made and before it joined; what is longer ago
        than is remembered counts as such."""
        if not is_behind(since, self._happened.ends):
            return False
        if len(self._before) < MOST_BEFORE or not is_behind(since, self._before[0].ends):
            return any(is_behind(since, look.ends) and page.is_shown(look.seen) for look in self._before)
        return True

    def _forget(self, page: Onlooker) -> None:
        page.is_over = True
        self._pages.discard(page)
        self._calls_of(page).forget(page)
        self._sources.metrics.pages = len(self._pages)

    def _look_later(self) -> None:
        least = FLOOD_SECONDS if self._is_flood else LOOK_SECONDS
        self._wait = min(max(least, self._turns.spent / SHARE), MOST_LOOK_SECONDS)
        self._reactor.callLater(self._wait, lambda: Deferred.fromCoroutine(self._look()))

    async def _look(self) -> None:
        self._turns.spent = 0.0
        try:
            if self._sources.draining():
                self._end(self._pages)
            await self._check_standing()
            if not self._sources.pressure.is_high:
                await self._tell()
                for calls in self._calls.values():
                    calls.tell()
        except StoreError:
            # it may come back: until then nobody is to take what stands there for what is now
            self._tell_away()
        except Exception:
            self._log.failure("our own mistake while telling open pages")
        for page in list(self._pages):
            page.keep_alive()
        self._is_looking = bool(self._pages)
        if self._is_looking:
            self._look_later()

    async def _tell(self) -> None:
        try:
            seen = await self._happened.next()
        except Gone:
            await self._happened.begin()
            seen = Seen((), (), True)
        if seen.punches or seen.events:
            self._before.append(Look(self._happened.ends, seen))
        was_away, self._is_away = self._is_away, False
        if seen.is_cut or was_away:
            self._miss(self._pages)
        # before anybody is told: pages load themselves anew by that
        self._roll.note(seen.terminals)
        self._is_flood = len(seen.punches) > min(FLOOD * self._wait, PAGE - 1)
        if seen.punches:
            await self._tell_wall(seen.punches, await self._names(seen.punches))
        if seen.is_flood:
            # theirs may be among those between the first and the newest
            self._miss(page for page in self._pages if page.is_narrow)
        await self._tell_hints(seen)
        watched = frozenset().union(*(page.topics.rows for page in self._pages))
        sns = (canonical_sn(sn) for sn in (*seen.terminals, *(punch.sn for punch in seen.punches)))
        self._changed.update(dict.fromkeys(sn for sn in sns if sn in watched))
        if self._changed and self._reactor.seconds() - self._rows_at >= ROWS_SECONDS:
            self._rows_at = self._reactor.seconds()
            await self._tell_rows()

    async def _names(self, punches: Sequence[LivePunch]) -> Names:
        """Of those who punched and where, when somebody looks."""
        if not any(page.topics.has_wall for page in self._pages):
            return Names()
        people, terminals = (punch.enrollid for punch in punches), (punch.sn for punch in punches)
        return await names_of(self._sources, (), people, terminals)

    async def _tell_each(
        self,
        alike: Callable[[Onlooker], Hashable | None],
        make: Callable[[Onlooker], Awaitable[T]],
        tell: Callable[[Onlooker, T], None],
    ) -> None:
        """What is made once for all pages that are ``alike`` (None: it is not for them), in turns, so that no
        terminal waits until all are told."""
        chunks: dict[Hashable, T] = {}
        self._turns.begin()
        for page in list(self._pages):
            key = alike(page)
            if key is None or self._calls_of(page).misses(page):
                continue
            if key not in chunks:
                chunks[key] = await make(page)
            if chunks[key]:
                tell(page, chunks[key])
            await self._turns.rest()
        self._turns.end()

    async def _tell_wall(self, punches: Sequence[LivePunch], names: Names) -> None:
        """New punches, oldest first: the newest of those that each page shows."""

        def alike(page: Onlooker) -> Hashable | None:
            """Rows are the same in one language, for the same sites and terminals."""
            topics = page.topics
            return (page.alike, topics.of, topics.site) if topics.has_wall else None

        async def made(page: Onlooker) -> bytes:
            """The rows of those that it shows."""
            known = names.within(page.opened.who.sites)
            rows = []
            its = [each for each in punches if page.topics.shows(each.sn, each.site) and page.sees(each.site)]
            for punch in its[-SHOWN:]:
                rows.append(page.screen.piece("punches/row.html", "row", punch, known))
                await self._turns.rest()
            return event("punches", rows) if rows else b""

        await self._tell_each(alike, made, Onlooker.tell)

    async def _tell_hints(self, seen: Seen) -> None:
        """Kinds of what happened, for pages that load themselves anew."""
        found = seen.kinds()
        sites = await self._sites_of({sn for _, sn in found})

        def alike(page: Onlooker) -> Hashable | None:
            """What it wants to know of, and may."""
            return page.topics.hints, page.topics.of, page.opened.who.sites

        async def made(page: Onlooker) -> frozenset[str]:
            """Those kinds."""
            return frozenset(
                kind for kind, sn in found if page.topics.wants(kind, sn) and page.sees(sites.get(sn, ""))
            )

        if found:
            await self._tell_each(alike, made, lambda page, kinds: self._calls_of(page).hint(page, kinds))

    async def _sites_of(self, sns: Iterable[str]) -> dict[str, str]:
        """Where terminals are; only who is bound to sites needs to know."""
        is_wanted = any(page.topics.hints and page.opened.who.sites for page in self._pages)
        return await Sites(self._sources.terminals).learn(sns) if is_wanted else {}

    async def _tell_rows(self) -> None:
        sns = [*self._changed][:ROWS_A_LOOK]
        for sn in sns:
            del self._changed[sn]
        rows = {canonical_sn(each.sn): each for each in await self._sources.terminals.these(sns)}
        known: dict[tuple[object, str], str] = {}

        def alike(page: Onlooker) -> Hashable | None:
            """Which of them it shows, to whom."""
            shown = page.topics.rows.intersection(rows)
            return (page.alike, shown) if shown else None

        async def made(page: Onlooker) -> bytes:
            """Those that it shows."""
            mine = []
            for sn, each in rows.items():
                if sn in page.topics.rows and page.sees(each.site):
                    mine.append(self._row(page, each, known))
                    await self._turns.rest()
            return event("rows", mine) if mine else b""

        await self._tell_each(alike, made, Onlooker.tell)

    def _row(self, page: Onlooker, terminal: Terminal, made: dict[tuple[object, str], str]) -> str:
        alike = (page.alike, terminal.sn)
        if alike not in made:
            made[alike] = page.screen.at(self._reactor.seconds()).piece("fleet/row.html", "row", terminal)
        return made[alike]

    async def _check_standing(self) -> None:
        """End the pages of those who may not look as they did any more."""
        now = self._reactor.seconds()
        if now - self._standing_at < STANDING_SECONDS:
            return
        self._standing_at = now
        standing = Standing(self._sources)
        # of one session some pages may be from before somebody may see less
        for who, digest in {(page.opened.who, page.opened.digest) for page in self._pages}:
            if not await standing.holds(who, digest):
                same = [page for page in self._pages if page.opened.digest == digest]
                self._end(page for page in same if page.opened.who == who)

    def _tell_away(self) -> None:
        """Once: pages that come while the store is away are let in by nobody."""
        if not self._is_away:
            self._is_away = True
            self._tell_all(self._pages, AWAY)

    def _calls_of(self, page: Onlooker) -> Calls:
        return self._calls[bool(page.topics.of)]

    def _miss(self, pages: Iterable[Onlooker]) -> None:
        for page in pages:
            self._calls_of(page).miss(page)

    def _tell_all(self, pages: Iterable[Onlooker], chunk: bytes) -> None:
        for page in pages:
            page.tell(chunk)

    def _end(self, pages: Iterable[Onlooker]) -> None:
        for page in list(pages):
            page.end()
