"""A request of people: its bounds, and who makes it."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, Final

from twisted.web.server import Request

from tfserver.web.problem import Problem
from tfserver.web.visitors import Visitor

MOST_PIECES: Final = 10_000
"""A body of a few bytes a piece costs more to read than it is worth."""
LEAST_PIECE: Final = 256
"""Bytes of a piece of a large body, on the average."""
MOST_SHOWN: Final = 200
_TOKEN: Final = re.compile(r"tfs_[A-Za-z0-9_-]+")
_NOBODY: Final = Visitor("", "", False, False)


class PeopleRequest(Request):
    """Its body has a bound: that of the route which takes most. Each route then has its own. A few take much
    more; of those only some are read at a time."""

    visitor = _NOBODY
    _taken = 0
    _pieces = 0
    _large: int | None = None
    """The bound of a large body, once there is room for it."""

    def handleContentChunk(self, data: bytes) -> None:
        """Count what comes, with or without a length told beforehand."""
        self._taken += len(data)
        self._pieces += 1
        channel: Any = self.channel
        if not self._is_small and self._large is None:
            self._make_room(channel)
        if self._is_small:
            super().handleContentChunk(data)
        else:
            told = f"no body may have more than {self._most} bytes here, or {self._most_pieces} pieces"
            channel.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, told)

    def _make_room(self, channel: Any) -> None:
        """Take one of the few places for large bodies, if the path is that of one."""
        # Twisted tells a request its method and path only when its body is there
        bound: int = channel.site.bound_of(channel._command, channel._path.partition(b"?")[0])
        if bound <= channel.site.most_body_bytes:
            return
        room = channel.site.large_bodies
        try:
            room.__enter__()
        except Problem as full:
            channel.refuse(full.status, full.detail)
            return
        self._large = bound
        self.notifyFinish().addBoth(room.__exit__)

    @property
    def _is_small(self) -> bool:
        return self._taken <= self._most and self._pieces <= self._most_pieces

    @property
    def _most_pieces(self) -> int:
        return MOST_PIECES if self._large is None else max(MOST_PIECES, self._large // LEAST_PIECE)

    @property
    def _most(self) -> int:
        channel: Any = self.channel
        found: int = channel.site.most_body_bytes
        return found if self._large is None else self._large

    @property
    def shown_path(self) -> str:
        """The path as it may stand in the log: without the query, and without what looks like a token."""
        path = self.uri.partition(b"?")[0].decode("ascii", "backslashreplace")[:MOST_SHOWN]
        return _TOKEN.sub("tfs_***", path) if "tfs_" in path else path

    def process(self) -> None:
        """Answer, whatever the path is: the table of routes knows. A body that was cut is no body."""
        if not self._is_small:
            return
        channel: Any = self.channel
        site = self.site = channel.site
        self.visitor = site.visitors.of(self, channel.is_tls)
        self.responseHeaders.setRawHeaders(b"Date", [site.date()])
        site.answer(self)
