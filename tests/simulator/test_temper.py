"""What a terminal answers in each mood."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.simulator.admitted import NOW, admitted, asked, said, terminal_of
from tfserver.simulator.dialects import AIFACE, CLASSIC, DOCUMENTED, Dialect
from tfserver.simulator.moods import read_moods
from tfserver.simulator.tells import Answered, Drop, Later, Obeyed, Say, SayBytes, Tell
from tfserver.simulator.terminal import Terminal

SN = "ZXDM00000001"
OPEN = {"cmd": "opendoor"}
OPENED = {"ret": "opendoor", "sn": SN, "result": True}


def moody(text: str, dialect: Dialect = DOCUMENTED, **plan: Any) -> Terminal:
    """An admitted terminal in these moods; what it was before it was admitted is in ``plan``."""
    return admitted(dialect, moods=read_moods(text), **plan)


def obeyed(told: list[Tell]) -> list[str]:
    """The words that the terminal did."""
    return [tell.word for tell in told if isinstance(tell, Obeyed)]


def page(terminal: Terminal, word: str, first: bool) -> tuple[Any, ...] | None:
    """``count``, ``from`` and the length of the next page; None when none came."""
    reply = asked(terminal, {"cmd": word, "stn": first})
    return None if reply is None else (reply["count"], reply["from"], len(reply["record"]))


def pages(terminal: Terminal, word: str, count: int) -> list[tuple[Any, ...] | None]:
    """The first pages of a list."""
    return [page(terminal, word, number == 0) for number in range(count)]


class AnswerTests(SynchronousTestCase):
    """Moods about any command."""

    def test_none(self) -> None:
        """Without a mood a command is done, and then answered."""
        told = admitted().received(OPEN, NOW)
        self.assertEqual(told[:3], [Obeyed(SN, "opendoor"), Answered("opendoor"), Say(OPENED)])

    def test_refused_is_not_obeyed(self) -> None:
        """What the terminal refuses by itself, or does not know, was not done."""
        for command in ({"cmd": "opendoor", "doornum": 9}, {"cmd": "getshift"}):
            for dialect in (DOCUMENTED, AIFACE):
                self.assertEqual(obeyed(admitted(dialect).received(command, NOW)), [])

    def test_silent(self) -> None:
        """Nothing is done and nothing said."""
        terminal = moody("silent:opendoor")
        self.assertEqual(terminal.received(OPEN, NOW), [Answered("opendoor")])
        self.assertEqual(len(terminal.memory.logs), 0)

    def test_silent_but_obeys(self) -> None:
        """The door opens, and nothing is said but the log of the door."""
        told = moody("silent=obeys:opendoor").received(OPEN, NOW)
        self.assertEqual(obeyed(told), ["opendoor"])
        self.assertEqual([message.get("cmd") for message in said(told)], ["sendlog"])

    def test_word(self) -> None:
        """A mood about one word leaves the others alone; one about none means all, known or not."""
        terminal = moody("silent:opendoor")
        self.assertIsNotNone(asked(terminal, {"cmd": "gettime"}))
        everything = moody("silent", AIFACE)
        for word in ("gettime", "opendoor", "getshift", "reboot"):
            self.assertEqual(everything.received({"cmd": word}, NOW), [Answered(word)])

    def test_times(self) -> None:
        """A mood wears off, also over a new connection."""
        terminal = moody("silent*2:gettime")
        self.assertIsNone(asked(terminal, {"cmd": "gettime"}))
        terminal.lost()
        terminal.opened(NOW)
        self.assertIsNone(asked(terminal, {"cmd": "gettime"}))
        self.assertIsNotNone(asked(terminal, {"cmd": "gettime"}))

    def test_false(self) -> None:
        """Nothing is done; the reason is said, by AiFace with words too."""
        for text, reason in (("false", 1), ("false=5", 5), ("false=no room", "no room")):
            terminal = moody(text)
            told = terminal.received(OPEN, NOW)
            self.assertEqual(obeyed(told), [])
            self.assertEqual(said(told), [{**OPENED, "result": False, "reason": reason}])
            self.assertEqual(len(terminal.memory.logs), 0)
        (reply,) = said(moody("false=2", AIFACE).received(OPEN, NOW))
        self.assertEqual((reply["reason"], reply["msg"]), (2, "device busy"))

    def test_drops(self) -> None:
        """It is done, and the connection ends without an answer."""
        told = moody("drops:opendoor").received(OPEN, NOW)
        self.assertEqual(told, [Obeyed(SN, "opendoor"), Answered("opendoor"), Drop("a mood")])

    def test_drops_after_answers(self) -> None:
        """The first two commands are answered, each one after them ends the connection."""
        terminal = moody("drops=2:gettime")
        answers = [asked(terminal, {"cmd": "gettime"}) is not None for _ in range(4)]
        self.assertEqual(answers, [True, True, False, False])

    def test_late(self) -> None:
        """It is done at once; the answer, or the end, is put off."""
        told = moody("late=3:opendoor").received(OPEN, NOW)
        begun = [Obeyed(SN, "opendoor"), Answered("opendoor")]
        self.assertEqual(told[:3], [*begun, Later(3.0, (Say(OPENED),))])
        told = moody("late=3,drops").received(OPEN, NOW)
        self.assertEqual(told, [*begun, Later(3.0, (Drop("a mood"),))])
        self.assertEqual(moody("late=3,silent").received(OPEN, NOW), [Answered("opendoor")])

    def test_wrong_word(self) -> None:
        """It is done, and another word answered: a given one, or one that was not asked for."""
        for text, command, word in (
            ("wrong", "opendoor", "gettime"),
            ("wrong", "gettime", "settime"),
            ("wrong=getdevlock", "opendoor", "getdevlock"),
        ):
            told = moody(text).received({"cmd": command}, NOW)
            self.assertEqual((said(told)[0]["ret"], obeyed(told)), (word, [command]))

    def test_wrong_enrollid(self) -> None:
        """The right word for another person, in every dialect."""
        command = {"cmd": "setuserinfo", "enrollid": 7, "name": "", "backupnum": 10, "record": 1}
        for dialect in (CLASSIC, DOCUMENTED, AIFACE):
            reply = asked(moody("wrong=enrollid", dialect), command) or {}
            self.assertEqual((reply["ret"], reply["enrollid"], reply["result"]), ("setuserinfo", 8, True))

    def test_cmd_for_ret(self) -> None:
        """``cmd`` stands in the place of ``ret``."""
        (reply,) = said(moody("cmd-for-ret").received({"cmd": "gettime"}, NOW))
        self.assertEqual(list(reply), ["cmd", "sn", "time"])
        self.assertEqual(reply["cmd"], "gettime")

    def test_rubbish(self) -> None:
        """Half a message; a ``result`` that says nothing; none at all."""
        (told,) = [tell for tell in moody("rubbish").received(OPEN, NOW) if isinstance(tell, SayBytes)]
        self.assertTrue(told.payload.startswith(b'{"ret":'))
        self.assertNotIn(b"}", told.payload)
        self.assertEqual(asked(moody("rubbish=maybe"), OPEN), {**OPENED, "result": "maybe"})
        self.assertEqual(asked(moody("rubbish=no-result"), OPEN), {"ret": "opendoor", "sn": SN})

    def test_hoards(self) -> None:
        """Logs are not pushed, however long it takes; ``getnewlog`` has them, and then all is settled."""
        terminal = terminal_of(moods=read_moods("hoards"), backlog=3)
        told = terminal.opened(NOW)
        told += terminal.received({"ret": "reg", "result": True, "nosenduser": True}, NOW)
        told += terminal.punch(NOW, Random(1)) or []
        told += terminal.tick(NOW + 10)
        self.assertEqual([message["cmd"] for message in said(told)], ["reg"])
        self.assertFalse(terminal.settled)
        self.assertEqual(page(terminal, "getnewlog", True), (4, 0, 4))
        self.assertTrue(terminal.settled)


class PageTests(SynchronousTestCase):
    """Moods about lists that are read page by page (protocol §6)."""

    def test_none(self) -> None:
        """The list as it should be."""
        expected = [(120, 0, 50), (120, 50, 50), (120, 100, 20), (0, 0, 0)]
        self.assertEqual(pages(moody("late=1:opendoor", history=120), "getalllog", 4), expected)

    def test_drops(self) -> None:
        """The pages before are given, instead of the next one the connection ends; once if it wears off."""
        terminal = moody("drops=2*1:getalllog", history=120)
        self.assertEqual(pages(terminal, "getalllog", 3), [(120, 0, 50), (120, 50, 50), None])
        self.assertEqual(len(pages(terminal, "getalllog", 3)), 3)
        self.assertEqual(page(terminal, "getalllog", False), (0, 0, 0))
        terminal = moody("drops=2:getalllog", history=120)
        for _ in range(2):
            self.assertEqual(pages(terminal, "getalllog", 3), [(120, 0, 50), (120, 50, 50), None])

    def test_drops_loses_a_page(self) -> None:
        """A page of ``getnewlog`` that never arrived is not new any more."""
        terminal = moody("hoards,drops=1*1:getnewlog", backlog=120)
        self.assertEqual(pages(terminal, "getnewlog", 2), [(120, 0, 50), None])
        self.assertEqual(page(terminal, "getnewlog", True), (20, 0, 20))

    def test_repeats(self) -> None:
        """After the first page it comes again and again; a mood that wears off lets the rest follow."""
        self.assertEqual(pages(moody("repeats", history=120), "getalllog", 3), [(120, 0, 50)] * 3)
        terminal = moody("repeats=2*1:getalllog", history=120)
        expected = [(120, 0, 50), (120, 50, 50), (120, 50, 50), (120, 100, 20)]
        self.assertEqual(pages(terminal, "getalllog", 4), expected)

    def test_repeats_nothing_else(self) -> None:
        """What is not read page by page is done each time."""
        terminal = moody("repeats")
        self.assertEqual([obeyed(terminal.received(OPEN, NOW)) for _ in range(3)], [["opendoor"]] * 3)

    def test_counts(self) -> None:
        """``count`` says nothing, or the length of the page."""
        expected = {"no-stop": [0, 0, 0, 0], "page-count": [50, 50, 20, 0]}
        for text, counts in expected.items():
            found = pages(moody(text, history=120), "getalllog", 4)
            self.assertEqual([one[0] for one in found if one], counts)
            self.assertEqual([one[2] for one in found if one], [50, 50, 20, 0])
        reply = asked(moody("page-count", users=9), {"cmd": "getallusers", "stn": True}) or {}
        self.assertEqual(reply["count"], 1)

    def test_loses_cursor(self) -> None:
        """Another command between two pages: the list begins again, or is at its end."""
        for text, expected in (("loses-cursor", (120, 0, 50)), ("loses-cursor=empty", (0, 0, 0))):
            terminal = moody(text, history=120)
            self.assertEqual(pages(terminal, "getalllog", 2), [(120, 0, 50), (120, 50, 50)])
            asked(terminal, OPEN)
            self.assertEqual(page(terminal, "getalllog", False), expected)

    def test_keeps_cursor(self) -> None:
        """A mood that has worn off, or is about another list, costs nothing."""
        terminal = moody("loses-cursor*1:getalllog,loses-cursor:getuserlist", history=170)
        found = []
        for number in range(3):
            found.append(page(terminal, "getalllog", number == 0))
            asked(terminal, OPEN)
        self.assertEqual(found, [(170, 0, 50), (170, 0, 50), (170, 50, 50)])

    def test_new_logs_again(self) -> None:
        """A list of new logs that begins again gives the same ones, and then none is new."""
        terminal = moody("hoards,loses-cursor*1", backlog=60)
        found = [page(terminal, "getnewlog", True)]
        asked(terminal, {"cmd": "gettime"})
        found += [page(terminal, "getnewlog", False) for _ in range(3)]
        self.assertEqual(found, [(60, 0, 50), (60, 0, 50), (60, 50, 10), (0, 0, 0)])
        self.assertEqual(terminal.memory.logs.new, 0)
