"""Terminals take so many of each kind and not one more (protocol §4.1)."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.simulator.admitted import NOW, admitted, asked, said, terminal_of
from tfserver.simulator.dialects import AIFACE, CLASSIC, DOCUMENTED, V3
from tfserver.simulator.terminal import Terminal


def put(terminal: Terminal, enrollid: int, backupnum: int, record: str | int = 1) -> bool:
    """Whether the terminal took a credential."""
    fields = {"enrollid": enrollid, "name": "", "backupnum": backupnum, "admin": 0, "record": record}
    return bool((asked(terminal, {"cmd": "setuserinfo", **fields}) or {})["result"])


def said_of(terminal: Terminal) -> dict[str, Any]:
    """The ``devinfo`` of its next ``reg``."""
    terminal.lost()
    found: dict[str, Any] = said(terminal.opened(NOW))[0]["devinfo"]
    return found


class RoomTests(SynchronousTestCase):
    """``--capacity``."""

    def test_each_kind(self) -> None:
        """A new credential of a full kind is refused, with words by AiFace; other kinds are not."""
        sizes = {"user": 9, "fp": 2, "card": 1, "pwd": 1, "face": 1, "palm": 1}
        terminal = admitted(V3, users=0, sizes=sizes)
        slots = {"fp": (0, 1, 2), "card": (11, 11), "pwd": (10, 10), "face": (50, 20), "palm": (30, 31)}
        for kind, (*fitting, beyond) in slots.items():
            self.assertTrue(all(put(terminal, 1, slot) for slot in fitting), kind)
            fields = {"enrollid": 2, "name": "", "backupnum": beyond, "admin": 0, "record": 1}
            reply = asked(terminal, {"cmd": "setuserinfo", **fields}) or {}
            self.assertEqual(
                (reply["result"], reply["reason"], reply["msg"]), (False, 1, f"memory full: {kind}")
            )
        self.assertEqual(list(terminal.memory.users), [1])

    def test_people(self) -> None:
        """One person more is refused; another credential of one who is there is not."""
        terminal = admitted(users=2, sizes={"user": 2})
        self.assertFalse(put(terminal, 3, 11))
        self.assertTrue(put(terminal, 2, 11))

    def test_replacing_is_not_more(self) -> None:
        """What is there already is replaced in a full terminal too."""
        terminal = admitted(users=1, sizes={"user": 1, "fp": 1})
        self.assertTrue(put(terminal, 1, 0, "another"))
        self.assertEqual(terminal.memory.users[1].credentials[0], "another")

    def test_deleting_makes_room(self) -> None:
        """Every way to delete gives the places back."""
        for command in (
            {"cmd": "deleteuser", "enrollid": 1, "backupnum": 0},
            {"cmd": "deleteuser", "enrollid": 1, "backupnum": 12},
            {"cmd": "deleteuser", "enrollid": 1, "backupnum": 13},
            {"cmd": "cleanuser"},
            {"cmd": "initsys"},
        ):
            terminal = admitted(users=1, sizes={"user": 1, "fp": 1})
            self.assertFalse(put(terminal, 2, 0))
            asked(terminal, command)
            self.assertTrue(put(terminal, 2, 0), command)
            self.assertFalse(put(terminal, 3, 0), command)

    def test_not_said_is_no_limit(self) -> None:
        """Classic terminals say nothing of faces; AiFace has no sensor for palms."""
        self.assertTrue(put(admitted(CLASSIC), 1, 50))
        self.assertFalse(put(admitted(AIFACE), 1, 30))

    def test_devinfo(self) -> None:
        """``reg`` says the sizes, and what is used of each as it is now."""
        terminal = terminal_of(AIFACE, users=3, sizes={"face": 7, "log": 500})
        found = said_of(terminal)
        self.assertEqual(
            (found["facesize"], found["usedface"], found["palmsize"], found["usedpalm"]), (7, 3, 0, 0)
        )
        self.assertEqual((found["usersize"], found["useduser"], found["usedcard"]), (3000, 3, 1))
        self.assertEqual(found["logsize"], 500)
        self.assertNotIn("facesize", said_of(terminal_of(DOCUMENTED)))
        self.assertTrue(put(terminal, 9, 50))
        self.assertEqual([said_of(terminal)[key] for key in ("useduser", "usedface")], [4, 4])

    def test_keypad(self) -> None:
        """Nobody is enrolled at a full terminal, and only as many invented people are on it as fit."""
        terminal = admitted(users=5, sizes={"user": 3})
        self.assertEqual(len(terminal.memory.users), 3)
        terminal.enrol(NOW)
        self.assertEqual((len(terminal.memory.users), len(terminal.memory.new_users)), (3, 0))
        reply = asked(terminal, {"cmd": "adduser", "enrollid": 9, "backupnum": 0, "name": "Lea"}) or {}
        self.assertIs(reply["result"], False)

    def test_people_alike(self) -> None:
        """With ``credentials`` everybody has all of them that the dialect stores."""
        terminal = terminal_of(users=4, credentials=(0, 11, 40), fpalgo="thbio1.0")
        self.assertEqual({tuple(user.credentials) for user in terminal.memory.users.values()}, {(0, 11)})
        self.assertEqual(said_of(terminal)["fpalgo"], "thbio1.0")
