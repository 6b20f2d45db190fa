"""Moods as texts: what an option may say, and what is said about mistakes."""

from __future__ import annotations

import math
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tfserver.simulator.moods import KINDS, Mood, MoodError, describe_moods, read_moods

PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"


class ReadingTests(SynchronousTestCase):
    """The form of the option."""

    def test_several(self) -> None:
        """Moods stand between commas, each with or without value, times and word."""
        found = read_moods("silent:getnewlog, late=3:setuserinfo,drops=2*1:getalllog,cmd-for-ret")
        self.assertEqual(
            found,
            (
                Mood("silent", "nothing", "getnewlog"),
                Mood("late", 3.0, "setuserinfo"),
                Mood("drops", 2, "getalllog", 1),
                Mood("cmd-for-ret", None, None, math.inf),
            ),
        )

    def test_values(self) -> None:
        """Each kind reads its own values, and has one when none is given."""
        expected = {
            "silent": "nothing",
            "silent=obeys": "obeys",
            "late=0.25": 0.25,
            "false": 1,
            "false=5": 5,
            "false=no room": "no room",
            "wrong": "",
            "wrong=enrollid": "enrollid",
            "wrong=gettime": "gettime",
            "rubbish": "unreadable",
            "rubbish=no-result": "no-result",
            "drops": 0,
            "drops=0": 0,
            "repeats": 1,
            "repeats=4": 4,
            "loses-cursor": "restart",
            "loses-cursor=empty": "empty",
            "no-stop": None,
            "hoards": None,
        }
        for text, value in expected.items():
            (mood,) = read_moods(text)
            self.assertEqual(mood.value, value, text)

    def test_mistakes(self) -> None:
        """Each mistake is told with the text, and with what was expected."""
        expected = {
            "": "KIND[=VALUE][*TIMES][:WORD] expected",
            "silent:": "expected, as in late=3:setuserinfo",
            "silent,,late=1": "mood '': ",
            "Silent": "expected",
            "silent:Get Log": "expected",
            "late=1*x": "expected",
            "silnt": "there is no 'silnt', only no-stop, page-count,",
            "late": "mood 'late': a number of seconds above 0 expected after '='",
            "late=soon": "a number of seconds",
            "late=0": "a number of seconds",
            "late=nan": "a number of seconds",
            "silent=loudly": "nothing or obeys expected",
            "rubbish=much": "unreadable, maybe or no-result expected",
            "repeats=0": "a number of pages from 1 on expected",
            "drops=k": "a number of answers expected",
            "no-stop=1": "no value expected",
            "wrong=no word": "a word, or enrollid, expected",
            "repeats:opendoor": "opendoor is not read page by page, only getalllog, getallusers,",
            "silent*0": "it would never act",
            "hoards:sendlog": "it takes no word and no times",
            "hoards*2": "it takes no word and no times",
        }
        for text, part in expected.items():
            error = self.assertRaises(MoodError, read_moods, text)
            self.assertIn(part, str(error))
            self.assertTrue(str(error).startswith("mood '"), error)

    def test_described(self) -> None:
        """The help and the page about the simulator name every kind, the page with every meaning."""
        page = PAGE.read_text("utf-8")
        for name, kind in KINDS.items():
            self.assertIn(f"{name}: {kind.meaning}", describe_moods().splitlines())
            self.assertIn(f"| `{name}` | {kind.meaning} |", page.splitlines())
