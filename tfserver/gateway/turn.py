"""Plain messages of one reactor turn, answered together when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.logger import Logger

from tfserver.metrics import Answers, Metrics
from tfserver.wire.message import Unknown
from tfserver.wire.table import Plain

if TYPE_CHECKING:
    from tfserver.gateway.link import Link


class Turn:
    """What was asked since the last turn was over.

    What a hundred terminals say at the same time costs little more to read and keep than what one says: one
    look at the clock, one call of the store, and a loop in place of a chain of calls for each. ``asking`` are
    all links whose request is being answered.
    """

    _log = Logger()

    def __init__(self, reactor: Any, row: Plain | None, metrics: Metrics, asking: set[Link]) -> None:
        request = row.request if row else Unknown
        self.word = request.word()
        self.within = request.within
        self.answers = metrics.answers[self.word] if row else Answers()
        self.asking = asking
        self._reactor = reactor
        self._row = row
        self._asked: list[tuple[Any, Link, bytes]] = []

    def ask(self, message: Any, link: Link, payload: bytes) -> None:
        """Answer this too when the turn is over."""
        if not self._asked:
            self._reactor.callLater(0, self._end)
        self._asked.append((message, link, payload))
        self.asking.add(link)

    def _end(self) -> None:
        asked, self._asked = self._asked, []
        assert self._row is not None
        for message, link, payload in self._row.serve(asked):
            try:
                link.received_odd(message, payload)
            except Exception:
                self._log.failure("our own mistake; the connection is closed", **link.context.about)
                link.close(1011, "internal error")
