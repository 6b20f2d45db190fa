"""A run from its rounds to its exit status, over rounds that the test makes up."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import rounds, run
from benchmarks.contestants import NODE, TFSERVER, Contestant
from benchmarks.place import ROOT, Place
from benchmarks.report import Conditions
from benchmarks.results import Round, Scene
from benchmarks.targets import Load, Target, Work

LOAD = Load("closed", 9)
WORK = Work(
    "work",
    "{terminals}",
    "rate",
    (TFSERVER, NODE),
    LOAD,
    LOAD,
    (Target(NODE.name, 2.0, 0.1), Target("", 9.0, 0.1)),
)
RATIO = WORK._replace(targets=WORK.targets[:1])


def made(figure: float, others: float = 0.0, **wrong: int) -> Round:
    """A round with this figure."""
    return Round(figure, {"server": 1.0, "load": 0.5, "others": others}, 20.0, {}, wrong)


class RunTests(SynchronousTestCase):
    """Two contestants; the peer always reaches 100."""

    def setUp(self) -> None:
        """Everything that would be measured is taken from ``figures``."""
        self.patch(run, "say", lambda _: None)
        self.patch(run, "measure", self.measure)
        self.place = Place(Path(self.mktemp()))
        self.place.has_node = True
        self.ours: Iterator[Round] = iter(())

    def measure(self, work: Work, load: Load, contestant: Contestant, scene: Scene) -> Round:
        """The next figure of ours, or the peer's."""
        return next(self.ours) if contestant is TFSERVER else made(100)

    def measured(self, before: dict[str, float], *ours: Round) -> run.Measured:
        """Three rounds, and three more where they are asked for."""
        self.ours = iter(ours)
        scene = Scene(self.place, 1000, 0.0)
        return run.run_work(RATIO, LOAD, 3, scene, Conditions(0.1, True, True), before)

    def test_once_more(self) -> None:
        """What seems fallen is measured again, and all rounds count; what is kept is measured once."""
        fallen, kept = [made(figure) for figure in (300, 310, 320)], [made(500)] * 3
        found = self.measured({"work: Node ws": 5.0}, *kept)
        self.assertEqual(
            (len(found.results[TFSERVER.name]), run.failures([found], {"work: Node ws": 5.0})), (3, [])
        )
        found = self.measured({"work: Node ws": 5.0}, *fallen, *kept)
        self.assertEqual(len(found.results[NODE.name]), 6)
        line = "work: Node ws: 4.10, before 5.00, margin 10%: FALLEN"
        self.assertEqual(run.failures([found], {"work: Node ws": 5.0}), [line])
        self.assertEqual(run.failures([found], {"work: Node ws": 4.5}), [])

    def test_targets_or_earlier(self) -> None:
        """Without an earlier run the targets say what fails, with one only what it found."""
        found = self.measured({}, *[made(100)] * 3)
        self.assertEqual(len(run.failures([found], {})), 1)
        self.assertEqual(run.failures([found], {"work: Node ws": 1.0}), [])

    def test_wrong_answers(self) -> None:
        """A wrong answer of ours fails every run."""
        found = self.measured({}, *[made(900, dropped=3)] * 3)
        self.assertEqual(run.failures([found], {"work: Node ws": 9.0})[0], "work round 1: 3 dropped")

    def test_kept(self) -> None:
        """What is kept is read again, by a run of the same size."""
        path = Path(self.mktemp())
        found = self.measured({}, *[made(250)] * 3)
        for with_rounds in (True, False):
            run.keep(path, [found], True, with_rounds)
            self.assertEqual(run.earlier(str(path), True), {"work: Node ws": 2.5})
            self.assertEqual("rounds" in json.loads(path.read_text()), with_rounds)
        self.assertRaises(SystemExit, run.earlier, str(path), False)
        disturbed = self.measured({}, *[made(250, others=0.9)] * 3)
        run.keep(path, [disturbed], True)
        self.assertRaises(SystemExit, run.earlier, str(path), True)

    def test_well(self) -> None:
        """The last line tells how many figures were not judged."""
        quiet = self.measured({}, *[made(250)] * 3)
        disturbed = self.measured({}, *[made(250, others=0.9)] * 3)
        self.assertEqual(run.well([quiet], True), "nothing has fallen: 1 figures judged")
        line = "all targets met: 1 figures judged; 1 could not be judged, see above"
        self.assertEqual(run.well([quiet, disturbed], False), line)

    def test_baseline(self) -> None:
        """A baseline is kept of a whole small run in peace, and of nothing else."""
        path = Path(self.mktemp())
        self.patch(run, "BASELINE", path)
        self.patch(run, "WORKS", (RATIO,))
        quiet = self.measured({}, *[made(250)] * 3)
        disturbed = self.measured({}, *[made(250, others=0.9)] * 3)
        for measured, is_small in (([], True), ([disturbed], True), ([quiet], False)):
            self.assertRaises(SystemExit, run.keep_baseline, measured, is_small)
        self.assertFalse(path.exists())
        run.keep_baseline([quiet], True)
        self.assertEqual(run.earlier(str(path), True), {"work: Node ws": 2.5})

    def test_without_node(self) -> None:
        """Without Node its peer is neither started nor missed."""
        self.place.has_node = False
        found = self.measured({"work: Node ws": 5.0}, *[made(1)] * 3)
        self.assertEqual(list(found.results), [TFSERVER.name])
        self.assertEqual(run.failures([found], {"work: Node ws": 5.0}), [])

    def test_patience(self) -> None:
        """A disturbed round is run again, three times at most, and not when time is up."""
        for others, patience, expected in ((0.0, 60.0, 1), (0.9, 60.0, 3), (0.9, -1.0, 1)):
            self.assertEqual(self.tries(made(1, others), patience), expected)

    def tries(self, found: Round, patience: float) -> int:
        """How often a round is run that finds this every time."""
        tried: list[Any] = []
        self.patch(rounds, "_once", lambda *given: tried.append(given) or found)
        rounds.measure(WORK, LOAD, TFSERVER, Scene(self.place, 1000, time.monotonic() + patience))
        return len(tried)


class ClosingLineTests(SynchronousTestCase):
    """The last line of ``.ci/run``."""

    def said(self, log: str, status: int, fallen: int) -> tuple[str, int]:
        """What it closes with, and its exit status."""
        text = (ROOT / ".ci" / "run").read_text()
        program = text.partition("<<'EOT'\nimport re, sys\n")[2].partition("\nEOT\n")[0]
        path = Path(self.mktemp())
        path.write_text(log)
        command = [sys.executable, "-c", f"import re, sys\n{program}", str(path), str(status), str(fallen)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return done.stdout.strip(), done.returncode

    def test_benchmark_counts_as_one(self) -> None:
        """Benchmarks that fail are one failure among the tests, and one success otherwise."""
        good = "Ran 12 tests in 3s\n\nPASSED (skips=2, successes=10)\n"
        bad = "Ran 12 tests in 3s\n\nFAILED (failures=1, errors=1, successes=10)\n"
        self.assertEqual(self.said(good, 0, 0), ("11 passed, 0 failed, 2 skipped", 0))
        self.assertEqual(self.said(good, 0, 1), ("10 passed, 1 failed, 2 skipped", 1))
        self.assertEqual(self.said(bad, 1, 0), ("11 passed, 2 failed", 1))
        self.assertEqual(self.said(bad, 1, 1), ("10 passed, 3 failed", 1))
        self.assertEqual(self.said(good, 1, 0), ("11 passed, 1 failed, 2 skipped", 1))
        self.assertEqual(self.said("", 1, 0)[1], 1)
