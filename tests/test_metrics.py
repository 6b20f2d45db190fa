"""Counters: Prometheus reads them, and nobody is recognised by them (design §2.2)."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families
from twisted.trial.unittest import SynchronousTestCase

from tfserver.metrics import Metrics

LABELS = {"version", "why", "word", "result", "what", "kind", "le", "cmd", "outcome"}


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """What Prometheus reads."""
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def used() -> Metrics:
    """Counters that counted something each."""
    metrics = Metrics()
    metrics.connections = 3
    metrics.terminals = 2
    metrics.turned_away["draining"] += 1
    for _ in range(5):
        metrics.answers["sendlog"].observe(True, 0.02)
    for _ in range(4):
        metrics.answers["sendlog"].observe(False, 1.9)
    metrics.notes["mended frame"] += 1
    metrics.punches["new"] += 7
    metrics.orders["opendoor", "said_true"] += 6
    metrics.obeyed["opendoor"].observe(True, 0.2)
    metrics.quarantine_full += 1
    metrics.store_failures += 2
    metrics.store_ready = True
    metrics.store_generation = 3
    metrics.streams, metrics.waits, metrics.pages = 4, 5, 6
    metrics.completeness_seconds, metrics.without_completeness, metrics.gaps = 90.5, 3, 2
    return metrics


class ExpositionTests(SynchronousTestCase):
    """Prometheus text."""

    def test_values(self) -> None:
        """Each counter comes out under its name with what was counted."""
        found = samples(used())
        for name, labels, value in (
            ("tfserver_connections", (), 3),
            ("tfserver_terminals", (), 2),
            ("tfserver_turned_away_total", (("why", "draining"),), 1),
            ("tfserver_requests_total", (("result", "true"), ("word", "sendlog")), 5),
            ("tfserver_requests_total", (("result", "false"), ("word", "sendlog")), 4),
            ("tfserver_answer_seconds_count", (("word", "sendlog"),), 9),
            ("tfserver_answer_seconds_bucket", (("le", "0.025"), ("word", "sendlog")), 5),
            ("tfserver_answer_seconds_bucket", (("le", "0.01"), ("word", "sendlog")), 0),
            ("tfserver_notes_total", (("what", "mended frame"),), 1),
            ("tfserver_punches_total", (("kind", "new"),), 7),
            ("tfserver_orders_total", (("cmd", "opendoor"), ("outcome", "said_true")), 6),
            ("tfserver_order_seconds_count", (("word", "opendoor"),), 1),
            ("tfserver_order_seconds_bucket", (("le", "0.1"), ("word", "opendoor")), 0),
            ("tfserver_order_seconds_bucket", (("le", "0.25"), ("word", "opendoor")), 1),
            ("tfserver_quarantine_full_total", (), 1),
            ("tfserver_store_failures_total", (), 2),
            ("tfserver_store_ready", (), 1),
            ("tfserver_store_generation", (), 3),
            ("tfserver_streams", (), 4),
            ("tfserver_pages", (), 6),
            ("tfserver_waits", (), 5),
            ("tfserver_completeness_seconds", (), 90.5),
            ("tfserver_without_completeness", (), 3),
            ("tfserver_gaps", (), 2),
        ):
            self.assertEqual(found.get((name, labels)), value, name)

    def test_buckets(self) -> None:
        """Each bucket counts what took as long as its bound or less, the last counts all."""
        metrics = Metrics()
        for seconds in (0, 0.001, 0.0011, 0.5, 2, 2.01, 60):
            metrics.answers["reg"].observe(True, seconds)
        found = samples(metrics)
        for bound, count in (("0.001", 2), ("0.0025", 3), ("0.25", 3), ("0.5", 4), ("2.0", 5), ("+Inf", 7)):
            labels = (("le", bound), ("word", "reg"))
            self.assertEqual(found["tfserver_answer_seconds_bucket", labels], count, bound)
        self.assertEqual(found["tfserver_answer_seconds_count", (("word", "reg"),)], 7)
        self.assertAlmostEqual(found["tfserver_answer_seconds_sum", (("word", "reg"),)], 64.5121)

    def test_names(self) -> None:
        """Every name begins alike, and every family is explained."""
        for family in text_string_to_metric_families(used().exposition().decode()):
            self.assertTrue(family.name.startswith("tfserver_"))
            self.assertTrue(family.documentation.endswith("."))

    def test_labels(self) -> None:
        """No label can hold a serial number, a person or an address: there are only these."""
        for _, labels in samples(used()):
            self.assertLessEqual({name for name, _ in labels}, LABELS)

    def test_two_at_once(self) -> None:
        """Two processes' counters in one test do not see each other."""
        first, second = used(), Metrics()
        self.assertEqual(samples(second)["tfserver_connections", ()], 0)
        self.assertEqual(samples(first)["tfserver_connections", ()], 3)

    def test_no_times_of_making(self) -> None:
        """No line tells when a counter was made."""
        self.assertNotIn(b"_created", used().exposition())
