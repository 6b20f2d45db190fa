"""Works with several figures: verdicts, and their table."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import report, several
from benchmarks.arrival_rounds import MODES
from benchmarks.contestants import MANY_DOORS, ONE_DOOR
from benchmarks.order_rounds import SERVERS, found_as_round
from benchmarks.results import Round
from benchmarks.sampling import _measured_time
from benchmarks.targets import COMPARED, WORKS, Load, Target, Work

WORK = Work(
    "doors",
    "{terminals} doors",
    "p50",
    (MANY_DOORS, ONE_DOOR),
    Load("doors", 50),
    Load("doors", 50),
    (
        Target("", 5.0, 0.4, of="p50", is_local=True),
        Target("", 190.0, 0.4, of="rate", is_floor=True, is_local=True),
        Target("", COMPARED, 0.5, of="by ack"),
    ),
    told=(("p50", "p50 (ms)"), ("rate", "a second"), ("by ack", "ratio")),
)


def made(p50: float, rate: float = 200.0, others: float = 0.0) -> Round:
    """A round with these figures."""
    cpu = {"server": 0.2, "other": 0.31, "store": 0.1, "load": 0.05, "others": others}
    return Round(p50, cpu, 100.0, {}, {}, more={"p50": p50, "rate": rate, "by ack": p50 / 2})


def given(is_small: bool = False) -> report.Conditions:
    """Good conditions."""
    return report.Conditions(0.1, is_small, True)


class SeveralTests(SynchronousTestCase):
    """A work of two columns and three figures."""

    def verdicts(self, *ours: Round, is_small: bool = False) -> list[report.Verdict]:
        """What is thought of these rounds."""
        return report.verdicts(WORK, {MANY_DOORS.name: list(ours)}, given(is_small))

    def test_verdicts(self) -> None:
        """Each figure has its own bound, from above or from below."""
        found = self.verdicts(made(4.0), made(6.0, 150.0), made(4.5))
        self.assertEqual([each.word for each in found], ["met", "met", "only compared"])
        found = self.verdicts(made(5.1, 189.0))
        self.assertEqual([each.word for each in found], ["MISSED", "MISSED", "only compared"])
        self.assertEqual(found[1].line(), "doors: rate 189.0 (target ≥ 190): MISSED")
        self.assertEqual(found[2].line(), "doors: by ack 2.55 (target none): only compared")

    def test_small(self) -> None:
        """A small run asks for nothing that says something of this machine only."""
        self.assertEqual([each.key for each in self.verdicts(made(9.0), is_small=True)], ["doors: by ack"])

    def test_compared(self) -> None:
        """Against an earlier run a figure without a bound may grow by its margin."""
        found = self.verdicts(made(5.8), is_small=True)
        self.assertEqual(report.compared(found, {"doors: by ack": 2.0})[1], [])
        self.assertEqual(len(report.compared(found, {"doors: by ack": 1.9})[1]), 1)

    def test_disturbed(self) -> None:
        """What a busy machine changes is not judged there; what it does not change is."""
        disturbed = made(4.0, others=0.9)
        self.assertFalse(any(each.is_judged for each in self.verdicts(disturbed)))
        steady = WORK._replace(targets=(Target("", 5.0, 0.4, of="p50", is_steady=True),))
        (verdict,) = report.verdicts(steady, {MANY_DOORS.name: [disturbed]}, given())
        self.assertEqual((verdict.is_judged, verdict.word), (True, "met"))

    def test_table(self) -> None:
        """A row for each figure and each process, a column for each way; targets are of the first."""
        results = {MANY_DOORS.name: [made(4.0), made(6.0), made(4.5)], ONE_DOOR.name: [made(9.0)]}
        text = several.table(WORK, 50, results, report.verdicts(WORK, results, given()))
        self.assertIn("**50 doors** (`doors`)\n\n|  | tfserver, 50 terminals | tfserver, 1 terminal |", text)
        self.assertIn("| p50 (ms) | 4.50 (4.00–6.00) | 9.00 | ≤ 5: met |", text)
        self.assertIn("| ratio | 2.25 (2.00–3.00) | 4.50 | none: only compared |", text)
        self.assertIn("| CPU: other process | 31% | 31% |  |", text)
        self.assertEqual({line.count("|") for line in text.splitlines()[2:]}, {5})


class WorkTests(SynchronousTestCase):
    """The works with several figures in the table of targets."""

    def test_figures(self) -> None:
        """Every target is about a figure that the table tells, the first too; modes of loads are known."""
        works = [work for work in WORKS if work.told]
        self.assertEqual({work.load.mode for work in works}, {*SERVERS, *MODES})
        for work in works:
            names = {name for name, _ in work.told}
            own = [target for target in work.targets if not target.against]
            self.assertLessEqual({work.figure, *(target.of for target in own)}, names)
            self.assertTrue(any(not target.is_local for target in work.targets))

    def test_profiled(self) -> None:
        """What is measured in such a work comes after something else, and so does the profile."""
        for work in WORKS:
            begin, seconds = _measured_time(work.load)
            self.assertGreater(seconds, 0.0)
            self.assertEqual(begin > work.load.warm_up, bool(work.told))

    def test_round(self) -> None:
        """What the load found becomes a round."""
        cpu = {"server": 0.5, "store": 0.2, "load": 0.3, "others": 0.0}
        found: dict[str, Any] = {"cpu": cpu, "seconds": 2.0, "done": 100, "wrong": {}, "more": {"rate": 50.0}}
        made = found_as_round(found, "rate")
        self.assertEqual((made.figure, made.request_us, made.late_ms), (50.0, 10_000.0, 0.0))
        made = found_as_round({**found, "late": {"p99": 3.0}, "latency": {"p50": 1.0}}, "rate")
        self.assertEqual((made.late_ms, made.latency), (3.0, {"p50": 1.0}))
