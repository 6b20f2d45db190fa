"""Fleets from plans."""

from __future__ import annotations

import re
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from tfserver.simulator.making import Plan, make_terminals


class MakingTests(SynchronousTestCase):
    """Who is made."""

    def test_marks_are_distinct(self) -> None:
        """Each terminal has a serial number, processor number and network address of its own."""
        terminals = make_terminals(Plan(terminals=300, users=0, sn_prefix="A.b-c_9"), 0.0, 0.0, Random(1))
        marks = [terminal.identity for terminal in terminals]
        for name in ("sn", "cpusn", "mac"):
            self.assertEqual(len({getattr(mark, name) for mark in marks}), 300)
        self.assertTrue(all(re.fullmatch(r"[A-Za-z0-9._-]{1,32}", mark.sn) for mark in marks))
        self.assertTrue(all(re.fullmatch(r"([0-9A-F]{2}-){5}[0-9A-F]{2}", mark.mac) for mark in marks))

    def test_mixed(self) -> None:
        """``mixed`` gives the three dialects in turn."""
        terminals = make_terminals(Plan(terminals=5, dialect="mixed"), 0.0, 0.0, Random(1))
        names = [terminal.dialect.name for terminal in terminals]
        self.assertEqual(names, ["classic", "documented", "aiface", "classic", "documented"])

    def test_backlog(self) -> None:
        """So many logs, all different, all in the past."""
        now = 90 * 86_400.0
        (terminal,) = make_terminals(Plan(backlog=5000), now, 0.0, Random(1))
        logs = terminal.memory.logs.everything()
        self.assertEqual(len(set(logs)), 5000)
        self.assertTrue(all(log.second < now for log in logs))
