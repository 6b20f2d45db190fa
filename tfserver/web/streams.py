"""All who watch, told from one look at the store: whoever stands at the same place shares what was read."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import msgspec
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.web.server import Request

from tfserver.errors import Gone, StoreError
from tfserver.store.events import Ends
from tfserver.store.principals import Principal
from tfserver.web.problem import Problem
from tfserver.web.sites import Sites
from tfserver.web.sources import Sources
from tfserver.web.standing import STANDING_SECONDS, Standing
from tfserver.web.watcher import Item, View, Watcher

MOST_STREAMS: Final = 100
MOST_OF_ONE: Final = 50
"""Of one token or account, its sessions together: so that nobody alone keeps all others from watching."""
LOOK_SECONDS: Final = 0.25
PAGE: Final = 100
MOST_ROUNDS: Final = 20
"""Pages in a row for those who catch up, before the others are looked after again."""
PUNCH: Final = "punch"
KINDS: Final = (PUNCH, "terminal", "command", "sync", "enrolment")


class _Site(msgspec.Struct):
    """Where a punch was made."""

    site: str = ""


class _Terminal(msgspec.Struct):
    """Whom an event is about."""

    sn: str = ""


class _Round:
    """What was read of the feeds in one round, once for all who stand at the same place."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._punches: dict[str, list[tuple[str, str]]] = {}
        self._events: dict[str, Any] = {}
        self._sites = Sites(sources.terminals)
        self.is_full = False
        """Whether there was a page behind which there may be more."""

    async def items(self, view: View) -> list[Item]:
        """What is behind a view's ends, punches first."""
        punches = await self._new_punches(view) if PUNCH in view.wanted else []
        events = await self._new_events(view, punches[-1].ends if punches else view.ends)
        return punches + events

    async def _new_punches(self, view: View) -> list[Item]:
        after = view.ends.punches
        if after not in self._punches:
            self._punches[after] = await self._sources.feed.page(after, PAGE)
            self.is_full |= len(self._punches[after]) == PAGE
        return [
            Item(Ends(place, view.ends.events), PUNCH, f'{{"id":"{place}",{text[1:]}', _site(view, text))
            for place, text in self._punches[after]
        ]

    async def _new_events(self, view: View, ends: Ends) -> list[Item]:
        after = view.ends.events
        if after not in self._events:
            self._events[after] = await self._sources.events.page(after, PAGE)
            self.is_full |= len(self._events[after]) == PAGE
        found = self._events[after]
        # only who is bound to sites needs to know where a terminal is
        sns = [_sn(event.text) if view.sites else "" for event in found]
        sites = await self._sites.learn(sns)
        return [
            Item(Ends(ends.punches, event.place), event.kind, event.text, sites[sn])
            for event, sn in zip(found, sns, strict=True)
        ]


class Streams:
    """Everybody who watches in this process."""

    _log = Logger()

    def __init__(self, reactor: Any, sources: Sources) -> None:
        self._reactor = reactor
        self._sources = sources
        self._watchers: set[Watcher] = set()
        self._looking = LoopingCall(self._look)
        self._looking.clock = reactor
        self._standing_at = 0.0

    def join(self, request: Request, who: Principal, session: str, view: View) -> None:
        """Tell this request what happens from now on; Problem 429 when too many watch. ``session`` is the
        hash of the one it came by, empty without one."""
        if len(self._watchers) >= MOST_STREAMS:
            told = f"too many streams: {MOST_STREAMS} at a time in this process"
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, told)
        if sum(watcher.who.id == who.id for watcher in self._watchers) >= MOST_OF_ONE:
            told = f"too many streams: {MOST_OF_ONE} of one {who.kind.value} at a time in this process"
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, told)
        watcher = Watcher(request, who, session, view, self._reactor.seconds)
        self._watchers.add(watcher)
        self._sources.metrics.streams = len(self._watchers)
        request.notifyFinish().addBoth(lambda _: self._forget(watcher))
        watcher.begin()
        if not self._looking.running:
            self._looking.start(LOOK_SECONDS, now=False)

    def _forget(self, watcher: Watcher) -> None:
        watcher.is_over = True
        self._watchers.discard(watcher)
        self._sources.metrics.streams = len(self._watchers)

    async def _look(self) -> None:
        try:
            if self._sources.draining():
                self._end(self._watchers)
            await self._check_standing()
            for _ in range(MOST_ROUNDS):
                if not await self._round():
                    break
        except StoreError:
            # it may come back; whoever watches stays where it is
            pass
        except Exception:
            self._log.failure("our own mistake while telling those who watch")
        for watcher in list(self._watchers):
            watcher.keep_alive()
        if not self._watchers:
            # here and nowhere else: a look that is under way would go on beside the next
            self._looking.stop()

    async def _round(self) -> bool:
        """Tell everybody a page of what is new; whether there may be more."""
        views: dict[View, list[Watcher]] = {}
        for watcher in self._watchers:
            if watcher.takes:
                views.setdefault(watcher.view, []).append(watcher)
        reading = _Round(self._sources)
        for view, watchers in views.items():
            try:
                items = await reading.items(view)
            except Gone:
                # coming again with the last id it learns that it missed something
                self._end(watchers)
                continue
            if items:
                chunk = view.chunk(items)
                for watcher in watchers:
                    if watcher.takes:
                        watcher.tell(items[-1].ends, chunk)
        return reading.is_full

    async def _check_standing(self) -> None:
        """End the streams of those who may not do any more what they could when they came."""
        now = self._reactor.seconds()
        if now - self._standing_at < STANDING_SECONDS:
            return
        self._standing_at = now
        standing = Standing(self._sources)
        for who, session in {(watcher.who, watcher.session) for watcher in self._watchers}:
            if not await standing.holds(who, session):
                same = {watcher for watcher in self._watchers if watcher.session == session}
                self._end({watcher for watcher in same if watcher.who == who})

    def _end(self, watchers: Any) -> None:
        for watcher in list(watchers):
            watcher.end()


def _site(view: View, text: str) -> str:
    return msgspec.json.decode(text, type=_Site).site if view.sites else ""


def _sn(text: str) -> str:
    return msgspec.json.decode(text, type=_Terminal).sn
