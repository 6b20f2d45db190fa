"""Half a minute of `tests.integration.soaking`."""

from __future__ import annotations

from tests.integration.soaking import Soak


class Short(Soak):
    """As short as says something."""

    def test_short(self) -> None:
        """Under everything at once a process does not grow, and everything is where it belongs."""
        seen = self.run_through()
        self.assertGreater(seen["acked"], 1000)
        self.assertGreater(seen["asked over HTTP"], 100)
