"""``docs/metrics.md``: each metric has a line with what to do."""

from __future__ import annotations

import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))

import metrics_page  # noqa: E402


class PageTests(SynchronousTestCase):
    """The table beside the class."""

    def test_every_metric_has_advice(self) -> None:
        """Whoever adds a metric says there what to do when it moves; nothing is told of one that is gone."""
        told = {family.name for family in metrics_page.families()}
        self.assertEqual(told, set(metrics_page.ADVICE))

    def test_lines(self) -> None:
        """Each line has the name as Prometheus sees it, the type and the labels."""
        page = metrics_page.page()
        self.assertIn("| `tfserver_turned_away_total` | counter | `why` | ", page)
        self.assertIn("| `tfserver_answer_seconds` | histogram | `word` | ", page)
        self.assertIn("| `tfserver_fleet_online` | gauge |  | ", page)
