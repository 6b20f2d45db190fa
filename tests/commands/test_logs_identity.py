"""What a kept punch is: its identity for ever, its day, its instant and its JSON (design §2.2, §2.3)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.commands.kept import MOMENT, SN, Desk
from tfserver.commands.logs import SendLog, read_batch
from tfserver.model import ClockEntry, Kind
from tfserver.store.shelf import Record

GOOD: dict[str, Any] = {"enrollid": 7, "time": "2026-04-02 08:15:00", "mode": 1, "inout": 0, "event": 0}


def kept(record: dict[str, Any], logindex: int | None = 41, desk: Desk | None = None) -> Record:
    """One record as it goes to the store."""
    context = (desk or Desk().admit()).context
    (found,) = read_batch(SendLog(record=[record], logindex=logindex), context, MOMENT).records
    return found


class IdentityTests(SynchronousTestCase):
    """``uid``."""

    def test_fixed(self) -> None:
        """The identity of known punches, computed elsewhere, never changes: people keep it."""
        for record, key, uid in (
            (GOOD, "ZXDM26010042|7|2026-04-02 08:15:00|1|0|0", "c6887dfd46319d7fd48a66d4ae7df9e4"),
            (
                {"enrollid": 0, "time": "2026-04-02 08:16:12", "mode": 0, "inout": 1, "event": 1},
                "ZXDM26010042|0|2026-04-02 08:16:12|0|1|1",
                "71c1308ac22f1a78443235ef3b28bd93",
            ),
            (
                {"enrollid": "99", "time": "soon 张"},
                "ZXDM26010042|99|soon 张|0|0|0",
                "129fe38d1397e0b82642cf3e36ee3a8d",
            ),
        ):
            digest = hashlib.sha256(key.encode()).hexdigest()
            self.assertEqual(digest[:32], uid)
            found = kept(record)
            self.assertEqual(found.uid, uid)
            signed = int(uid[:16], 16)
            self.assertEqual(found.member, signed - 2**64 if signed >= 2**63 else signed)

    def test_spellings(self) -> None:
        """However a terminal spells its number, the time and the integers, it is the same punch."""
        expected = kept(GOOD).uid
        for record in (
            {**GOOD, "time": "2026/4/2 8:15"},
            {**GOOD, "time": "2026-04-02T08:15:00Z", "enrollid": "0007", "mode": "1"},
            {"enrollid": 7.0, "time": " 2026-04-02 08:15:00 ", "mode": True},
            {**GOOD, "temp": 365, "image": "/9j/", "name": "Ines M", "verifymode": 13},
        ):
            self.assertEqual(kept(record).uid, expected)
        desk = Desk().admit()
        desk.context.sn = f" {SN.lower()} "
        self.assertEqual(kept(GOOD, desk=desk).uid, expected)

    def test_differences(self) -> None:
        """Another person, second, mode, direction, event or terminal is another punch."""
        uids = {kept({**GOOD, **more}).uid for more in ({}, {"enrollid": 8}, {"time": "2026-04-02 08:15:01"})}
        uids |= {kept({**GOOD, key: 5}).uid for key in ("mode", "inout", "event")}
        desk = Desk().admit()
        desk.context.sn = "OTHER1"
        uids.add(kept(GOOD, desk=desk).uid)
        self.assertEqual(len(uids), 7)

    def test_clock_and_settings_do_not_matter(self) -> None:
        """The identity is what the terminal showed: offsets, zones and sites change nothing of it."""
        desk = Desk(terminals__timezone="Asia/Tokyo").admit(ClockEntry(0, 32_400, 500_000), site="north")
        self.assertEqual(kept(GOOD, desk=desk).uid, kept(GOOD).uid)

    def test_sightings(self) -> None:
        """A sighting is the punch under one ``logindex``: the same for the same, none without one."""
        first, again, other = (kept(GOOD, logindex).sighting for logindex in (0, 0, 42))
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)
        self.assertIsNone(kept(GOOD, None).sighting)
        member = int("c6887dfd46319d7f", 16) - 2**64
        self.assertEqual((first, other), (member, member ^ 42))

    def test_days(self) -> None:
        """A punch is remembered under the day its terminal showed; one without a date under none."""
        for time, day, when in (
            ("2026-4-2 8:15", "20260402", "2026-04-02 08:15:00"),
            ("2000/01/01 00:00:00", "20000101", "2000-01-01 00:00:00"),
            ("0005-01-01 00:00:00", "00050101", "0005-01-01 00:00:00"),
            ("2026-02-30 00:00:00", "undated", "2026-02-30 00:00:00"),
            ("2026-x", "undated", "2026-x"),
        ):
            found = kept({**GOOD, "time": time})
            self.assertEqual((found.day, found.time), (day, when))


class BodyTests(SynchronousTestCase):
    """The JSON of a punch, whose keys people rely on (design §2.2)."""

    def _body(self, record: dict[str, Any], **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(kept(record, **more).body)
        return found

    def test_all_keys(self) -> None:
        """Every key of the contract is there, in its order, with what was sent and what it meant."""
        desk = Desk().admit(ClockEntry(0, 19_800, -1500), site="north")
        record = {**GOOD, "time": "2026/4/2 13:45", "temp": 365, "name": "Ines M"}
        expected = {
            "uid": kept(record).uid,
            "sn": SN,
            "site": "north",
            "kind": "punch",
            "enrollid": 7,
            "external_id": None,
            "device_time": "2026/4/2 13:45",
            "time": "2026-04-02T13:45:00+05:30",
            "utc": "2026-04-02T08:15:00.000Z",
            "offset_ms": -1500,
            "received": "2026-04-02T08:15:04.000Z",
            "mode": 1,
            "verify": "fingerprint",
            "inout": 0,
            "event": 0,
            "temp": 36.5,
            "clock": "ok",
            "extra": {"name": "Ines M"},
        }
        found = self._body(record, desk=desk)
        self.assertEqual(found, expected)
        self.assertEqual(list(found), list(expected))

    def test_undatable(self) -> None:
        """A punch whose time is none keeps the text, has no instant and is suspect."""
        found = self._body({**GOOD, "time": "soon"})
        told = (found["device_time"], found["time"], found["utc"], found["offset_ms"], found["clock"])
        self.assertEqual(told, ("soon", None, None, None, "suspect"))

    def test_guessed_zone(self) -> None:
        """Under an offset that nobody confirmed the clock is not known, but a suspect one stays suspect."""
        desk = Desk().admit(ClockEntry(0, 3600), echo=3600)
        self.assertEqual(self._body({**GOOD, "time": "2026-04-02 09:15:00"}, desk=desk)["clock"], "unknown")
        self.assertEqual(self._body({**GOOD, "time": "2027-04-02 09:15:00"}, desk=desk)["clock"], "suspect")
        confirmed = Desk().admit(ClockEntry(0, 3600), echo=3600, timezone="Africa/Lagos")
        self.assertEqual(self._body({**GOOD, "time": "2026-04-02 09:15:00"}, desk=confirmed)["clock"], "ok")

    def test_kinds(self) -> None:
        """Quirk 22: 0 is a door event and 99999999 a stranger; neither was verified as a person."""
        for enrollid, kind in (
            (7, Kind.PUNCH),
            (0, Kind.DOOR),
            ("0", Kind.DOOR),
            (99_999_999, Kind.STRANGER),
        ):
            found = self._body({**GOOD, "enrollid": enrollid})
            verify = "fingerprint" if kind is Kind.PUNCH else None
            self.assertEqual((found["kind"], found["verify"]), (kind, verify))

    def test_modes(self) -> None:
        """``mode`` stays as sent; its meaning is that of its generation, doubt marked (protocol §3.3)."""
        modern = {0: None, 1: "fingerprint", 2: "password (?)", 3: "card (?)", 8: "face", 13: None, -1: None}
        classic = {0: "fingerprint", 1: "card", 2: "password", 3: None, 8: "face"}
        for table, logindex in ((modern, 0), (classic, None)):
            for mode, verify in table.items():
                found = self._body({**GOOD, "mode": mode}, logindex=logindex)
                self.assertEqual((found["mode"], found["verify"]), (mode, verify))

    def test_names(self) -> None:
        """Names in any script stand in the JSON as plain UTF-8."""
        self.assertIn("张伟 محمد".encode(), kept({**GOOD, "name": "张伟 محمد"}).body)
