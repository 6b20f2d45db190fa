"""A few faults of `tests.integration.chaos`, always the same ones."""

from __future__ import annotations

from tests.integration.chaos import Chaos


class Short(Chaos):
    """One seed."""

    timeout = 300

    def test_short(self) -> None:
        """Whatever is ended, stopped or cut: nothing is lost, doubled or done late, and everybody is back."""
        self.run_through()
        self.assertEqual(self.done.total(), self.most)
