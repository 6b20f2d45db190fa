"""How fast one connection may speak (limits.messages_per_second): beyond it, it is read from more slowly."""

from __future__ import annotations

import math
from typing import Any, Final

from tfserver.metrics import Metrics

BURST_SECONDS: Final = 10.0
REST_SECONDS: Final = 0.25
"""One that was too fast rests for so much longer, so that it is not held and let go for each message."""
WHY: Final = "too fast"


class Pace:
    """What connections may say before somebody looks at the time.

    A connection counts down ``may_say`` with each frame, which costs next to nothing; only when it is used
    up, what was earned since ``paid_at`` is added. Whoever says more is not read from until it is paid for:
    what it sends waits in its own memory, and nothing is lost.
    """

    def __init__(self, reactor: Any, per_second: int, metrics: Metrics) -> None:
        self._reactor = reactor
        self._per_second = per_second
        self._burst = per_second * BURST_SECONDS
        self._metrics = metrics
        self._resting: set[Any] = set()

    def begin(self, connection: Any, is_counted: bool) -> None:
        """A connection is there."""
        connection.may_say = self._burst if is_counted else math.inf
        connection.paid_at = self._reactor.seconds()

    def exhausted(self, connection: Any) -> None:
        """It said all it might."""
        # what came in the same read is heard all the same, and paid for later
        if connection in self._resting or connection.link is None:
            return
        missing = 1 - self._paid(connection)
        if missing > 0:
            self._metrics.notes["too many messages in a second"] += 1
            connection.link.hold(WHY)
            self._rest(connection, missing)

    def _paid(self, connection: Any) -> float:
        """What it may say now."""
        now = self._reactor.seconds()
        # a clock that was set back takes nothing away
        earned = max(0.0, now - connection.paid_at) * self._per_second
        connection.paid_at = now
        connection.may_say = min(self._burst, connection.may_say + earned)
        found: float = connection.may_say
        return found

    def _rest(self, connection: Any, missing: float) -> None:
        self._resting.add(connection)
        self._reactor.callLater(missing / self._per_second + REST_SECONDS, self._go_on, connection)

    def _go_on(self, connection: Any) -> None:
        self._resting.discard(connection)
        if connection.link is None:
            return
        missing = 1 - self._paid(connection)
        if missing > 0:
            self._rest(connection, missing)
        else:
            connection.link.resume(WHY)
