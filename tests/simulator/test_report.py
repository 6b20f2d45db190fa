"""Figures, latencies, the file of acknowledged logs, lines for people."""

from __future__ import annotations

import io
import json

from twisted.trial.unittest import SynchronousTestCase

from tfserver.simulator.logbook import Log
from tfserver.simulator.report import (
    OPENINGS,
    AckFile,
    Latencies,
    ObeyedFile,
    Report,
    progress_line,
    summary,
)
from tfserver.simulator.tells import (
    Answered,
    Complaint,
    Denied,
    Drop,
    LogsAcked,
    LogsSent,
    Obeyed,
    Ping,
    Rejected,
    UserAcked,
)
from tfserver.simulator.times import second_of

LOGS = tuple(Log(person, second_of("2026-04-02 08:15:04") or 0, 1, 0, 0) for person in (7, 8))
STANDING = {"terminals": 3, "online": 2, "refused": 1, "punches": 9, "waiting": 5, "users_waiting": 0}


class File(io.StringIO):
    """A file that remembers what was in it whenever it was written through."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed: list[str] = []

    def flush(self) -> None:
        self.flushed.append(self.getvalue())


class LatencyTests(SynchronousTestCase):
    """The histogram of durations."""

    def test_quantiles(self) -> None:
        """Right to one per cent; the longest is exact."""
        latencies = Latencies()
        for milliseconds in range(1, 1001):
            latencies.add(milliseconds / 1000)
        found = latencies.milliseconds()
        self.assertTrue(500 <= found["p50"] <= 506, found)
        self.assertTrue(990 <= found["p99"] <= 1000, found)
        self.assertEqual(found["max"], 1000)

    def test_none_and_nothing(self) -> None:
        """Without samples all is 0; a duration of 0 is no error."""
        latencies = Latencies()
        self.assertEqual(latencies.milliseconds(), {"p50": 0, "p99": 0, "max": 0})
        latencies.add(0.0)
        self.assertEqual(latencies.milliseconds()["max"], 0)


class ReportTests(SynchronousTestCase):
    """What is counted."""

    def test_figures(self) -> None:
        """Each tell is counted under its name."""
        report = Report()
        report.connected()
        report.disconnected()
        for tell in (
            LogsSent(2, 1),
            LogsSent(2, 2),
            LogsSent(2, 3),
            LogsAcked("ZX1", LOGS, 0.25),
            UserAcked(),
            Drop("late"),
            Ping(),
            Denied("no"),
            Denied("no"),
            Rejected("sendlog", "1"),
            Complaint("bad"),
        ):
            report.note(tell)
        figures = report.figures(STANDING, 12.34)
        expected = {
            "sent": 2,
            "resent": 4,
            "acked": 2,
            "users_acked": 1,
            "connections": 1,
            "lost": 1,
            "drops": 1,
        }
        self.assertEqual({key: figures[key] for key in expected}, expected)
        self.assertEqual({key: figures[key] for key in STANDING}, STANDING)
        self.assertEqual((figures["reasons"], figures["rejections"]), ({"no": 2}, {"sendlog: 1": 1}))
        self.assertEqual((figures["complaints"], figures["seconds"]), ({"bad": 1}, 12.3))
        self.assertEqual(figures["latency_ms"]["max"], 250)
        json.dumps(figures)
        self.assertIn("acked 2", progress_line(figures))
        self.assertIn("no: 2", summary(figures))

    def test_ack_file(self) -> None:
        """Each log is a line, written through at once."""
        file = File()
        Report(AckFile(file)).note(LogsAcked("ZX1", LOGS, 0.25))
        lines = [json.loads(line) for line in file.flushed[0].splitlines()]
        log = {"sn": "ZX1", "time": "2026-04-02 08:15:04", "mode": 1, "inout": 0, "event": 0}
        self.assertEqual(lines, [{**log, "enrollid": 7}, {**log, "enrollid": 8}])
        self.assertEqual(list(lines[0]), ["sn", "enrollid", "time", "mode", "inout", "event"])

    def test_obeyed(self) -> None:
        """What terminals did is counted by word, openings of doors with terminal and time."""
        times = iter((10.5, 11.25, 12.0))
        report = Report(monotonic=lambda: next(times))
        for tell in (Obeyed("ZX1", "opendoor"), Obeyed("ZX2", "settime"), Obeyed("ZX2", "opendoor")):
            report.note(tell)
        report.note(Answered("gettime"))
        figures = report.figures(STANDING, 1)
        self.assertEqual(figures["obeyed"], {"opendoor": 2, "settime": 1})
        self.assertEqual(figures["doors_opened"], [{"sn": "ZX1", "at": 10.5}, {"sn": "ZX2", "at": 12.0}])
        self.assertEqual(figures["commands"], 1)
        self.assertEqual(json.loads(json.dumps(figures)), figures)
        self.assertRegex(summary(figures), r"obeyed +opendoor: 2\n.*\n +doors opened +2$")

    def test_many_openings(self) -> None:
        """The list of openings has an end: the newest are in it, the counters know all."""
        times = iter(range(OPENINGS + 5))
        report = Report(monotonic=lambda: float(next(times)))
        for _ in range(OPENINGS + 5):
            report.note(Obeyed("ZX1", "opendoor"))
        self.assertEqual((len(report.doors_opened), report.doors_opened[0]["at"]), (OPENINGS, 5))
        self.assertEqual(report.obeyed["opendoor"], OPENINGS + 5)

    def test_obeyed_file(self) -> None:
        """Each command is a line, written through at once, with the time that the report has."""
        file = File()
        report = Report(None, ObeyedFile(file), lambda: 12.5)
        report.note(Obeyed("ZX1", "opendoor"))
        self.assertEqual(file.flushed, ['{"sn": "ZX1", "cmd": "opendoor", "at": 12.5}\n'])
        report.note(Obeyed("ZX1", "gettime"))
        self.assertEqual(len(file.flushed[1].splitlines()), 2)

    def test_news(self) -> None:
        """Each distinct reason is a line once, with the number of refused terminals."""
        report = Report()
        report.note(Denied("waits for approval"))
        report.note(Denied("waits for approval"))
        line = "terminals refused: 2; server answered: waits for approval"
        self.assertEqual(report.news(2), [line])
        report.note(Denied("waits for approval"))
        report.unreachable("nobody there")
        self.assertEqual(report.news(3), ["could not connect: nobody there"])

    def test_news_end(self) -> None:
        """A server with a new reason each time does not fill the screen."""
        report = Report()
        for number in range(200):
            report.note(Denied(f"reason {number}"))
        self.assertEqual(len(report.news(1)), 50)
        report.note(Denied("one more"))
        self.assertEqual(report.news(1), [])
