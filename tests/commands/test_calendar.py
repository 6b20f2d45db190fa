"""Holidays and the questionnaire (protocol §5.5, §5.6)."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.commands.decided import ordered, replied, said, wrong_fields
from tfserver.commands.calendar import GetHoliday, GetQuestionnaire

HOLIDAY: dict[str, Any] = {
    "name": "Harvest",
    "startday": "09-20",
    "endday": "09-21",
    "shift": 0,
    "dayzone": 2,
}
QUESTION: dict[str, Any] = {"title": "Reason", "radio": True, "usequestion": True, "items": ["In", "Out"]}


class HolidayTests(SynchronousTestCase):
    """``setholiday`` and ``getholiday``."""

    def wrong(self, **more: Any) -> list[str]:
        """What is wrong with one that is otherwise right."""
        return wrong_fields("setholiday", holidays=[{**HOLIDAY, **more}])

    def test_limits(self) -> None:
        """None to thirty."""
        for count in (0, 1, 30):
            holidays = [HOLIDAY] * count
            self.assertEqual(said("setholiday", holidays=holidays), {"holidays": holidays})
        self.assertEqual(wrong_fields("setholiday", holidays=[HOLIDAY] * 31), ["holidays"])

    def test_days(self) -> None:
        """Days that exist, in just this form; 29 February does."""
        for day in ("01-01", "12-31", "02-29"):
            self.assertEqual(self.wrong(startday=day, endday=day), [])
        for day in ("02-30", "04-31", "13-01", "00-10", "1-1", "01-01\n", "01/01", ""):
            self.assertEqual(self.wrong(startday=day), ["holidays[0].startday"], day)
        self.assertEqual(self.wrong(endday="02-30"), ["holidays[0].endday"])

    def test_around_new_year(self) -> None:
        """A holiday may last into the next year."""
        self.assertEqual(self.wrong(startday="12-24", endday="01-02"), [])

    def test_names(self) -> None:
        """Names are short."""
        self.assertEqual(self.wrong(name="张" * 22), ["holidays[0].name"])
        self.assertEqual(self.wrong(name="a\nb"), ["holidays[0].name"])

    def test_not_paged(self) -> None:
        """They come all at once, asked for as a first page."""
        self.assertEqual(said("getholiday"), {"stn": True})
        self.assertEqual(replied(GetHoliday, holidays=[HOLIDAY]).shown(), {"holidays": [HOLIDAY]})

    def test_subjects(self) -> None:
        """Settings of them are in order with each other."""
        found = [
            ordered(word, **more).subject()
            for word, more in (("getholiday", {}), ("setholiday", {"holidays": []}))
        ]
        self.assertEqual(found, ["", "holidays"])


class QuestionTests(SynchronousTestCase):
    """``setquestionnaire`` and ``getquestionnaire``."""

    def wrong(self, **more: Any) -> list[str]:
        """What is wrong with one that is otherwise right."""
        return wrong_fields("setquestionnaire", **{**QUESTION, **more})

    def test_items(self) -> None:
        """Sixteen to choose one of, eight to choose several of (protocol §2.3)."""
        self.assertEqual(self.wrong(items=["x"] * 16), [])
        self.assertEqual(self.wrong(items=["x"] * 17), ["items"])
        self.assertEqual(self.wrong(items=["x"] * 8, radio=False), [])
        self.assertEqual(self.wrong(items=["x"] * 9, radio=False), ["items"])
        self.assertEqual(self.wrong(items=[]), ["items"])
        self.assertEqual(self.wrong(items=["x", "张" * 67]), ["items[1]"])
        self.assertEqual(self.wrong(items=["x", 5]), ["items[1]"])

    def test_schedules(self) -> None:
        """Hours and the number of an item that there is."""
        for text in ("00:00-00:00*0", "08:00-12:00*1", "08:00-12:00*2"):
            self.assertEqual(self.wrong(schedules=[text] * 8), [])
        for text in ("08:00-12:00*3", "24:00-25:00*1", "08:00~12:00*1", "08:00-12:00", "8:00-12:00*1", "", 5):
            self.assertEqual(self.wrong(schedules=["00:00-00:00*0", text]), ["schedules[1]"], text)
        self.assertEqual(self.wrong(schedules=["00:00-00:00*0"] * 9), ["schedules"])

    def test_texts(self) -> None:
        """Texts are bounded in bytes."""
        for name in ("title", "voice", "errmsg"):
            self.assertEqual(self.wrong(**{name: "张" * 67}), [name])
            self.assertEqual(self.wrong(**{name: "x" * 200}), [])

    def test_required(self) -> None:
        """What it can't do without is named."""
        self.assertEqual(wrong_fields("setquestionnaire"), ["title", "radio", "items"])

    def test_reply(self) -> None:
        """It comes all at once, asked for as a first page."""
        self.assertEqual(said("getquestionnaire"), {"stn": True})
        shown = replied(GetQuestionnaire, **QUESTION, card="0").shown()
        self.assertEqual(shown, {**QUESTION, "card": 0})

    def test_nothing_is_secret(self) -> None:
        """``card`` is a switch here: it is neither sealed nor hidden."""
        order = ordered("setquestionnaire", **QUESTION, card=1)
        self.assertEqual((order.secrets(), order.said("")["card"]), ({}, 1))

    def test_subjects(self) -> None:
        """Settings of it are in order with each other."""
        self.assertEqual(ordered("setquestionnaire", **QUESTION).subject(), "questionnaire")
        self.assertEqual(ordered("getquestionnaire").subject(), "")
