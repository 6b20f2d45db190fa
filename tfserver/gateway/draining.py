"""The end of a process: its terminals are let go one after another, and served until then."""

from __future__ import annotations

from collections import deque
from collections.abc import Set
from typing import Any, Final

from twisted.internet import task
from twisted.logger import Logger

from tfserver.gateway.link import Link
from tfserver.gateway.post import Post

TICK_SECONDS: Final = 0.02
FASTEST: Final = 100.0
"""Terminals let go in a second at least: a process with few of them ends soon."""
CLOSING_SECONDS: Final = 2.0
"""How long a terminal may take to answer our close."""
TELLING_SECONDS: Final = 2.0
"""How long the store is told afterwards what became of orders in flight."""
_CLOSE_GOING_AWAY: Final = 1001


class Draining:
    """Ends ``links``, those without anything in flight first."""

    _log = Logger()

    def __init__(self, reactor: Any, links: Set[Link], asking: Set[Link], post: Post) -> None:
        self._reactor = reactor
        self._links = links
        self._asking = asking
        self._post = post
        self._patience = 0.0
        self._held: dict[Link, float] = {}
        """Those whose turn has come, and until when they are waited for."""
        self._is_hurried = False

    def hurry(self) -> None:
        """Somebody insists: wait for nothing any more."""
        self._is_hurried = True

    async def run(self, patience: float, spread: float) -> None:
        """Until every connection is over: after ``spread`` seconds, or less when they are few. Whoever has
        something in flight when its turn comes gets up to ``patience`` seconds more."""
        self._patience = patience
        await self._let_go(spread)
        self._post.hold()
        await self._until(lambda: not self._links, CLOSING_SECONDS)
        for link in list(self._links):
            link.abort()
        # what was in flight then is told to the store before it is let go
        await self._until(lambda: not self._post.busy, TELLING_SECONDS)

    async def _let_go(self, spread: float) -> None:
        for link in list(self._post.busy):
            # what waits behind the order that is in flight is for the process it goes to
            self._post.let_be(link)
        began = self._reactor.seconds()
        waiting = deque(sorted(self._links, key=self._is_busy))
        total = len(waiting)
        over = min(spread, total / FASTEST)
        if total:
            told = "{total} connections are let go over {over:.1f} s"
            self._log.info(told, total=total, over=over)
        while True:
            passed = self._reactor.seconds() - began
            is_over = self._is_hurried or passed >= over
            stay = 0 if is_over else total - 1 - int(total * passed / over)
            while len(waiting) > stay:
                self._turn_of(waiting.popleft())
            self._look_at_held()
            if not waiting and not self._held:
                return
            await task.deferLater(self._reactor, TICK_SECONDS)

    def _turn_of(self, link: Link) -> None:
        """From now on it gets no more orders."""
        self._post.let_be(link)
        self._held[link] = self._reactor.seconds() + self._patience

    def _look_at_held(self) -> None:
        now = self._reactor.seconds()
        for link, until in list(self._held.items()):
            if self._is_hurried or now >= until or not self._is_busy(link):
                del self._held[link]
                link.close(_CLOSE_GOING_AWAY, "server is going away")

    def _is_busy(self, link: Link) -> bool:
        """Whether it waits for an answer of ours, or we for one of its."""
        return link in self._asking or link in self._post.busy

    async def _until(self, true: Any, seconds: float) -> None:
        deadline = self._reactor.seconds() + seconds
        while not true() and self._reactor.seconds() < deadline:
            await task.deferLater(self._reactor, TICK_SECONDS)
