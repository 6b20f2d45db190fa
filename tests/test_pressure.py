"""How hard a process is pressed: what is measured, from when on it counts, and what it tells."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tfserver.memory import give_back, resident_bytes
from tfserver.metrics import Metrics
from tfserver.pressure import EVERY_SECONDS, MEGABYTE, Gauge, Pressure


class PressureCase(SynchronousTestCase):
    """A pressure whose measures are set by hand."""

    def setUp(self) -> None:
        """Everything is at ease, and 100 MiB may be used."""
        self.used = 10
        self.share = 0.0
        self.metrics = Metrics()
        self.pressure = Pressure(self.metrics, 100, lambda: self.share, resident=lambda: self.used * MEGABYTE)
        self.relieved: list[int] = []
        self.pressure.relieve = self.relieved.append

    def after(self, *late: float) -> bool:
        """Whether it is high after measures at which the reactor was that late."""
        for seconds in late:
            self.pressure.measure(seconds)
        return self.pressure.is_high


class LevelTests(PressureCase):
    """The number."""

    def test_at_ease(self) -> None:
        """Nothing presses at first."""
        self.assertFalse(self.after(0.0, 0.01, 0.0))
        self.assertEqual(self.pressure.level, 0.1)

    def test_greatest(self) -> None:
        """The greatest share is the number, not their sum."""
        self.share = 0.5
        self.after(0.2)
        self.assertEqual(self.pressure.level, 0.5)
        self.used = 60
        self.after(0.0)
        self.assertEqual(self.pressure.level, 0.6)

    def test_one_long_turn(self) -> None:
        """One turn of the reactor that takes long presses nobody, nor does a sleep of the machine."""
        self.assertFalse(self.after(5.0))
        self.assertFalse(self.after(0.0, 3600.0, 0.0))

    def test_always_late(self) -> None:
        """A reactor that is late again and again presses, until it is in time for a while."""
        self.assertTrue(self.after(1.0, 1.0, 1.0))
        self.assertFalse(self.after(0.0))

    def test_store(self) -> None:
        """A queue towards the store that is nearly full presses at once."""
        self.share = 0.8
        self.assertTrue(self.after(0.0))

    def test_no_flicker(self) -> None:
        """What is high stays so until it is well below."""
        self.share = 0.8
        self.after(0.0)
        self.share = 0.75
        self.assertTrue(self.after(0.0))
        self.share = 0.69
        self.assertFalse(self.after(0.0))
        self.share = 0.75
        self.assertFalse(self.after(0.0))

    def test_clock_that_runs_ahead(self) -> None:
        """Being early is no lag below nothing."""
        self.after(-5.0)
        self.assertEqual(self.pressure.lag, 0.0)


class MemoryTests(PressureCase):
    """What is done about memory."""

    def test_near(self) -> None:
        """Near the bound others give way, and nothing is let go."""
        self.used = 80
        self.assertTrue(self.after(0.0))
        self.assertFalse(self.pressure.is_full)
        self.assertEqual(self.relieved, [])

    def test_at_the_bound(self) -> None:
        """Just below the bound nobody has to go; at it so much goes that others need not even give way."""
        self.used = 94
        self.after(0.0)
        self.assertEqual(self.relieved, [])
        self.used = 105
        self.after(0.0)
        self.assertTrue(self.pressure.is_full)
        self.assertEqual(self.relieved, [25 * MEGABYTE])

    def test_between_two_looks(self) -> None:
        """Many bytes that come at once are not waited for until the next look."""
        self.used = 120
        self.pressure.grew(3 * MEGABYTE)
        self.assertEqual(self.relieved, [])
        self.pressure.grew(MEGABYTE)
        self.assertEqual(len(self.relieved), 1)
        self.pressure.grew(MEGABYTE)
        self.assertEqual(len(self.relieved), 1)

    def test_unbounded(self) -> None:
        """Without a bound memory is told, and does not press."""
        free = Pressure(self.metrics, 0, resident=lambda: 1 << 40)
        free.grew(1 << 40)
        free.measure(0.0)
        self.assertFalse(free.is_high or free.is_full)
        self.assertEqual(self.metrics.memory, 1 << 40)

    def test_this_process(self) -> None:
        """The system tells what this process uses; where it does not, nothing is known."""
        give_back()
        self.assertGreater(resident_bytes(), MEGABYTE)
        self.assertEqual(resident_bytes("/nowhere/statm"), 0)


class ToldTests(PressureCase):
    """What is seen of it."""

    def test_metrics(self) -> None:
        """All measures are told, and what gave way."""
        self.used, self.share = 90, 0.2
        self.after(0.5)
        self.assertTrue(self.pressure.yields("senduser"))
        told = self.metrics.exposition().decode()
        for line in (
            "tfserver_reactor_lag_seconds 0.25",
            "tfserver_memory_bytes 9.437184e+07",
            "tfserver_pressure 0.9",
            'tfserver_yielded_total{what="senduser"} 1.0',
        ):
            self.assertIn(line, told)

    def test_nothing_gives_way_at_ease(self) -> None:
        """At ease nothing gives way, and nothing is counted."""
        self.assertFalse(self.pressure.yields("senduser"))
        self.assertEqual(self.metrics.yielded, {})

    def test_words(self) -> None:
        """What presses is told in a sentence."""
        self.used, self.share = 90, 0.25
        self.after(0.5)
        self.assertEqual(
            str(self.pressure),
            "the reactor is 0.25 s late, 90 of 100 MiB are used, 25% of what may wait for the store does",
        )


class GaugeTests(PressureCase):
    """Measuring again and again."""

    def setUp(self) -> None:
        """A reactor, and a clock beside it that shows how late it is."""
        super().setUp()
        self.reactor = Clock()
        self.behind = 0.0
        self.gauge = Gauge(self.reactor, self.pressure, lambda: self.reactor.seconds() + self.behind)
        self.successResultOf(Deferred.fromCoroutine(self.gauge.start()))

    def test_in_time(self) -> None:
        """A reactor that is in time has no lag."""
        self.reactor.pump([EVERY_SECONDS] * 4)
        self.assertEqual(self.pressure.lag, 0.0)
        self.assertEqual(self.metrics.memory, 10 * MEGABYTE)

    def test_late(self) -> None:
        """What passes beyond the time that was waited for is lag, each time anew."""
        for _ in range(3):
            self.behind += 0.4
            self.reactor.advance(EVERY_SECONDS)
        self.assertAlmostEqual(self.pressure.lag, 0.35)

    def test_mistake(self) -> None:
        """A measure that fails is logged, and the next one is taken."""
        self.share = 0.9
        self.pressure.relieve = lambda _: [][0]
        self.used = 200
        self.reactor.advance(EVERY_SECONDS)
        self.assertEqual(len(self.flushLoggedErrors(IndexError)), 1)
        self.used = 20
        self.reactor.advance(EVERY_SECONDS)
        self.assertTrue(self.pressure.is_high)

    def test_stop(self) -> None:
        """After its end nothing is measured, and nothing is left behind."""
        self.successResultOf(Deferred.fromCoroutine(self.gauge.stop()))
        self.assertEqual(self.reactor.getDelayedCalls(), [])
