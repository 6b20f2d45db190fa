"""When people may pass (protocol §5.4)."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.commands.decided import ordered, problems, replied, said, wrong_fields
from tfserver.commands.passing import GetUserLock

START, END = "2026-01-01 00:00:00", "2099-12-31 23:59:00"


class PassingTests(SynchronousTestCase):
    """``setuserlock``."""

    def wrong(self, **passing: Any) -> list[str]:
        """What is wrong with one person's hours."""
        return wrong_fields("setuserlock", record=[{"enrollid": 7, **passing}])

    def test_count(self) -> None:
        """The length is said before the list, and what was left out is not sent."""
        record = [{"enrollid": 7, "weekzone": 1}, {"enrollid": 8, "starttime": START, "endtime": END}]
        found = said("setuserlock", record=record)
        self.assertEqual(list(found), ["count", "record"])
        self.assertEqual(found, {"count": 2, "record": record})

    def test_limits(self) -> None:
        """One person at least, forty at most."""
        self.assertEqual(wrong_fields("setuserlock", record=[{"enrollid": 7}] * 40), [])
        self.assertEqual(wrong_fields("setuserlock", record=[{"enrollid": 7}] * 41), ["record"])
        self.assertEqual(wrong_fields("setuserlock", record=[]), ["record"])
        self.assertEqual(wrong_fields("setuserlock"), ["record"])

    def test_ranges(self) -> None:
        """Zones and groups have their ends."""
        for name in ("weekzone", "weekzone2", "weekzone3", "weekzone4"):
            for zone, wrong in ((0, []), (8, []), (9, [f"record[0].{name}"]), (-1, [f"record[0].{name}"])):
                self.assertEqual(self.wrong(**{name: zone}), wrong)
        self.assertEqual(self.wrong(group=9), [])
        self.assertEqual(self.wrong(group=10), ["record[0].group"])

    def test_times(self) -> None:
        """Both ends go together, exist, and are in order."""
        self.assertEqual(self.wrong(starttime=START, endtime=START), [])
        self.assertEqual(self.wrong(starttime=START), ["record[0].endtime"])
        self.assertEqual(self.wrong(endtime=START), ["record[0].starttime"])
        self.assertEqual(self.wrong(starttime=END, endtime=START), ["record[0].endtime"])
        self.assertEqual(self.wrong(starttime="2026-02-30 00:00:00", endtime=END), ["record[0].starttime"])
        self.assertEqual(self.wrong(starttime="2026-01-01", endtime=END), ["record[0].starttime"])

    def test_which_person(self) -> None:
        """All that is wrong with all of them is told."""
        record = [{"enrollid": 7, "starttime": START}, {"enrollid": 8}, {"enrollid": 99_999_999}]
        fields = [field for field, _ in problems("setuserlock", record=record)]
        self.assertEqual(fields, ["record[0].endtime", "record[2].enrollid"])

    def test_subjects(self) -> None:
        """Lists and all are in order with everybody, one person with that one."""
        self.assertEqual(ordered("setuserlock", record=[{"enrollid": 7}]).subject(), "users")
        self.assertEqual(ordered("cleanuserlock").subject(), "users")
        self.assertEqual(ordered("deleteuserlock", enrollid=7).subject(), "user 7")


class ReplyTests(SynchronousTestCase):
    """``getuserlock``."""

    def test_numbers(self) -> None:
        """Numbers that come as text are numbers; what nobody described is there too."""
        shown = replied(GetUserLock, enrollid="7", weekzone="1", starttime=START, aliasid="x").shown()
        self.assertEqual(shown, {"enrollid": 7, "weekzone": 1, "starttime": START, "aliasid": "x"})
