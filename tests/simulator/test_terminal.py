"""The conversation of one terminal: reg, admission, clock, repeats, silence."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from tests.simulator.admitted import NOW, admitted, asked, said, terminal_of
from tests.simulator.tiny_server import CLOUDTIME
from tfserver.simulator.dialects import AIFACE, CLASSIC, DOCUMENTED, OLDEST
from tfserver.simulator.tells import Admitted, Complaint, Denied, Drop, Ping
from tfserver.simulator.terminal import REPLIES, State

YES = {"ret": "reg", "result": True, "cloudtime": CLOUDTIME, "nosenduser": True}
NO = {"ret": "reg", "result": False, "reason": "terminal waits for approval"}


class RegTests(SynchronousTestCase):
    """From the open connection to the admission (protocol §1.2, §4.1)."""

    def test_reg_comes_first(self) -> None:
        """The first message has the serial number, the marks of the hardware and the counts."""
        terminal = terminal_of(DOCUMENTED, users=3, backlog=4)
        (message,) = said(terminal.opened(NOW))
        self.assertEqual(list(message), ["cmd", "sn", "cpusn", "devinfo"])
        self.assertEqual((message["cmd"], message["sn"]), ("reg", "ZXDM00000001"))
        self.assertEqual(message["devinfo"]["time"], CLOUDTIME)
        self.assertEqual(message["devinfo"]["mac"], "00-01-00-00-00-01")
        self.assertEqual([message["devinfo"][key] for key in ("useduser", "usedfp", "usedcard")], [3, 3, 1])
        self.assertEqual([message["devinfo"][key] for key in ("usedlog", "usednewlog")], [4, 4])

    def test_dialects_differ(self) -> None:
        """The oldest firmware has no marks but the serial number, AiFace has more fields."""
        (oldest,) = said(terminal_of(OLDEST).opened(NOW))
        (aiface,) = said(terminal_of(AIFACE).opened(NOW))
        self.assertNotIn("cpusn", oldest)
        self.assertNotIn("mac", oldest["devinfo"])
        self.assertEqual(aiface["devinfo"]["facesize"], 3000)

    def test_unanswered_is_repeated(self) -> None:
        """Without an answer reg is said again after 20 seconds, and not before."""
        terminal = terminal_of()
        terminal.opened(NOW)
        self.assertEqual(said(terminal.tick(NOW + 19.9)), [])
        self.assertEqual(said(terminal.tick(NOW + 20))[0]["cmd"], "reg")

    def test_refused(self) -> None:
        """A refusal is told with its reason, and reg said again after 5 seconds; nothing is pushed."""
        terminal = terminal_of(backlog=3)
        terminal.opened(NOW)
        told = terminal.received(NO, NOW)
        self.assertEqual(told, [Denied("terminal waits for approval")])
        self.assertTrue(terminal.refused)
        self.assertEqual(said(terminal.tick(NOW + 4.9)), [])
        self.assertEqual([message["cmd"] for message in said(terminal.tick(NOW + 5))], ["reg"])

    def test_tryseconds(self) -> None:
        """The server may say how long a refused terminal waits."""
        terminal = terminal_of()
        terminal.opened(NOW)
        terminal.received({**NO, "tryseconds": 8}, NOW)
        self.assertEqual(said(terminal.tick(NOW + 7.9)), [])
        self.assertEqual(len(said(terminal.tick(NOW + 8))), 1)

    def test_admitted_pushes(self) -> None:
        """After the admission the backlog comes at once; a second answer changes nothing."""
        terminal = terminal_of(backlog=3)
        terminal.opened(NOW)
        told = terminal.received(YES, NOW)
        self.assertEqual(told[0], Admitted())
        self.assertEqual([message["cmd"] for message in said(told)], ["sendlog"])
        self.assertEqual(terminal.received(YES, NOW), [])
        self.assertIs(terminal.state, State.ADMITTED)

    def test_truth_must_be_true(self) -> None:
        """Only a real ``true`` admits."""
        terminal = terminal_of()
        terminal.opened(NOW)
        terminal.received({**YES, "result": 1}, NOW)
        self.assertIs(terminal.state, State.REFUSED)

    def test_nosenduser(self) -> None:
        """AiFace pushes everybody after reg, unless ``nosenduser`` says no; others push only new people."""
        for dialect, nosenduser, expected in ((AIFACE, False, 1), (AIFACE, True, 0), (DOCUMENTED, False, 0)):
            terminal = terminal_of(dialect)
            terminal.opened(NOW)
            told = terminal.received({**YES, "nosenduser": nosenduser}, NOW)
            self.assertEqual([message["cmd"] for message in said(told)], ["senduser"] * expected)


class ClockTests(SynchronousTestCase):
    """Each ``cloudtime`` sets the clock (protocol §2.2)."""

    def test_set(self) -> None:
        """The clock shows what the server said, and goes on from there."""
        terminal = admitted()
        terminal.received({"ret": "reg", "result": True, "cloudtime": "2030-01-01 10:00:00"}, NOW + 50)
        reply = asked(terminal, {"cmd": "gettime"}, NOW + 53)
        self.assertEqual((reply or {})["time"], "2030-01-01 10:00:03")

    def test_other_forms(self) -> None:
        """A time in another form is complained about and not taken."""
        terminal = admitted()
        for text in (
            "2030-01-01T10:00:00Z",
            "2030-1-1 10:00:00",
            "2030-01-01 10:00",
            5,
            "2030-13-01 10:00:00",
        ):
            told = terminal.received({**YES, "cloudtime": text}, NOW)
            self.assertEqual(told, [Complaint("cloudtime is not YYYY-MM-DD HH:MM:SS")])
        self.assertEqual((asked(terminal, {"cmd": "gettime"}) or {})["time"], CLOUDTIME)


class ConnectionTests(SynchronousTestCase):
    """Heartbeat, deafness, odd messages."""

    def test_heartbeat(self) -> None:
        """A ping goes out every 3 seconds."""
        terminal = admitted()
        counts = [terminal.tick(NOW + second).count(Ping()) for second in range(1, 10)]
        self.assertEqual(counts, [0, 0, 1, 0, 0, 1, 0, 0, 1])

    def test_deaf(self) -> None:
        """A connection on which nothing is heard for 30 seconds is dropped; a pong is enough to keep it."""
        terminal = admitted()
        terminal.heard(NOW + 10)
        self.assertNotIn(Drop("nothing heard for 30 s"), terminal.tick(NOW + 39))
        self.assertEqual(terminal.tick(NOW + 40), [Drop("nothing heard for 30 s")])

    def test_off(self) -> None:
        """Without connection nothing is said, and punches wait."""
        terminal = admitted()
        terminal.lost()
        self.assertEqual(terminal.tick(NOW + 100), [])
        self.assertEqual(terminal.punch(NOW + 100, Random(1)), [])
        self.assertEqual(terminal.memory.logs.waiting, 1)

    def test_complaints(self) -> None:
        """What the protocol does not allow is told."""
        terminal = admitted()
        self.assertEqual(terminal.received({"hello": 1}, NOW), [Complaint("message without cmd and ret")])
        unasked = terminal.received({"ret": "sendlog", "result": True}, NOW)
        self.assertEqual(unasked, [Complaint("answer to a sendlog that was not sent")])
        late = terminal.received({"enrollid": 1, "cmd": "getuserinfo", "backupnum": 0}, NOW)
        self.assertEqual(late[0], Complaint("cmd is not the first key"))


class FormTests(SynchronousTestCase):
    """The outer form of replies in each dialect (protocol §1.3, §1.6)."""

    def test_every_official_command_is_known(self) -> None:
        """All words of Appendix A, and the vendors' three more."""
        official = """getuserlist getuserinfo setuserinfo deleteuser getusername setusername enableuser
            cleanuser cleanadmin setuserprofile getuserprofile adduser getnewlog getalllog cleanlog
            settime gettime getdevinfo setdevinfo reboot initsys opendoor getdevlock setdevlock
            getuserlock setuserlock deleteuserlock cleanuserlock getholiday setholiday
            getquestionnaire setquestionnaire getallusers disabledevice enabledevice"""
        self.assertEqual(set(REPLIES), set(official.split()))

    def test_classic(self) -> None:
        """Spaces in some ``ret``, never ``sn``."""
        terminal = admitted(CLASSIC)
        self.assertEqual(
            asked(terminal, {"cmd": "settime", "cloudtime": CLOUDTIME}), {"ret": " settime ", "result": True}
        )
        self.assertEqual((asked(terminal, {"cmd": "getnewlog", "stn": True}) or {})["ret"], "getnewlog ")
        info = asked(terminal, {"cmd": "getuserinfo", "enrollid": 1, "backupnum": 0}) or {}
        self.assertEqual(info["ret"], " getuserinfo ")
        self.assertNotIn("sn", info)

    def test_documented(self) -> None:
        """``sn`` second, but not in the four replies whose samples lack it."""
        terminal = admitted(DOCUMENTED)
        reply = asked(terminal, {"cmd": "cleanadmin"})
        self.assertEqual(reply, {"ret": "cleanadmin", "sn": "ZXDM00000001", "result": True})
        self.assertEqual(
            asked(terminal, {"cmd": "getusername", "enrollid": 1}),
            {"ret": "getusername", "result": True, "record": "Tarik 1"},
        )

    def test_unknown_command(self) -> None:
        """Old terminals say nothing to a word they do not know; AiFace says so."""
        for dialect in (CLASSIC, DOCUMENTED, OLDEST):
            self.assertIsNone(asked(admitted(dialect), {"cmd": "getshift", "shiftid": 1}))
        self.assertEqual(
            asked(admitted(AIFACE), {"cmd": "getshift", "shiftid": 1}),
            {
                "ret": "getshift",
                "sn": "ZXDM00000001",
                "result": False,
                "reason": 1,
                "msg": "can not find this command",
            },
        )

    def test_late_words(self) -> None:
        """The oldest firmware does not know the later commands of the documents."""
        self.assertIsNone(asked(admitted(OLDEST), {"cmd": "gettime"}))
        self.assertIsNotNone(asked(admitted(CLASSIC), {"cmd": "gettime"}))
