"""Holidays and the questionnaire (protocol §5.5, §5.6)."""

from __future__ import annotations

from typing import Any, ClassVar

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


class OneHolidayTests(SynchronousTestCase):
    """The older form: holidays by number, one at a time."""

    one: ClassVar[dict[str, Any]] = {
        "index": 3,
        "startdate": "09-20",
        "enddate": "09-21",
        "name": "Harvest",
        "accessid": [7, 8],
    }

    def wrong(self, **more: Any) -> list[str]:
        """What is wrong with one that is otherwise right; None leaves a field out."""
        fields = {name: value for name, value in {**self.one, **more}.items() if value is not None}
        return wrong_fields("setholiday", **fields)

    def test_said(self) -> None:
        """It goes out with the length of its list, and is asked for as a first page."""
        told = {"index": 3, "stn": True, "startdate": "09-20", "enddate": "09-21", "name": "Harvest"}
        self.assertEqual(said("setholiday", **self.one), {**told, "count": 2, "accessid": [7, 8]})
        self.assertEqual(list(said("setholiday", **self.one)), [*told, "count", "accessid"])
        self.assertEqual(said("getholiday", index=0), {"index": 0, "stn": True})

    def test_nobody_passes(self) -> None:
        """Without a list nobody may pass."""
        found = said("setholiday", **{name: self.one[name] for name in self.one if name != "accessid"})
        self.assertEqual((found["count"], found["accessid"]), (0, []))

    def test_shown(self) -> None:
        """What the terminal tells of one is shown."""
        told = {**self.one, "idallcout": 2, "indexfrom": 0, "indexto": 2}
        self.assertEqual(replied(GetHoliday, **told).shown(), told)

    def test_either_form(self) -> None:
        """All of them or one, not both and not nothing."""
        self.assertEqual(wrong_fields("setholiday"), ["holidays"])
        self.assertEqual(wrong_fields("setholiday", name="Harvest"), ["holidays"])
        self.assertEqual(wrong_fields("setholiday", holidays=[HOLIDAY], index=3, name="x"), ["index", "name"])

    def test_missing(self) -> None:
        """A holiday has a name and days."""
        for field in ("startdate", "enddate", "name"):
            self.assertEqual(self.wrong(**{field: None}), [field])

    def test_days(self) -> None:
        """Days that exist, with or without a year."""
        for day in ("02-29", "2024-02-29", "12-31"):
            self.assertEqual(self.wrong(startdate=day, enddate=day), [])
        for day in ("02-30", "2023-02-29", "9-20", "24-02-01", "09-20\n", ""):
            self.assertEqual(self.wrong(startdate=day), ["startdate"], day)

    def test_limits(self) -> None:
        """Numbers, names and people are bounded, and so is the whole message."""
        self.assertEqual(self.wrong(accessid=list(range(1, 201))), [])
        self.assertEqual(self.wrong(accessid=list(range(1, 202))), ["accessid"])
        self.assertEqual(self.wrong(accessid=[10**15] * 200), ["accessid"])
        self.assertEqual(self.wrong(accessid=[7, 99999999]), ["accessid[1]"])
        self.assertEqual(self.wrong(accessid=[0]), ["accessid[0]"])
        self.assertEqual(self.wrong(name="张" * 22), ["name"])
        for index in (-1, 256):
            self.assertEqual(self.wrong(index=index), ["index"])


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
