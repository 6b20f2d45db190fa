"""Moods about people: saying true and keeping nothing, refusing photos, leaving some."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.simulator.admitted import NOW, admitted, asked
from tfserver.simulator.dialects import AIFACE, DOCUMENTED, Dialect
from tfserver.simulator.moods import MoodError, read_moods
from tfserver.simulator.tells import Obeyed
from tfserver.simulator.terminal import Terminal

SN = "ZXDM00000001"


def moody(text: str, dialect: Dialect = DOCUMENTED, **plan: Any) -> Terminal:
    """An admitted terminal in these moods."""
    return admitted(dialect, moods=read_moods(text), **plan)


def putting(enrollid: int, backupnum: int, record: str | int = 7) -> dict[str, Any]:
    """The command that puts a credential on a terminal."""
    fields = {"enrollid": enrollid, "name": "Ines", "backupnum": backupnum, "admin": 2, "record": record}
    return {"cmd": "setuserinfo", **fields}


class KeepsNothingTests(SynchronousTestCase):
    """``keeps-nothing``."""

    def test_every_change(self) -> None:
        """It is answered as if done, and everybody is as before; it is not reported as done."""
        before = admitted(AIFACE, users=3).memory.users
        lock = {"enrollid": 1, "weekzone": 4}
        for command in (
            putting(1, 11),
            putting(9, 11),
            {"cmd": "deleteuser", "enrollid": 3, "backupnum": 13},
            {"cmd": "setusername", "count": 1, "record": [{"enrollid": 2, "name": "x"}]},
            {"cmd": "setuserlock", "count": 1, "record": [lock]},
            {"cmd": "enableuser", "enrollid": 1, "enflag": 0},
            {"cmd": "cleanuser"},
        ):
            terminal, honest = moody("keeps-nothing", AIFACE, users=3), admitted(AIFACE, users=3)
            told = terminal.received(command, NOW)
            self.assertFalse([tell for tell in told if isinstance(tell, Obeyed)], command)
            self.assertEqual(asked(terminal, command), asked(honest, command))
            self.assertEqual(terminal.memory.users, before, command)
            self.assertNotEqual(honest.memory.users, before, command)

    def test_room_stays(self) -> None:
        """What was not kept takes no room."""
        terminal = moody("keeps-nothing*1:setuserinfo", users=0, sizes={"user": 1})
        for _ in range(2):
            self.assertIs((asked(terminal, putting(1, 11)) or {})["result"], True)
        self.assertIs((asked(terminal, putting(2, 11)) or {})["result"], False)

    def test_kind(self) -> None:
        """With a kind only such credentials are lost."""
        terminal = moody("keeps-nothing=card:setuserinfo", users=0)
        for slot in (0, 11):
            asked(terminal, putting(1, slot))
        self.assertEqual(list(terminal.memory.users[1].credentials), [0])

    def test_refusals_stay(self) -> None:
        """What the terminal would refuse is refused."""
        reply = asked(moody("keeps-nothing"), {"cmd": "deleteuser", "enrollid": 99, "backupnum": 13}) or {}
        self.assertIs(reply["result"], False)


class FaceTests(SynchronousTestCase):
    """``no-face``, ``refuses-photo`` and ``leaves``."""

    def test_no_face(self) -> None:
        """A photo is kept, but nobody punches with it until a better one comes; other ways go on."""
        terminal = moody("no-face*1", AIFACE, users=0)
        asked(terminal, putting(1, 50, "bad"))
        self.assertEqual(terminal.memory.users[1].credentials, {50: "bad"})
        self.assertIsNone(terminal.punch(NOW, Random(1)))
        asked(terminal, putting(1, 11))
        terminal.punch(NOW, Random(1))
        asked(terminal, putting(1, 50, "good"))
        asked(terminal, {"cmd": "deleteuser", "enrollid": 1, "backupnum": 11})
        terminal.punch(NOW, Random(1))
        self.assertEqual([log.mode for log in terminal.memory.logs.everything()], [3, 8])

    def test_refuses_photo(self) -> None:
        """Photos are refused with the number, by AiFace with words; other credentials are taken."""
        for text, reason, words in (
            ("refuses-photo", 5, "no face"),
            ("refuses-photo=6", 6, "more than one face"),
        ):
            terminal = moody(text, AIFACE, users=0)
            reply = asked(terminal, putting(1, 50, "x")) or {}
            self.assertEqual((reply["result"], reply["reason"], reply["msg"]), (False, reason, words))
            self.assertIs((asked(terminal, putting(1, 11)) or {})["result"], True)

    def test_leaves(self) -> None:
        """13 leaves the photo, or all biometrics; without any the person is gone."""
        for text, left in (("leaves", [50]), ("leaves=biometrics", [0, 50])):
            terminal = moody(text, AIFACE, users=0)
            for slot in (0, 11, 50):
                asked(terminal, putting(1, slot, "x"))
            asked(terminal, putting(2, 11))
            for enrollid in (1, 2):
                reply = asked(terminal, {"cmd": "deleteuser", "enrollid": enrollid, "backupnum": 13}) or {}
                self.assertIs(reply["result"], True)
            self.assertEqual(
                {who: list(user.credentials) for who, user in terminal.memory.users.items()}, {1: left}
            )
            asked(terminal, {"cmd": "deleteuser", "enrollid": 1, "backupnum": 50})
            self.assertEqual(1 in terminal.memory.users, left != [50])

    def test_words(self) -> None:
        """A mood about some words is refused for others, and leaves them alone."""
        for text in (
            "no-face:deleteuser",
            "leaves:setuserinfo",
            "scans=2:setuserinfo",
            "keeps-nothing:gettime",
        ):
            self.assertIn("it is about ", str(self.assertRaises(MoodError, read_moods, text)))
        for text in ("scans", "scans=0", "scans=100", "refuses-photo=x", "keeps-nothing=user", "leaves=all"):
            self.assertIn("expected after '='", str(self.assertRaises(MoodError, read_moods, text)))
        reply = asked(moody("keeps-nothing"), {"cmd": "setdevinfo", "volume": 1})
        self.assertEqual(reply, {"ret": "setdevinfo", "sn": SN, "result": True})
