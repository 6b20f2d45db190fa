"""Every command, ordered over HTTP at one process for terminals of every dialect at another."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.commands.pictures import base64_of, picture
from tests.real.client import frame, log
from tests.real.orders import OrderScene
from tests.real.scene import DAY
from tests.real.store import wait_until
from tfserver import commands
from tfserver.order import Danger
from tfserver.simulator.dialects import CHOICES
from tfserver.wire.table import vocabulary

assert commands.__path__, "the vocabulary is filled by importing the commands"

DIALECTS = {
    "MIXED00000001": "classic",
    "MIXED00000002": "documented",
    "MIXED00000003": "aiface",
    "OLD00000001": "oldest",
}
LOGS = 120
LOCK = {"weekzone": 1, "group": 2}
HOLIDAY = {"name": "Harvest", "startday": "09-20", "endday": "09-21", "shift": 0, "dayzone": 2}
ASKED = {"title": "Reason", "radio": True, "items": ["In", "Out"]}
CARD = {"enrollid": 901, "backupnum": 11}
Told = dict[str, Any]

WORDS: tuple[tuple[str, Told, Told], ...] = (
    ("cleanlog", {}, {}),
    ("getalllog", {}, {"complete": True, "pages": 0}),
    ("getnewlog", {}, {"complete": True}),
    ("setuserinfo", {**CARD, "name": "Ines M", "admin": 1, "record": 3120457781}, {}),
    ("getuserinfo", CARD, {**CARD, "name": "Ines M", "admin": 1, "record": {"redacted": True, "bytes": 12}}),
    ("setusername", {"record": [{"enrollid": 901, "name": "Tarik"}]}, {}),
    ("getusername", {"enrollid": 901}, {"name": "Tarik"}),
    ("enableuser", {"enrollid": 901, "enflag": 0}, {}),
    ("setuserprofile", {"enrollid": 901, "profile": "Badge renewal due"}, {}),
    ("getuserprofile", {"enrollid": 901}, {"enrollid": 901, "profile": "Badge renewal due"}),
    ("setuserlock", {"record": [{"enrollid": 901, **LOCK}]}, {}),
    ("getuserlock", {"enrollid": 901}, {"enrollid": 901, **LOCK}),
    ("deleteuserlock", {"enrollid": 901}, {}),
    ("cleanuserlock", {}, {}),
    ("cleanadmin", {}, {}),
    ("getuserlist", {}, {"complete": True, "pages": 1}),
    ("deleteuser", {"enrollid": 901, "backupnum": 13}, {}),
    ("adduser", {"enrollid": 902, "backupnum": 0, "admin": 0, "name": "Lea", "flag": 10}, {}),
    ("setdevinfo", {"volume": 7}, {}),
    ("getdevinfo", {}, {"volume": 7, "deviceid": 1}),
    ("settime", {}, {}),
    ("gettime", {}, {}),
    ("setdevlock", {"opendelay": 4}, {}),
    ("getdevlock", {}, {"opendelay": 4, "InputAlarm": 0}),
    ("setholiday", {"holidays": [HOLIDAY]}, {}),
    ("getholiday", {}, {"holidays": [HOLIDAY]}),
    ("setquestionnaire", ASKED, {}),
    ("getquestionnaire", {}, ASKED),
    ("opendoor", {"doornum": 1}, {}),
    ("disabledevice", {}, {}),
    ("enabledevice", {}, {}),
    ("cleanuser", {}, {}),
    ("initsys", {}, {}),
    ("reboot", {}, {}),
)
"""Every core command once, with its fields and what its reply shows, in an order in which all succeed."""


def _refused(told: str, **said: Any) -> Told:
    return {"message": f"the terminal refused: {told}", **said}


PHOTO = {"enrollid": 7, "backupnum": 50, "record": base64_of(picture())}
DELETED = {"enrollid": 7, "backupnum": 11}
UNREADABLE = {"message": "the terminal's answer can't be read"}
ANSWERS: tuple[tuple[str, Told, Told, str, Told | None], ...] = (
    (
        "getusername",
        {"enrollid": 7},
        {"result": False, "reason": 3},
        "refused",
        _refused("reason 3", reason=3),
    ),
    ("getusername", {"enrollid": 7}, {"result": False}, "refused", _refused("no reason given")),
    (
        "reboot",
        {},
        {"result": False, "reason": 1, "msg": "device busy"},
        "refused",
        _refused("device busy", reason=1, msg="device busy"),
    ),
    (
        "setuserinfo",
        PHOTO,
        {"result": False, "reason": 5, "msg": "err"},
        "refused",
        _refused("there is no face in it", reason=5, msg="err"),
    ),
    (
        "getdevlock",
        {},
        {"ret": "setdevlock", "result": False, "reason": 1},
        "refused",
        _refused("reason 1", reason=1),
    ),
    ("deleteuser", DELETED, {"result": False, "reason": 1, "msg": "can not find the user"}, "done", None),
    ("gettime", {}, {"ret": None, "cmd": "gettime", "time": f"{DAY} 08:00:00"}, "done", None),
    ("settime", {}, {"ret": " settime ", "result": "true"}, "done", None),
    ("getuserlock", {"enrollid": 7}, {"enrollid": "0007", "result": 1}, "done", None),
    ("adduser", DELETED, {"result": "perhaps"}, "unknown", UNREADABLE),
    ("opendoor", {}, {"result": None}, "unknown", UNREADABLE),
)
"""A command, how the terminal answers it, and the end of the order with what people are told."""


REPEATED = {"getalllog", "getuserlist", "disabledevice", "enabledevice"}
"""What is said several times: pages, and what keeps people away while logs are deleted."""


def unknown(sn: str) -> frozenset[str]:
    """The words that this terminal's document does not have yet; it says nothing to them."""
    return CHOICES[DIALECTS[sn]][0].unknown_words


class Core(OrderScene):
    """The official commands."""

    more = "profiles: {old: {silent: [disabledevice, enabledevice]}}\n"

    def test_every_command(self) -> None:
        """Each ends ``done`` with the reply that this dialect gives, and was done by the terminal once; logs
        that are deleted were read before."""
        self.assertEqual({word for word, *_ in WORDS}, {one.word() for one in vocabulary if one.core})
        options = ("--rate", "0", "--history", str(LOGS))
        mixed = self.obeying(self.one, *options, "--terminals", "3", "--sn-prefix", "MIXED")
        old = self.obeying(self.one, *options, "--dialect", "oldest", "--sn-prefix", "OLD")
        for sn in DIALECTS:
            wait_until(lambda sn=sn: self.two.get(f"/terminals/{sn}")[1].get("online"), f"{sn} is online")
        self.assertEqual(self.two.patch("/terminals/OLD00000001", {"model_profile": "old"})[0], 200)
        ended = [self._ended(sn, *row) for row in WORDS for sn in DIALECTS if row[0] not in unknown(sn)]
        self.assert_one_end(ended)
        self.assertEqual(len(self.two.punches()), len(DIALECTS) * (LOGS + 1))
        done = Counter((line["sn"], line["cmd"]) for line in (*mixed.obeyed(), *old.obeyed()))
        for order in ended:
            if order["cmd"] not in REPEATED:
                self.assertEqual(done[order["sn"], order["cmd"]], 1, order)
        self.assertEqual([one.interrupt()["complaints"] for one in (mixed, old)], [{}, {}])

    def _ended(self, sn: str, word: str, fields: Told, reply: Told) -> Told:
        """Order something that is done, and look at what people are told."""
        found = vocabulary.find(word)
        assert found is not None
        if found.danger is Danger.DESTRUCTIVE:
            fields = {**fields, "confirm": sn}
        status, order = self.order(self.two, sn, word, **fields)
        self.assertEqual((status, order["state"], order["error"]), (200, "done", None), (sn, order))
        self.assertEqual(order["reply"], {**order["reply"], **reply}, (sn, order))
        self.assertEqual(order["attempts"], 1)
        self.assertLessEqual(order["created"], order["sent"])
        self.assertLessEqual(order["sent"], order["finished"])
        ended: Told = order
        return ended


class Words(OrderScene):
    """What terminals say, and what people see of it."""

    more = "profiles: {v3: {allow: [getdoorstatus, lockctrl], sn_in_commands: true}}\n"

    def test_experimental(self) -> None:
        """A command of newer models is refused until the terminal's profile allows it, and it alone."""
        self.terminal("NEW").shut()
        status, refused = self.order(self.two, "NEW", "getdoorstatus", doornum=1)
        self.assertEqual((status, self.listed("NEW")), (422, []))
        self.assertIn("profile", refused["detail"])
        self.assertEqual(self.two.patch("/terminals/NEW", {"model_profile": "v3"})[0], 200)
        self.assertEqual(self.order(self.two, "NEW", "getshift", shiftid=1)[0], 422)
        terminal = self.terminal("NEW")
        asked = self.meanwhile(self.order, self.two, "NEW", "getdoorstatus", doornum=1)
        command = terminal.obey("getdoorstatus", status="closed")
        self.assertEqual(command, {"cmd": "getdoorstatus", "sn": "NEW", "doornum": 1})
        status, order = asked.result()
        self.assertEqual((status, order["state"], order["reply"]), (200, "done", {"status": "closed"}))
        order_id = self.put("NEW", "lockctrl", ctrl=1, doornum=2)
        terminal.obey("lockctrl")
        self.end_of(order_id, "done")

    def test_answers(self) -> None:
        """What a terminal says with its ``false`` is told to people; odd forms of its ``true`` are read."""
        terminal = self.terminal("WORDS")
        ended = []
        for word, fields, answer, state, error in ANSWERS:
            order_id = self.put("WORDS", word, **fields)
            terminal.obey(word, **answer)
            ended.append(self.end_of(order_id, state))
            self.assertEqual(ended[-1]["error"], error, answer)
        self.assert_one_end(ended)

    def test_traffic_meanwhile(self) -> None:
        """What a terminal sends before it replies is answered, and does not end the order."""
        terminal = self.terminal("BUSY")
        order_id = self.put("BUSY", "getusername", enrollid=7)
        terminal.commanded("getusername")
        for n in (1, 2):
            batch = [log(n, f"{DAY} 08:00:00")]
            self.assertTrue(terminal.ask(cmd="sendlog", count=1, logindex=n, record=batch)["result"])
        self.assertTrue(
            terminal.ask(cmd="senduser", enrollid=7, name="Ines", backupnum=11, record=1)["result"]
        )
        terminal.write(frame(b"no message at all"))
        terminal.reply("getuserlock", enrollid=7)
        self.assertEqual(self.look(order_id)["state"], "sent")
        terminal.reply("getusername", record="Ines")
        self.assertEqual(self.end_of(order_id, "done")["reply"], {"name": "Ines"})
        self.assertEqual([row["enrollid"] for row in self.two.punches()], [1, 2])

    def test_seen_everywhere(self) -> None:
        """An order has a place where both processes show the same of it, from the queue to the end."""
        terminal = self.terminal("SEEN")
        answer = self.two.exchange("POST", "/terminals/seen/commands", b'{"cmd": "gettime"}')
        self.assertEqual((answer.status, answer.body["sn"]), (202, "SEEN"))
        place = answer.headers["location"].removeprefix("/api/v1")
        terminal.commanded("gettime")
        self.assertEqual(self.one.get(place)[1]["state"], "sent")
        self.assertEqual(self.one.get(place), self.two.get(place))
        terminal.reply("gettime", result=None, time=f"{DAY} 08:00:00")
        order = self.end_of(answer.body["id"], "done")
        self.assertEqual(order["reply"], {"time": f"{DAY} 08:00:00"})
        self.assertEqual(self.one.get(place)[1], order)
        self.assertEqual(self.one.get("/terminals/SEEN/commands")[1]["commands"], [order])
