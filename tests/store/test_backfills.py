"""Backfills: all of their orders or none, progress that outlives them, and lists with cursors."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from unittest import mock

import msgspec
from twisted.internet.defer import Deferred, gatherResults

from tests.store.ordered import SN, OutboxCase, new_order
from tfserver.errors import ScriptFailed
from tfserver.order import OrderEvent
from tfserver.store import backfills as backfills_module
from tfserver.store import outbox as outbox_module
from tfserver.store.backfills import Backfill, Backfills, Record
from tfserver.store.outbox import Group, Outbox, Outcome, Put, new_id

FIRST = date(2026, 3, 1)


class BackfillCase(OutboxCase):
    """Backfills of an admitted terminal."""

    async def backfill(
        self, outbox: Outbox, days: int = 3, sn: str = SN, key: str = "", digest: str = "d"
    ) -> Put:
        """Put one of so many days."""
        each = [FIRST + timedelta(days=n) for n in range(days)]
        orders = {new_id(): new_order("getalllog", sn=sn, args={"from": str(day)}, shown={}) for day in each}
        record = Record(sn, FIRST, each[-1], "token 1", list(orders))
        group = Group(new_id(), sn, msgspec.json.encode(record), key, digest)
        return await outbox.put_all(group, orders)

    async def found(self, backfill_id: str) -> Backfill:
        """One that is there."""
        found = await Backfills(self.client).get(backfill_id)
        assert found is not None, "no such backfill"
        return found

    async def read_day(self, outbox: Outbox, **reply: Any) -> None:
        """The next day is read."""
        told = {"complete": True, "pages": 1, "records": 0, "new": 0, **reply}
        await self.end(outbox, await self.taken(outbox), Outcome(OrderEvent.SAID_TRUE, told))

    async def left(self) -> int:
        """How many orders, queues and backfills there are."""
        found = 0
        for pattern in ("tf:order:*", "tf:queue:*", "tf:backfill*", "tf:key:*"):
            found += len(await self.client.read("KEYS", pattern))
        return found


class AllOrNoneTests(BackfillCase):
    """How a backfill begins."""

    async def test_all(self) -> None:
        """Each day is an order, in this order; the backfill knows them."""
        outbox = await self.begin()
        put = await self.backfill(outbox)
        self.assertEqual(put.outcome, "put")
        found = await self.found(put.detail)
        self.assertEqual((found.sn, found.first, found.last), (SN, FIRST, date(2026, 3, 3)))
        self.assertEqual(
            (found.days, found.done, found.records, found.new, found.state), (3, 0, 0, 0, "open")
        )
        taken = [await self.taken(outbox) for _ in range(3)]
        self.assertEqual([one.id for one in taken], found.orders)
        self.assertEqual([one.args["from"] for one in taken], ["2026-03-01", "2026-03-02", "2026-03-03"])

    async def test_no_room(self) -> None:
        """Where the queue has no room for all days none is put, and nothing is remembered."""
        outbox = await self.begin(most_open=4)
        await self.put(outbox, new_order())
        await self.put(outbox, new_order())
        before = await self.left()
        self.assertEqual((await self.backfill(outbox, key="k")).outcome, "full")
        self.assertEqual(await self.left(), before)
        self.assertEqual((await self.backfill(outbox, days=2, key="k")).outcome, "put")

    async def test_two_at_once(self) -> None:
        """Of two that come at once and don't both fit one is put whole."""
        outbox = await self.begin(most_open=5)
        asked = [Deferred.fromCoroutine(self.backfill(outbox)) for _ in range(2)]
        found = await gatherResults(asked)
        self.assertEqual(sorted(put.outcome for put in found), ["full", "put"])
        self.assertEqual(await self.client.read("ZCARD", f"tf:queue:{SN}"), 3)

    async def test_many_days(self) -> None:
        """A year is put in one step, also while other orders come."""
        outbox = await self.begin()
        asked = [Deferred.fromCoroutine(self.backfill(outbox, days=366))]
        asked += [Deferred.fromCoroutine(outbox.put(new_order())) for _ in range(10)]
        found = await gatherResults(asked)
        self.assertEqual({put.outcome for put in found}, {"put"})
        self.assertEqual(await self.client.read("ZCARD", f"tf:queue:{SN}"), 376)

    async def test_not_admitted(self) -> None:
        """For a terminal that is not known, or not approved, nothing is made."""
        outbox = await self.begin()
        before = await self.left()
        self.assertEqual((await self.backfill(outbox, sn="NOBODY")).outcome, "unknown")
        await self.client.write("HSET", f"tf:terminal:{SN}", "admission", "denied")
        self.assertEqual((await self.backfill(outbox))[:2], ("not approved", "denied"))
        self.assertEqual(await self.left(), before)

    async def test_next_call(self) -> None:
        """What was refused to a backfill is not refused to the next order."""
        outbox = await self.begin(most_open=2)
        self.assertEqual((await self.backfill(outbox)).outcome, "full")
        self.assertEqual((await outbox.put(new_order())).outcome, "put")

    async def test_broken_entry(self) -> None:
        """A store that can't do it says so."""
        outbox = await self.begin()
        await self.client.write("SET", f"tf:queue:{SN}", "not a queue")
        await self.fails(self.backfill(outbox), ScriptFailed)


class KeyTests(BackfillCase):
    """Idempotency keys."""

    async def test_again(self) -> None:
        """The same under the same key is the same backfill, with the same orders."""
        outbox = await self.begin()
        first = await self.backfill(outbox, key="k")
        self.assertEqual(await self.backfill(outbox, key="k"), Put("again", first.detail))
        self.assertEqual(await self.client.read("ZCARD", f"tf:queue:{SN}"), 3)

    async def test_reused(self) -> None:
        """Something else under the same key is refused, also when it is no backfill."""
        outbox = await self.begin()
        await self.backfill(outbox, key="k")
        self.assertEqual((await self.backfill(outbox, key="k", digest="other")).outcome, "reused")
        self.assertEqual((await outbox.put(new_order(key="k", digest="o"))).outcome, "reused")
        await self.put(outbox, new_order(key="l", digest="o"))
        self.assertEqual((await self.backfill(outbox, key="l")).outcome, "reused")

    async def test_at_once(self) -> None:
        """Two under one key that come at once are one."""
        outbox = await self.begin()
        found = await gatherResults(
            [Deferred.fromCoroutine(self.backfill(outbox, key="k")) for _ in range(2)]
        )
        self.assertEqual(sorted(put.outcome for put in found), ["again", "put"])
        self.assertEqual(len({put.detail for put in found}), 1)


class ProgressTests(BackfillCase):
    """How far it is."""

    async def test_done(self) -> None:
        """Records of days that were read whole are counted, and in the end it is done."""
        outbox = await self.begin()
        backfill = (await self.backfill(outbox, days=2)).detail
        await self.read_day(outbox, records=70, new=3)
        found = await self.found(backfill)
        self.assertEqual((found.done, found.records, found.new, found.state), (1, 70, 3, "open"))
        await self.read_day(outbox, records=30)
        found = await self.found(backfill)
        self.assertEqual((found.done, found.records, found.new, found.state), (2, 100, 3, "done"))

    async def test_incomplete(self) -> None:
        """A day that was not read to its end, in whatever way, makes it incomplete."""
        outbox = await self.begin()
        ends = (
            Outcome(OrderEvent.SAID_TRUE, {"complete": False, "records": 5, "new": 1}),
            Outcome(OrderEvent.SAID_FALSE),
            Outcome(OrderEvent.UNREADABLE, {"records": "many", "new": None}),
            Outcome(OrderEvent.SAID_TRUE, None),
        )
        for end in ends:
            backfill = (await self.backfill(outbox, days=1)).detail
            await self.end(outbox, await self.taken(outbox), end)
            found = await self.found(backfill)
            self.assertEqual((found.done, found.state), (1, "incomplete"), end)

    async def test_ends_of_all_kinds(self) -> None:
        """Days that were taken back, or waited too long, are at their end too."""
        outbox = await self.begin()
        backfill = await self.found((await self.backfill(outbox)).detail)
        await outbox.cancel(backfill.orders[0], "token 1")
        await self.passes(8 * 86_400, *backfill.orders[1:])
        await outbox.sweep()
        found = await self.found(backfill.id)
        self.assertEqual((found.done, found.state), (3, "incomplete"))

    async def test_tried_again(self) -> None:
        """A day that is tried again is counted at its end only, once."""
        outbox = await self.begin()
        backfill = (await self.backfill(outbox, days=1)).detail
        await self.end(outbox, await self.taken(outbox), Outcome(OrderEvent.PUT_BACK))
        self.assertEqual((await self.found(backfill)).done, 0)
        taken = await self.taken(outbox)
        for _ in range(2):
            told = {"complete": True, "records": 1, "new": 1}
            await self.end(outbox, taken, Outcome(OrderEvent.SAID_TRUE, told))
        found = await self.found(backfill)
        self.assertEqual((found.done, found.records), (1, 1))

    async def test_outlives_its_orders(self) -> None:
        """Its progress is right also when only few ended orders are kept."""
        outbox = await self.begin(most_ended=2)
        backfill = (await self.backfill(outbox, days=9)).detail
        for _ in range(9):
            await self.read_day(outbox, records=10, new=1)
        found = await self.found(backfill)
        self.assertEqual((found.done, found.records, found.new, found.state), (9, 90, 9, "done"))
        self.assertIsNone(await outbox.get(found.orders[0]))

    async def test_forgotten(self) -> None:
        """Orders of a backfill that is forgotten end as all others, and bring nothing back."""
        outbox = await self.begin()
        backfill = (await self.backfill(outbox, days=1)).detail
        await self.client.write("DEL", f"tf:backfill:{backfill}")
        await self.read_day(outbox)
        self.assertIsNone(await Backfills(self.client).get(backfill))
        self.assertEqual(await self.client.read("EXISTS", f"tf:backfill:{backfill}"), 0)

    async def test_life(self) -> None:
        """It is kept as long as its last order can be."""
        outbox = await self.begin(days=30)
        backfill = (await self.backfill(outbox)).detail
        self.assertGreater(await self.client.read("TTL", f"tf:backfill:{backfill}"), 37 * 86_400)


class ListTests(BackfillCase):
    """Lists of them."""

    async def listed(self, sn: str = "", limit: int = 10, before: str = "") -> tuple[list[str], str | None]:
        """Ids and cursor."""
        found, cursor = await Backfills(self.client).listing(sn, limit, before)
        return [one.id for one in found], cursor

    async def several(self, outbox: Outbox) -> list[str]:
        """Six of two terminals in turn, put at once; the newest first."""
        await self.approved(self.registry, "c2", sn="ZXAB2", cpusn="c2", mac="m2")
        made = [(await self.backfill(outbox, 1, sn)).detail for sn in ("ZXAB1", "zxab2") * 3]
        return made[::-1]

    async def test_newest_first(self) -> None:
        """Those of all terminals are listed, the newest first, page by page, none twice."""
        made = await self.several(await self.begin())
        self.assertEqual(await self.listed(limit=6), (made, None))
        first, cursor = await self.listed(limit=4)
        self.assertEqual(first, made[:4])
        self.assertEqual(await self.listed(limit=4, before=cursor or ""), (made[4:], None))

    async def test_of_a_terminal(self) -> None:
        """Those of one terminal are listed by themselves, also page by page through many of others."""
        made = await self.several(await self.begin())
        with mock.patch.object(backfills_module, "SCANNED_A_CALL", 2):
            self.assertEqual(await self.listed("Zxab2"), (made[::2], None))
            first, cursor = await self.listed("ZXAB1", 1)
            self.assertEqual(first, made[1:2])
            self.assertEqual(await self.listed("ZXAB1", 5, cursor or ""), (made[3::2], None))
        self.assertEqual(await self.listed("ZXAB"), ([], None))

    async def test_bounded(self) -> None:
        """The oldest are forgotten when there are too many."""
        outbox = await self.begin()
        with mock.patch.object(outbox_module, "MOST_BACKFILLS", 4):
            made = await self.several(outbox)
        self.assertEqual(await self.listed(), (made[:4], None))

    async def test_gone(self) -> None:
        """One whose life is over is not listed."""
        made = await self.several(await self.begin())
        await self.client.write("DEL", f"tf:backfill:{made[0]}")
        self.assertEqual(await self.listed(), (made[1:], None))
