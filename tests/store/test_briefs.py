"""Terminals in brief tell the same as whole ones."""

from __future__ import annotations

import json

from tests.store.arrivals import NOW, TerminalsCase, arrival
from tests.web.briefs import brief_of
from tfserver.model import Admission, Clock
from tfserver.store.briefs import Brief
from tfserver.store.terminals import Terminals

FULL = {"modelname": "é", "firmware": "v1\n2", "usersize": 300, "useduser": 100, "fpsize": "5", "usedfp": 4}
SETTINGS = {"name": 'the "gate"', "site": "São Paulo", "timezone": "Asia/Riyadh", "tags": '["a","b"]'}


class BriefTests(TerminalsCase):
    """The same registry, looked at both ways."""

    async def same(self, terminals: Terminals, sn: str) -> Brief:
        """One terminal in brief, which has to be the same as the whole one, whichever way it is asked for."""
        [whole] = await terminals.these([sn])
        [brief] = await terminals.these_briefs([sn])
        self.assertEqual(brief, brief_of(whole))
        self.assertIn(brief, await terminals.briefs("", 10))
        return brief

    async def test_same(self) -> None:
        """With what it says of itself, what people decided, and whether it is there."""
        terminals = await self.terminals("host-7/ab12")
        await self.approved(terminals, "c1", devinfo=FULL)
        await terminals.change("ZXAB1", SETTINGS)
        found = await self.same(terminals, "zxab1")
        self.assertEqual((found.name, found.fullest, found.online), (SETTINGS["name"], 0.8, False))
        await terminals.beat({})
        found = await self.same(terminals, "zxab1")
        self.assertEqual((found.online, found.owner), (True, "host-7"))

    async def test_room_and_records(self) -> None:
        """What was learned of its room since, its last punch, its mark, its gaps and its clock."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1", devinfo=FULL)
        key = self.client.keys.terminal("ZXAB1")
        told = await self.client.read("HGET", key, "reg_at")
        gap = {"from": NOW - 9000, "to": NOW - 8000, "at": NOW, "why": "gone"}
        fields = {
            "room": json.dumps({"at": told, "used": {"fp": 5}}),
            "until": str(NOW - 5000),
            "whole": str(NOW),
            "since": "2026-07-01",
            "gaps": json.dumps([gap]),
            "clock": json.dumps([[NOW - 10_000, 3600]]),
            "ahead": "3605200",
            "clock_state": "suspect",
            "model_profile": "some",
        }
        await self.client.write("HSET", key, *(part for pair in fields.items() for part in pair))
        await self.client.write("ZADD", self.client.keys.punched, NOW, "ZXAB1")
        found = await self.same(terminals, "zxab1")
        self.assertEqual((found.fullest, found.until, found.has_gaps), (1.0, NOW - 5000, True))
        self.assertEqual((found.clock, found.punched), (Clock.SUSPECT, NOW))
        self.assertEqual(found.since, "2026-07-01")
        self.assertIsNotNone(found.clock_offset_ms)

    async def test_pages(self) -> None:
        """They come in the order of their numbers, page by page, also those that nobody approved."""
        terminals = await self.terminals()
        names = [f"T{n:02}" for n in range(10)]
        for sn in reversed(names):
            await terminals.register(arrival(sn, approve=sn < "T05"), "c1")
        found, after = [], ""
        while page := await terminals.briefs(after, 4):
            found += page
            after = page[-1].sn
        self.assertEqual([each.sn for each in found], names)
        waiting = [each.sn for each in found if each.admission is Admission.PENDING]
        self.assertEqual(waiting, names[5:])

    async def test_nobody(self) -> None:
        """Without terminals there is nothing to tell."""
        terminals = await self.terminals()
        self.assertEqual(await terminals.briefs("", 10), [])
        self.assertEqual(await terminals.these_briefs([]), [])
        self.assertEqual(await terminals.these_briefs(["NOSUCH"]), [])
