"""``senduser``: records by slot, bare people, and what is put aside without its secret (protocol §4.3)."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.commands.kept import AWAY, NOW_MS, SN, Desk
from tfserver.commands.context import Make
from tfserver.commands.users import SendUser, senduser
from tfserver.errors import StoreUnavailable
from tfserver.model import ClockEntry
from tfserver.store.users import Origin, Profile
from tfserver.wire import codec
from tfserver.wire.message import Response

TEMPLATE = "c51b(12)07aa93e4" * 70
JPEG = "/9j/4AAQSkZJRg" * 2000


class PushCase(SynchronousTestCase):
    """Tests that push a user."""

    def push(self, **message: Any) -> Desk:
        """A user pushed as from the wire, and acknowledged."""
        desk = Desk().admit()
        desk.context.make = Make("tfs30", "th600w v6.4", "thbio3.0")
        self.assertEqual(self.answer(desk, **message), Response())
        return desk

    def answer(self, desk: Desk, **message: Any) -> Response:
        """The answer to a user."""
        frame = codec.decode(json.dumps({"cmd": "senduser", "sn": SN, **message}).encode())
        assert isinstance(frame, codec.Frame)
        request, _ = codec.read(SendUser, frame)
        assert isinstance(request, SendUser)
        return self.successResultOf(Deferred.fromCoroutine(senduser(request, desk.context)))

    def credential(self, **message: Any) -> tuple[int, str] | None:
        """The credential that was kept."""
        desk = self.push(**{"enrollid": 7, "name": "Ines M", "admin": 0, **message})
        self.assertEqual(desk.punches.batches, [])
        ((_, _, _, credential, _),) = desk.users.people
        return credential

    def put_aside(self, **message: Any) -> dict[str, Any]:
        """What the quarantine holds of a user that could not be read; nobody was kept."""
        desk = self.push(**message)
        self.assertEqual(desk.users.people, [])
        ((sn, logindex, records, (bad,)),) = desk.punches.batches
        self.assertEqual((sn, logindex, records), (SN, None, []))
        return {"why": bad.why, **json.loads(bad.raw)}


class CredentialTests(PushCase):
    """``record`` by ``backupnum``."""

    def test_whole(self) -> None:
        """Person, credential and where it was made reach the store."""
        desk = self.push(enrollid=7, name="Ines M", backupnum=0, admin=1, record=TEMPLATE, fpflag=1)
        origin = Origin("tfs30", "th600w v6.4", "thbio3.0", "2026-04-02T08:15:04.000Z")
        expected = (SN, 7, Profile("Ines M", 1, {"fpflag": 1}), (0, TEMPLATE), origin)
        self.assertEqual(desk.users.people, [expected])

    def test_templates(self) -> None:
        """Templates are kept byte for byte, whatever ASCII they are."""
        for backupnum in (0, 9, 20, 27, 30, 37, 40, 41, 51):
            for record in (TEMPLATE, " a(2) \n", "00", "data:image/jpeg;base64,x"):
                self.assertEqual(self.credential(backupnum=backupnum, record=record), (backupnum, record))

    def test_numbers(self) -> None:
        """Passwords and cards are kept as digits, from numbers, whole fractions and texts alike."""
        for record in (507311, 507311.0, "507311", " 507311 "):
            for backupnum in (10, 11):
                self.assertEqual(self.credential(backupnum=backupnum, record=record), (backupnum, "507311"))

    def test_zeros(self) -> None:
        """A card is the same with zeros before it, so that it is the same from every terminal; a password is
        another one."""
        self.assertEqual(self.credential(backupnum=11, record="0003120457"), (11, "3120457"))
        self.assertIsNone(self.credential(backupnum=11, record="0000000000"))
        self.assertEqual(self.credential(backupnum=10, record="0012"), (10, "0012"))

    def test_ranges(self) -> None:
        """The largest password has eight digits, the largest card 32 bits; a password may be 0."""
        self.assertEqual(self.credential(backupnum=10, record=99_999_999), (10, "99999999"))
        self.assertEqual(self.credential(backupnum=10, record=0), (10, "0"))
        self.assertEqual(self.credential(backupnum=11, record=4_294_967_295), (11, "4294967295"))

    def test_photo(self) -> None:
        """Quirk 23: a photo loses its ``data:`` prefix."""
        for record in (JPEG, f"data:image/jpeg;base64,{JPEG}", f" {JPEG}\n"):
            self.assertEqual(self.credential(backupnum=50, record=record), (50, JPEG))

    def test_numbers_as_texts(self) -> None:
        """Quirk 6: a ``backupnum``, person or role that comes as a text is read as its number."""
        desk = self.push(enrollid="0007", backupnum=" 11", admin="2", record="3120457781")
        ((_, enrollid, profile, credential, _),) = desk.users.people
        self.assertEqual((enrollid, profile.admin, credential), (7, 2, (11, "3120457781")))

    def test_undefined_slots(self) -> None:
        """A credential of a slot that nobody defined is kept raw."""
        for backupnum in (12, 19, 28, 42, 52, 99, -1):
            self.assertEqual(self.credential(backupnum=backupnum, record="raw ü"), (backupnum, "raw ü"))

    def test_bare(self) -> None:
        """A person without a credential is kept alone."""
        for message in (
            {},
            {"record": "x"},
            {"backupnum": None, "record": None},
            {"backupnum": 0, "record": "0"},
            {"backupnum": 0, "record": 0},
            {"backupnum": 0, "record": ""},
            {"backupnum": 0},
            {"backupnum": 11, "record": 0},
            {"backupnum": 10, "record": ""},
            {"backupnum": 50, "record": "0"},
        ):
            self.assertIsNone(self.credential(**message), message)

    def test_names(self) -> None:
        """Names in any script are kept, up to a bound."""
        for name in ("张伟", "محمد", "สมชาย", "Şükrü"):
            self.assertEqual(self.push(enrollid=7, name=name).users.people[0][2].name, name)
        self.assertEqual(len(self.push(enrollid=7, name="x" * 9999).users.people[0][2].name), 256)


class PutAsideTests(PushCase):
    """What can't be read is acknowledged and put aside without its secret."""

    def test_persons(self) -> None:
        """Without a person there is nobody to keep."""
        for enrollid in (None, "", "x", [7], 2**63, 1.5):
            found = self.put_aside(enrollid=enrollid, name="Ines M", backupnum=11, record=312)
            self.assertTrue(found["why"].startswith("senduser: "), found)
            self.assertEqual((found["cmd"], found["backupnum"]), ("senduser", 11))

    def test_without_the_record(self) -> None:
        """Nothing of a password, card, template or photo that could not be kept lies in the open."""
        for backupnum, record in (
            *((10, 100_000_000), (10, -5), (10, "50 73 11"), (10, "secret"), (10, "1e3"), (10, "٣٣٣")),
            *((11, 4_294_967_296), (11, "secret"), (11, 1.5), (10, "7" * 5000)),
            *((0, "secret ü"), (20, "张"), (50, "secret ü"), (0, ["secret"]), (50, {"image": "secret"})),
            *((0, True), (11, False), (10, [507311])),
        ):
            desk = self.push(enrollid=7, name="Ines M", backupnum=backupnum, record=record)
            self.assertEqual(desk.users.people, [], (backupnum, record))
            ((_, _, _, (bad,)),) = desk.punches.batches
            told = json.loads(bad.raw)
            size = len(str(record))
            self.assertEqual(told.pop("record"), {"redacted": True, "bytes": size})
            self.assertEqual(
                told, {"cmd": "senduser", "enrollid": 7, "name": "Ines M", "backupnum": backupnum}
            )
            for secret in ("secret", "507311", "73 11", "100000000", "4294967296", "77777", "张", "٣"):
                self.assertNotIn(secret, bad.why + bad.raw.decode())

    def test_slots_as_texts(self) -> None:
        """A slot that comes as a text is checked like its number."""
        self.assertEqual(self.put_aside(enrollid=7, backupnum="10", record="secret")["record"]["bytes"], 6)

    def test_slots_that_are_none(self) -> None:
        """A credential whose slot can't be read is put aside, not lost."""
        for backupnum in ({"a": 1}, [10], "ten", 1.5):
            found = self.put_aside(enrollid=7, name="Ines M", backupnum=backupnum, record="secret")
            self.assertEqual(found["record"], {"redacted": True, "bytes": 6})

    def test_numbers_that_are_none(self) -> None:
        """Where nobody knows whose it is the name is told by its size: an erasure would not find it."""
        for enrollid in ("x7", None, [7], {"a": 7}):
            found = self.put_aside(enrollid=enrollid, name="Ines M", backupnum=11, record="99")
            self.assertEqual(found["name"], {"redacted": True, "bytes": 8})
        self.assertEqual(self.put_aside(enrollid="007.0", name="Ines M", record=[])["name"], "Ines M")

    def test_long(self) -> None:
        """What is put aside is bounded."""
        desk = self.push(enrollid=["x" * 9000], name="张" * 9000, record="y" * 9000)
        self.assertLessEqual(len(desk.punches.batches[0][3][0].raw), 4096)


class ExtraTests(PushCase):
    """What else came."""

    def _extra(self, **more: Any) -> dict[str, Any]:
        return self.push(enrollid=7, **more).users.people[0][2].extra

    def test_plain(self) -> None:
        """Short plain values that nobody described are kept."""
        more = {"fpflag": 1, "enable": True, "aliasid": "x", "department": "人事", "shiftid": 0.5}
        self.assertEqual(self._extra(**more), more)

    def test_long_and_nested(self) -> None:
        """Long and nested ones are not: they are pictures and templates."""
        more = {"face": JPEG, "list": [TEMPLATE], "object": {"photo": JPEG}, "x" * 300: 1}
        self.assertEqual(self._extra(**more), {})

    def test_secrets(self) -> None:
        """Cards, passwords and pictures of AiFace's own fields are never kept, however short."""
        more = {"pwd": "507311", "password": 507311, "card": 3120457781, "image": "/9j/4AAQ", "photo": "/9j/"}
        for key, value in more.items():
            self.assertEqual(self._extra(**{key: value}), {}, key)
        self.assertEqual(self._extra(site="http://a:geheim@host/"), {"site": "http://***@host/"})

    def test_many(self) -> None:
        """Forty of them are kept."""
        self.assertEqual(len(self._extra(**{f"k{n}": n for n in range(100)})), 40)


class StoreTests(PushCase):
    """The store and the clock."""

    def test_away(self) -> None:
        """What could not be kept is not acknowledged, neither a person nor what was put aside."""
        for enrollid, part in ((7, "users"), ("x", "punches"), (7, "terminals")):
            desk = Desk(terminals__timezone="Asia/Tokyo").admit()
            getattr(desk, part).failure = AWAY
            pushed = Deferred.fromCoroutine(senduser(SendUser(enrollid=enrollid), desk.context))
            self.failureResultOf(pushed, StoreUnavailable)

    def test_clock(self) -> None:
        """The answer sets the clock, so the offset is remembered first."""
        desk = Desk(terminals__timezone="Asia/Tokyo").admit()
        self.answer(desk, enrollid=7)
        self.assertTrue(SendUser.tells_time)
        expected = (ClockEntry(0, 0), ClockEntry(NOW_MS, 32_400))
        self.assertEqual([timeline for _, timeline, _ in desk.terminals.clocks], [expected])

    def test_silent_terminals(self) -> None:
        """A terminal that told nothing of itself has an origin without words."""
        desk = Desk().admit()
        self.answer(desk, enrollid=7)
        self.assertEqual(desk.users.people[0][4], Origin("", "", "", "2026-04-02T08:15:04.000Z"))
