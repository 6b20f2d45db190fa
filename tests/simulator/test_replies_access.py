"""Replies to the commands about doors, access, holidays, questionnaire (protocol §5.4–5.6, Appendix A)."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.simulator.admitted import NOW, admitted, asked, said
from tfserver.simulator.dialects import AIFACE, OLDEST

SN = "ZXDM00000001"


def done(word: str) -> dict[str, Any]:
    """The plain successful reply."""
    return {"ret": word, "sn": SN, "result": True}


class DoorTests(SynchronousTestCase):
    """``opendoor`` and the lock."""

    def test_opendoor(self) -> None:
        """The reply comes first, then the log of the door: nobody, event 3."""
        terminal = admitted()
        reply, push = said(terminal.received({"cmd": "opendoor", "doornum": 1}, NOW))
        self.assertEqual(reply, done("opendoor"))
        log = {"enrollid": 0, "time": "2026-04-02 08:15:04", "mode": 0, "inout": 1, "event": 3}
        self.assertEqual((push["cmd"], push["record"]), ("sendlog", [log]))

    def test_two_openings_in_a_second(self) -> None:
        """Their logs differ."""
        terminal = admitted()
        asked(terminal, {"cmd": "opendoor"})
        asked(terminal, {"cmd": "opendoor"})
        self.assertEqual(len(set(terminal.memory.logs.everything())), 2)

    def test_no_such_door(self) -> None:
        """There are four doors; the oldest firmware knows of no numbers and opens."""
        for door in (0, 5, "x", True):
            command = {"cmd": "opendoor", "doornum": door}
            self.assertIs((asked(admitted(), command) or {})["result"], False)
            self.assertIs((asked(admitted(OLDEST), command) or {})["result"], True)

    def test_lock(self) -> None:
        """Fields are changed one by one, shorter lists change only their first entries."""
        terminal = admitted()
        zone = {"day": [{"section": "08:00~18:30"}]}
        two = [{"group": 1}, {"group": 119}]
        self.assertEqual(
            asked(terminal, {"cmd": "setdevlock", "lockgroup": two, "InputAlarm": 1}), done("setdevlock")
        )
        asked(terminal, {"cmd": "setdevlock", "opendelay": 4, "dayzone": [zone], "lockgroup": [{"group": 2}]})
        lock = asked(terminal, {"cmd": "getdevlock"}) or {}
        self.assertEqual((lock["opendelay"], lock["InputAlarm"], lock["tamper"]), (4, 1, 0))
        self.assertEqual((lock["dayzone"], lock["lockgroup"]), ([zone], [{"group": 2}, {"group": 119}]))
        self.assertEqual(len(lock["weekzone"][0]["week"]), 7)
        self.assertEqual((asked(admitted(), {"cmd": "getdevlock"}) or {})["opendelay"], 5)

    def test_lock_too_long(self) -> None:
        """More zones than the device has are refused."""
        reply = asked(admitted(), {"cmd": "setdevlock", "lockgroup": [{"group": 0}] * 6}) or {}
        self.assertIs(reply["result"], False)


class UserLockTests(SynchronousTestCase):
    """When a person may pass."""

    def test_set_get_delete_clean(self) -> None:
        """Partial fields leave the rest; deleting and cleaning bring the default back."""
        terminal = admitted()
        record = [{"enrollid": 1, "weekzone": 2, "group": 2}, {"enrollid": 2, "weekzone3": 4}]
        reply = asked(terminal, {"cmd": "setuserlock", "count": 2, "record": record})
        self.assertEqual(reply, done("setuserlock"))
        lock = asked(terminal, {"cmd": "getuserlock", "enrollid": 1})
        times = {"starttime": "2000-01-01 00:00:00", "endtime": "2099-12-31 23:59:00"}
        zones = {"weekzone": 2, "weekzone2": 0, "weekzone3": 0, "weekzone4": 0, "group": 2}
        self.assertEqual(lock, {**done("getuserlock"), "enrollid": 1, **zones, **times})
        self.assertEqual(asked(terminal, {"cmd": "deleteuserlock", "enrollid": 1}), done("deleteuserlock"))
        self.assertEqual((asked(terminal, {"cmd": "getuserlock", "enrollid": 1}) or {})["group"], 0)
        self.assertEqual((asked(terminal, {"cmd": "getuserlock", "enrollid": 2}) or {})["weekzone3"], 4)
        self.assertEqual(asked(terminal, {"cmd": "cleanuserlock"}), done("cleanuserlock"))
        self.assertEqual((asked(terminal, {"cmd": "getuserlock", "enrollid": 2}) or {})["weekzone3"], 0)

    def test_oldest(self) -> None:
        """Before document 1.8 there was one week zone."""
        terminal = admitted(OLDEST)
        record = [{"enrollid": 1, "weekzone": 2, "weekzone2": 3}]
        asked(terminal, {"cmd": "setuserlock", "count": 1, "record": record})
        lock = asked(terminal, {"cmd": "getuserlock", "enrollid": 1}) or {}
        self.assertEqual((lock["weekzone"], lock.get("weekzone2"), lock["group"]), (2, None, 0))

    def test_untouched_on_aiface(self) -> None:
        """Zone 0 and twice the year 2000 mean: no limit."""
        lock = asked(admitted(AIFACE), {"cmd": "getuserlock", "enrollid": 1}) or {}
        self.assertEqual(
            (lock["weekzone"], lock["endtime"], lock["verifymode"]), (0, "2000-01-01 00:00:00", 0)
        )

    def test_refused(self) -> None:
        """Nobody there, a wrong count, too many."""
        terminal = admitted()
        self.assertIs((asked(terminal, {"cmd": "getuserlock", "enrollid": 99}) or {})["result"], False)
        self.assertIs((asked(terminal, {"cmd": "deleteuserlock", "enrollid": 99}) or {})["result"], False)
        for count, record in (
            (1, []),
            (2, [{"enrollid": 1}]),
            (1, [{"enrollid": 99}]),
            (41, [{"enrollid": 1}] * 41),
        ):
            reply = asked(terminal, {"cmd": "setuserlock", "count": count, "record": record}) or {}
            self.assertIs(reply["result"], False)


class HolidayTests(SynchronousTestCase):
    """The list form."""

    def test_set_and_get(self) -> None:
        """The list comes back; at first it is empty."""
        terminal = admitted()
        reply = asked(terminal, {"cmd": "getholiday", "stn": True})
        self.assertEqual(reply, {**done("getholiday"), "holidays": []})
        holidays = [{"name": "Harvest", "startday": "09-20", "endday": "09-21", "shift": 0, "dayzone": 2}]
        self.assertEqual(asked(terminal, {"cmd": "setholiday", "holidays": holidays}), done("setholiday"))
        self.assertEqual((asked(terminal, {"cmd": "getholiday", "stn": True}) or {})["holidays"], holidays)

    def test_refused(self) -> None:
        """Too many, no list, no days."""
        day = {"name": "", "startday": "09-20", "endday": "09-21"}
        for holidays in ([day] * 31, None, [{**day, "endday": "2026-09-21"}], ["x"]):
            reply = asked(admitted(), {"cmd": "setholiday", "holidays": holidays}) or {}
            self.assertIs(reply["result"], False)


class QuestionnaireTests(SynchronousTestCase):
    """The questionnaire."""

    def test_set_and_get(self) -> None:
        """All fields come back."""
        terminal = admitted()
        fields = {
            "title": "Reason",
            "voice": "",
            "errmsg": "choose one",
            "radio": True,
            "optionflag": 0,
            "usequestion": True,
            "useschedule": False,
            "card": 0,
            "items": ["In", "Out"],
            "schedules": ["08:00-09:00*1"],
        }
        reply = asked(terminal, {"cmd": "setquestionnaire", **fields})
        self.assertEqual(reply, done("setquestionnaire"))
        reply = asked(terminal, {"cmd": "getquestionnaire", "stn": True})
        self.assertEqual(reply, {**done("getquestionnaire"), **fields})

    def test_refused(self) -> None:
        """Too many items or schedules, a schedule of another form."""
        for change in ({"items": ["x"] * 17}, {"schedules": ["00:00-00:00*0"] * 9}, {"schedules": ["8-9"]}):
            reply = asked(admitted(), {"cmd": "setquestionnaire", "title": "Reason", **change}) or {}
            self.assertIs(reply["result"], False)
