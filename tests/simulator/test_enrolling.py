"""Enrolment at the device: scans, questions how far it is, cancelling (protocol §5.1)."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.simulator.admitted import NOW, admitted, asked, said
from tests.simulator.tiny_server import CLOUDTIME
from tfserver.simulator.dialects import AIFACE, DOCUMENTED, V3, Dialect
from tfserver.simulator.moods import read_moods
from tfserver.simulator.terminal import Terminal

SLOT = {"enrollid": 9, "backupnum": 0}
ADD = {"cmd": "adduser", **SLOT, "admin": 0, "name": "Lea", "flag": 10}
_chance = Random(5)


def waiting(dialect: Dialect = V3, mood: str = "", **plan: Any) -> Terminal:
    """A terminal that pushes new users, and has begun an enrolment."""
    terminal = admitted(dialect, users=0, moods=read_moods(mood) if mood else (), **plan)
    terminal.users.allowed = True
    assert (asked(terminal, ADD) or {})["result"] is True
    return terminal


def status(terminal: Terminal, **slot: Any) -> Any:
    """How far it says to be."""
    return (asked(terminal, {"cmd": "checkregstatus", **SLOT, **slot}) or {}).get("status")


def ticks(terminal: Terminal, count: int, since: int = 0) -> list[str]:
    """What the terminal pushes in so many seconds from ``since`` on, visited more often than once in each."""
    visits = [NOW + since + second + part for second in range(count) for part in (0, 0.1, 0.5)]
    told = [tell for now in visits for tell in terminal.tick(now)]
    return [message["cmd"] for message in said(told)]


class ScanTests(SynchronousTestCase):
    """Enrolments that take time."""

    def test_questions(self) -> None:
        """Each question is a scan; with the last one the person is there, and is pushed with the answer."""
        terminal = waiting()
        self.assertEqual([status(terminal) for _ in range(3)], [0, 1, 2])
        self.assertEqual(terminal.memory.users, {})
        told = said(terminal.received({"cmd": "checkregstatus", **SLOT}, NOW))
        self.assertEqual([one.get("status", one.get("cmd")) for one in told], [3, "senduser"])
        self.assertEqual([status(terminal), status(terminal)], [100, 100])
        self.assertEqual(
            (terminal.memory.users[9].name, list(terminal.memory.users[9].credentials)), ("Lea", [0])
        )

    def test_time(self) -> None:
        """When nobody asks, a second is a scan; questions then tell the end."""
        terminal = waiting()
        self.assertEqual(ticks(terminal, 3), [])
        self.assertEqual(ticks(terminal, 1, 3), ["senduser"])
        self.assertEqual(status(terminal), 100)

    def test_questions_stop_the_time(self) -> None:
        """Who asks decides how fast it goes."""
        terminal = waiting()
        self.assertEqual(status(terminal), 0)
        ticks(terminal, 5)
        self.assertEqual(status(terminal), 1)

    def test_a_photo_takes_one(self) -> None:
        """Only fingers are scanned three times."""
        terminal = admitted(V3, users=0)
        asked(terminal, {**ADD, "backupnum": 50})
        self.assertEqual([status(terminal, backupnum=50) for _ in range(3)], [0, 1, 100])

    def test_moods(self) -> None:
        """As many scans as the mood says; nobody comes; unreadable: then nobody is there."""
        quick = waiting(mood="scans=1")
        self.assertEqual([status(quick) for _ in range(3)], [0, 1, 100])
        nobody, unreadable = waiting(mood="scans=never"), waiting(mood="scans=fails")
        self.assertEqual([status(nobody) for _ in range(5)], [0] * 5)
        self.assertEqual([status(unreadable) for _ in range(6)], [0, 1, 2, 3, -1, -1])
        self.assertEqual((nobody.memory.users, unreadable.memory.users), ({}, {}))
        slow = waiting(DOCUMENTED, "scans=2")
        self.assertEqual(ticks(slow, 2), [])
        self.assertEqual(ticks(slow, 1, 2), ["senduser"])

    def test_busy(self) -> None:
        """A second one is refused as long as the first goes on."""
        terminal = waiting()
        self.assertEqual((asked(terminal, {**ADD, "enrollid": 10}) or {})["msg"], "device busy")
        ticks(terminal, 4)
        self.assertIs((asked(terminal, {**ADD, "enrollid": 10}) or {})["result"], True)

    def test_full_meanwhile(self) -> None:
        """When there is no room any more at the end, it failed."""
        terminal = waiting(sizes={"fp": 1})
        asked(terminal, {"cmd": "setuserinfo", "enrollid": 1, "backupnum": 0, "name": "", "record": "x"})
        self.assertEqual([status(terminal) for _ in range(5)], [0, 1, 2, 3, -2])

    def test_cancel(self) -> None:
        """Both words stop it; a question then knows nothing, and the next one may begin."""
        for command in ({**ADD, "cancel": True}, {"cmd": "canceladduser", **SLOT}):
            terminal = waiting()
            asked(terminal, {**command, "enrollid": 8})
            self.assertEqual(status(terminal), 0)
            self.assertIs((asked(terminal, command) or {})["result"], True)
            self.assertIsNone(status(terminal))
            self.assertEqual(ticks(terminal, 9), [])
            self.assertIs((asked(terminal, ADD) or {})["result"], True)

    def test_only_v3_knows(self) -> None:
        """Other dialects know neither word."""
        for word in ("checkregstatus", "canceladduser"):
            self.assertIsNone(asked(admitted(DOCUMENTED), {"cmd": word, **SLOT}))
            reply = asked(admitted(AIFACE), {"cmd": word, **SLOT}) or {}
            self.assertEqual(reply["msg"], "can not find this command")
            self.assertEqual((asked(admitted(V3), {"cmd": word, **SLOT}) or {})["msg"], "have no data")


class PassingTests(SynchronousTestCase):
    """Who punches, and with what."""

    def test_own_credentials(self) -> None:
        """The mode tells a credential that the person has there."""
        terminal = admitted(DOCUMENTED, users=0)
        for enrollid, slot in ((1, 0), (2, 10), (3, 11), (4, 50)):
            asked(
                terminal,
                {"cmd": "setuserinfo", "enrollid": enrollid, "backupnum": slot, "name": "", "record": 1},
            )
        for second in range(40):
            terminal.memory.punch(NOW + second, terminal.dialect.modes, _chance)
        found = {(log.enrollid, log.mode) for log in terminal.memory.logs.everything()}
        self.assertEqual(found, {(1, 1), (2, 2), (3, 3), (4, 8)})

    def test_validity(self) -> None:
        """Who is not valid at this second does not pass; both ends belong to it; equal ones are no limit."""
        day = CLOUDTIME[:11]
        clock = CLOUDTIME[11:]
        for begin, end, passes in (
            (CLOUDTIME, CLOUDTIME[:17] + "59", True),
            (day + "00:00:00", CLOUDTIME, True),
            ("2000-01-01 00:00:00", "2000-01-02 " + clock, False),
            ("2098-01-01 00:00:00", "2099-01-01 00:00:00", False),
            ("2000-01-01 00:00:00", "2000-01-01 00:00:00", True),
        ):
            terminal = admitted(DOCUMENTED, users=1)
            lock = {"enrollid": 1, "starttime": begin, "endtime": end}
            asked(terminal, {"cmd": "setuserlock", "count": 1, "record": [lock]})
            self.assertEqual(terminal.punch(NOW, _chance) is not None, passes, (begin, end))
            asked(terminal, {"cmd": "deleteuserlock", "enrollid": 1})
            self.assertIsNotNone(terminal.punch(NOW, _chance))
