"""Which times the records of a list have."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tfserver.gateway.times_of import Times


def records(*told: Any) -> list[Any]:
    """Records of these times."""
    return [{"enrollid": 1, "time": text} for text in told]


class TimesTests(SynchronousTestCase):
    """The last day is 2026-04-02."""

    def looked(self, *pages: list[Any], watched: str = "") -> tuple[str, str, bool]:
        """The oldest and the newest time, and whether the one that is watched for was there."""
        found = Times(watched, "2026-04-02")
        for page in pages:
            found.look(page)
        return found.oldest, found.newest, found.has_watched

    def test_ends(self) -> None:
        """Over all pages, in whatever order they come."""
        first = records("2026-04-01 08:00:00", "2026-03-30 08:00:00", "2026-04-02 23:59:59")
        second = records("2026-03-31 07:00:00", "2026-03-29 00:00:00")
        expected = ("2026-03-29 00:00:00", "2026-04-02 23:59:59", False)
        self.assertEqual(self.looked(first, second), expected)
        self.assertEqual(self.looked(second, [], first), expected)

    def test_nothing(self) -> None:
        """A list without times has none, and nothing is found that was not watched for."""
        for page in ([], records("noon", None, 17, ""), [None, "2026-04-02 08:00:00", {"enrollid": 1}]):
            self.assertEqual(self.looked(page), ("", "", False))

    def test_impossible(self) -> None:
        """What can't be a time is passed over, also where it looks like one."""
        page = records(
            "0000-00-00 00:00:00", "2026-02-30 08:00:00", "2026-04-01 08:00:00", "2026-13-01 25:00:00"
        )
        self.assertEqual(self.looked(page)[:2], ("2026-04-01 08:00:00",) * 2)

    def test_in_the_future(self) -> None:
        """A record of a clock that was ahead is not the newest."""
        page = records("2026-04-03 00:00:00", "2099-01-01 00:00:00", "2026-04-02 08:00:00")
        self.assertEqual(self.looked(page)[:2], ("2026-04-02 08:00:00",) * 2)

    def test_other_forms(self) -> None:
        """Times in other forms count as what they mean."""
        page = records("2026/4/2 8:05", "2026-04-02T07:00:00Z", " 2026-04-02 09:00:00 ")
        expected = ("2026-04-02 07:00:00", "2026-04-02 09:00:00", True)
        self.assertEqual(self.looked(page, watched="2026-04-02 08:05:00"), expected)

    def test_watched(self) -> None:
        """Found on any page, and not for one that is near it."""
        pages = [records("2026-04-01 08:00:00"), records("2026-04-01 09:00:00")]
        for watched, is_there in (("2026-04-01 08:00:00", True), ("2026-04-01 08:30:00", False)):
            self.assertIs(self.looked(*pages, watched=watched)[2], is_there)
