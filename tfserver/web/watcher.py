"""One who watches what happens: a request without end, paused by its transport when it reads too slowly."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from twisted.internet.interfaces import IPushProducer
from twisted.web.server import Request
from zope.interface import implementer

from tfserver.store.events import Ends
from tfserver.store.principals import Principal
from tfserver.web.auth import reaches

MEDIA: Final = "text/event-stream; charset=utf-8"
KEEP_ALIVE_SECONDS: Final = 15.0
STALLED_SECONDS: Final = 60.0
"""One who takes nothing for this long is cut off: perhaps nobody is there any more."""
RETRY_MS: Final = 2000


class Item(NamedTuple):
    """Something that happened: where both feeds stand with it, its kind, JSON on one line, and its site."""

    ends: Ends
    kind: str
    text: str
    site: str


class View(NamedTuple):
    """Where somebody stands and what it wants: all with the same view are told the same."""

    ends: Ends
    wanted: frozenset[str]
    sites: tuple[str, ...]

    def chunk(self, items: Iterable[Item]) -> bytes:
        """The items that are for this view, as server-sent events."""
        return "".join(
            f"id: {event_id(item.ends)}\nevent: {item.kind}\ndata: {item.text}\n\n"
            for item in items
            if item.kind in self.wanted and reaches(self.sites, item.site)
        ).encode()


@implementer(IPushProducer)
class Watcher:
    """Holds nothing back: what its transport does not take now is read from the store again, later."""

    def __init__(
        self, request: Request, who: Principal, session: str, view: View, now: Callable[[], float]
    ) -> None:
        self.who = who
        self.session = session
        """The hash of the session it came by, empty for one that sent its token."""
        self.view = view
        self.is_over = False
        self._request = request
        self._now = now
        self._told_at = now()
        self._paused_at: float | None = None

    @property
    def takes(self) -> bool:
        """Whether it can be told something now."""
        return not self.is_over and self._paused_at is None

    def begin(self) -> None:
        """Send the head, and the place where this begins."""
        head = {"Content-Type": MEDIA, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        for name, value in head.items():
            self._request.setHeader(name, value)
        self._request.registerProducer(self, True)
        self._write(f"retry: {RETRY_MS}\nid: {event_id(self.view.ends)}\n\n".encode())

    def tell(self, ends: Ends, chunk: bytes) -> None:
        """It has seen everything up to these ends; the chunk is empty when nothing of it was for this one."""
        self.view = self.view._replace(ends=ends)
        if chunk:
            self._write(chunk)

    def keep_alive(self) -> None:
        """Say that we are there when nothing was said for long; cut off who does not listen."""
        if self._paused_at is not None:
            if self._now() - self._paused_at >= STALLED_SECONDS:
                self._cut()
        elif not self.is_over and self._now() - self._told_at >= KEEP_ALIVE_SECONDS:
            self._write(f": keep-alive\nid: {event_id(self.view.ends)}\n\n".encode())

    def end(self) -> None:
        """No more; who watches may come again with its last id."""
        if not self.is_over:
            self.is_over = True
            self._request.unregisterProducer()
            self._request.finish()

    def _write(self, chunk: bytes) -> None:
        self._told_at = self._now()
        self._request.write(chunk)

    def _cut(self) -> None:
        """Waiting until it has read what is under way would be for ever."""
        channel: Any = self._request.channel
        self.is_over = True
        channel.transport.abortConnection()

    def pauseProducing(self) -> None:
        """The transport is full."""
        self._paused_at = self._now()

    def resumeProducing(self) -> None:
        """There is room again: the next look at the store goes on where this one stands."""
        self._paused_at = None

    def stopProducing(self) -> None:
        """The connection is over."""
        self.is_over = True


def event_id(ends: Ends) -> str:
    """Both places as one text, which comes back in ``Last-Event-ID``."""
    return f"{ends.punches}_{ends.events}"
