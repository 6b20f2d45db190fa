"""The kinds of field that commands share."""

from __future__ import annotations

from msgspec import UNSET
from twisted.trial.unittest import SynchronousTestCase

from tests.commands.decided import ordered, wrong_fields
from tfserver.commands import fields
from tfserver.credentials import slots_of


class PersonTests(SynchronousTestCase):
    """Who an order is about."""

    def test_range(self) -> None:
        """A person has a number from 1 to 64 bits."""
        for enrollid in (1, 7, 99_999_998, 100_000_000, 999_999_999_999, 2**63 - 1):
            self.assertEqual(wrong_fields("getusername", enrollid=enrollid), [])
        for wrong in (0, -1, 2**63, 1.5, 7.0, "7", True, None, [7], 99_999_999):
            self.assertEqual(wrong_fields("getusername", enrollid=wrong), ["enrollid"], wrong)

    def test_everywhere(self) -> None:
        """Nobody has the number of those that the terminal does not know, in no command."""
        stranger = 99_999_999
        for word, more in (
            *(("getuserinfo", {"backupnum": 0}), ("deleteuser", {"backupnum": 13}), ("getuserlock", {})),
            *(("setuserinfo", {"backupnum": 11, "record": 5}), ("adduser", {"backupnum": 50})),
            *(("enableuser", {"enflag": 0}), ("getuserprofile", {}), ("setuserprofile", {"profile": "x"})),
            ("deleteuserlock", {}),
        ):
            self.assertEqual(wrong_fields(word, enrollid=stranger, **more), ["enrollid"], word)
            self.assertEqual(wrong_fields(word, enrollid=8, **more), [], word)
        for record in ({"enrollid": stranger, "name": "x"}, {"enrollid": 0, "name": "x"}):
            self.assertEqual(wrong_fields("setusername", record=[record]), ["record[0].enrollid"])
        self.assertEqual(
            wrong_fields("setuserlock", record=[{"enrollid": 1}, {"enrollid": stranger}]),
            ["record[1].enrollid"],
        )

    def test_subject(self) -> None:
        """Changes of one person are in order with each other, and asking is in order with nothing."""
        self.assertEqual(ordered("deleteuser", enrollid=7, backupnum=13).subject(), "user 7")
        self.assertEqual(ordered("enableuser", enrollid=7, enflag=1).subject(), "user 7")
        self.assertEqual(ordered("deleteuserlock", enrollid=7).subject(), "user 7")
        for word in ("getusername", "getuserlock", "getuserprofile"):
            self.assertEqual(ordered(word, enrollid=7).subject(), "")


class SlotTests(SynchronousTestCase):
    """``backupnum``."""

    def test_defined(self) -> None:
        """Only slots that somebody defined are ever sent."""
        for backupnum in range(-3, 120):
            wrong = wrong_fields("getuserinfo", enrollid=7, backupnum=backupnum)
            self.assertEqual(wrong, [] if slots_of(backupnum) else ["backupnum"], backupnum)


class TextTests(SynchronousTestCase):
    """Names and times."""

    def test_names(self) -> None:
        """A name is measured in bytes, and has no line breaks."""
        for name in ("", "Ines M", "x" * 64, "张" * 21, "محمد"):
            self.assertEqual(fields.name_problems("name", name), [], name)
        for name in ("x" * 65, "张" * 22, "a\nb", "a\n", "\x00", "\x7f"):
            self.assertEqual([field for field, _ in fields.name_problems("name", name)], ["name"], name)
        self.assertEqual(fields.name_problems("name", UNSET), [])

    def test_times(self) -> None:
        """A time has just one form, and exists."""
        for text in ("2026-04-02 12:05:00", "2024-02-29 00:00:00", "2099-12-31 23:59:00"):
            self.assertEqual(fields.time_problems("t", text), [])
        for text in (
            *("2026-4-2 12:05:00", "2026-02-30 12:05:00", "2026-04-02T12:05:00", "2026-04-02 12:05"),
            *("2026-04-02 24:00:00", "2026-04-02 12:05:00\n", " 2026-04-02 12:05:00", "", "now"),
            *("2026-04-02 12:05:00Z", "0001-01-01 00:00:0", "٢٠٢٦-04-02 12:05:00"),
        ):
            self.assertEqual([field for field, _ in fields.time_problems("t", text)], ["t"], text)
        self.assertEqual(fields.time_problems("t", UNSET), [])
