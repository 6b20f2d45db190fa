"""What outlives a connection: capacities, kinds, identities (design §2.2, §2.3)."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone

from twisted.trial.unittest import SynchronousTestCase

from tfserver import model
from tfserver.model import Capacity, Kind


class CapacityTests(SynchronousTestCase):
    """Room on a terminal."""

    def test_all_kinds(self) -> None:
        """Each kind with a size tells size, used and free."""
        devinfo = {}
        for n, kind in enumerate(("user", "fp", "card", "pwd", "face", "palm", "log")):
            devinfo |= {f"{kind}size": 100 + n, f"used{kind}": n}
        expected = {
            kind: Capacity(100 + n, n, 100)
            for n, kind in enumerate(("user", "fp", "card", "pwd", "face", "palm", "log"))
        }
        self.assertEqual(model.capacities(devinfo), expected)

    def test_partial(self) -> None:
        """A kind without a size is left out; one without its use is empty."""
        self.assertEqual(model.capacities({}), {})
        self.assertEqual(model.capacities({"useduser": 5, "fpsize": 10}), {"fp": Capacity(10, 0, 10)})

    def test_overfull(self) -> None:
        """A terminal that holds more than it has room for has none left."""
        self.assertEqual(model.capacities({"usersize": 10, "useduser": 12}), {"user": Capacity(10, 12, 0)})

    def test_no_terminal_counts_so_far(self) -> None:
        """What nobody can divide by or write down is as if it had not been said."""
        for many in (10**26, 10**330, -1, model.MOST_COUNT + 1, "9" * 20):
            self.assertEqual(model.capacities({"usersize": many}), {}, many)
            told = {"usersize": 10, "useduser": many}
            self.assertEqual(model.capacities(told), {"user": Capacity(10, 0, 10)}, many)
        self.assertEqual(model.capacities({"usersize": "5000"}), {"user": Capacity(5000, 0, 5000)})

    def test_junk(self) -> None:
        """What is no number is no size."""
        for junk in (None, "many", [1], {"a": 1}, True, 1.5):
            self.assertEqual(model.capacities({"usersize": junk}), {})
            self.assertEqual(model.capacities({"usersize": 9, "useduser": junk}), {"user": Capacity(9, 0, 9)})

    def test_numbers_as_texts(self) -> None:
        """Sizes that come as texts, as AiFace sends many numbers, are sizes (protocol §7 #6)."""
        found = model.capacities({"usersize": "3000", "useduser": " 12"})
        self.assertEqual(found, {"user": Capacity(3000, 12, 2988)})


class KindTests(SynchronousTestCase):
    """What a record tells about."""

    def test_kinds(self) -> None:
        """0 is a door event, 99999999 somebody unknown, all else people."""
        self.assertEqual(model.kind_of_record(0), Kind.DOOR)
        self.assertEqual(model.kind_of_record(99_999_999), Kind.STRANGER)
        for enrollid in (1, 7, 99_999_998, 100_000_000, 999_999_999_999, -1):
            self.assertEqual(model.kind_of_record(enrollid), Kind.PUNCH)


class IdentityTests(SynchronousTestCase):
    """Serial numbers and punches."""

    def test_canonical_numbers(self) -> None:
        """Case and outer spaces of a serial number do not matter."""
        self.assertEqual(model.canonical_sn(" zxdm26010042\n"), "ZXDM26010042")

    def test_patterns(self) -> None:
        """A serial number is 1 to 32 letters, digits, dots, dashes and underscores of ASCII."""
        for sn in ("A", "a" * 32, "ZX0006827500", "a.b-c_1"):
            self.assertTrue(model.SN_PATTERN.fullmatch(sn))
        for sn in ("", "a" * 33, "a b", "a\n", "é", "a:b", "a*", "{a}", "a/b", "a\x00"):
            self.assertIsNone(model.SN_PATTERN.fullmatch(sn), sn)

    def test_uid(self) -> None:
        """The identity of a punch is 128 bits of SHA-256 of its key, and 64 of them signed."""
        uid, member = model.punch_uid("ZXDM26010042", 7, "2026-04-02 08:15:00", 1, 0, 0)
        self.assertEqual(uid, "c6887dfd46319d7fd48a66d4ae7df9e4")
        digest = hashlib.sha256(b"ZXDM26010042|7|2026-04-02 08:15:00|1|0|0").digest()
        self.assertEqual((uid, member), (digest.hex()[:32], int.from_bytes(digest[:8], "big", signed=True)))

    def test_members_are_signed(self) -> None:
        """The short form covers both signs and fits 64 bits: Redis keeps such integers in eight bytes."""
        members = [model.punch_uid("A", n, "x", 0, 0, 0)[1] for n in range(200)]
        self.assertTrue(min(members) < 0 < max(members))
        self.assertTrue(all(-(2**63) <= member < 2**63 for member in members))
        self.assertEqual(len(set(members)), 200)

    def test_odd_texts(self) -> None:
        """A time of any text has an identity, half a surrogate pair included."""
        self.assertEqual(len(model.punch_uid("A", 1, "\ud800 |", 0, 0, 0)[0]), 32)

    def test_sightings(self) -> None:
        """A sighting depends on the punch and on its ``logindex``."""
        sightings = {
            model.sighting_of(member, logindex) for member in (5, -(2**63)) for logindex in (0, 1, -1, 2**62)
        }
        self.assertEqual(len(sightings), 8)
        self.assertTrue(all(-(2**63) <= sighting < 2**63 for sighting in sightings))


class TimeTests(SynchronousTestCase):
    """Instants for people."""

    def test_rfc3339(self) -> None:
        """Instants are told in UTC, with milliseconds and ``Z``."""
        when = datetime(2026, 4, 2, 13, 45, 4, 999_999, timezone(timedelta(hours=5, minutes=30)))
        self.assertEqual(model.rfc3339(when), "2026-04-02T08:15:04.999Z")
        self.assertEqual(model.rfc3339(datetime(5, 1, 1, tzinfo=UTC)), "0005-01-01T00:00:00.000Z")
