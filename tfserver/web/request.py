"""A request of people: its bounds, and who makes it."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, Final

from twisted.web.server import Request

from tfserver.web.visitors import Visitor

MOST_PIECES: Final = 10_000
"""A body of a few bytes a piece costs more to read than it is worth."""
MOST_SHOWN: Final = 200
_TOKEN: Final = re.compile(r"tfs_[A-Za-z0-9_-]+")
_NOBODY: Final = Visitor("", "", False, False)


class PeopleRequest(Request):
    """Its body has a bound: that of the route which takes most. Each route then has its own."""

    visitor = _NOBODY
    _taken = 0
    _pieces = 0

    def handleContentChunk(self, data: bytes) -> None:
        """Count what comes, with or without a length told beforehand."""
        self._taken += len(data)
        self._pieces += 1
        if self._is_small:
            super().handleContentChunk(data)
        else:
            channel: Any = self.channel
            told = f"no body may have more than {self._most} bytes, or {MOST_PIECES} pieces"
            channel.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, told)

    @property
    def _is_small(self) -> bool:
        return self._taken <= self._most and self._pieces <= MOST_PIECES

    @property
    def _most(self) -> int:
        channel: Any = self.channel
        found: int = channel.site.most_body_bytes
        return found

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
