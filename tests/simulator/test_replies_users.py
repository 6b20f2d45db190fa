"""Replies to the commands about people (protocol §5.1, Appendix A)."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.simulator.admitted import admitted, asked
from tfserver.simulator.dialects import AIFACE, CLASSIC, DOCUMENTED, OLDEST
from tfserver.simulator.samples import photo_of
from tfserver.simulator.terminal import Terminal

SN = "ZXDM00000001"
DONE: dict[str, Any] = {"result": True}
NO: dict[str, Any] = {"result": False, "reason": 1}


def pages(terminal: Terminal, word: str, **filters: Any) -> list[dict[str, Any]]:
    """All pages of a list, the empty one at the end too."""
    found = [asked(terminal, {"cmd": word, "stn": True, **filters}) or {}]
    while found[-1]["record"]:
        found.append(asked(terminal, {"cmd": word, "stn": False}) or {})
    return found


class ListTests(SynchronousTestCase):
    """``getuserlist`` and ``getallusers`` (protocol §6)."""

    def test_pages(self) -> None:
        """Forty credentials a page; ``count`` and ``to`` as each dialect reads them; an empty page ends."""
        expected = {
            DOCUMENTED: [(40, 0, 39), (26, 40, 65), (0, 0, 0)],
            CLASSIC: [(66, 0, 40), (66, 40, 66), (0, 0, 0)],
            AIFACE: [(66, 0, 40), (66, 40, 66), (0, 0, 0)],
        }
        for dialect, spans in expected.items():
            found = pages(admitted(dialect, users=50), "getuserlist")
            self.assertEqual([(page["count"], page["from"], page["to"]) for page in found], spans)
            entries = [entry for page in found for entry in page["record"]]
            self.assertEqual(len({(entry["enrollid"], entry["backupnum"]) for entry in entries}), 66)

    def test_entries(self) -> None:
        """``admin`` is a number in the documents and a text on hardware; AiFace adds ``aliasid``."""
        expected = {
            DOCUMENTED: {"enrollid": 10, "admin": 1, "backupnum": 0},
            CLASSIC: {"enrollid": 10, "admin": "1", "backupnum": 0},
            AIFACE: {"enrollid": 10, "admin": "1", "backupnum": 50, "aliasid": "10"},
        }
        for dialect, entry in expected.items():
            (page, _) = pages(admitted(dialect, users=10), "getuserlist")
            self.assertEqual([one for one in page["record"] if one["enrollid"] == 10], [entry])

    def test_empty(self) -> None:
        """No people: success with ``count`` 0."""
        reply = asked(admitted(users=0), {"cmd": "getuserlist", "stn": True})
        empty = {"count": 0, "from": 0, "to": 0, "record": []}
        self.assertEqual(reply, {"ret": "getuserlist", "sn": SN, **DONE, **empty})

    def test_a_command_between(self) -> None:
        """A command between two pages does no harm, unless a mood says so; another list ends the first."""
        terminal = admitted(users=50)
        asked(terminal, {"cmd": "getuserlist", "stn": True})
        asked(terminal, {"cmd": "gettime"})
        self.assertEqual((asked(terminal, {"cmd": "getuserlist", "stn": False}) or {})["from"], 40)
        for other in ("getnewlog", "getalllog", "getallusers"):
            asked(terminal, {"cmd": "getuserlist", "stn": True})
            asked(terminal, {"cmd": other, "stn": True})
            self.assertEqual((asked(terminal, {"cmd": "getuserlist", "stn": False}) or {})["record"], [])

    def test_no_first_page(self) -> None:
        """Who never asked for a first page gets an empty one."""
        for word in ("getuserlist", "getnewlog", "getalllog"):
            reply = asked(admitted(users=50, backlog=3), {"cmd": word, "stn": False}) or {}
            self.assertEqual((reply["result"], reply["record"]), (True, []))

    def test_somebody_goes_between(self) -> None:
        """Who was deleted between two pages is left out; nobody is left after ``cleanuser``."""
        terminal = admitted(users=3)
        asked(terminal, {"cmd": "getallusers", "stn": True})
        asked(terminal, {"cmd": "deleteuser", "enrollid": 2, "backupnum": 13})
        self.assertEqual((asked(terminal, {"cmd": "getallusers", "stn": False}) or {})["enrollid"], 3)
        asked(terminal, {"cmd": "cleanuser"})
        self.assertEqual((asked(terminal, {"cmd": "getallusers", "stn": False}) or {})["count"], 0)

    def test_getallusers(self) -> None:
        """One credential in each reply, counted by ``index``; nothing after the last."""
        terminal = admitted(users=3)
        first = asked(terminal, {"cmd": "getallusers", "stn": True}) or {}
        self.assertEqual(
            (first["index"], first["count"], first["enrollid"], first["name"]), (0, 4, 1, "Tarik 1")
        )
        rest = [asked(terminal, {"cmd": "getallusers", "stn": False}) or {} for _ in range(4)]
        self.assertEqual([reply.get("enrollid") for reply in rest], [2, 3, 3, None])
        self.assertEqual(rest[3]["count"], 0)


class OneUserTests(SynchronousTestCase):
    """One person's credentials, name, profile."""

    def test_set_and_get(self) -> None:
        """What is stored is given back as it is."""
        terminal = admitted()
        fields = {"enrollid": 70, "name": "Ines M", "backupnum": 11, "admin": 2, "record": 3120457781}
        reply = asked(terminal, {"cmd": "setuserinfo", **fields})
        self.assertEqual(reply, {"ret": "setuserinfo", **DONE})
        reply = asked(terminal, {"cmd": "getuserinfo", "enrollid": 70, "backupnum": 11})
        self.assertEqual(reply, {"ret": "getuserinfo", "sn": SN, **DONE, **fields})

    def test_getuserinfo_of_nobody(self) -> None:
        """A missing person and a missing credential are refused; AiFace says which."""
        terminal = admitted(AIFACE)
        for enrollid, backupnum, msg in ((99, 50, "can not find the user"), (1, 10, "have no data")):
            reply = asked(terminal, {"cmd": "getuserinfo", "enrollid": enrollid, "backupnum": backupnum})
            self.assertEqual(reply, {"ret": "getuserinfo", "sn": SN, **NO, "msg": msg})
        silent = asked(admitted(DOCUMENTED), {"cmd": "getuserinfo", "enrollid": 99, "backupnum": 0})
        self.assertEqual(silent, {"ret": "getuserinfo", "sn": SN, **NO})

    def test_profile_of_aiface(self) -> None:
        """Without ``backupnum`` AiFace answers who the person is, others refuse."""
        reply = asked(admitted(AIFACE), {"cmd": "getuserinfo", "enrollid": 1}) or {}
        self.assertEqual((reply["result"], reply["name"], reply["enable"]), (True, "Tarik 1", 1))
        self.assertIs(
            (asked(admitted(CLASSIC), {"cmd": "getuserinfo", "enrollid": 1}) or {})["result"], False
        )

    def test_setuserinfo_on_aiface(self) -> None:
        """AiFace echoes whom it stored; it takes any text for a picture, however long."""
        terminal = admitted(AIFACE)
        command = {"cmd": "setuserinfo", "enrollid": 7, "name": "Ines M", "backupnum": 50, "admin": 0}
        echo = {"enrollid": 7, "aliasid": "7", "backupnum": 50}
        reply = asked(terminal, {**command, "record": "/9j/4AAQSkZJRg=="})
        self.assertEqual(reply, {"ret": "setuserinfo", "sn": SN, **DONE, **echo})
        for record in ("data:image/jpeg;base64,/9j/4A==", "no picture", "/9j/" + "A" * 200_000):
            self.assertIs((asked(terminal, {**command, "record": record}) or {})["result"], True)
            kept = asked(terminal, {"cmd": "getuserinfo", "enrollid": 7, "backupnum": 50}) or {}
            self.assertEqual(kept["record"], record)

    def test_setuserinfo_refused(self) -> None:
        """No person 0, and no credential of an undefined number."""
        for change in ({"enrollid": 0}, {"backupnum": 12}, {"backupnum": None}, {"enrollid": "x"}):
            command = {
                "cmd": "setuserinfo",
                "enrollid": 7,
                "name": "",
                "backupnum": 10,
                "record": 1,
                **change,
            }
            self.assertIs((asked(admitted(), command) or {})["result"], False)

    def test_photo_on_the_oldest(self) -> None:
        """Photos came with document 2.0: the oldest firmware stores none."""
        photo = {"enrollid": 7, "name": "", "backupnum": 50, "admin": 0, "record": "/9j/4AAQSkZJRg=="}
        reply = asked(admitted(OLDEST), {"cmd": "setuserinfo", **photo})
        self.assertEqual(reply, {"ret": "setuserinfo", **NO})

    def test_delete(self) -> None:
        """One credential, all fingers (12), everything (13); the last credential takes the person along."""
        for backupnum, left in ((11, [0]), (12, [11]), (13, None), (0, [11])):
            terminal = admitted(users=3)
            asked(terminal, {"cmd": "deleteuser", "enrollid": 3, "backupnum": backupnum})
            user = terminal.memory.users.get(3)
            self.assertEqual(None if user is None else list(user.credentials), left)
        asked(terminal, {"cmd": "deleteuser", "enrollid": 3, "backupnum": 11})
        self.assertNotIn(3, terminal.memory.users)

    def test_twelve_on_aiface(self) -> None:
        """AiFace takes 12 for the whole person."""
        terminal = admitted(AIFACE, users=3)
        asked(terminal, {"cmd": "deleteuser", "enrollid": 3, "backupnum": 12})
        self.assertNotIn(3, terminal.memory.users)

    def test_delete_what_is_not_there(self) -> None:
        """Success on some, refused on others."""
        command = {"cmd": "deleteuser", "enrollid": 99, "backupnum": 13}
        self.assertEqual(asked(admitted(CLASSIC), command), {"ret": "deleteuser", **DONE})
        self.assertEqual(asked(admitted(DOCUMENTED), command), {"ret": "deleteuser", **NO})

    def test_names(self) -> None:
        """Names are set many at a time and read one by one."""
        terminal = admitted()
        record = [{"enrollid": 1, "name": "Ines M"}, {"enrollid": 2, "name": "李"}]
        reply = asked(terminal, {"cmd": "setusername", "count": 2, "record": record})
        self.assertEqual(reply, {"ret": "setusername", **DONE})
        reply = asked(terminal, {"cmd": "getusername", "enrollid": 2})
        self.assertEqual(reply, {"ret": "getusername", **DONE, "record": "李"})
        for wrong in (
            {"count": 1, "record": record},
            {"count": 0, "record": []},
            {"count": 51, "record": [record[0]] * 51},
            {"count": 1, "record": [{"enrollid": 99, "name": "x"}]},
        ):
            self.assertEqual(asked(terminal, {"cmd": "setusername", **wrong}), {"ret": "setusername", **NO})
        self.assertIs((asked(terminal, {"cmd": "getusername", "enrollid": 99}) or {})["result"], False)

    def test_enable(self) -> None:
        """A person is disabled and enabled; AiFace echoes the id."""
        terminal = admitted(AIFACE)
        reply = asked(terminal, {"cmd": "enableuser", "enrollid": 1, "enflag": 0})
        self.assertEqual(reply, {"ret": "enableuser", "sn": SN, **DONE, "enrollid": 1, "aliasid": "1"})
        self.assertFalse(terminal.memory.users[1].enabled)
        reply = asked(admitted(), {"cmd": "enableuser", "enrollid": 99, "enflag": 1})
        self.assertEqual(reply, {"ret": "enableuser", "sn": SN, **NO})

    def test_profiles(self) -> None:
        """A text for a person and one for all; 200 bytes at most."""
        terminal = admitted()
        for enrollid in (0, 1):
            profile = f"Badge renewal due {enrollid}"
            reply = asked(terminal, {"cmd": "setuserprofile", "enrollid": enrollid, "profile": profile})
            self.assertEqual(reply, {"ret": "setuserprofile", "sn": SN, **DONE, "enrollid": enrollid})
            reply = asked(terminal, {"cmd": "getuserprofile", "enrollid": enrollid}) or {}
            self.assertEqual(reply["record"], profile)
        reply = asked(terminal, {"cmd": "setuserprofile", "enrollid": 1, "profile": "é" * 101}) or {}
        self.assertIs(reply["result"], False)

    def test_adduser(self) -> None:
        """The enrolment is begun and then pushed as a new person; ``cancel`` enrols nobody."""
        terminal = admitted()
        command = {"cmd": "adduser", "enrollid": 9, "backupnum": 50, "admin": 0, "name": "Lea", "flag": 10}
        asked(terminal, {**command, "cancel": True})
        self.assertNotIn(9, terminal.memory.users)
        reply = asked(terminal, command)
        self.assertEqual(reply, {"ret": "adduser", "sn": SN, **DONE, "enrollid": 9, "backupnum": 50})
        self.assertEqual(terminal.memory.users[9].credentials, {50: photo_of(9)})
        self.assertEqual(list(terminal.memory.new_users), [(9, 50)])


class EverybodyTests(SynchronousTestCase):
    """Commands about all people at once."""

    def test_cleanuser(self) -> None:
        """Everybody is gone."""
        terminal = admitted()
        self.assertEqual(asked(terminal, {"cmd": "cleanuser"}), {"ret": "cleanuser", "sn": SN, **DONE})
        self.assertEqual(terminal.memory.users, {})

    def test_cleanadmin(self) -> None:
        """Nobody is an administrator any more."""
        terminal = admitted(users=20)
        self.assertEqual(asked(terminal, {"cmd": "cleanadmin"}), {"ret": "cleanadmin", "sn": SN, **DONE})
        self.assertEqual({user.admin for user in terminal.memory.users.values()}, {0})
