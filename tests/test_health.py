"""How the server fares, whatever of it is away."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway.stand_ins import Face
from tfserver import __version__
from tfserver.config import Archive as ArchiveSettings
from tfserver.errors import StoreUnavailable
from tfserver.health import SECONDS, Health, Processes
from tfserver.metrics import Metrics
from tfserver.pressure import Pressure
from tfserver.store.inquiries import Found
from tfserver.store.vitals import Beat

OWN = "one/1"


class HealthTests(SynchronousTestCase):
    """This process, and another."""

    def setUp(self) -> None:
        """Both live."""
        self.clock = Clock()
        self.vitals = Face(beats=[Beat(OWN, 1000, 3), Beat("two/2", 2000, 4)])
        self.inquiries = Face(ask=lambda what: Found([*self._own(), {"process": "two/2"}], True))
        self.inquiries.__dict__["answers"] = self._learn
        self.archive = Face()
        self.archive.__dict__.update(description="sqlite a", problem="")
        self.metrics = Metrics()
        self.health = Health(
            *(
                self.clock,
                self.vitals,
                self.inquiries,
                self.archive,
                ArchiveSettings(keep_days={"punch": 30}),
            ),  # type: ignore[arg-type]
            *(Pressure(self.metrics), self.metrics, OWN, 100, lambda: True),
        )

    def _learn(self, what: str, answering: Any) -> None:
        self.assertEqual(what, "process")
        self.answering = answering

    def _own(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.answering("")
        return rows

    def processes(self) -> Processes:
        """All that are known."""
        found: Processes = self.successResultOf(_done(self.health.processes()))
        return found

    def test_own(self) -> None:
        """What this process tells whoever asks."""
        self.metrics.terminals, self.metrics.started = 5, 77.0
        [row] = self._own()
        self.assertEqual((row["process"], row["version"], row["terminals"]), (OWN, __version__, 5))
        self.assertEqual((row["started"], row["most_memory"], row["is_draining"]), (77.0, 100 << 20, True))

    def test_all(self) -> None:
        """Heartbeats and answers are put together by process."""
        found = self.processes()
        self.assertEqual([one.owner for one in found.all], [OWN, "two/2"])
        self.assertTrue(found.is_whole)
        self.assertEqual([one.beat and one.beat.terminals for one in found.all], [3, 4])

    def test_silent(self) -> None:
        """A process that did not answer is there by its heartbeat, and it is told that it is not all."""
        self.inquiries.given["ask"] = lambda what: Found(self._own(), False)
        found = self.processes()
        self.assertEqual([one.told is None for one in found.all], [False, True])
        self.assertFalse(found.is_whole)

    def test_store_away(self) -> None:
        """Without the store this process alone is known."""
        self.inquiries.given["ask"] = lambda what: Found(self._own(), False)
        self.vitals.given["beats"] = StoreUnavailable("away")
        found = self.processes()
        self.assertEqual([(one.owner, one.beat) for one in found.all], [(OWN, None)])
        self.assertFalse(found.is_whole)

    def test_store_hangs(self) -> None:
        """A question that nobody answers is given up, and this process alone is known."""
        self.inquiries.given["ask"] = Deferred()
        self.vitals.given["beats"] = StoreUnavailable("away")
        waiting = _done(self.health.processes())
        self.assertNoResult(waiting)
        self.clock.advance(SECONDS)
        found = self.successResultOf(waiting)
        self.assertEqual([(one.owner, one.told.process) for one in found.all], [(OWN, OWN)])

    def test_archive(self) -> None:
        """The archive as of the last look."""
        self.metrics.archive_lag, self.metrics.archive_up = 7, True
        found = self.successResultOf(_done(self.health.archive()))
        self.assertEqual((found.description, found.is_up, found.lag), ("sqlite a", True, 7))
        self.assertEqual(found.keep_days, {"punch": 30})


def _done(call: Any) -> Any:
    return Deferred.fromCoroutine(call)
