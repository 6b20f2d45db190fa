"""Counters of one process, in Prometheus' terms. No serial numbers and no records in labels."""

from __future__ import annotations

from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

disable_created_metrics()  # twice the lines for times nobody asks for

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)


class Metrics:
    """What one process counts; each has a registry of its own, so that several fit in one test."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self.connections = Gauge("tfserver_connections", "Open connections of terminals.", registry=registry)
        self.terminals = Gauge("tfserver_terminals", "Registered terminals.", registry=registry)
        self.turned_away = Counter(
            "tfserver_turned_away", "Connections that were refused.", ["why"], registry=registry
        )
        self.requests = Counter(
            "tfserver_requests",
            "Requests of terminals, by word and answer.",
            ["word", "result"],
            registry=registry,
        )
        self.answer_seconds = Histogram(
            "tfserver_answer_seconds",
            "From a request to its answer.",
            ["word"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.notes = Counter("tfserver_notes", "Odd things terminals did.", ["what"], registry=registry)
        self.punches = Counter(
            "tfserver_punches",
            "Records of acknowledged batches, by what became of them.",
            ["kind"],
            registry=registry,
        )
        self.quarantine_full = Counter(
            "tfserver_quarantine_full", "Batches refused because the quarantine is full.", registry=registry
        )
        self.store_failures = Counter(
            "tfserver_store_failures",
            "Requests refused because the store did not confirm.",
            registry=registry,
        )
        self.store_ready = Gauge("tfserver_store_ready", "Whether the store takes writes.", registry=registry)

    def exposition(self) -> bytes:
        """All of it as Prometheus text."""
        found: bytes = generate_latest(self._registry)
        return found
