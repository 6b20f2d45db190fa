"""Doors and locks (protocol §5.4)."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.commands.decided import ordered, replied, said, wrong_fields
from tfserver.commands.doors import GetDevLock

DAY: dict[str, Any] = {"day": [{"section": "08:00~18:30"}]}
WEEK: dict[str, Any] = {"week": [{"day": 1}] * 7}


class DoorTests(SynchronousTestCase):
    """``opendoor``."""

    def test_doors(self) -> None:
        """One of four, or none named."""
        self.assertEqual(said("opendoor"), {})
        for doornum in (1, 4):
            self.assertEqual(said("opendoor", doornum=doornum), {"doornum": doornum})
        for doornum in (0, 5, "1", True, None):
            self.assertEqual(wrong_fields("opendoor", doornum=doornum), ["doornum"])

    def test_other_words(self) -> None:
        """Fields of other servers are refused, not ignored: the wrong door would open."""
        for name in ("door", "doorno", "delay"):
            self.assertEqual(wrong_fields("opendoor", **{name: 1}), [name])

    def test_subject(self) -> None:
        """Doors have a subject of their own: no setting ever holds one up."""
        self.assertEqual(ordered("opendoor").subject(), "door")


class LockTests(SynchronousTestCase):
    """``setdevlock``."""

    def test_ranges(self) -> None:
        """Each has its ends."""
        most = {
            "opendelay": 255,
            "doorsensor": 2,
            "alarmdelay": 255,
            "threat": 3,
            "InputAlarm": 2,
            "antpass": 2,
            "interlock": 1,
            "mutiopen": 4,
            "tryalarm": 10,
            "tamper": 1,
            "wgformat": 1,
            "wgoutput": 2,
            "cardoutput": 1,
        }
        for name, last in most.items():
            for right in (0, last):
                self.assertEqual(said("setdevlock", **{name: right}), {name: right})
            for wrong in (-1, last + 1, "1", True):
                self.assertEqual(wrong_fields("setdevlock", **{name: wrong}), [name], wrong)
        self.assertEqual(wrong_fields("setdevlock", inputalarm=1), ["inputalarm"])

    def test_nothing(self) -> None:
        """Nothing to set is a mistake."""
        self.assertEqual(wrong_fields("setdevlock"), ["cmd"])

    def test_lists(self) -> None:
        """Lists as the document has them, and no longer (protocol §2.3)."""
        for name, item, most in (
            ("dayzone", DAY, 8),
            ("weekzone", WEEK, 8),
            ("lockgroup", {"group": 119}, 8),
            ("nopentime", {"day": 1}, 7),
            ("visitortime", {"day": 0}, 7),
        ):
            self.assertEqual(said("setdevlock", **{name: [item] * most}), {name: [item] * most})
            self.assertEqual(wrong_fields("setdevlock", **{name: [item] * (most + 1)}), [name])
            self.assertEqual(wrong_fields("setdevlock", **{name: item}), [name])

    def test_inside(self) -> None:
        """Where in a list something is wrong is told."""
        six = {"day": [{"section": "08:00~18:30"}] * 6}
        for fields, wrong in (
            ({"dayzone": [DAY, six]}, "dayzone[1].day"),
            ({"weekzone": [{"week": [{"day": 1}] * 6}]}, "weekzone[0].week"),
            ({"weekzone": [{"week": [{"day": 1}] * 8}]}, "weekzone[0].week"),
            ({"weekzone": [WEEK, {"week": [{"day": 1}] * 6 + [{"day": 9}]}]}, "weekzone[1].week[6].day"),
            ({"lockgroup": [{"group": -1}]}, "lockgroup[0].group"),
            ({"nopentime": [{"day": 1, "x": 1}]}, "nopentime[0].x"),
            ({"dayzone": [{}]}, "dayzone[0].day"),
        ):
            self.assertEqual(wrong_fields("setdevlock", **fields), [wrong])

    def test_sections(self) -> None:
        """Hours of a day, in just this form."""
        for section in ("00:00~00:00", "00:00~23:59", "22:00~06:00"):
            self.assertEqual(wrong_fields("setdevlock", dayzone=[{"day": [{"section": section}]}]), [])
        for section in (
            "8:00~18:30",
            "08:00-18:30",
            "24:00~01:00",
            "08:60~09:00",
            "08:00~18:30\n",
            "",
            "08:00",
        ):
            wrong = wrong_fields("setdevlock", dayzone=[{"day": [{"section": section}]}])
            self.assertEqual(wrong, ["dayzone[0].day[0].section"], section)

    def test_subject(self) -> None:
        """Locks are in order with each other."""
        self.assertEqual(ordered("setdevlock", tamper=1).subject(), "locks")
        self.assertEqual(ordered("getdevlock").subject(), "")

    def test_reply(self) -> None:
        """What was read can be set again under the same names."""
        fields: dict[str, Any] = {"opendelay": "5", "InputAlarm": 1, "dayzone": [DAY], "weekzone": [WEEK]}
        shown = replied(GetDevLock, **fields).shown()
        self.assertEqual(shown, {**fields, "opendelay": 5})
        self.assertEqual(said("setdevlock", **shown), shown)
