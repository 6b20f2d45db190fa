"""Counts and latencies of a simulation, as figures for programs and as lines for people."""

from __future__ import annotations

import json
import math
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from tfserver.simulator.tells import (
    Admitted,
    Answered,
    Complaint,
    Denied,
    Drop,
    LogsAcked,
    LogsSent,
    Obeyed,
    Rejected,
    Tell,
    UserAcked,
)

MOST_LINES = 50
"""Lines of news, at most, in a whole run."""
FINENESS = 100
"""Buckets of the histogram for each factor e: quantiles are right to one per cent."""
OPENINGS = 10_000
"""Openings of doors that a report lists, at most: the newest."""


class Latencies:
    """A histogram of durations in seconds; its size does not grow with the number of samples."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self._count = 0
        self._longest = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration; zero and less count as a microsecond."""
        self._buckets[math.floor(math.log(max(seconds, 1e-6)) * FINENESS)] += 1
        self._count += 1
        self._longest = max(self._longest, seconds)

    def quantile(self, share: float) -> float:
        """The duration in seconds that this share of the samples does not exceed; 0.0 without samples."""
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= share * self._count:
                return min(math.exp((bucket + 1) / FINENESS), self._longest)
        return 0.0

    def milliseconds(self) -> dict[str, float]:
        """``p50``, ``p99`` and ``max``."""
        found = {"p50": self.quantile(0.5), "p99": self.quantile(0.99), "max": self._longest}
        return {name: round(seconds * 1000, 2) for name, seconds in found.items()}


class AckFile:
    """Each acknowledged log as one JSON line, written through at once, so that it survives a crash."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, acked: LogsAcked) -> None:
        """Append the lines of one batch: ``sn`` and the fields of the log."""
        lines = (json.dumps({"sn": acked.sn, **log.fields()}) + "\n" for log in acked.logs)
        self._file.write("".join(lines))
        self._file.flush()


class ObeyedFile:
    """Each command that was done as one JSON line, written through at once, so that it survives a crash."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, obeyed: Obeyed, at: float) -> None:
        """Append a line: ``sn``, ``cmd`` and ``at``, seconds of the clock that `Report` goes by."""
        self._file.write(json.dumps({"sn": obeyed.sn, "cmd": obeyed.word, "at": at}) + "\n")
        self._file.flush()


class Report:
    """Everything that happened, counted; told by the fleet.

    ``monotonic`` says when commands are done. Its usual clock never jumps and is the same for all processes
    of a computer, so that a test can compare what it did itself with what the terminals did.
    """

    def __init__(
        self,
        ack_file: AckFile | None = None,
        obeyed_file: ObeyedFile | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.obeyed: Counter[str] = Counter()
        self.doors_opened: deque[dict[str, Any]] = deque(maxlen=OPENINGS)
        self.reasons: Counter[str] = Counter()
        self.rejections: Counter[str] = Counter()
        self.complaints: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.latencies = Latencies()
        self._ack_file = ack_file
        self._obeyed_file = obeyed_file
        self._monotonic = monotonic
        self._announced: set[tuple[int, str]] = set()

    def note(self, tell: Tell) -> None:
        """Count one tell of a terminal; those that are only things to do are ignored."""
        match tell:
            case LogsSent(records, tries):
                self.counts["sent" if tries == 1 else "resent"] += records
            case LogsAcked():
                self._acked(tell)
            case UserAcked():
                self.counts["users_acked"] += 1
            case Answered():
                self.counts["commands"] += 1
            case Obeyed():
                self._obeyed(tell)
            case Admitted():
                self.counts["admitted"] += 1
            case Denied(reason):
                self.reasons[reason] += 1
            case Rejected(word, reason):
                self.rejections[f"{word}: {reason}"] += 1
            case Complaint(text):
                self.complaints[text] += 1
            case Drop():
                self.counts["drops"] += 1

    def connected(self) -> None:
        """A WebSocket was opened."""
        self.counts["connections"] += 1

    def disconnected(self) -> None:
        """A WebSocket that was open is gone."""
        self.counts["lost"] += 1

    def unreachable(self, why: str) -> None:
        """A connection could not be opened."""
        self.failures[why] += 1

    def figures(self, standing: Mapping[str, int], seconds: float) -> dict[str, Any]:
        """The report as one object; ``standing`` are the fleet's present numbers (see `Fleet.standing`)."""
        names = ("sent", "acked", "resent", "users_acked", "connections", "lost", "drops", "commands")
        return {
            **standing,
            **{name: self.counts[name] for name in names},
            "latency_ms": self.latencies.milliseconds(),
            "seconds": round(seconds, 1),
            "reasons": dict(self.reasons),
            "rejections": dict(self.rejections),
            "complaints": dict(self.complaints),
            "unreachable": dict(self.failures),
            "obeyed": dict(self.obeyed),
            "doors_opened": list(self.doors_opened),
        }

    def news(self, refused: int) -> list[str]:
        """Lines for people about reasons that were not shown before; ``refused``: terminals refused now."""
        tables = (
            (f"terminals refused: {refused}; server answered: ", self.reasons),
            ("could not connect: ", self.failures),
            ("server did not take a ", self.rejections),
            ("against the protocol: ", self.complaints),
        )
        lines: list[str] = []
        for number, (beginning, table) in enumerate(tables):
            fresh = [text for text in table if (number, text) not in self._announced]
            lines += [beginning + text for text in fresh[: max(0, MOST_LINES - len(self._announced))]]
            self._announced.update((number, text) for text in fresh)
        return lines

    def _obeyed(self, obeyed: Obeyed) -> None:
        at = self._monotonic()
        self.obeyed[obeyed.word] += 1
        if obeyed.word == "opendoor":
            self.doors_opened.append({"sn": obeyed.sn, "at": at})
        if self._obeyed_file is not None:
            self._obeyed_file.write(obeyed, at)

    def _acked(self, acked: LogsAcked) -> None:
        if self._ack_file is not None:
            self._ack_file.write(acked)
        self.counts["acked"] += len(acked.logs)
        self.latencies.add(acked.waited)


def progress_line(figures: Mapping[str, Any]) -> str:
    """One line for people about the present state."""
    latency = figures["latency_ms"]
    return (
        f"{figures['seconds']:7.1f} s  online {figures['online']}/{figures['terminals']}"
        f"  refused {figures['refused']}  punches {figures['punches']}  sent {figures['sent']}"
        f"  acked {figures['acked']}  resent {figures['resent']}  waiting {figures['waiting']}"
        f"  users {figures['users_acked']}"
        f"  ack ms p50 {latency['p50']:g} p99 {latency['p99']:g} max {latency['max']:g}"
    )


def summary(figures: Mapping[str, Any]) -> str:
    """The final report for people, one figure a line; tables only where something is in them.

    Of a list only the length is shown.
    """
    lines: list[str] = []
    for name, value in figures.items():
        if isinstance(value, list):
            lines.append(f"{name.replace('_', ' '):>14}  {len(value)}")
        elif isinstance(value, Mapping):
            lines += [f"{name.replace('_', ' '):>14}  {inner}: {count}" for inner, count in value.items()]
        else:
            lines.append(f"{name.replace('_', ' '):>14}  {value}")
    return "\n".join(lines)
