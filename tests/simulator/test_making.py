"""Fleets from plans."""

from __future__ import annotations

import re
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from tests.simulator.admitted import said
from tfserver.simulator.making import Plan, make_terminals
from tfserver.simulator.moods import read_moods


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

    def test_history(self) -> None:
        """The older logs are acknowledged already, and nobody's punches of this run; the newer ones wait."""
        (terminal,) = make_terminals(Plan(history=30, backlog=10), 90 * 86_400.0, 0.0, Random(1))
        logs = terminal.memory.logs
        self.assertEqual((len(logs), logs.waiting, logs.new, logs.made), (40, 10, 10, 10))
        self.assertEqual(list(logs.unacked(50)), logs.everything()[30:])
        (nobody,) = make_terminals(Plan(history=30, users=0), 90 * 86_400.0, 0.0, Random(1))
        self.assertEqual((nobody.memory.logs.waiting, nobody.memory.logs.made), (0, 0))

    def test_moods(self) -> None:
        """Each terminal has all the moods, and its own count of when they wear off."""
        plan = Plan(terminals=2, users=0, moods=read_moods("silent*1:gettime"))
        for terminal in make_terminals(plan, 0.0, 0.0, Random(1)):
            answers = [said(terminal.received({"cmd": "gettime"}, 0.0)) for _ in range(2)]
            self.assertEqual([len(answer) for answer in answers], [0, 1])
