"""Counters of one process, told in Prometheus' terms. No serial numbers and no records in labels.

They are plain dictionaries: counting costs a tenth of a microsecond, and the text is made when somebody asks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, Final, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from tfserver import __version__

BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)


FLEET: Final = {
    "processes": "processes that live.",
    "known": "terminals that have ever said who they are.",
    "online": "terminals that are connected and admitted.",
    "silent": "terminals that are online and have sent no punch for a day.",
    "suspect_clocks": "terminals that are online and whose clock was two minutes off, or more.",
    "pending": "terminals that wait for approval.",
    "quarantined": "devices that claim the serial number of another.",
    "gone": "terminals that were here once and have not been heard for an hour.",
}
"""The gauges of the fleet, and what they count."""


class Answers:
    """The answers to one word: how many were positive, how many not, how long they took (s), in buckets."""

    __slots__ = ("counts", "negative", "positive", "total")

    def __init__(self) -> None:
        self.positive = 0
        self.negative = 0
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def observe(self, is_positive: bool, seconds: float) -> None:
        """Another answer."""
        if is_positive:
            self.positive += 1
        else:
            self.negative += 1
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


class FleetCounts(NamedTuple):
    """How many there are in the whole fleet, whichever process they are at."""

    processes: int = 0
    known: int = 0
    online: int = 0
    silent: int = 0
    suspect_clocks: int = 0
    pending: int = 0
    quarantined: int = 0
    gone: int = 0


class Kept:
    """What one process counts of what is kept, and of what is delivered."""

    def __init__(self) -> None:
        self.store_ready = False
        self.store_generation = 0
        self.store_failures = 0
        self.quarantine_full = 0
        self.completeness_seconds = 0.0
        self.without_completeness = 0
        self.gaps = 0
        self.store_memory = 0.0
        self.archive_up = False
        self.archive_lag = 0
        self.archive_lag_seconds = 0.0
        self.archive_failures = 0
        self.archived: Counter[str] = Counter()
        self.webhooks: Counter[str] = Counter()
        self.webhooks_failing = 0
        self.webhooks_behind = 0.0
        self.erasures = 0
        self.erasures_seconds = 0.0

    def erasing(self, count: int, seconds: float) -> None:
        """So many erasures are open, the first of them for so long."""
        self.erasures, self.erasures_seconds = count, seconds


class Metrics(Kept):
    """What one process counts; several fit in one test."""

    def __init__(self) -> None:
        super().__init__()
        self.connections = 0
        self.terminals = 0
        self.streams = 0
        """People's event streams that are open."""
        self.pages = 0
        """Pages of the dashboard that are told what changes."""
        self.http_connections = 0
        """Open connections of people."""
        self.http_refused: Counter[str] = Counter()
        self.sign_ins: Counter[str] = Counter()
        """Browsers that signed in, by what was shown: a token, or the password of an account."""
        self.waits = 0
        """Requests that wait for the end of an order."""
        self.turned_away: Counter[str] = Counter()
        self.cut_off: Counter[str] = Counter()
        """Connections that were ended because of what they held up."""
        self.yielded: Counter[str] = Counter()
        """What gave way to punches."""
        self.pauses = 0
        self.lag = 0.0
        self.memory = 0
        self.pressure = 0.0
        self.notes: Counter[str] = Counter()
        self.twins: Counter[str] = Counter()
        self.punches: Counter[str] = Counter()
        self.answers: defaultdict[str, Answers] = defaultdict(Answers)
        self.orders: Counter[tuple[str, str]] = Counter()
        self.obeyed: defaultdict[str, Answers] = defaultdict(Answers)
        self.catchup: Counter[str] = Counter()
        self.fleet = FleetCounts()
        self.started = 0.0
        """When this process did, Unix time."""
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Told(self))

    def exposition(self) -> bytes:
        """All of it as Prometheus text."""
        found: bytes = generate_latest(self._registry)
        return found

    def families(self) -> Iterator[Metric]:
        """All of it as Prometheus' families."""
        info = GaugeMetricFamily("tfserver_build_info", "The version of this process.", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        yield _gauge("tfserver_start_time_seconds", "When this process started (Unix time).", self.started)
        yield from self._fleet()
        yield _gauge("tfserver_connections", "Open connections of terminals.", self.connections)
        yield _gauge("tfserver_terminals", "Registered terminals.", self.terminals)
        yield _gauge("tfserver_streams", "Open event streams of people.", self.streams)
        yield _gauge("tfserver_pages", "Open pages of the dashboard that are told what changes.", self.pages)
        yield _gauge("tfserver_http_connections", "Open connections of people.", self.http_connections)
        told = "Connections and requests of people that were refused, by why; never by whom."
        yield _counter("tfserver_http_refused", told, ["why"], self.http_refused)
        told = "Browsers that signed in, by what with: a token, or the password of an account."
        yield _counter("tfserver_sign_ins", told, ["kind"], self.sign_ins)
        yield _gauge("tfserver_waits", "Requests that wait for the end of an order.", self.waits)
        yield _counter("tfserver_turned_away", "Connections that were refused.", ["why"], self.turned_away)
        yield _counter("tfserver_notes", "Odd things terminals did.", ["what"], self.notes)
        told = (
            "Two devices that took one serial number from each other: detected; refused: held registrations."
        )
        yield _counter("tfserver_twins", told, ["what"], self.twins)
        told = "Records of acknowledged batches, by what became of them."
        yield _counter("tfserver_punches", told, ["kind"], self.punches)
        yield from self._stored()
        yield from self._answered()
        yield from self._pressed()
        yield from self._completeness()
        told = "Erasures of people that some terminal has not proven yet; every process tells the same."
        yield _gauge("tfserver_erasures_open", told, self.erasures)
        told = "How long ago the first of them was ordered."
        yield _gauge("tfserver_erasures_oldest_seconds", told, self.erasures_seconds)
        yield from self._archive()

    def _stored(self) -> Iterator[Metric]:
        yield _gauge("tfserver_store_ready", "Whether the store takes writes.", self.store_ready)
        told = "Lives of the store: one more when what it kept last may be gone, as after a failover."
        yield _gauge("tfserver_store_generation", told, self.store_generation)
        told = "Batches refused because the quarantine is full."
        yield _counter("tfserver_quarantine_full", told, [], {"": self.quarantine_full})
        told = "Requests refused because the store did not confirm."
        yield _counter("tfserver_store_failures", told, [], {"": self.store_failures})

    def _answered(self) -> Iterator[Metric]:
        requests = {
            (word, result): n
            for word, answers in self.answers.items()
            for result, n in (("true", answers.positive), ("false", answers.negative))
            if n
        }
        told = "Requests of terminals, by word and answer."
        yield _counter("tfserver_requests", told, ["word", "result"], requests)
        yield _seconds("tfserver_answer_seconds", "From a request to its answer.", self.answers)
        told = "Orders that a terminal of this process took, by command and what came of it."
        yield _counter("tfserver_orders", told, ["cmd", "outcome"], self.orders)
        told = "From an order's being taken to its outcome, the terminal's own time included."
        yield _seconds("tfserver_order_seconds", told, self.obeyed)
        told = "Visits to terminals for what they did not push, by outcome; fetched: punches that were new."
        yield _counter("tfserver_catchup", told, ["what"], self.catchup)

    def _fleet(self) -> Iterator[Metric]:
        """Every process tells the same numbers: not to be added up."""
        whole = "In the whole fleet: "
        for name, told in FLEET.items():
            yield _gauge(f"tfserver_fleet_{name}", whole + told, getattr(self.fleet, name))

    def _pressed(self) -> Iterator[Metric]:
        told = "How late the reactor is: what comes in waits that long, and longer."
        yield _gauge("tfserver_reactor_lag_seconds", told, self.lag)
        yield _gauge("tfserver_memory_bytes", "Resident memory of this process.", self.memory)
        told = "How hard it is pressed by lag, memory and the store; from 0.8 on users and exports yield."
        yield _gauge("tfserver_pressure", told, self.pressure)
        told = "Requests that gave way to punches, by kind."
        yield _counter("tfserver_yielded", told, ["what"], self.yielded)
        told = "Connections cut off, by what they held up."
        yield _counter("tfserver_cut_off", told, ["why"], self.cut_off)
        told = "How often new connections had to wait in the system's queue."
        yield _counter("tfserver_accept_pauses", told, [], {"": self.pauses})

    def _completeness(self) -> Iterator[Metric]:
        told = "Age of the earliest moment until which all records of a terminal of this process are here."
        yield _gauge("tfserver_completeness_seconds", told, self.completeness_seconds)
        told = "Terminals of this process of which no such moment is known."
        yield _gauge("tfserver_without_completeness", told, self.without_completeness)
        told = "Times of which records of terminals of this process may be missing for good."
        yield _gauge("tfserver_gaps", told, self.gaps)

    def _archive(self) -> Iterator[Metric]:
        told = "Used memory of the store, of what it may have; 0 without a bound. Alarm at 0.7."
        yield _gauge("tfserver_store_memory_ratio", told, self.store_memory)
        told = "Whether the archive answers, and is the one that takes the punches."
        yield _gauge("tfserver_archive_up", told, self.archive_up)
        yield _gauge("tfserver_archive_lag_punches", "Punches that are not archived yet.", self.archive_lag)
        told = "How long the first of them has waited."
        yield _gauge("tfserver_archive_lag_seconds", told, self.archive_lag_seconds)
        told = "Punches that this process archived: new, known by their uid, put aside into the quarantine."
        yield _counter("tfserver_archived", told, ["what"], self.archived)
        told = "Tries of this process to archive that failed."
        yield _counter("tfserver_archive_failures", told, [], {"": self.archive_failures})
        yield from self._deliveries()

    def _deliveries(self) -> Iterator[Metric]:
        told = "Messages to webhooks that this process delivered, and dead letters; failed: requests."
        yield _counter("tfserver_webhooks", told, ["what"], self.webhooks)
        told = "Webhooks of this process whose receivers do not take what stands first."
        yield _gauge("tfserver_webhooks_failing", told, self.webhooks_failing)
        told = "How long the oldest message to a webhook of this process waits."
        yield _gauge("tfserver_webhooks_behind_seconds", told, self.webhooks_behind)


class _Told:
    """The collector that Prometheus' client asks."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """All families."""
        return self._metrics.families()


def _seconds(name: str, told: str, words: dict[str, Answers]) -> Metric:
    family = HistogramMetricFamily(name, told, labels=["word"])
    for word, answers in words.items():
        names = [*map(str, BOUNDS), "+Inf"]
        sums = list(accumulate(answers.counts))
        family.add_metric([word], list(zip(names, sums, strict=True)), answers.total)
    return family


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, value=float(value))


def _counter(name: str, told: str, labels: list[str], counts: Any) -> Metric:
    family = CounterMetricFamily(name, told, labels=labels)
    for key, count in counts.items():
        values = [*key] if isinstance(key, tuple) else [key]
        family.add_metric(values if labels else [], count)
    return family
