"""What an order brings that may not lie open: sealed while it waits, forgotten with the person."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from tests.store.ordered import DONE, MASTER, SN, UNLEARNED, OutboxCase, new_order
from tfserver.errors import ScriptFailed, StoreError
from tfserver.order import OrderEvent
from tfserver.store.outbox import NewOrder, Outbox, Outcome
from tfserver.store.vault import Vault

RECORD = "c2VjcmV0IHRlbXBsYXRlIG9mIGEgZmluZ2Vy"
FORGOTTEN = "what was sealed for it has been forgotten"


def credential(record: str = RECORD, enrollid: int = 7, backupnum: int = 50, **more: Any) -> NewOrder:
    """An order that puts a credential on a terminal."""
    args = {"enrollid": enrollid, "backupnum": backupnum, "name": "Zoë", "record": record}
    usual: dict[str, Any] = {
        "args": args,
        "shown": {**args, "record": {"redacted": True, "bytes": len(record)}},
        "secrets": {"record": record},
        "enrollid": enrollid,
        "backupnum": backupnum,
        "people": (enrollid,),
    }
    return new_order("setuserinfo", **{**usual, **more})


class SealedTests(OutboxCase):
    """What is kept, and what is not."""

    async def everything(self) -> str:
        """All that is in the store: names of keys, and values of every kind."""
        found = []
        reads = {
            "string": ("GET",),
            "hash": ("HGETALL",),
            "set": ("SMEMBERS",),
            "zset": ("ZRANGE", 0, -1),
            "stream": ("XRANGE", "-", "+"),
        }
        for name in await self.client.read("KEYS", "*"):
            command, *rest = reads[await self.client.read("TYPE", name)]
            found.append(f"{name}: {await self.client.read(command, name, *rest)}")
        return "\n".join(found)

    async def test_opened(self) -> None:
        """Who takes the order has what was sealed, and the other fields as they were."""
        outbox = await self.begin()
        await self.put(outbox, credential())
        taken = await self.taken(outbox)
        self.assertEqual((taken.args, taken.broken), (credential().args, ""))

    async def test_again(self) -> None:
        """Each try has it, also one that another process makes."""
        outbox = await self.begin()
        order_id = await self.put(outbox, credential())
        await self.end(outbox, await self.taken(outbox), UNLEARNED)
        await self.passes(5, order_id)
        self.assertEqual((await self.taken(self.outbox("two/1"))).args["record"], RECORD)

    async def test_nothing_in_the_open(self) -> None:
        """The value is in no key and no file of the store, from the beginning to the end."""
        outbox = await self.begin()
        order_id = await self.put(outbox, credential(key="k", digest="d"))
        await self.put(outbox, credential("48213377", backupnum=10))
        await self.end(outbox, await self.taken(outbox), UNLEARNED)
        await self.passes(5, order_id)
        await self.end(outbox, await self.taken(outbox), DONE)
        self.assertEqual((await self.order(order_id)).args["record"]["bytes"], len(RECORD))
        found = await self.everything()
        self.assertIn("Zoë", found)
        files = [path.read_bytes() for path in Path(self.store.folder).rglob("*") if path.is_file()]
        self.assertTrue(any(b"setuserinfo" in content for content in files), "the store's files are read")
        for secret in (RECORD, "48213377", RECORD[4:20]):
            self.assertNotIn(secret, found)
            self.assertFalse(any(secret.encode() in content for content in files), secret)

    async def test_stored_once(self) -> None:
        """The same credential for many terminals is there once; another, or of another person, beside it."""
        outbox = await self.begin()
        for n in range(5):
            await self.approved(self.registry, f"t{n}", sn=f"T{n}")
            await self.put(outbox, credential(sn=f"T{n}"))
        self.assertEqual(len(await self.client.read("KEYS", "tf:sealed:*")), 1)
        for other in (credential("another"), credential(enrollid=8), credential(backupnum=20)):
            await self.put(outbox, other)
        self.assertEqual(len(await self.client.read("KEYS", "tf:sealed:*")), 4)

    async def test_life(self) -> None:
        """It lives as long as the order that waits longest, and not for ever."""
        outbox = await self.begin()
        lives = []
        for ttl in (86_400.0, 7 * 86_400.0, 60.0):
            await self.put(outbox, credential(ttl=ttl))
            [name] = await self.client.read("KEYS", "tf:sealed:*")
            lives.append(round(int(await self.client.read("TTL", name)) / 86_400))
        self.assertEqual(lives, [2, 8, 8])

    async def test_nothing_sealed(self) -> None:
        """An order without secrets makes no key of a person."""
        outbox = await self.begin()
        await self.put(outbox, new_order(args={"enrollid": 7}, enrollid=7))
        self.assertEqual(await self.client.read("KEYS", "tf:user:*"), [])
        self.assertEqual((await self.taken(outbox)).broken, "")

    async def test_bounded_by_kind(self) -> None:
        """Person and slot are part of what is sealed: nothing can be moved to another."""
        outbox = await self.begin()
        await self.put(outbox, credential())
        order_id = await self.put(outbox, credential(backupnum=20))
        [first] = await self.client.read("KEYS", "tf:sealed:7/50/*")
        [second] = await self.client.read("KEYS", "tf:sealed:7/20/*")
        await self.client.write("COPY", first, second, "REPLACE")
        await self.taken(outbox)
        taken = await self.taken(outbox)
        self.assertEqual(taken.id, order_id)
        self.assertIn("credential 7/20 can't be opened", taken.broken)
        self.assertNotIn("record", taken.args)


class GoneTests(OutboxCase):
    """What was sealed is gone with the last open order that brings it, and not before."""

    async def kept(self) -> list[str]:
        """What is sealed now."""
        return [str(name) for name in await self.client.read("KEYS", "tf:sealed:*")]

    async def test_done(self) -> None:
        """It is gone as soon as the order is done."""
        outbox = await self.begin()
        await self.put(outbox, credential())
        taken = await self.taken(outbox)
        self.assertEqual(len(await self.kept()), 1)
        await self.end(outbox, taken, DONE)
        self.assertEqual(await self.kept(), [])

    async def test_cancelled_and_expired(self) -> None:
        """It is gone when the order was taken back, and when its seconds are over."""
        outbox = await self.begin()
        order_id = await self.put(outbox, credential())
        await outbox.cancel(order_id, "token 2")
        self.assertEqual(await self.kept(), [])
        await self.passes(3600, await self.put(outbox, credential()))
        await self.outbox("two/1").sweep()
        self.assertEqual(await self.kept(), [])

    async def test_last_of_several(self) -> None:
        """It stays as long as any terminal still waits for it, also when many end in one call."""
        outbox = await self.begin()
        ids = [await self.put(outbox, credential()) for _ in range(4)]
        await gatherResults([Deferred.fromCoroutine(outbox.cancel(order_id, "x")) for order_id in ids[:3]])
        taken = await self.taken(outbox)
        self.assertEqual((taken.id, taken.args["record"]), (ids[3], RECORD))
        await self.end(outbox, taken, DONE)
        self.assertEqual(await self.kept(), [])

    async def test_tried_again(self) -> None:
        """An order that is put back or tried again still has it, and the end of another takes it not away."""
        outbox = await self.begin()
        order_id = await self.put(outbox, credential())
        other = await self.put(outbox, credential())
        await self.end(outbox, await self.taken(outbox), Outcome(OrderEvent.PUT_BACK))
        await self.end(outbox, await self.taken(outbox), UNLEARNED)
        await outbox.cancel(other, "x")
        await self.passes(5, order_id)
        taken = await self.taken(outbox)
        self.assertEqual((taken.id, taken.args["record"]), (order_id, RECORD))
        await self.end(outbox, taken, DONE)
        self.assertEqual(await self.kept(), [])

    async def test_end_and_put_in_one_call(self) -> None:
        """An order that is put in the call in which the last one ends has it."""
        outbox = await self.begin()
        last = await self.put(outbox, credential())
        asked: list[Coroutine[Any, Any, Any]] = [outbox.cancel(last, "x"), outbox.put(credential())]
        await gatherResults([Deferred.fromCoroutine(each) for each in asked])
        self.assertEqual(await self.state(last), "cancelled")
        self.assertEqual((await self.taken(outbox)).args["record"], RECORD)

    async def test_end_of_an_older_one(self) -> None:
        """Where it was forgotten and came again, the end of an order from before does not take it away."""
        outbox = await self.begin()
        before = await self.put(outbox, credential())
        [name] = await self.kept()
        await self.client.write("DEL", name)
        await self.put(outbox, credential())
        await outbox.cancel(before, "x")
        self.assertEqual((await self.taken(outbox)).args["record"], RECORD)

    async def test_half_done(self) -> None:
        """An order that was never made after all leaves it to its life, which is the last resort."""
        outbox = await self.begin()
        await self.client.write("SET", f"tf:orders:{SN}", "not a set")
        await self.fails(outbox.put(credential()), ScriptFailed)
        [name] = await self.kept()
        self.assertGreater(await self.client.read("TTL", name), 86_400)
        await self.client.write("DEL", f"tf:orders:{SN}")
        await outbox.sweep()
        self.assertEqual((await self.taken(outbox)).args["record"], RECORD)

    async def test_not_sealed_again(self) -> None:
        """A value that is there is not written again for each terminal: photos are large."""
        outbox = await self.begin()
        await self.put(outbox, credential())
        [name] = await self.kept()
        await self.client.write("HSET", name, "value", "the first")
        await self.put(outbox, credential())
        self.assertEqual(await self.client.read("HGET", name, "value"), "the first")


class ForgottenTests(OutboxCase):
    """What can't be opened any more is told, never left out in silence."""

    async def broken(self, outbox: Outbox) -> str:
        """Why the next order can't be carried out; the value is not among its fields."""
        taken = await self.taken(outbox)
        self.assertNotIn("record", taken.args)
        return taken.broken

    async def test_person_forgotten(self) -> None:
        """Without the person's key the credential is gone."""
        outbox = await self.begin()
        await self.put(outbox, credential())
        await self.client.write("DEL", "tf:user:7")
        self.assertEqual(await self.broken(outbox), FORGOTTEN)

    async def test_value_gone(self) -> None:
        """Without the sealed value the credential is gone."""
        outbox = await self.begin()
        await self.put(outbox, credential())
        [name] = await self.client.read("KEYS", "tf:sealed:*")
        await self.client.write("DEL", name)
        self.assertEqual(await self.broken(outbox), FORGOTTEN)

    async def test_person_again(self) -> None:
        """A person who was forgotten and is put again: the new order can be opened, the old one can't."""
        outbox = await self.begin()
        await self.put(outbox, credential())
        await self.client.write("DEL", "tf:user:7")
        await self.put(outbox, credential(backupnum=20))
        self.assertIn("can't be opened", await self.broken(outbox))
        await self.taken(outbox)
        await self.put(outbox, credential())
        self.assertEqual((await self.taken(outbox)).args["record"], RECORD)

    async def test_key_does_not_come_back(self) -> None:
        """A data key that this process remembers is not brought back after the person was forgotten."""
        outbox = await self.begin()
        for _ in range(2):
            await self.put(outbox, credential())
        key = await self.client.read("HGET", "tf:user:7", "key")
        await self.client.write("DEL", "tf:user:7")
        await self.put(outbox, credential(backupnum=20))
        self.assertNotIn(await self.client.read("HGET", "tf:user:7", "key"), (key, None))

    async def test_other_master_key(self) -> None:
        """With another master key nothing is opened; both keys are named, neither told."""
        outbox = await self.begin()
        await self.put(outbox, credential())
        other = self.outbox("two/1", master=bytes(32))
        found = await self.broken(other)
        for master in (MASTER, bytes(32)):
            self.assertIn(Vault(master).key_id, found)


class RekeyedTests(OutboxCase):
    """The person's key may change while an order is put."""

    async def test_two_at_once(self) -> None:
        """Two processes that seal for a new person at once end up with one key, and both can be opened."""
        outbox, other = await self.begin(), self.outbox("two/1")
        orders = [credential(), credential(backupnum=20)]
        calls = [each.put(order) for each, order in zip((outbox, other), orders, strict=True)]
        found = await gatherResults([Deferred.fromCoroutine(call) for call in calls])
        self.assertEqual([put.outcome for put in found], ["put", "put"])
        self.assertEqual([(await self.taken(outbox)).args["record"] for _ in orders], [RECORD, RECORD])

    async def test_for_ever(self) -> None:
        """A key that is never the one that was read ends in an error, and nothing is kept."""
        outbox = await self.begin()
        await self.client.write("HSET", "tf:user:7", "key", "another")
        vault = Vault(MASTER)

        async def stale(enrollid: int) -> tuple[str, bool]:
            return vault.new_data_key(enrollid), True

        self.patch(outbox._data_keys, "of", stale)
        self.assertIn("user 7", await self.fails(outbox.put(credential()), StoreError))
        self.assertEqual(await self.client.read("EXISTS", f"tf:queue:{SN}"), 0)
        self.assertEqual(await self.client.read("KEYS", "tf:sealed:*"), [])
