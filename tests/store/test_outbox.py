"""Putting orders on a real store: what is refused, what is kept, who is woken (design §2.2, §3)."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from tests.store.arrivals import arrival
from tests.store.connected import until
from tests.store.ordered import DONE, SN, OutboxCase, door, new_order
from tfserver.errors import ScriptFailed, StoreUnavailable
from tfserver.model import Admission
from tfserver.order import Danger, OrderEvent, OrderState
from tfserver.store.endings import read_ending
from tfserver.store.outbox import MOST_A_CALL, MOST_DOORS, NewOrder, Outbox, Outcome, Put, Taken


class RefusedTests(OutboxCase):
    """What speaks against an order; then nothing is kept."""

    async def refused(self, outbox: Outbox, order: NewOrder, outcome: str, detail: str = "") -> None:
        """The order is refused like this, and leaves no trace."""
        before = sorted(await self.client.read("KEYS", "*"))
        events = len(await self.events())
        self.assertEqual(await outbox.put(order), Put(outcome, detail))
        self.assertEqual(sorted(await self.client.read("KEYS", "*")), before)
        self.assertEqual(len(await self.events()), events)

    async def test_unknown(self) -> None:
        """A terminal that never registered."""
        outbox = await self.begin()
        await self.refused(outbox, new_order(sn="T9"), "unknown")
        await self.refused(outbox, new_order(sn="T9", secrets={"record": "1"}, enrollid=7), "unknown")

    async def test_not_approved(self) -> None:
        """A terminal that waits for approval, or was denied."""
        outbox = await self.begin()
        await self.registry.register(arrival("T2"), "c2")
        await self.refused(outbox, new_order(sn="T2"), "not approved", "pending")
        await self.registry.decide(SN, Admission.DENIED)
        await self.refused(outbox, new_order(), "not approved", "denied")

    async def test_door_offline(self) -> None:
        """A door of a terminal that has no connection, or whose process is dead; other orders wait."""
        outbox = await self.begin()
        await self.registry.retire()
        await self.refused(outbox, door(), "offline")
        await self.registry.beat({})
        await self.put(outbox, door())
        await self.registry.release(SN, "c1")
        await self.refused(outbox, door(), "offline")
        await self.put(outbox, new_order())

    async def test_full(self) -> None:
        """More than may wait for one terminal; another terminal's are not counted."""
        outbox = await self.begin(most_open=2)
        await self.approved(self.registry, "c2", sn="T2")
        for _ in range(2):
            await self.put(outbox, new_order())
        await self.refused(outbox, new_order(), "full")
        await self.put(outbox, new_order(sn="T2"))

    async def test_room_for_doors(self) -> None:
        """A full queue still takes some orders for doors, not any number of them, and no others."""
        outbox = await self.begin(most_open=2)
        for _ in range(2):
            await self.put(outbox, new_order())
        for _ in range(MOST_DOORS):
            await self.put(outbox, door())
        for order in (door(), new_order()):
            await self.refused(outbox, order, "full")
        await self.end(outbox, await self.taken(outbox, doors=True), DONE)
        await self.refused(outbox, new_order(), "full")
        await self.put(outbox, door())

    async def test_room_again(self) -> None:
        """An order that ended takes no room, one that is being carried out does."""
        outbox = await self.begin(most_open=1)
        order_id = await self.put(outbox, new_order())
        await self.taken(outbox)
        self.assertEqual((await outbox.put(new_order())).outcome, "full")
        await self.passes(3600, order_id)
        await outbox.sweep()
        await self.put(outbox, new_order())

    async def test_dirty(self) -> None:
        """What deletes logs is refused while some are not proven to be here, and says since when."""
        outbox = await self.begin()
        await self.client.write("HSET", f"tf:terminal:{SN}", "dirty", "2026-04-01")
        await self.refused(outbox, new_order("cleanlog", needs_proof=True), "dirty", "2026-04-01")
        await self.put(outbox, new_order())
        await self.client.write("HDEL", f"tf:terminal:{SN}", "dirty")
        await self.put(outbox, new_order("cleanlog", needs_proof=True))

    async def test_key_reused(self) -> None:
        """A key that came with something else before; nothing is said of what that was."""
        outbox = await self.begin()
        await self.put(outbox, new_order(key="k", digest="d1"))
        await self.refused(outbox, new_order(key="k", digest="d2"), "reused")

    async def test_store_full(self) -> None:
        """A store without room keeps nothing and says so."""
        outbox = await self.begin()
        await self.client.write("CONFIG", "SET", "maxmemory", 1)
        await self.fails(outbox.put(new_order()), StoreUnavailable)
        await self.client.write("CONFIG", "SET", "maxmemory", 0)
        self.assertEqual(await self.client.read("EXISTS", "tf:deadlines", f"tf:queue:{SN}"), 0)


class KeptTests(OutboxCase):
    """What is kept of an order."""

    async def test_as_people_see_it(self) -> None:
        """An order comes back with what was shown of it, its time in the store's clock, and no outcome."""
        outbox = await self.begin()
        order = new_order("setdevinfo", args={"volume": 7}, shown={"volume": "seven"}, ttl=60.0)
        found = await self.order(await self.put(outbox, order))
        self.assertEqual(
            (found.sn, found.cmd, found.args, found.actor), (SN, "setdevinfo", order.shown, "token 1")
        )
        self.assertEqual((found.state, found.attempts), (OrderState.QUEUED, 0))
        self.assertEqual((found.reply, found.error, found.sent, found.finished), (None, None, None, None))
        kept = await self.hash_of(found.id)
        self.assertEqual(int(kept["expires"]) - int(kept["created"]), 60_000)
        seconds, _ = await self.client.read("TIME")
        self.assertLess(abs(int(kept["created"]) / 1000 - int(seconds)), 60)

    async def test_given_back(self) -> None:
        """Who puts an order gets it as everybody sees it, without asking again."""
        outbox = await self.begin()
        for order in (new_order(sn=" zxab1 ", args={"n": 1}, shown={"n": "one"}), door()):
            put = await outbox.put(order)
            self.assertEqual(put.order, await outbox.get(put.detail))

    async def test_any_text(self) -> None:
        """Fields in any script, with any characters, arrive as they were given."""
        outbox = await self.begin()
        args: dict[str, Any] = {
            "name": 'Zoë 张伟 😀 "\\\n\x7f',
            "n": 2**62,
            "list": [1, {"x": None}],
            "f": 1.5,
        }
        await self.put(outbox, new_order(args=args, shown=args, actor='o"p\\é', subject="user 7"))
        taken = await self.taken(outbox)
        self.assertEqual(taken.args, args)
        found = await self.order(taken.id)
        self.assertEqual((found.args, found.actor), (args, 'o"p\\é'))

    async def test_spelling(self) -> None:
        """A serial number in other letters is the same terminal."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order(sn=" zxab1 "))
        self.assertEqual((await outbox.take("zxAB1", "c1")).taken.id, order_id)  # type: ignore[union-attr]
        self.assertEqual([found.id for found in (await outbox.listing("zxab1", 10, ""))[0]], [order_id])

    async def test_ids(self) -> None:
        """No two orders have the same id, and nobody can guess one."""
        outbox = await self.begin()
        found = await gatherResults([_put(outbox) for _ in range(50)])
        ids = {put.detail for put in found}
        self.assertEqual(len(ids), 50)
        self.assertEqual({len(order_id) for order_id in ids}, {20})

    async def test_same_key_again(self) -> None:
        """The same key with the same order gives the first one again, also when that has ended."""
        outbox = await self.begin()
        order = new_order(key="k", digest="d")
        order_id = await self.put(outbox, order)
        self.assertEqual(await outbox.put(order), Put("again", order_id))
        await outbox.cancel(order_id, "token 1")
        self.assertEqual(await outbox.put(order), Put("again", order_id))
        self.assertNotEqual(await self.put(outbox, new_order(key="k2", digest="d")), order_id)
        life = await self.client.read("TTL", "tf:key:k")
        self.assertGreater(life, 23 * 3600)

    async def test_key_of_two_at_once(self) -> None:
        """Two processes that put the same key at once make one order."""
        outbox = await self.begin()
        other = self.outbox("two/1")
        order = new_order(key="k", digest="d")
        found = await gatherResults([_put(outbox, order), _put(other, order), _put(outbox, order)])
        self.assertEqual(sorted(put.outcome for put in found), ["again", "again", "put"])
        self.assertEqual(len({put.detail for put in found}), 1)

    async def test_key_after_a_refusal(self) -> None:
        """A key of an order that was refused is free: nothing was made under it."""
        outbox = await self.begin()
        await self.registry.release(SN, "c1")
        self.assertEqual((await outbox.put(door(key="k", digest="d"))).outcome, "offline")
        await self.approved(self.registry, "c2")
        self.assertEqual((await outbox.put(door(key="k", digest="d"))).outcome, "put")

    async def test_digest_is_keyed(self) -> None:
        """What is kept to recognise an order by a password in it can't be guessed from."""
        outbox = await self.begin()
        await self.put(outbox, new_order(key="k", digest="5e884898da"))
        self.assertNotIn("5e884898da", await self.client.read("GET", "tf:key:k"))

    async def test_told(self) -> None:
        """Who watches is told; the terminal's order is not told with its fields."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order(args={"name": "Zoë"}))
        told = {"id": order_id, "sn": SN, "cmd": "gettime", "state": "queued"}
        self.assertEqual(await self.events(), [told])


class WokenTests(OutboxCase):
    """Who is told that an order waits."""

    async def heard(self, owner: str) -> list[str]:
        """What a process is told from now on."""
        heard: list[str] = []
        self.client.listen([f"tf:wake:{owner}"], lambda _, message: heard.append(message))

        async def is_listening() -> bool:
            found = await self.client.read("PUBSUB", "NUMSUB", f"tf:wake:{owner}")
            return int(found[1]) == 1

        await until(is_listening, "it listens")
        return heard

    async def test_owner_is_woken(self) -> None:
        """The process of the terminal hears of it at once, and of a door that it is one."""
        outbox = await self.begin()
        heard = await self.heard("one/1")
        await self.put(self.outbox("two/1"), new_order())
        await self.put(outbox, door())
        await until(lambda: len(heard) == 2, "it is woken twice")
        self.assertEqual(heard, [f"order {SN}", f"door {SN}"])

    async def test_due(self) -> None:
        """It stands among the terminals with orders of that process, should the wake-up be lost."""
        outbox, other = await self.begin(), self.outbox("two/1")
        self.assertEqual(await outbox.due(), [])
        await self.put(other, new_order())
        self.assertEqual((await outbox.due(), await other.due()), ([SN], []))

    async def test_offline(self) -> None:
        """Of a terminal without a connection nobody is woken; who admits it next finds the order."""
        outbox, other = await self.begin(), self.outbox("two/1")
        await self.registry.release(SN, "c1")
        await self.put(outbox, new_order())
        self.assertEqual(await outbox.due(), [])
        found = await self.approved(await self.terminals("two/1"), "c9")
        self.assertTrue(found.orders_wait)
        self.assertEqual(await other.due(), [SN])

    async def test_owner_at_work(self) -> None:
        """While an order is in hand the owner comes for the next by itself: it is only woken for doors."""
        outbox = await self.begin()
        heard = await self.heard("one/1")
        await self.put(outbox, new_order("first"))
        taken = await self.taken(outbox)
        await self.put(outbox, new_order("second"))
        await self.put(outbox, door())
        await until(lambda: len(heard) == 2, "it is woken for the first and the door")
        self.assertEqual(heard, [f"order {SN}", f"door {SN}"])
        for cmd in ("opendoor", "second"):
            found = (await outbox.finish(SN, "c1", taken, DONE, more=True)).taken
            assert found is not None
            self.assertEqual(found.cmd, cmd)
            taken = found

    async def test_owner_at_rest(self) -> None:
        """Once a look found nothing, or another connection took over, the owner is woken again."""
        outbox = await self.begin()
        heard = await self.heard("one/1")
        await self.put(outbox, new_order())
        await outbox.finish(SN, "c1", await self.taken(outbox), DONE, more=True)
        await self.put(outbox, new_order())
        await until(lambda: heard.count(f"order {SN}") == 2, "it is woken again")
        await self.taken(outbox)
        await self.approved(self.registry, "c2")
        await self.put(outbox, new_order())
        # beside that it is told that the older connection lost its lease
        await until(lambda: heard.count(f"order {SN}") == 3, "the newer connection is woken")

    async def test_asker_is_woken(self) -> None:
        """The process where somebody waits for an order hears of its end, whoever ends it; of no other."""
        outbox, asker = await self.begin(), self.outbox("two/1")
        heard = await self.heard("two/1")
        ids = [await self.put(asker, new_order(waits=waits)) for waits in (False, True)]
        for order_id in ids:
            await outbox.cancel(order_id, "token 1")
        await until(lambda: bool(heard), "it is woken")
        self.assertEqual([read_ending(message)[0] for message in heard], [ids[1]])

    async def test_busy_is_not_woken(self) -> None:
        """Who has an order in hand comes for the next by itself; for a door, or at rest, it is woken."""
        outbox = await self.begin()
        heard = await self.heard("one/1")
        taken = await self.taken_new(outbox)
        await self.put(outbox, new_order())
        await self.put(outbox, door())
        await until(lambda: len(heard) == 2, "it is woken")
        look = await outbox.finish(SN, "c1", taken, Outcome(OrderEvent.SAID_TRUE, {}), True)
        while look.taken is not None:
            look = await outbox.finish(SN, "c1", look.taken, Outcome(OrderEvent.SAID_TRUE, {}), True)
        await self.put(outbox, new_order())
        await until(lambda: len(heard) == 3, "it is woken")
        self.assertEqual(heard, [f"order {SN}", f"door {SN}", f"order {SN}"])

    async def taken_new(self, outbox: Outbox) -> Taken:
        """An order that was put and taken just now."""
        await self.put(outbox, new_order())
        look = await outbox.take(SN, "c1")
        assert look.taken is not None
        return look.taken

    async def test_due_ends(self) -> None:
        """The set of a process that is gone is forgotten some day."""
        outbox = await self.begin()
        await self.put(outbox, new_order())
        self.assertGreater(await self.client.read("TTL", "tf:due:one/1"), 3600)

    async def test_not_ours(self) -> None:
        """A terminal that is not connected here is forgotten here; its orders stay."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order())
        await outbox.not_ours([SN])
        self.assertEqual(await outbox.due(), [])
        self.assertEqual(await self.state(order_id), "queued")


class SharedTests(OutboxCase):
    """What is asked in one turn."""

    async def test_one_call(self) -> None:
        """Everything of one turn is one call, in the order it was asked."""
        outbox = await self.begin()
        await outbox.take(SN, "c1")
        await self.client.write("CONFIG", "RESETSTAT")
        asked = [_put(outbox) for _ in range(MOST_A_CALL - 1)]
        took = Deferred.fromCoroutine(outbox.take(SN, "c1"))
        first = (await gatherResults(asked))[0].detail
        self.assertEqual((await took).taken.id, first)  # type: ignore[union-attr]
        self.assertEqual(await self.calls(self.client, "evalsha"), 1)

    async def test_calls_are_bounded(self) -> None:
        """What is more than a call may hold goes in several."""
        outbox = await self.begin()
        await outbox.take(SN, "c1")
        await self.client.write("CONFIG", "RESETSTAT")
        await gatherResults([_put(outbox) for _ in range(2 * MOST_A_CALL + 1)])
        self.assertEqual(await self.calls(self.client, "evalsha"), 3)

    async def test_mistake_harms_no_other(self) -> None:
        """A question that can't be answered fails alone; those before and after it are answered."""
        outbox = await self.begin()
        await self.client.write("SET", "tf:terminal:T2", "not a hash")
        before = _put(outbox)
        poisoned = _put(outbox, new_order(sn="T2"))
        refused = Deferred.fromCoroutine(outbox.take("T2", "c1"))
        after = _put(outbox)
        self.assertIn("WRONGTYPE", await self.fails(poisoned, ScriptFailed))
        self.assertIn("WRONGTYPE", await self.fails(refused, ScriptFailed))
        self.assertEqual([put.outcome for put in await gatherResults([before, after])], ["put", "put"])

    async def test_danger_is_kept(self) -> None:
        """What is taken says of which class it is."""
        outbox = await self.begin()
        for danger in Danger:
            await self.put(outbox, new_order(danger=danger))
        found = [await self.taken(outbox) for _ in Danger]
        self.assertEqual({taken.danger for taken in found}, set(Danger))


def _put(outbox: Outbox, order: NewOrder | None = None) -> Deferred[Put]:
    return Deferred.fromCoroutine(outbox.put(order or new_order()))
