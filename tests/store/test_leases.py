"""Leases: the newest admitted connection wins, and nothing an old one does can hurt it."""

from __future__ import annotations

from tests.store.arrivals import TerminalsCase, arrival
from tests.store.connected import until
from tfserver.model import Admission
from tfserver.store.client import Client
from tfserver.store.terminals import HEARD_A_CALL, HEARTBEAT_LIFE, Terminals


class LeaseTests(TerminalsCase):
    """Who owns a terminal."""

    async def test_newest_wins(self) -> None:
        """Of two connections the later one has the lease, in whichever process they are."""
        one, other = await self.terminals("one/1"), await self.terminals("two/1")
        await self.approved(one, "c1")
        await self.approved(other, "c2")
        self.assertEqual(await self.lost(one, ("ZXAB1", "c1")), ["c1"])
        self.assertEqual(await self.lost(other, ("ZXAB1", "c2")), [])
        await self.approved(one, "c3")
        self.assertEqual(await self.lost(other, ("zxab1", "c2"), ("ZXAB1", "c3")), ["c2"])

    async def test_release(self) -> None:
        """A lease is given back by its own connection only, and once."""
        terminals = await self.terminals()
        await terminals.beat({})
        await self.approved(terminals, "c1")
        await self.approved(terminals, "c2")
        before = await self.raw()
        self.assertFalse(await terminals.release("ZXAB1", "c1"))
        self.assertEqual(await self.raw(), before)
        self.assertTrue(await terminals.release("ZXAB1", "c2"))
        self.assertFalse(await terminals.release("ZXAB1", "c2"))
        found = await terminals.get("ZXAB1")
        assert found is not None
        self.assertEqual((found.online, found.owner, found.connected_at), (False, None, None))
        self.assertIs(found.admission, Admission.APPROVED)

    async def test_registers_again(self) -> None:
        """A second reg on the same connection keeps the lease and the time it began, and wakes nobody."""
        terminals = await self.terminals()
        heard = await self.heard_by(self.client, "one/1")
        await self.approved(terminals, "c1", now_ms=1000)
        await self.approved(terminals, "c1", now_ms=9000)
        self.assertEqual((await self.raw())["connected_at"], "1000")
        await self.approved(terminals, "c2", now_ms=10_000)
        await until(lambda: bool(heard), "the wake-up arrived")
        self.assertEqual(heard, ["lease"])
        self.assertEqual((await self.raw())["connected_at"], "10000")

    async def test_previous_owner_is_woken(self) -> None:
        """The process that lost a lease is told to look; others are not."""
        one = await self.terminals("one/1")
        lost = await self.heard_by(self.client, "one/1")
        other = await self.terminals("two/1")
        kept = await self.heard_by(self.client, "two/1")
        await self.approved(one, "c1", sn="zxab1")
        await self.approved(other, "c2", sn="zxab1")
        await until(lambda: bool(lost), "the wake-up arrived")
        self.assertEqual((lost, kept), (["lease"], []))

    async def test_not_admitted(self) -> None:
        """A connection that is not admitted takes no lease from one that is."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1")
        await terminals.decide("ZXAB1", Admission.PENDING)
        await terminals.register(arrival(), "c2")
        await terminals.decide("ZXAB1", Admission.APPROVED)
        self.assertEqual(await self.lost(terminals, ("ZXAB1", "c1")), [])

    async def test_many_leases(self) -> None:
        """Leases are compared in any number, each by its own connection; unknown terminals have none."""
        terminals = await self.terminals()
        held = []
        for n in range(1203):
            held.append((f"T{n}", f"c{n}"))
            if n % 400:
                self.client.write("HSET", f"tf:terminal:T{n}", "conn", f"c{n}", "admission", "approved")
        self.assertEqual(await self.lost(terminals, *held), ["c0", "c400", "c800", "c1200"])
        self.assertEqual(await self.lost(terminals), [])

    async def heard_by(self, client: Client, owner: str) -> list[str]:
        """The wake-ups of a process."""
        heard: list[str] = []
        channel = f"tf:wake:{owner}"
        client.listen([channel], lambda _, text: heard.append(text))
        await until(lambda: ":1\r\n" in self.store.ask(f"PUBSUB NUMSUB {channel}"), "it is subscribed")
        return heard


class HeartbeatTests(TerminalsCase):
    """A terminal is online while its owner lives."""

    async def online(self, terminals: Terminals) -> bool:
        """Whether both views call the terminal online."""
        found = await terminals.get("ZXAB1")
        [listed] = await terminals.page("", 10)
        self.assertEqual(listed, found)
        return listed.online

    async def test_expires(self) -> None:
        """When the heartbeat has expired, the terminal is offline; the next beat brings it back."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1")
        self.assertFalse(await self.online(terminals))
        await terminals.beat({})
        self.assertTrue(await self.online(terminals))
        self.assertTrue(0 < await self.client.read("TTL", "tf:alive:one/1") <= HEARTBEAT_LIFE)
        await self.client.write("PEXPIRE", "tf:alive:one/1", 1)
        await until(lambda: self.gone("tf:alive:one/1"), "the heartbeat expired")
        self.assertFalse(await self.online(terminals))
        await terminals.beat({})
        self.assertTrue(await self.online(terminals))

    async def test_many_heard(self) -> None:
        """Of many terminals heard, each command tells a bounded number."""
        terminals = await self.terminals()
        await self.client.write("CONFIG", "RESETSTAT")
        await terminals.beat({f"t{n}": n for n in range(2 * HEARD_A_CALL + 1)})
        self.assertEqual(await self.calls(self.client, "zadd"), 3)
        self.assertEqual(await self.client.read("ZCARD", "tf:heard"), 2 * HEARD_A_CALL + 1)
        self.assertEqual(await self.client.read("ZSCORE", "tf:heard", "T7"), "7")

    async def test_retire(self) -> None:
        """A process that stops takes its terminals offline at once."""
        terminals = await self.terminals()
        await terminals.beat({})
        await self.approved(terminals, "c1")
        await terminals.retire()
        self.assertFalse(await self.online(terminals))

    async def test_other_start_of_the_same_process(self) -> None:
        """A process started again under its old name does not inherit what that one held."""
        before, after = await self.terminals("one/1"), await self.terminals("one/2")
        await self.approved(before, "c1")
        await after.beat({})
        self.assertFalse(await self.online(after))

    async def gone(self, key: str) -> bool:
        """Whether a key has expired."""
        return not await self.client.read("EXISTS", key)
