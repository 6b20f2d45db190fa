"""Commands about people: limits, lists, names, and what is kept of a fetched credential (protocol §5.1)."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.commands.decided import ordered, problems, replied, said, wrong_fields
from tests.commands.kept import AWAY, SN, Desk
from tfserver.commands.context import Make
from tfserver.commands.people import (
    DELETABLE,
    GetUserInfo,
    GetUserList,
    GetUserName,
    GetUserProfile,
    keep_user,
)
from tfserver.errors import StoreUnavailable
from tfserver.store.users import Origin, Profile
from tfserver.wire.message import RawReply
from tfserver.wire.table import vocabulary

TEMPLATE = "c51b(12)07aa93e4" * 70


class ListTests(SynchronousTestCase):
    """``getuserlist``."""

    def test_numbers(self) -> None:
        """Quirk 6: numbers that come as text are numbers, and what is no entry is left out."""
        record = [
            {"enrollid": "0007", "admin": "1", "backupnum": 11, "aliasid": "x"},
            "junk",
            {"enrollid": 8},
        ]
        shown = replied(GetUserList, count="3", record=record, **{"from": 0, "to": 2}).shown()
        expected = [
            {"enrollid": 7, "admin": 1, "backupnum": 11},
            {"enrollid": 8, "admin": None, "backupnum": None},
        ]
        self.assertEqual(shown, {"users": expected})

    def test_empty(self) -> None:
        """Nobody is a list of nobody, also where the list is missing."""
        for more in ({"record": []}, {}, {"record": None}):
            self.assertEqual(replied(GetUserList, count=0, **more).shown(), {"users": []})


class NameTests(SynchronousTestCase):
    """``setusername`` and ``getusername``."""

    def test_count(self) -> None:
        """The length is said before the list."""
        record = [{"enrollid": n, "name": f"n{n}"} for n in range(1, 51)]
        found = said("setusername", record=record)
        self.assertEqual(list(found), ["count", "record"])
        self.assertEqual(found, {"count": 50, "record": record})

    def test_limits(self) -> None:
        """At least one person, fifty at most."""
        self.assertEqual(wrong_fields("setusername", record=[]), ["record"])
        many = [{"enrollid": 1, "name": "x"}] * 51
        self.assertEqual(wrong_fields("setusername", record=many), ["record"])

    def test_wrong_names(self) -> None:
        """Which of them is too long is told."""
        record = [{"enrollid": 1, "name": "x"}, {"enrollid": 2, "name": "张" * 22}]
        self.assertEqual(wrong_fields("setusername", record=record), ["record[1].name"])
        self.assertEqual(wrong_fields("setusername", record=[{"enrollid": 1}]), ["record[0].name"])
        self.assertEqual(
            wrong_fields("setusername", record=[{"enrollid": 1, "name": "x", "q": 1}]), ["record[0].q"]
        )

    def test_subject(self) -> None:
        """It is in order with everything about anybody."""
        self.assertEqual(ordered("setusername", record=[{"enrollid": 1, "name": "x"}]).subject(), "users")
        for word in ("cleanuser", "cleanadmin"):
            self.assertEqual(ordered(word).subject(), "users")

    def test_reply(self) -> None:
        """The name stands in ``record``, or on newer terminals in ``name``."""
        self.assertEqual(replied(GetUserName, record="Ines M").shown(), {"name": "Ines M"})
        self.assertEqual(replied(GetUserName, name="Ines M").shown(), {"name": "Ines M"})
        self.assertEqual(replied(GetUserName, record=12).shown(), {"name": "12"})


class DeleteTests(SynchronousTestCase):
    """``deleteuser``."""

    def test_slots(self) -> None:
        """It takes all fingerprints and the whole person beside the slots, and nothing undefined."""
        self.assertEqual(DELETABLE, {*range(10), 10, 11, 12, 13, *range(20, 28), *range(30, 38), 50})
        for backupnum in range(-2, 60):
            wrong = wrong_fields("deleteuser", enrollid=7, backupnum=backupnum)
            self.assertEqual(wrong, [] if backupnum in DELETABLE else ["backupnum"], backupnum)


class ProfileTests(SynchronousTestCase):
    """Texts for people."""

    def test_length(self) -> None:
        """200 bytes, not letters."""
        for profile in ("", "x" * 200, "张" * 66, "two\nlines"):
            self.assertEqual(wrong_fields("setuserprofile", enrollid=7, profile=profile), [])
        for profile in ("x" * 201, "张" * 67):
            self.assertEqual(wrong_fields("setuserprofile", enrollid=7, profile=profile), ["profile"])

    def test_everybody(self) -> None:
        """Nobody's number is the text for all, which is in order with everybody's."""
        self.assertEqual(ordered("setuserprofile", enrollid=0, profile="x").subject(), "users")
        self.assertEqual(ordered("setuserprofile", enrollid=7, profile="x").subject(), "user 7")
        self.assertEqual(problems("getuserprofile", enrollid=0), [])

    def test_reply(self) -> None:
        """The text stands in ``record``."""
        found = replied(GetUserProfile, enrollid="7", record="Badge").shown()
        self.assertEqual(found, {"enrollid": 7, "profile": "Badge"})


class SwitchTests(SynchronousTestCase):
    """``enableuser``."""

    def test_range(self) -> None:
        """On or off."""
        for enflag, wrong in ((0, []), (1, []), (2, ["enflag"]), (-1, ["enflag"]), (True, ["enflag"])):
            self.assertEqual(wrong_fields("enableuser", enrollid=7, enflag=enflag), wrong)


class FetchedTests(SynchronousTestCase):
    """What is kept of ``getuserinfo``."""

    def keep(self, desk: Desk, slot: int = 0, **fields: Any) -> dict[str, Any]:
        """What people see of the reply."""
        order = GetUserInfo(7, slot)
        keeper = vocabulary.keeper_of(GetUserInfo)
        self.assertIs(keeper, keep_user)
        kept = keep_user(order, RawReply("getuserinfo", True, {"sn": SN, **fields}), desk.context)
        return self.successResultOf(Deferred.fromCoroutine(kept))

    def desk(self) -> Desk:
        """A terminal of a known make."""
        desk = Desk().admit()
        desk.context.make = Make("tfs30", "th600w v6.4", "thbio3.0")
        return desk

    def test_kept(self) -> None:
        """Person and credential are kept as if they had been pushed, and the credential is not shown."""
        desk = self.desk()
        fields = {
            "enrollid": 7,
            "name": "Ines M",
            "backupnum": 0,
            "admin": "1",
            "record": TEMPLATE,
            "fpflag": 1,
        }
        shown = self.keep(desk, **fields)
        origin = Origin("tfs30", "th600w v6.4", "thbio3.0", "2026-04-02T08:15:04.000Z")
        expected = (SN, 7, Profile("Ines M", 1, {"fpflag": 1}), (0, TEMPLATE), origin)
        self.assertEqual(desk.users.people, [expected])
        self.assertNotIn(TEMPLATE[:20], json.dumps(shown))
        self.assertEqual((shown["enrollid"], shown["name"], shown["admin"]), (7, "Ines M", 1))
        self.assertEqual(shown["record"], {"redacted": True, "bytes": len(TEMPLATE) + 2})

    def test_numbers(self) -> None:
        """A password or card that came as a number is kept as digits, and not shown."""
        for backupnum, record in ((10, 507311), (11, "3120457781")):
            desk = self.desk()
            shown = self.keep(desk, backupnum, enrollid=7, backupnum=backupnum, record=record)
            self.assertEqual(desk.users.people[0][3], (backupnum, str(record)))
            self.assertNotIn(str(record), json.dumps(shown))

    def test_whom_it_was_about(self) -> None:
        """Where the terminal does not repeat whom it was asked for, it is the one of the order."""
        desk = self.desk()
        self.keep(desk, 11, name="Ines M", record=312)
        ((_, enrollid, profile, credential, _),) = desk.users.people
        self.assertEqual((enrollid, profile.name, credential), (7, "Ines M", (11, "312")))

    def test_bare(self) -> None:
        """A person without a credential is kept alone."""
        desk = self.desk()
        self.assertEqual(self.keep(desk, name="Ines M", record="0")["name"], "Ines M")
        self.assertIsNone(desk.users.people[0][3])

    def test_unreadable(self) -> None:
        """What can't be a credential is put aside without it, and not shown either."""
        desk = self.desk()
        shown = self.keep(desk, 10, enrollid=7, backupnum=10, record="secret words")
        self.assertEqual(desk.users.people, [])
        ((_, _, _, (bad,)),) = desk.punches.batches
        self.assertTrue(bad.why.startswith("getuserinfo: "), bad.why)
        self.assertEqual(json.loads(bad.raw)["cmd"], "getuserinfo")
        self.assertNotIn("secret words", bad.raw.decode() + bad.why + json.dumps(shown))

    def test_store_away(self) -> None:
        """If it can't be kept, the order hears of it."""
        desk = self.desk()
        desk.users.failure = AWAY
        kept = keep_user(GetUserInfo(7, 0), RawReply("getuserinfo", True, {"record": TEMPLATE}), desk.context)
        self.failureResultOf(Deferred.fromCoroutine(kept), StoreUnavailable)

    def test_clock_is_left_alone(self) -> None:
        """A reply sets no clock, so nothing of it is remembered."""
        desk = Desk(terminals__timezone="Asia/Tokyo").admit()
        self.keep(desk, name="Ines M")
        self.assertEqual(desk.terminals.clocks, [])
