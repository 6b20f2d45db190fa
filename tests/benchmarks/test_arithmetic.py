"""From rounds to medians, ratios, verdicts and the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import report
from benchmarks.contestants import NODE, NODE_REDIS, TFSERVER, WEBSOCKETS
from benchmarks.load import milliseconds
from benchmarks.results import Round
from benchmarks.rounds import combined, shared_out
from benchmarks.targets import WORKS, Load, Target, Work

RATIO = Target(NODE.name, 2.0, 0.1)
LIMIT = Target("", 10.0, 0.2, most_fsync=1.0)


def rounds(*figures: float, **more: Any) -> list[Round]:
    """Quiet rounds with these figures."""
    cpu = {"server": 1.0, "load": 0.5, "others": 0.0}
    plain: dict[str, Any] = {"request_us": 20.0, "latency": {"p50": 1.0, "p99": 2.0}, "wrong": {}, **more}
    return [Round(figure, cpu, **plain) for figure in figures]


def given(fsync_p99: float = 0.1, is_small: bool = False, has_cores: bool = True) -> report.Conditions:
    """Good conditions, but for what is said."""
    return report.Conditions(fsync_p99, is_small, has_cores)


def work(*targets: Target) -> Work:
    """A work of two contestants."""
    return Work("work", "{terminals} terminals", "rate", (TFSERVER, NODE), Load("closed", 9), None, targets)


def part(**more: Any) -> dict[str, Any]:
    """What one load found."""
    cpu = {"server": 0.5, "store": 0.2, "load": 0.3, "others": 0.0}
    plain = {"cpu": cpu, "seconds": 2.0, "done": 100, "terminals": 10, "memory_kib": 3.0, "wrong": {}}
    return {**plain, "latency": {"p50": 1.0, "p99": 5.0}, **more}


class TargetTests(SynchronousTestCase):
    """The table of targets, and its margins."""

    def test_bounds(self) -> None:
        """A ratio may not be less than its bound, a limit not more; the margin is a share of the bound."""
        self.assertEqual([RATIO.is_met(found) for found in (1.99, 2.0)], [False, True])
        self.assertEqual([RATIO.is_met(found, 0.1) for found in (1.79, 1.81)], [False, True])
        self.assertEqual([LIMIT.is_met(found) for found in (10.0, 10.1)], [True, False])
        self.assertEqual([LIMIT.is_met(found, 0.2) for found in (11.9, 12.1)], [True, False])

    def test_table(self) -> None:
        """Every peer that a target names takes part, ours is first, and names are not used twice."""
        for each in WORKS:
            self.assertTrue(each.contestants[0].name.startswith("tfserver"))
            names = {contestant.name for contestant in each.contestants[1:]}
            self.assertLessEqual({target.against for target in each.targets if target.against}, names)
        self.assertEqual(len({each.name for each in WORKS}), len(WORKS))

    def test_taking_part(self) -> None:
        """In a small run we and those a target names; without Node nobody who needs it."""
        (durable,) = [each for each in WORKS if each.name == "durable-10"]
        names = [each.name for each in durable.taking_part(True, True)]
        self.assertEqual(names, [TFSERVER.name, NODE_REDIS.name, WEBSOCKETS.name])
        self.assertEqual(len(durable.taking_part(False, True)), 4)
        self.assertEqual([each.needs_node for each in durable.taking_part(False, False)], [False] * 3)


class ReportTests(SynchronousTestCase):
    """Medians, ratios, verdicts."""

    def results(self, ours: list[Round], theirs: list[Round]) -> report.Results:
        """Both contestants' rounds."""
        return {TFSERVER.name: ours, NODE.name: theirs}

    def test_ratios_by_round(self) -> None:
        """A round that was slow for both does not spoil the ratio."""
        found = report.ratios(rounds(200, 20, 210), rounds(100, 10, 100))
        self.assertEqual(report.spread(found), (2.0, 2.0, 2.1))

    def test_disturbed_rounds(self) -> None:
        """Disturbed rounds count only where there are no others."""
        noisy = Round(1.0, {"server": 0.5, "load": 0.1, "others": 0.5}, 20.0, {}, {})
        both = [noisy, *rounds(30)]
        self.assertEqual((report.ratios(both, rounds(10, 10)), report.figures(both)), ([3.0], [30]))
        self.assertEqual((report.ratios([noisy], rounds(10)), report.figures([noisy])), ([0.1], [1.0]))

    def test_verdicts(self) -> None:
        """Met, within the margin of a small run, and missed."""
        cases = [(200.0, True, "met"), (185.0, True, "within the margin of 10%"), (170.0, True, "MISSED")]
        for ours, is_small, word in [*cases, (185.0, False, "MISSED")]:
            results = self.results(rounds(ours), rounds(100))
            (verdict,) = report.verdicts(work(RATIO), results, given(is_small=is_small))
            self.assertEqual((verdict.word, verdict.is_failed), (word, word == "MISSED"))

    def test_slow_disk(self) -> None:
        """A latency is not judged where the disk alone takes too long."""
        results = self.results(rounds(50), rounds(1))
        (verdict,) = report.verdicts(work(LIMIT), results, given(fsync_p99=1.5))
        self.assertFalse(verdict.is_failed)
        self.assertIn("not judged", verdict.word)

    def test_nothing_found(self) -> None:
        """A peer that answered nothing gives no ratio, which is no success."""
        (verdict,) = report.verdicts(work(RATIO), self.results(rounds(5), rounds(0)), given())
        self.assertTrue(verdict.is_failed)

    def compared(self, found: float, **before: float) -> tuple[list[str], list[str]]:
        """What is said of this ratio beside the figures of an earlier run."""
        results = self.results(rounds(100 * found), rounds(100))
        earlier = {"work: Node ws" if name == "ratio" else name: value for name, value in before.items()}
        return report.compared(report.verdicts(work(RATIO), results, given()), earlier)

    def test_fallen(self) -> None:
        """Against an earlier run a figure may fall by its margin, whatever the target is."""
        line = "work: Node ws: 5.00, before 5.50, margin 10%: kept"
        self.assertEqual(self.compared(5.0, ratio=5.5, other=9.0), ([line], []))
        line = "work: Node ws: 5.00, before 5.60, margin 10%: FALLEN"
        self.assertEqual(self.compared(5.0, ratio=5.6), ([line], [line]))
        self.assertEqual(self.compared(0.5, ratio=0.5)[1], [])
        line = "work: Node ws: 5.00, before –: nothing to compare with"
        self.assertEqual(self.compared(5.0, other=9.0), ([line], []))

    def test_own_figure_fallen(self) -> None:
        """Of our own figure more is worse."""
        found = report.verdicts(work(LIMIT), {TFSERVER.name: rounds(11)}, given())
        self.assertEqual(report.compared(found, {"work: own": 9.2})[1], [])
        self.assertEqual(len(report.compared(found, {"work: own": 9.1})[1]), 1)

    def test_not_measured(self) -> None:
        """A peer that could not take part fails nothing, and is said not to have."""
        found = report.verdicts(work(RATIO), {TFSERVER.name: rounds(5)}, given())
        self.assertEqual([each.word for each in found], ["not measured"])
        self.assertFalse(found[0].is_failed)
        lines, fallen = report.compared(found, {"work: Node ws": 5.0})
        self.assertEqual((lines, fallen), (["work: Node ws: –, before 5.00: not measured"], []))
        self.assertNotIn("Node", report.table(work(RATIO), 1, {TFSERVER.name: rounds(5)}, found))

    def test_not_judged(self) -> None:
        """Nothing is judged where every round was disturbed or cores were shared, but for the memory."""
        noisy = Round(1.0, {"server": 0.5, "load": 0.1, "others": 0.5}, 20.0, {}, {})
        cases = [
            ([noisy, noisy], [*rounds(100), noisy], given(), "other programs"),
            (rounds(1), rounds(100), given(has_cores=False), "share a core"),
        ]
        for ours, theirs, conditions, why in cases:
            (verdict,) = report.verdicts(work(RATIO), self.results(ours, theirs), conditions)
            self.assertIn(why, verdict.word)
            self.assertEqual((verdict.is_failed, verdict.is_judged), (False, False))
            self.assertEqual(report.compared([verdict], {"work: Node ws": 9.0})[1], [])
        memory = work(LIMIT._replace(is_steady=True))
        (verdict,) = report.verdicts(memory, {TFSERVER.name: [noisy]}, given(has_cores=False))
        self.assertEqual(verdict.word, "met")

    def test_by_cpu(self) -> None:
        """The ratio of server CPU is told beside that of the rates."""
        ours, theirs = rounds(300, request_us=10.0), rounds(100, request_us=90.0)
        self.assertEqual(report.cpu_ratios(ours, theirs), [9.0])
        text = report.table(work(RATIO), 1, self.results(ours, theirs), [])
        self.assertIn("| **3.00×** | 3.00–3.00 | 9.00× |", text)

    def test_table(self) -> None:
        """The table shows the ratio at the peer's row, and what was wrong."""
        results = self.results(rounds(300), rounds(100, wrong={"dropped": 3}))
        text = report.table(work(RATIO), 10_000, results, report.verdicts(work(RATIO), results, given()))
        self.assertIn("**10,000 terminals** (`work`)", text)
        self.assertIn("| Node ws | 100.0 | 100.0–100.0 | **3.00×** | 3.00–3.00 | 1.00× | ≥ 2×: met |", text)
        self.assertIn("3 dropped |", text)
        widths = {line.count("|") for line in text.splitlines() if line.startswith("|")}
        self.assertEqual(len(widths), 1)

    def test_page(self) -> None:
        """Only what stands between the markers is replaced; a page without them gets them at its end."""
        path = Path(self.mktemp())
        report.put(path, "one")
        self.assertEqual(path.read_text(), f"# Performance\n\n{report.BEGIN}\n\none\n\n{report.END}\n")
        path.write_text(f"before\n{path.read_text()}after\n")
        report.put(path, "two")
        found = path.read_text()
        self.assertTrue(found.startswith("before\n") and found.endswith("after\n") and "one" not in found)
        self.assertIn("\n\ntwo\n\n", found)


class RoundTests(SynchronousTestCase):
    """What several loads found at once."""

    def test_one(self) -> None:
        """Rate, memory, CPU and latency of one load."""
        self.assertEqual(combined([part()], "rate", 10).figure, 500.0)
        self.assertEqual(combined([part()], "memory", 1).figure, 3.0)
        self.assertEqual(combined([part()], "idle", 1).figure, 50.0)
        self.assertEqual(combined([part()], "p99", 1).figure, 5.0)
        self.assertEqual(combined([part()], "rate", 1).request_us, 10_000.0)

    def test_several(self) -> None:
        """Loads add up, the store they share is counted once, and nobody takes the others for strangers."""
        cpu = {"server": 0.5, "store": 0.2, "load": 0.3, "others": 0.8}
        both = [part(cpu=cpu), part(cpu=cpu, memory_kib=5.0, wrong={"dropped": 1})]
        found = combined(both, "memory", 1)
        self.assertEqual(found.figure, 4.0)
        self.assertEqual(found.cpu, {"server": 1.0, "store": 0.2, "load": 0.6, "others": 0.0})
        self.assertEqual((found.wrong, found.servers), ({"dropped": 1}, 2))

    def test_shared_out(self) -> None:
        """One process as long as it may have enough files open, else as few as needed."""
        self.assertEqual(shared_out(100, 100), [100])
        self.assertEqual(shared_out(101, 100), [51, 50])
        self.assertEqual(sum(shared_out(20_000, 700)), 20_000)

    def test_load_bound(self) -> None:
        """A server that waits for a load whose core is full can do more."""
        full = {"server": 0.7, "load": 0.6, "store": 0.4, "others": 0.0}
        self.assertTrue(rounds(1)[0].is_load_bound is False)
        self.assertTrue(Round(1.0, full, 1.0, {}, {}).is_load_bound)

    def test_percentiles(self) -> None:
        """Latencies in milliseconds."""
        found = milliseconds([place / 1000 for place in range(1, 101)])
        self.assertEqual(found, {"p50": 51.0, "p95": 96.0, "p99": 100.0, "max": 100.0})
        self.assertEqual(milliseconds([]), {})
