"""Programs that begin as forks behave as if they had been started on their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.real.nursery import Child, begin

TOLD = """
import atexit, json, os, sys
atexit.register(print, "the end")
loaded = [each for each in ("tfserver", "twisted.internet.reactor", "sqlalchemy") if each in sys.modules]
print(json.dumps([sys.argv, sys.path[:2], os.getcwd(), dict(os.environ), loaded]))
print(os.listdir("/proc/self/fd"), file=sys.stderr)
"""


class NurseryTests(TestCase):
    """The programs print, wait, or end in some way."""

    def setUp(self) -> None:
        """A folder."""
        self.folder = tempfile.mkdtemp(dir=os.getcwd())

    def begin(self, program: str, *words: str) -> Child:
        """A program that runs there, and ends with the test."""
        with open(self.log, "wb") as log:
            child = begin(program, words, self.folder, {"PYTHONPATH": "/somewhere", "A": "b"}, log.fileno())
        self.addCleanup(child.kill)
        return child

    @property
    def log(self) -> Path:
        """What they print."""
        return Path(self.folder, "log")

    def test_surroundings(self) -> None:
        """Arguments, folder and variables are its own, libraries are there, and it has three open files (and
        the one that lists them); what it wants to do at its end is done."""
        self.assertEqual(self.begin(TOLD, "-n", "x y").wait(30), 0)
        told, files, end = self.log.read_text().splitlines()
        environment = {"PYTHONPATH": "/somewhere", "A": "b"}
        wanted = [["-c", "-n", "x y"], ["", "/somewhere"], self.folder, environment, ["sqlalchemy"]]
        self.assertEqual(told, json.dumps(wanted))
        self.assertEqual((files, end), ("['0', '1', '2', '3']", "the end"))

    def test_status(self) -> None:
        """It says how it ended: by itself, by a mistake, at once, or by a signal."""
        for program, status in (("raise SystemExit(3)", 3), ("1 / 0", 1), ("import os; os._exit(9)", 9)):
            self.assertEqual(self.begin(program).wait(30), status)
            self.assertEqual("ZeroDivisionError" in self.log.read_text(), program == "1 / 0")

    def test_signals(self) -> None:
        """It gets signals under its number; until it has ended, it has no status."""
        child = self.begin("import signal; print('here', flush=True); signal.pause()")
        while not self.log.read_text():
            self.assertIsNone(child.poll())
        self.assertRaises(subprocess.TimeoutExpired, child.wait, 0.01)
        os.kill(child.pid, signal.SIGTERM)
        self.assertEqual(child.wait(30), -signal.SIGTERM)
        child.kill()
        self.assertEqual(child.poll(), -signal.SIGTERM)
