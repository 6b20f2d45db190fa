"""Every official command in every dialect: what the reply has in it (protocol §1.3, §1.6, §5, Appendix A)."""

from __future__ import annotations

from typing import Any, NamedTuple

from twisted.trial.unittest import SynchronousTestCase

from tests.simulator.admitted import admitted, asked
from tfserver.simulator.dialects import AIFACE, CLASSIC, DOCUMENTED, OLDEST, Dialect
from tfserver.simulator.moods import read_moods
from tfserver.simulator.terminal import REPLIES

SN = "ZXDM00000001"
DIALECTS = (CLASSIC, DOCUMENTED, AIFACE, OLDEST)
PAGE = "count from to record"
ZONES = "weekzone weekzone2 weekzone3 weekzone4"
QUESTIONS = "title voice errmsg radio optionflag usequestion useschedule card items schedules"
LOCK = (
    "opendelay doorsensor alarmdelay threat InputAlarm antpass interlock mutiopen tryalarm tamper wgformat"
    " wgoutput cardoutput dayzone weekzone lockgroup"
)
PARAMETERS = "deviceid language volume screensaver verifymode sleep userfpnum loghint reverifytime"


class Expected(NamedTuple):
    """The fields of a command, those of its reply, and those that AiFace adds to the reply."""

    command: dict[str, Any]
    reply: str = ""
    aiface: str = ""


PERSON = {"enrollid": 1}
VOCABULARY: dict[str, Expected] = {
    "getuserlist": Expected({"stn": True}, PAGE),
    "getuserinfo": Expected({**PERSON, "backupnum": 11}, "enrollid name backupnum admin record"),
    "setuserinfo": Expected(
        {**PERSON, "name": "Ines M", "backupnum": 11, "admin": 0, "record": 3120457781},
        aiface="enrollid aliasid backupnum",
    ),
    "deleteuser": Expected({**PERSON, "backupnum": 11}),
    "getusername": Expected(PERSON, "record"),
    "setusername": Expected({"count": 1, "record": [{"enrollid": 1, "name": "Ines M"}]}),
    "enableuser": Expected({**PERSON, "enflag": 1}, aiface="enrollid aliasid"),
    "cleanuser": Expected({}),
    "cleanadmin": Expected({}),
    "setuserprofile": Expected({**PERSON, "profile": "Badge renewal due"}, "enrollid"),
    "getuserprofile": Expected(PERSON, "enrollid record"),
    "adduser": Expected(
        {"enrollid": 9, "backupnum": 0, "admin": 0, "name": "Lea", "flag": 10}, "enrollid backupnum"
    ),
    "getnewlog": Expected({"stn": True}, PAGE),
    "getalllog": Expected({"stn": True, "from": "2026-04-01", "to": "2026-04-02"}, PAGE),
    "cleanlog": Expected({}),
    "settime": Expected({"cloudtime": "2026-04-02 12:05:00"}),
    "gettime": Expected({}, "time"),
    "getdevinfo": Expected({}, PARAMETERS),
    "setdevinfo": Expected({"volume": 7, "reverifytime": 5}),
    "initsys": Expected({}),
    "opendoor": Expected({"doornum": 1}),
    "getdevlock": Expected({}, LOCK),
    "setdevlock": Expected({"opendelay": 4, "doorsensor": 1, "tryalarm": 5}),
    "getuserlock": Expected(PERSON, f"enrollid {ZONES} group starttime endtime", "verifymode aliasid"),
    "setuserlock": Expected({"count": 1, "record": [{"enrollid": 1, "weekzone": 1, "group": 2}]}),
    "deleteuserlock": Expected(PERSON),
    "cleanuserlock": Expected({}),
    "getholiday": Expected({"stn": True}, "holidays"),
    "setholiday": Expected(
        {"holidays": [{"name": "", "startday": "09-20", "endday": "09-21", "shift": 0, "dayzone": 2}]}
    ),
    "getquestionnaire": Expected({"stn": True}, QUESTIONS),
    "setquestionnaire": Expected({"title": "Reason", "items": ["In", "Out"], "schedules": []}),
    "getallusers": Expected({"stn": True}, "index count enrollid name backupnum admin record"),
    "disabledevice": Expected({}),
    "enabledevice": Expected({}),
}
"""All words but ``reboot``, which has no reply as a rule."""
NO_SN = {"setuserinfo", "deleteuser", "getusername", "setusername"}
"""Replies without ``sn`` in the documents."""
SPACED = {"getuserinfo": " getuserinfo ", "getnewlog": "getnewlog ", "settime": " settime "}
SINCE_1_5 = frozenset(
    {"gettime", "enableuser", "setuserprofile", "getuserprofile", "adduser", "getallusers", "getholiday"}
    | {"setholiday", "getquestionnaire", "setquestionnaire", "disabledevice", "enabledevice"}
)


def reply_to(word: str, dialect: Dialect, mood: str = "") -> dict[str, Any] | None:
    """The reply of a terminal with people, one of them with a card, and logs."""
    moods = read_moods(mood) if mood else ()
    terminal = admitted(dialect, users=3, history=2, moods=moods)
    terminal.memory.users[1].credentials[11] = 3120457781
    return asked(terminal, {"cmd": word, **VOCABULARY[word].command})


def expected_keys(word: str, dialect: Dialect) -> set[str]:
    """The keys of a good reply."""
    keys = {"ret", *VOCABULARY[word].reply.split()}
    if word != "gettime":
        keys.add("result")
    if dialect is AIFACE:
        keys |= {"sn", *VOCABULARY[word].aiface.split()}
    if dialect is DOCUMENTED and word not in NO_SN:
        keys.add("sn")
    if dialect is OLDEST:
        keys -= {"weekzone2", "weekzone3", "weekzone4"}
    return keys


class VocabularyTests(SynchronousTestCase):
    """Every word."""

    def test_all_are_here(self) -> None:
        """No command that the terminals know is missing in these tests."""
        self.assertEqual({*VOCABULARY, "reboot"}, set(REPLIES))

    def test_success(self) -> None:
        """Each dialect gives the fields of the page, in its own outer form; AiFace may have more settings."""
        for dialect in DIALECTS:
            for word in VOCABULARY:
                if dialect is OLDEST and word in SINCE_1_5:
                    continue
                reply = reply_to(word, dialect)
                assert reply is not None, (dialect.name, word)
                if dialect is AIFACE and word == "getdevinfo":
                    reply = {key: reply[key] for key in expected_keys(word, dialect)}
                self.assertEqual(set(reply), expected_keys(word, dialect), (dialect.name, word))
                spaced = SPACED if dialect in (CLASSIC, OLDEST) else {}
                self.assertEqual(reply["ret"], spaced.get(word, word), dialect.name)
                self.assertIs(reply.get("result", True), True, (dialect.name, word))
                self.assertEqual(reply.get("sn", SN), SN)

    def test_not_known_yet(self) -> None:
        """What came after document 1.5 is met with silence by the oldest firmware, and by no other."""
        silent = [word for word in VOCABULARY if reply_to(word, OLDEST) is None]
        self.assertEqual(sorted(silent), sorted(SINCE_1_5))
        for dialect in (CLASSIC, DOCUMENTED, AIFACE):
            self.assertEqual([word for word in VOCABULARY if reply_to(word, dialect) is None], [])

    def test_failure(self) -> None:
        """``result:false`` and a reason, from AiFace with ``msg``; 2.7 misnames ``getdevlock``."""
        for dialect in DIALECTS:
            for word in ("getdevlock", "setuserinfo", "cleanuser"):
                reply = reply_to(word, dialect, "false")
                keys = expected_keys(word, dialect) - {*VOCABULARY[word].reply.split()}
                keys |= {"reason", *(["msg"] if dialect is AIFACE else [])}
                keys -= {*VOCABULARY[word].aiface.split()}
                assert reply is not None, (dialect.name, word)
                self.assertEqual(set(reply), keys, (dialect.name, word))
                self.assertEqual((reply["result"], reply["reason"]), (False, 1))
                misnamed = dialect is DOCUMENTED and word == "getdevlock"
                self.assertEqual(reply["ret"], "setdevlock" if misnamed else word)

    def test_experimental(self) -> None:
        """Words beyond the documents: AiFace cannot find them, all others are silent."""
        words = (
            "checkregstatus canceladduser getuserids checkuserid getdevcap checklive lockctrl getdoorstatus"
        )
        words += " getshift getdir upgrade verify talklock getalluser getdeviceinfo setfp"
        unknown = {"result": False, "reason": 1, "msg": "can not find this command"}
        for word in words.split():
            for dialect in (CLASSIC, DOCUMENTED, OLDEST):
                self.assertIsNone(asked(admitted(dialect), {"cmd": word}), (dialect.name, word))
            self.assertEqual(asked(admitted(AIFACE), {"cmd": word}), {"ret": word, "sn": SN, **unknown})

    def test_records_of_lists(self) -> None:
        """The entries of both kinds of list have the fields of the page; AiFace has a few more."""
        for word, fields, more in (
            ("getuserlist", "enrollid admin backupnum", "aliasid"),
            ("getalllog", "enrollid time mode inout event", "name aliasid note"),
        ):
            for dialect in DIALECTS:
                reply = reply_to(word, dialect) or {}
                keys = {*fields.split(), *(more.split() if dialect is AIFACE else [])}
                self.assertEqual(set(reply["record"][0]), keys, (dialect.name, word))
