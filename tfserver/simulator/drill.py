"""One run of a fleet from start to exit code: punch, wait for the last acknowledgement, report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from tfserver.simulator.fleet import Fleet

LOOK = 0.1
"""Seconds between two looks at whether the run is over."""
SHOW = 1.0
"""Seconds between two lines of progress."""

ALL_WELL = 0
UNACKED = 1
USAGE = 2
NO_CONNECTION = 3


class Phase(Enum):
    """What a run is doing."""

    PUNCHING = "people punch"
    WAITING = "nobody punches; the rest is being acknowledged"
    OVER = "the connections are closed"


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long a run lasts.

    ``seconds`` of punching (None: until interrupted); then, with ``wait_ack``, until everything is
    acknowledged, at most ``timeout`` seconds. A run that can't connect at all in ``timeout`` ends as well.
    """

    rate: float = 0.0
    enrol_rate: float = 0.0
    seconds: float | None = None
    wait_ack: bool = False
    timeout: float = 60.0

    @property
    def punching_ends(self) -> float | None:
        """Seconds after the start; at once when there is nothing to punch and all is to be acknowledged."""
        if self.seconds is None and self.wait_ack and not self.rate and not self.enrol_rate:
            return 0.0
        return self.seconds


class Drill:
    """A fleet that runs by a schedule; ``show`` gets lines for people, ``progress`` figures each second."""

    def __init__(
        self,
        fleet: Fleet,
        schedule: Schedule,
        clock: IReactorTime,
        show: Callable[[str], None],
        progress: Callable[[dict[str, Any]], None],
    ) -> None:
        self.phase = Phase.PUNCHING
        self._fleet = fleet
        self._schedule = schedule
        self._clock = clock
        self._show = show
        self._progress = progress
        self._started = self._waiting_since = clock.seconds()
        self._ended: float | None = None
        self._last_standing: dict[str, int] = {}
        self._code = UNACKED
        self._shown_at = self._started
        self._done: Deferred[int] = Deferred()
        self._looker = LoopingCall(self._look)
        self._looker.clock = clock

    def start(self) -> Deferred[int]:
        """Start the fleet; fires with the exit code when all connections are closed."""
        self._fleet.rate = self._schedule.rate
        self._fleet.enrol_rate = self._schedule.enrol_rate
        for running in (self._fleet.start(), self._looker.start(LOOK)):
            running.addErrback(self._broken)
        return self._done

    def interrupt(self) -> None:
        """Somebody wants it to end: first the punching, the second time all."""
        if self.phase is Phase.PUNCHING and self._schedule.wait_ack:
            self._wait()
        elif self.phase is not Phase.OVER:
            self._end()

    def figures(self) -> dict[str, Any]:
        """The report of now; after the end with the terminals as they stood before the closing."""
        until = self._clock.seconds() if self._ended is None else self._ended
        standing = {**self._fleet.standing(), **self._last_standing}
        return self._fleet.report.figures(standing, until - self._started)

    def _look(self) -> None:
        now = self._clock.seconds()
        if now - self._shown_at >= SHOW:
            self._shown_at = now
            self._tell_people()
        if self.phase is Phase.PUNCHING:
            self._look_while_punching(now - self._started)
        elif self.phase is Phase.WAITING:
            late = now - self._waiting_since >= self._schedule.timeout
            if late or self._fleet.settled:
                self._end()

    def _look_while_punching(self, passed: float) -> None:
        ends = self._schedule.punching_ends
        if ends is not None and passed >= ends:
            if self._schedule.wait_ack:
                self._wait()
            else:
                self._end()
        elif passed >= self._schedule.timeout and not self._connected:
            self._end()

    @property
    def _connected(self) -> bool:
        return self._fleet.report.counts["connections"] > 0

    def _wait(self) -> None:
        self.phase = Phase.WAITING
        self._waiting_since = self._clock.seconds()
        self._fleet.rate = self._fleet.enrol_rate = 0.0

    def _end(self) -> None:
        """Judge before the connections are closed, so that the closing changes nothing."""
        self.phase = Phase.OVER
        self._ended = self._clock.seconds()
        standing = self._fleet.standing()
        self._last_standing = {name: standing[name] for name in ("online", "refused", "users_waiting")}
        if not self._connected:
            self._code = NO_CONNECTION
        else:
            settled = not self._schedule.wait_ack or self._fleet.settled
            self._code = ALL_WELL if settled else UNACKED
        self._tell_people()
        self._looker.stop()
        self._fleet.stop().addCallback(lambda _: self._done.callback(self._code))

    def _tell_people(self) -> None:
        figures = self.figures()
        for line in self._fleet.report.news(figures["refused"]):
            self._show(line)
        self._progress(figures)

    def _broken(self, failure: Failure) -> None:
        """A mistake of our own ends the run with it."""
        if not self._done.called:
            self._done.errback(failure)
