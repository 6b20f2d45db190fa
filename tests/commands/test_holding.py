"""What terminals have, as their replies tell it."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.commands.kept import AWAY, NOW_MS, SN, Desk
from tfserver.commands.holding import Gathered
from tfserver.commands.users import SendUser, senduser
from tfserver.errors import StoreUnavailable
from tfserver.locks import UNLOCKED, lock_of
from tfserver.person import Held, HeldPerson, Proof
from tfserver.wire import codec
from tfserver.wire.message import RawReply
from tfserver.wire.ordering import restored
from tfserver.wire.table import vocabulary

LOCK = {
    "weekzone": 1,
    "weekzone2": 0,
    "weekzone3": 0,
    "weekzone4": 0,
    "group": 2,
    "starttime": "2026-01-01 00:00:00",
    "endtime": "2099-12-31 23:59:00",
}


class HoldingCase(SynchronousTestCase):
    """One terminal that answers orders."""

    def setUp(self) -> None:
        self.desk = Desk().admit()

    def answered(
        self, word: str, reply: dict[str, Any] | None = None, **fields: Any
    ) -> list[tuple[Any, ...]]:
        """What is kept of a positive reply."""
        command = restored(word, fields)
        keeper = vocabulary.keeper_of(type(command))
        assert keeper is not None
        told = keeper(command, RawReply(word, True, {"sn": SN, **(reply or {})}), self.desk.context)
        self.shown = self.successResultOf(Deferred.fromCoroutine(told))
        return self.desk.holdings.asked

    def refused(self, word: str, said: dict[str, Any], **fields: Any) -> list[tuple[Any, ...]]:
        """What is kept of a refusal."""
        command = restored(word, fields)
        minder = vocabulary.minder_of(type(command))
        if minder is not None:
            told = minder(command, RawReply(word, False, said), self.desk.context)
            self.successResultOf(Deferred.fromCoroutine(told))
        return self.desk.holdings.asked


class PutTests(HoldingCase):
    """What orders put there."""

    def test_accepted(self) -> None:
        """It is there as it was said, put there by us; what was left out is not known."""
        found = self.answered("setuserinfo", enrollid=7, backupnum=11, record="0012", name="Ines", admin=1)
        held, person = Held(Proof.ACCEPTED, "version of 12", NOW_MS), HeldPerson(True, "Ines", 1)
        self.assertEqual(found, [("told", SN, 7, 11, held, person)])
        self.setUp()
        ((_, _, _, _, _, person),) = self.answered("setuserinfo", enrollid=7, backupnum=0, record="c51b")
        self.assertEqual(person, HeldPerson(True))

    def test_beside(self) -> None:
        """A card and a password that stand beside it are there too, and take their places."""
        order = restored(
            "setuserinfo", {"enrollid": 7, "backupnum": 0, "record": "c51b", "card": 5, "pwd": "123"}
        )
        self.assertEqual(order.brings(), [(7, 0), (7, 11), (7, 10)])
        self.answered("setuserinfo", **order.fields())
        found = [(told[3], told[4].version) for told in self.desk.holdings.asked]
        self.assertEqual(found, [(0, "version of c51b"), (11, "version of 5"), (10, "version of 123")])

    def test_enrolment_brings_something(self) -> None:
        """An enrolment needs a place, its end does not."""
        self.assertEqual(restored("adduser", {"enrollid": 7, "backupnum": 0}).brings(), [(7, 0)])
        ended = restored("adduser", {"enrollid": 7, "backupnum": 0, "cancel": True})
        self.assertEqual(ended.brings() + restored("reboot", {}).brings(), [])

    def test_people(self) -> None:
        """Whom an order brings or names: nobody who was erased; what deletes or reads is about nobody new."""
        names = {"record": [{"enrollid": 8, "name": "Tarik B"}, {"enrollid": 7, "name": "Ines M"}]}
        self.assertEqual(restored("setusername", names).people(), (8, 7))
        self.assertEqual(restored("adduser", {"enrollid": 7, "backupnum": 0}).people(), (7,))
        self.assertEqual(restored("setuserprofile", {"enrollid": 7, "profile": "Ines"}).people(), (7,))
        self.assertEqual(restored("setuserprofile", {"enrollid": 0, "profile": "all"}).people(), ())
        self.assertEqual(restored("deleteuser", {"enrollid": 7, "backupnum": 13}).people(), ())

    def test_what_is_not_kept_is_not_told(self) -> None:
        """A store that is away lets the order come again."""
        self.desk.holdings.failure = AWAY
        command = restored("setuserinfo", {"enrollid": 7, "backupnum": 0, "record": "c51b"})
        keeper: Any = vocabulary.keeper_of(type(command))
        told = keeper(command, RawReply("setuserinfo", True, {}), self.desk.context)
        self.failureResultOf(Deferred.fromCoroutine(told), StoreUnavailable)


class ReadTests(HoldingCase):
    """What terminals tell, pushed or asked."""

    def test_read(self) -> None:
        """What was read is there, under the version of what stands in it."""
        found = self.answered(
            "getuserinfo", {"name": "Ines", "admin": "1", "record": 12}, enrollid=7, backupnum=11
        )
        held = Held(Proof.READ, "version of 12", NOW_MS)
        self.assertEqual(found, [("told", SN, 7, 11, held, HeldPerson(name="Ines", admin=1))])

    def test_empty(self) -> None:
        """An empty credential is none, the person is there."""
        found = self.answered("getuserinfo", {"name": "Ines", "record": "0"}, enrollid=7, backupnum=11)
        self.assertEqual(
            found, [("told", SN, 7, None, None, HeldPerson(name="Ines", admin=0)), ("gone", SN, 7, 11)]
        )

    def test_missing(self) -> None:
        """One that it says it does not have is gone; when it is busy nothing is known."""
        asked: dict[str, Any] = {"enrollid": 7, "backupnum": 0}
        self.assertEqual(self.refused("getuserinfo", {"reason": 1, "msg": "device busy"}, **asked), [])
        self.assertEqual(self.refused("getuserinfo", {"reason": 3}, **asked), [])
        said = {"reason": 1, "msg": "can not find the user"}
        self.assertEqual(self.refused("getuserinfo", said, **asked), [("gone", SN, 7, 0)])

    def test_a_refusal_changes_nothing(self) -> None:
        """What was not taken is not there, and what was there stays."""
        for word, fields in (
            ("setuserinfo", {"enrollid": 7, "backupnum": 0, "record": "c51b"}),
            ("deleteuser", {"enrollid": 7, "backupnum": 13}),
            ("cleanuser", {}),
        ):
            self.assertEqual(self.refused(word, {"reason": 1}, **fields), [])

    def test_pushed(self) -> None:
        """A credential that a terminal pushed is there; door events and strangers are nobody."""
        for enrollid in (7, 0, 99_999_999):
            raw = {"sn": SN, "enrollid": enrollid, "name": "Ines", "backupnum": 10, "record": 507311}
            request: Any
            request, _ = codec.read(SendUser, codec.Frame("senduser", True, raw))
            self.successResultOf(Deferred.fromCoroutine(senduser(request, self.desk.context)))
        held = Held(Proof.READ, "version of 507311", NOW_MS)
        self.assertEqual(
            self.desk.holdings.asked, [("told", SN, 7, 10, held, HeldPerson(name="Ines", admin=0))]
        )


class GatheredTests(HoldingCase):
    """The list of everybody."""

    def test_whole(self) -> None:
        """All pages together are the list; what can't be read, and who is nobody, is left out."""
        gathered = vocabulary.gatherer_of(type(restored("getuserlist", {})), self.desk.context)
        assert isinstance(gathered, Gathered)
        gathered.add([{"enrollid": 1, "backupnum": 0}])
        gathered.begin_again()
        gathered.add([{"enrollid": "7", "admin": "1", "backupnum": 0}, "x", {"enrollid": None}])
        gathered.add(
            [{"enrollid": 8, "backupnum": -1}, {"enrollid": 99_999_999, "backupnum": 0}, {"enrollid": 0}]
        )
        self.successResultOf(Deferred.fromCoroutine(gathered.keep()))
        entries = [(7, 0, 1), (8, None, None)]
        self.assertEqual(self.desk.holdings.asked, [("listed", SN, entries, NOW_MS)])

    def test_too_long(self) -> None:
        """A list that nobody can have says nothing."""
        gathered = Gathered(self.desk.context)
        page = [{"enrollid": 7, "backupnum": 0}] * 1000
        for _ in range(201):
            gathered.add(page)
        self.successResultOf(Deferred.fromCoroutine(gathered.keep()))
        self.assertEqual(self.desk.holdings.asked, [])


class TakenAwayTests(HoldingCase):
    """What is not there any more, and what people may do."""

    def test_deleted(self) -> None:
        """A credential, everybody, everything."""
        self.answered("deleteuser", enrollid=7, backupnum=12)
        for word in ("cleanuser", "initsys", "cleandatebase", "cleanlog", "cleanadmin"):
            self.answered(word)
        found = self.desk.holdings.asked
        self.assertEqual(found[0], ("gone", SN, 7, 12))
        all_of_it = ["cleared", *["cleared", "emptied"] * 2, "emptied", "demoted"]
        self.assertEqual([name for name, *_ in found[1:]], all_of_it)

    def test_faces(self) -> None:
        """Without its face a person has no photo and no template of it."""
        found = self.answered("deleteuserface", enrollid=7)
        self.assertEqual({told[3] for told in found}, {*range(20, 28), 50, 51})

    def test_obedience_is_told(self) -> None:
        """What was deleted is deleted, also when the store can't be told of it just now."""
        self.desk.holdings.failure = AWAY
        self.answered("cleanuser")
        self.assertEqual(self.shown, {"sn": SN})

    def test_names(self) -> None:
        """Names that were taken or told are those that it has."""
        self.answered("setusername", record=[{"enrollid": 7, "name": "Ina"}])
        self.answered("getusername", {"record": "Ines"}, enrollid=7)
        self.assertEqual(self.desk.holdings.asked, [("named", SN, {7: "Ina"}), ("named", SN, {7: "Ines"})])

    def test_locks(self) -> None:
        """A whole lock is known, half of one is not, and without one nothing is set."""
        self.answered("setuserlock", record=[{"enrollid": 7, **LOCK}, {"enrollid": 8, "weekzone": 1}])
        self.answered("getuserlock", {"enrollid": 7, **LOCK}, enrollid=7)
        self.answered("deleteuserlock", enrollid=7)
        self.answered("cleanuserlock")
        self.assertEqual(
            self.desk.holdings.asked,
            [
                ("locked", SN, {7: lock_of(LOCK), 8: ""}),
                ("locked", SN, {7: lock_of(LOCK)}),
                ("locked", SN, {7: UNLOCKED}),
                ("all_locked", SN, UNLOCKED),
            ],
        )
        self.assertNotEqual(lock_of(LOCK), UNLOCKED)
