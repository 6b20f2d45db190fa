"""What is kept of orders that ended: how many, how long, in which order people see them, and who did it."""

from __future__ import annotations

from tests.store.ordered import DONE, SN, OutboxCase, new_order
from tfserver.store.audit import NEWEST, Audit
from tfserver.store.outbox import Outbox

DAY = 86_400


class KeptTests(OutboxCase):
    """How many and how long."""

    async def ended(self, outbox: Outbox, number: int = 1) -> list[str]:
        """Orders that were done."""
        found = []
        for _ in range(number):
            found.append(await self.put(outbox, new_order()))
            await self.end(outbox, await self.taken(outbox), DONE)
        return found

    async def test_newest_are_kept(self) -> None:
        """Of one terminal so many ended orders are kept, the newest; the others are gone altogether."""
        outbox = await self.begin(most_ended=3)
        ids = await self.ended(outbox, 5)
        listed, _ = await outbox.listing(SN, 10, "")
        self.assertEqual([order.id for order in listed], ids[:1:-1])
        for order_id in ids[:2]:
            self.assertIsNone(await outbox.get(order_id))
        self.assertEqual(len(await self.client.read("KEYS", "tf:order:*")), 3)

    async def test_list_is_forgotten(self) -> None:
        """Of a terminal that gets no orders any more not even the list is kept for ever."""
        outbox = await self.begin(days=2)
        await self.ended(outbox)
        self.assertGreater(await self.client.read("TTL", f"tf:orders:{SN}"), 0)

    async def test_open_ones_are_never_forgotten(self) -> None:
        """Orders that are older and still open are kept however many end after them."""
        outbox = await self.begin(most_ended=1)
        waiting = [await self.put(outbox, new_order("old", subject="a")) for _ in range(30)]
        await self.taken(outbox)
        ids = await self.ended(outbox, 3)
        self.assertEqual({await self.state(order_id) for order_id in waiting}, {"sent", "queued"})
        self.assertEqual(await self.state(ids[-1]), "done")
        for order_id in waiting:
            await outbox.cancel(order_id, "x")
        [newest] = await self.ended(outbox)
        kept = {f"tf:order:{order_id}" for order_id in (waiting[0], newest)}
        self.assertEqual(set(await self.client.read("KEYS", "tf:order:*")), kept)

    async def test_other_terminals(self) -> None:
        """Each terminal has its own history."""
        outbox = await self.begin(most_ended=1)
        [first] = await self.ended(outbox)
        await self.approved(self.registry, "c2", sn="T2")
        other = await self.put(outbox, new_order(sn="T2"))
        await outbox.cancel(other, "x")
        self.assertEqual([await self.state(order_id) for order_id in (first, other)], ["done", "cancelled"])

    async def test_days(self) -> None:
        """An ended order is kept for so many days, and the list of orders longer than any of them."""
        outbox = await self.begin(days=2)
        [order_id] = await self.ended(outbox)
        self.assertEqual(await self._days(f"tf:order:{order_id}"), 2)
        self.assertGreater(await self._days(f"tf:orders:{SN}"), 2)

    async def test_open_ones_do_not_expire(self) -> None:
        """An open order outlives its own seconds, so that somebody can end it; the list outlives its end."""
        outbox = await self.begin(days=2)
        order_id = await self.put(outbox, new_order(ttl=7.0 * DAY))
        self.assertEqual(await self.client.read("TTL", f"tf:order:{order_id}"), -1)
        self.assertIn(order_id, await self.scores("tf:deadlines"))
        await self.ended(outbox)
        await self.put(outbox, new_order())
        self.assertGreaterEqual(await self._days(f"tf:orders:{SN}"), 7 + 2)
        self.assertEqual(await self.client.read("TTL", f"tf:queue:{SN}"), -1)

    async def _days(self, name: str) -> int:
        return round(int(await self.client.read("TTL", name)) / DAY)


class ListingTests(OutboxCase):
    """What people leaf through."""

    async def test_pages(self) -> None:
        """Newest first, so many at a time; the cursor leads on, and there is none at the end."""
        outbox = await self.begin()
        ids = [await self.put(outbox, new_order()) for _ in range(5)]
        seen, cursor = [], ""
        for number in (2, 2, 1):
            found, following = await outbox.listing(SN, 2, cursor)
            self.assertEqual(len(found), number)
            seen += [order.id for order in found]
            self.assertEqual(following is None, number == 1)
            cursor = following or ""
        self.assertEqual(seen, ids[::-1])

    async def test_full_last_page(self) -> None:
        """A last page that is just full has no cursor either."""
        outbox = await self.begin()
        for _ in range(2):
            await self.put(outbox, new_order())
        self.assertIsNone((await outbox.listing(SN, 2, ""))[1])

    async def test_new_ones_do_not_shift(self) -> None:
        """Orders put while somebody leafs through do not make others come twice."""
        outbox = await self.begin()
        ids = [await self.put(outbox, new_order()) for _ in range(4)]
        found, cursor = await outbox.listing(SN, 2, "")
        await self.put(outbox, new_order())
        rest, _ = await outbox.listing(SN, 10, cursor or "")
        self.assertEqual([order.id for order in (*found, *rest)], ids[::-1])

    async def test_open_and_ended(self) -> None:
        """Orders stand in the order they were put, whatever became of them; doors too."""
        outbox = await self.begin()
        ids = [await self.put(outbox, new_order()) for _ in range(3)]
        await outbox.cancel(ids[1], "x")
        await self.taken(outbox)
        found, _ = await outbox.listing(SN, 10, "")
        self.assertEqual([order.state for order in found], ["queued", "cancelled", "sent"])

    async def test_nothing(self) -> None:
        """A terminal without orders, or an unknown one, has an empty list."""
        outbox = await self.begin()
        for sn in (SN, "T9"):
            self.assertEqual(await outbox.listing(sn, 10, ""), ([], None))

    async def test_forgotten_ones(self) -> None:
        """An order that is forgotten already is left out; those before and after it are there."""
        outbox = await self.begin()
        ids = [await self.put(outbox, new_order()) for _ in range(3)]
        await self.client.write("DEL", f"tf:order:{ids[1]}")
        self.assertEqual([order.id for order in (await outbox.listing(SN, 10, ""))[0]], [ids[2], ids[0]])


class AuditTests(OutboxCase):
    """Who did what, and what came of it."""

    async def test_ends(self) -> None:
        """Each end is recorded once, with who ordered it; what only waits is not."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order(actor='o"p\\é'))
        await self.put(outbox, new_order("waits"))
        await self.end(outbox, await self.taken(outbox), DONE)
        [record] = await Audit(self.client).page(NEWEST, 0, 10)
        self.assertEqual(
            (record.actor, record.what, record.sn, record.outcome), ('o"p\\é', "gettime", SN, "done")
        )
        self.assertEqual(record.detail, {"order": order_id})
