"""Enrolments as they are kept: one at a time at each terminal, one end, and events for those who watch."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from tests.store.connected import StoreCase
from tfserver.store.people.enrolments import (
    DAY_MS,
    Asked,
    Course,
    Enrolments,
    EnrolmentState,
    Going,
    Stage,
    Wish,
)

ASKED = Asked(sn="T1", enrollid=7, backupnum=0, name="Ines M", admin=0, seconds=60, actor="token o")


class EnrolmentsTests(StoreCase):
    """Over a real store."""

    async def begin(self) -> Enrolments:
        """The face."""
        self.client = await self.connect()
        return Enrolments(self.client, 90)

    async def going(self, enrolments: Enrolments, enrolment_id: str = "e1") -> Going:
        """One that is there."""
        found = await enrolments.going(enrolment_id)
        assert found is not None
        return found

    async def told(self) -> list[dict[str, Any]]:
        """All events."""
        flat = await self.client.read("XRANGE", self.client.keys.events, "-", "+")
        found = [dict(zip(fields[::2], fields[1::2], strict=True)) for _, fields in flat]
        self.assertEqual({one["kind"] for one in found}, {"enrolment"})
        return [json.loads(one["d"]) for one in found]

    async def test_begun(self) -> None:
        """It is there with all that was asked for, and its time; the name is in no event."""
        enrolments = await self.begin()
        now = enrolments.now_ms()
        self.patch(enrolments, "now_ms", lambda: now)
        self.assertEqual(await enrolments.add("e1", ASKED, "d"), ("put", ""))
        going = await self.going(enrolments)
        self.assertEqual((going.asked, going.course, going.wish), (ASKED, Course(), Wish.NONE))
        self.assertEqual((going.shown.state, going.shown.ended), (EnrolmentState.ASKED, None))
        self.assertEqual(going.until_ms, now + 60_000)
        slot = {"id": "e1", "sn": "T1", "enrollid": 7, "backupnum": 0}
        self.assertEqual(await self.told(), [{**slot, "state": "asked", "scans": 0}])
        self.assertEqual(await enrolments.digest("e1"), "d")
        self.assertEqual((await enrolments.digest("e2"), await enrolments.get("e2")), ("", None))

    async def test_again_and_busy(self) -> None:
        """The same id is the same enrolment or a mistake; another finds the terminal busy until the end."""
        enrolments = await self.begin()
        for enrolment_id, digest, outcome in (
            ("e1", "d", "put"),
            ("e1", "d", "again"),
            ("e1", "other", "reused"),
            ("e2", "d", "busy"),
        ):
            self.assertEqual((await enrolments.add(enrolment_id, ASKED, digest))[0], outcome)
        self.assertIsNone(await enrolments.get("e2"))
        await enrolments.end(await self.going(enrolments), EnrolmentState.FAILED, "no")
        self.assertEqual(await enrolments.add("e2", ASKED, "d"), ("put", ""))
        self.assertEqual(await enrolments.add("e3", ASKED, "d"), ("busy", "e2"))

    async def test_steps(self) -> None:
        """How far it is stays; only another state, or another scan, is an event."""
        enrolments = await self.begin()
        await enrolments.add("e1", ASKED, "d")
        scanning = EnrolmentState.SCANNING
        for scans, words in ((1, "a"), (1, "b"), (2, "b")):
            going = await self.going(enrolments)
            await enrolments.tell(going, scanning, words, Course(Stage.WAIT, "v", scans), scans=scans)
        await enrolments.note(await self.going(enrolments), Course(Stage.BACK, "v", 9))
        going = await self.going(enrolments)
        self.assertEqual((going.shown.scans, going.shown.told), (2, "b"))
        self.assertEqual(going.course, Course(Stage.BACK, "v", 9))
        self.assertEqual(
            [(one["state"], one["scans"]) for one in await self.told()][1:],
            [("scanning", 1), ("scanning", 2)],
        )

    async def test_one_end(self) -> None:
        """Only the first end counts; nothing changes after it, nothing is wished, and no name is kept."""
        enrolments = await self.begin()
        await enrolments.add("e1", ASKED, "d")
        going = await self.going(enrolments)
        self.assertTrue(await enrolments.wish("e1", Wish.CANCEL))
        self.assertTrue((await self.going(enrolments)).shown.cancelling)
        self.assertTrue(await enrolments.end(going, EnrolmentState.DONE, "yes"))
        self.assertFalse(await enrolments.end(going, EnrolmentState.FAILED, "no"))
        self.assertFalse(await enrolments.tell(going, EnrolmentState.SCANNING, "", Course()))
        self.assertFalse(await enrolments.note(going, Course(Stage.BACK)))
        self.assertFalse(await enrolments.wish("e1", Wish.LATE))
        self.assertFalse(await enrolments.wish("nothing", Wish.CANCEL))
        found = await self.going(enrolments)
        self.assertEqual(
            (found.shown.state, found.shown.told, found.asked.name), (EnrolmentState.DONE, "yes", "")
        )
        self.assertFalse(found.shown.cancelling)
        self.assertIsNotNone(found.shown.ended)
        self.assertEqual([one["state"] for one in await self.told()], ["asked", "done"])
        self.assertNotIn("Ines", self.tell("HGETALL tf:enrolment:e1"))

    async def test_an_old_end(self) -> None:
        """Whoever ends one late leaves the next one's terminal alone."""
        enrolments = await self.begin()
        await enrolments.add("e1", ASKED, "d")
        first = await self.going(enrolments)
        later = enrolments.now_ms() + 60_000 + 600_001
        self.patch(enrolments, "now_ms", lambda: later)
        self.assertEqual((await enrolments.add("e2", ASKED, "d"))[0], "put")
        await enrolments.end(first, EnrolmentState.FAILED, "late")
        self.assertEqual((await enrolments.add("e3", ASKED, "d"))[0], "busy")

    async def test_forgotten(self) -> None:
        """After its days it is neither there nor in the list."""
        enrolments = await self.begin()
        await enrolments.add("e1", ASKED, "d")
        await enrolments.end(await self.going(enrolments), EnrolmentState.DONE, "yes")
        life = await self.client.read("PTTL", self.client.keys.enrolment("e1"))
        self.assertTrue(89 * DAY_MS < life <= 90 * DAY_MS, life)
        now = enrolments.now_ms()
        self.patch(enrolments, "now_ms", lambda: now + 91 * DAY_MS)
        await enrolments.add("e2", ASKED, "d")
        self.assertEqual(await self.client.read("ZRANGE", self.client.keys.enrolments, 0, -1), ["T1 e2"])

    async def test_no_two_at_one_moment(self) -> None:
        """Those that are begun in the same millisecond are all listed, in order."""
        enrolments = await self.begin()
        now = enrolments.now_ms()
        self.patch(enrolments, "now_ms", lambda: now)
        for n in range(3):
            await enrolments.add(f"e{n}", msgspec.structs.replace(ASKED, sn=f"T{n}"), "d")
        found, cursor = list[str](), ""
        for _ in range(3):
            page, following = await enrolments.listing("", 1, cursor)
            found, cursor = found + [one.id for one in page], following or ""
        self.assertEqual(found, ["e2", "e1", "e0"])
