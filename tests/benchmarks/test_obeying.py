"""Terminals that obey: what they take, what they answer, and what they take for wrong."""

from __future__ import annotations

import json
import socket
import time
from collections import Counter
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.asker import wanted
from benchmarks.crowd import Terminal, Voice
from benchmarks.obeying import A_PAGE, LOG_DAYS, Enrolling, Logbook, Opening, credential
from tests.benchmarks.test_terminals import unmasked
from tfserver.config import ModelProfile as Profile
from tfserver.wire.ordering import decode


class Hearing:
    """A crowd that only hears what its terminals say."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []
        self.wrong: Counter[str] = Counter()
        self.asked: Any = None

    def say(self, terminal: Terminal, frame: bytes) -> None:
        """A terminal says something."""
        self.said.append(json.loads(unmasked(frame)))

    def unasked(self, terminal: Terminal, payload: bytes) -> None:
        """Nobody expects this."""
        self.wrong["unasked message"] += 1


class ObeyingCase(SynchronousTestCase):
    """Some terminals without a server."""

    def setUp(self) -> None:
        """A crowd, and a terminal at place 7."""
        self.crowd: Any = Hearing()
        self.terminal = self.made(7)

    def made(self, place: int) -> Terminal:
        """A terminal at this place."""
        ends = socket.socketpair()
        for end in ends:
            self.addCleanup(end.close)
        return Terminal(place, ends[0], Voice(0x4D, 1))

    def order(self, cmd: str, terminal: Terminal | None = None, **fields: Any) -> None:
        """Give a command."""
        payload = json.dumps({"cmd": cmd, **fields}, separators=(",", ":")).encode()
        self.crowd.asked(terminal or self.terminal, payload)

    def found(self) -> tuple[list[dict[str, Any]], dict[str, int]]:
        """What was said since the last time, and what was wrong."""
        said, self.crowd.said = self.crowd.said, []
        return said, dict(self.crowd.wrong)


class EnrollingTests(ObeyingCase):
    """Credentials, each once and in order."""

    def test_in_order(self) -> None:
        """Each terminal takes its credentials one after another and repeats whose they are."""
        enrolling, other = Enrolling(self.crowd, 3), self.made(8)
        for terminal in (self.terminal, other):
            for number in range(3):
                self.order("setuserinfo", terminal, **credential(number))
        said, wrong = self.found()
        self.assertEqual((wrong, enrolling.taken), ({}, {7: 3, 8: 3}))
        reply = {"ret": "setuserinfo", "sn": "ZXBM00000007", "enrollid": 1, "backupnum": 11, "result": True}
        self.assertEqual((len(said), said[1]), (6, reply))
        self.assertEqual(said[4]["sn"], "ZXBM00000008")

    def test_out_of_order(self) -> None:
        """One too early, one that comes again, another's and one too many are wrong, and not taken."""
        enrolling = Enrolling(self.crowd, 2)
        self.order("setuserinfo", **credential(1))
        self.order("setuserinfo", **credential(0))
        self.order("setuserinfo", **credential(0))
        self.order("setuserinfo", **{**credential(1), "record": 5})
        self.order("setuserinfo", **credential(1))
        self.order("setuserinfo", **credential(1))
        said, wrong = self.found()
        self.assertEqual((len(said), wrong), (2, {"not the credential whose turn it was": 4}))
        self.assertEqual(enrolling.taken[7], 2)

    def test_another_command(self) -> None:
        """Nothing but credentials is expected."""
        Enrolling(self.crowd, 2)
        self.order("getnewlog", stn=True)
        self.assertEqual(self.found(), ([], {"not the credential whose turn it was": 1}))

    def test_credentials_are_valid(self) -> None:
        """tfserver takes each of them for this command."""
        for number in range(40):
            command, problems = decode("setuserinfo", credential(number), Profile())
            self.assertEqual(problems, [])
            assert command is not None
            self.assertTrue(command.secrets())

    def test_put_in_order(self) -> None:
        """Whoever orders gives each of its terminals everything in order."""
        ordered = [(one.sn, one.fields) for one in wanted(range(1, 6, 2), 4)]
        self.assertEqual(len(ordered), 12)
        for sn in ("ZXBM00000001", "ZXBM00000003", "ZXBM00000005"):
            got = [fields for of, fields in ordered if of == sn]
            self.assertEqual(got, [credential(number) for number in range(4)])


class OpeningTests(ObeyingCase):
    """Doors."""

    def test_at_once(self) -> None:
        """A door that takes no time."""
        opening = Opening(self.crowd, 0.0)
        self.order("opendoor", doornum=1)
        reply = {"ret": "opendoor", "sn": "ZXBM00000007", "result": True}
        self.assertEqual((self.found(), opening.opened), (([reply], {}), 1))

    def test_later(self) -> None:
        """A door that takes its time, and not less."""
        opening = Opening(self.crowd, 60.0)
        self.order("opendoor", doornum=1)
        opening.turn(time.perf_counter() + 1.0)
        self.assertEqual(self.found(), ([], {}))
        opening.turn(time.perf_counter() + 61.0)
        self.assertEqual(len(self.found()[0]), 1)
        opening.turn(time.perf_counter() + 99.0)
        self.assertEqual(opening.opened, 1)

    def test_another_command(self) -> None:
        """Nothing but doors is expected."""
        Opening(self.crowd, 0.0)
        self.order("reboot")
        self.assertEqual(self.found(), ([], {"unasked message": 1}))


class LogbookTests(ObeyingCase):
    """Logs, page by page."""

    def pages(self, logs: int) -> list[dict[str, Any]]:
        """All pages until the first empty one."""
        self.order("getalllog", stn=True)
        pages = self.found()[0]
        while pages[-1]["record"]:
            self.order("getalllog", stn=False)
            pages += self.found()[0]
        return pages

    def test_pages(self) -> None:
        """All logs come once, in pages of 50, with the total in each; behind them is an empty page."""
        book = Logbook(self.crowd, self.terminal, 120, 1_775_000_000.0)
        pages = self.pages(120)
        self.assertEqual([len(page["record"]) for page in pages], [A_PAGE, A_PAGE, 20, 0])
        self.assertEqual([(page["from"], page["to"]) for page in pages[:3]], [(0, 50), (50, 100), (100, 120)])
        self.assertEqual({page["count"] for page in pages}, {120})
        self.assertEqual((pages[0]["sn"], pages[0]["result"], book.given), ("ZXBM00000007", True, 4))

    def test_unique(self) -> None:
        """No two logs agree in person and time, and all are of the days before now."""
        Logbook(self.crowd, self.terminal, 5_000, 1_775_000_000.0)
        records = [record for page in self.pages(5_000) for record in page["record"]]
        self.assertEqual(len({(each["enrollid"], each["time"]) for each in records}), 5_000)
        times = [each["time"] for each in records]
        self.assertLess(max(times), "2026-03-31 23:33:20")
        self.assertEqual(len({time[:10] for time in times}), LOG_DAYS + 1)

    def test_from_the_beginning(self) -> None:
        """Who begins again gets the first page."""
        Logbook(self.crowd, self.terminal, 120, 1_775_000_000.0)
        self.order("getalllog", stn=True)
        self.order("getalllog", stn=False)
        self.order("getalllog", stn=True)
        self.assertEqual([page["from"] for page in self.found()[0]], [0, 50, 0])

    def test_another_command(self) -> None:
        """Nothing but a reading of all logs is expected."""
        Logbook(self.crowd, self.terminal, 10, 1_775_000_000.0)
        self.order("getnewlog", stn=True)
        self.assertEqual(self.found(), ([], {"unasked message": 1}))
