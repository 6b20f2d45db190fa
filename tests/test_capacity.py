"""The arithmetic of room, and when it is over."""

from __future__ import annotations

from datetime import date, timedelta

from twisted.trial.unittest import SynchronousTestCase

from tfserver.capacity import Forecast, Lack, Sample, forecast, refusal

TODAY = date(2026, 4, 30)


def samples(*used: int) -> list[Sample]:
    """One a day, the last one today."""
    return [Sample(TODAY - timedelta(len(used) - 1 - n), one, 100) for n, one in enumerate(used)]


class RefusalTests(SynchronousTestCase):
    """Why an order does not fit, in words."""

    def test_arithmetic(self) -> None:
        """How much there is, what is on its way, how much is wanted, and how much of it is too many."""
        self.assertEqual(
            refusal("X", [Lack("fp", 3000, 2990, 2990, 8, 12)]),
            "terminal X takes 3000 fingerprints, has 2990, 8 more are on their way: 12 do not fit, "
            "10 too many",
        )
        self.assertEqual(
            refusal("X", [Lack("user", 1, 1, 1, 1, 1), Lack("face", 0, 0, 0, 0, 1)]),
            "terminal X takes 1 person, has 1, 1 more is on its way: 1 does not fit, 1 too many; "
            "it takes no faces",
        )


class ForecastTests(SynchronousTestCase):
    """When a terminal is full."""

    def test_as_it_goes(self) -> None:
        """Two a day more leave ten days for twenty."""
        self.assertEqual(forecast(samples(*range(60, 82, 2)), 80, 100, TODAY), Forecast(2, 10))

    def test_one_odd_day_changes_nothing(self) -> None:
        """A day on which many came at once, or none was told, moves the slope by nothing."""
        used = [*range(60, 82, 2)]
        used[4] = 0
        found = forecast(samples(*used), 80, 100, TODAY)
        assert found is not None
        self.assertEqual(found.a_day, 2)

    def test_never(self) -> None:
        """What stays or shrinks is never full; what is full is that now."""
        self.assertEqual(forecast(samples(*[50] * 10), 50, 100, TODAY), Forecast(0, None))
        self.assertEqual(forecast(samples(*range(50, 40, -1)), 41, 100, TODAY), Forecast(-1, None))
        self.assertEqual(forecast(samples(*[100] * 10), 100, 100, TODAY), Forecast(0, 0.0))

    def test_too_little(self) -> None:
        """A few days tell nothing, nor do those that are long past."""
        self.assertIsNone(forecast(samples(1, 2, 3), 3, 100, TODAY))
        self.assertIsNone(forecast(samples(*range(60, 80)), 80, 100, TODAY + timedelta(28)))
