"""One open page that is told what changes: a request without end. What it misses it loads anew later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from twisted.internet.interfaces import IPushProducer
from twisted.web.server import Request
from zope.interface import implementer

from tfserver.model import canonical_sn
from tfserver.store.sessions import Opened
from tfserver.web import auth
from tfserver.web.dashboard.happened import Seen
from tfserver.web.dashboard.screens import Screen
from tfserver.web.dashboard.topics import Topics
from tfserver.web.watcher import KEEP_ALIVE_SECONDS, MEDIA, STALLED_SECONDS

RETRY_MS: Final = 3000


def event(kind: str, data: Any) -> bytes:
    """One server-sent event; the data as JSON, which has no line ends."""
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), msgspec.json.encode(data))


MISSED: Final = event("missed", None)
"""Something was left out: the page has to be loaded anew."""
AWAY: Final = event("away", None)
"""What happens can't be seen just now. Whatever is told after it means that it can again."""


@implementer(IPushProducer)
class Onlooker:
    """Keeps nothing for a page that reads too slowly but that it missed something."""

    def __init__(
        self, request: Request, opened: Opened, screen: Screen, topics: Topics, now: Callable[[], float]
    ) -> None:
        self.opened = opened
        self.screen = screen
        self.topics = topics
        self.is_over = False
        self._request = request
        self._now = now
        self._told_at = now()
        self._paused_at: float | None = None
        self._has_missed = False

    @property
    def alike(self) -> tuple[object, ...]:
        """What rows look like for it depends on this alone."""
        viewer = self.screen.viewer
        assert viewer.who is not None
        return viewer.language.code, viewer.who.role, viewer.who.sites

    @property
    def is_narrow(self) -> bool:
        """Whether its wall shows some punches alone."""
        topics = self.topics
        return topics.has_wall and bool(topics.of or topics.site or self.opened.who.sites)

    def sees(self, site: str) -> bool:
        """Whether what is at a site may be shown here."""
        return auth.reaches(self.opened.who.sites, site)

    def is_shown(self, seen: Seen) -> bool:
        """Whether something of this changes what the page shows."""
        topics = self.topics
        return (
            seen.is_cut
            or any(topics.wants(kind, sn) for kind, sn in seen.kinds())
            or any(topics.shows(punch.sn, punch.site) and self.sees(punch.site) for punch in seen.punches)
            or not topics.rows.isdisjoint(canonical_sn(sn) for _, sn in seen.kinds())
        )

    def begin(self) -> None:
        """Send the head."""
        for name, value in (
            ("Content-Type", MEDIA),
            ("Cache-Control", "no-store"),
            ("X-Accel-Buffering", "no"),
        ):
            self._request.setHeader(name, value)
        self._request.registerProducer(self, True)
        self._write(b"retry: %d\n\n" % RETRY_MS)

    def tell(self, chunk: bytes) -> None:
        """Some events; one that does not take them now has missed something."""
        if self._paused_at is not None:
            self._has_missed = True
        elif not self.is_over:
            self._write(chunk)

    def keep_alive(self) -> None:
        """Say that we are there when nothing was said for long; cut off who does not listen."""
        if self._paused_at is not None:
            if self._now() - self._paused_at >= STALLED_SECONDS:
                self._cut()
        elif not self.is_over and self._now() - self._told_at >= KEEP_ALIVE_SECONDS:
            self._write(b": keep-alive\n\n")

    def end(self) -> None:
        """No more; the page comes again by itself."""
        if not self.is_over:
            self.is_over = True
            self._request.unregisterProducer()
            self._request.finish()

    def _write(self, chunk: bytes) -> None:
        self._told_at = self._now()
        self._request.write(chunk)

    def _cut(self) -> None:
        channel: Any = self._request.channel
        self.is_over = True
        channel.transport.abortConnection()

    def pauseProducing(self) -> None:
        """The transport is full."""
        self._paused_at = self._now()

    def resumeProducing(self) -> None:
        """There is room again."""
        self._paused_at = None
        if self._has_missed:
            self._has_missed = False
            self._write(MISSED)

    def stopProducing(self) -> None:
        """The connection is over."""
        self.is_over = True
