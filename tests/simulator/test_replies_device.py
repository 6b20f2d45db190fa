"""Replies to the commands about the device (protocol §5.3, Appendix A)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.simulator.admitted import NOW, admitted, asked, terminal_of
from tfserver.simulator.dialects import AIFACE, DOCUMENTED
from tfserver.simulator.tells import Answered, Drop, Later, Obeyed, Say

SN = "ZXDM00000001"


class DeviceTests(SynchronousTestCase):
    """Clock, parameters, restart."""

    def test_time(self) -> None:
        """The clock is set and read; the reading has no ``result``."""
        terminal = admitted()
        reply = asked(terminal, {"cmd": "settime", "cloudtime": "2026-04-02 12:05:00"})
        self.assertEqual(reply, {"ret": "settime", "sn": SN, "result": True})
        reply = asked(terminal, {"cmd": "gettime"}, NOW + 1)
        self.assertEqual(reply, {"ret": "gettime", "sn": SN, "time": "2026-04-02 12:05:01"})

    def test_wrong_time(self) -> None:
        """Another form is refused and not taken."""
        reply = asked(admitted(), {"cmd": "settime", "cloudtime": "2026-04-02T12:05:00Z"})
        self.assertEqual(reply, {"ret": "settime", "sn": SN, "result": False, "reason": 1})

    def test_parameters(self) -> None:
        """All parameters are read flat; some are changed, unknown ones ignored, none shared."""
        first, second = admitted(), admitted()
        told = asked(first, {"cmd": "getdevinfo"}) or {}
        self.assertEqual(list(told)[:5], ["ret", "sn", "result", "deviceid", "language"])
        reply = asked(first, {"cmd": "setdevinfo", "volume": 7, "reverifytime": 5, "colour": 1})
        self.assertEqual(reply, {"ret": "setdevinfo", "sn": SN, "result": True})
        changed = asked(first, {"cmd": "getdevinfo"}) or {}
        self.assertEqual((changed["volume"], changed["reverifytime"], changed.get("colour")), (7, 5, None))
        self.assertEqual((asked(second, {"cmd": "getdevinfo"}) or {})["volume"], 6)

    def test_parameters_of_aiface(self) -> None:
        """AiFace has more of them."""
        self.assertIn("servertimeout", asked(admitted(AIFACE), {"cmd": "getdevinfo"}) or {})
        self.assertNotIn("servertimeout", asked(admitted(DOCUMENTED), {"cmd": "getdevinfo"}) or {})

    def test_reboot(self) -> None:
        """No reply: the connection drops. AiFace answers first, and has time to."""
        done = [Obeyed(SN, "reboot"), Answered("reboot")]
        self.assertEqual(admitted().received({"cmd": "reboot"}, NOW), [*done, Drop("reboot")])
        said = Say({"ret": "reboot", "sn": SN, "result": True})
        told = admitted(AIFACE).received({"cmd": "reboot"}, NOW)
        self.assertEqual(told, [*done, said, Later(0.2, (Drop("reboot"),))])

    def test_initsys(self) -> None:
        """People and logs are gone, settings stay."""
        terminal = terminal_of(backlog=3)
        asked(terminal, {"cmd": "setdevinfo", "volume": 1})
        self.assertEqual(asked(terminal, {"cmd": "initsys"}), {"ret": "initsys", "sn": SN, "result": True})
        self.assertEqual((terminal.memory.users, len(terminal.memory.logs)), ({}, 0))
        self.assertEqual((asked(terminal, {"cmd": "getdevinfo"}) or {})["volume"], 1)

    def test_disable_and_enable(self) -> None:
        """Both are answered; what they do is seen in the tests of punches."""
        terminal = admitted()
        for word in ("disabledevice", "enabledevice"):
            self.assertEqual(asked(terminal, {"cmd": word}), {"ret": word, "sn": SN, "result": True})
