"""What one process asks of the registry in one turn: one call, in order, one mistake for itself."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from tests.store.arrivals import NOW, TerminalsCase, arrival
from tfserver.errors import ScriptFailed, StoreUnavailable
from tfserver.model import Admission, ClockEntry, Identity, Registration
from tfserver.store.refusals import Undecided
from tfserver.store.terminals import Terminals
from tfserver.store.turn import MOST_A_CALL

CLOCK = (ClockEntry(0, 3600, 6000),)


class RegistryCase(TerminalsCase):
    """Registrations by the hundred."""

    def registering(
        self, terminals: Terminals, sn: str, connection: str, **more: Any
    ) -> Deferred[Registration]:
        """A registration under way."""
        claim = arrival(sn, approve=True, **more)
        return Deferred.fromCoroutine(terminals.register(claim, connection))

    async def counted(self) -> Terminals:
        """A registry whose script the server has run before, and counters at zero."""
        terminals = await self.terminals()
        await terminals.release("NOBODY", "c0")
        await self.client.write("CONFIG", "RESETSTAT")
        return terminals


class SharedTests(RegistryCase):
    """How many calls it takes."""

    async def test_one_turn_one_call(self) -> None:
        """Registrations, clocks and releases of one turn share one call of the script."""
        terminals = await self.counted()
        claims = [self.registering(terminals, f"T{n}", f"c{n}") for n in range(MOST_A_CALL - 20)]
        clocks = [Deferred.fromCoroutine(terminals.set_clock(f"T{n}", CLOCK, None)) for n in range(10)]
        given_back = [Deferred.fromCoroutine(terminals.release(f"T{n}", f"c{n}")) for n in range(10)]
        found = await gatherResults(claims)
        self.assertEqual({one.admission for one in found}, {Admission.APPROVED})
        await gatherResults(clocks)
        self.assertEqual(await gatherResults(given_back), [True] * 10)
        self.assertEqual(await self.calls(self.client, "evalsha"), 1)
        first = await self.raw("T0")
        self.assertEqual((first["clock"], "conn" in first), ("[[0,3600,6000]]", False))
        self.assertEqual((await self.raw("T10"))["conn"], "c10")

    async def test_bounded(self) -> None:
        """A flood goes in several calls, none of them too large, and all are admitted."""
        terminals = await self.counted()
        claims = [self.registering(terminals, f"T{n}", f"c{n}") for n in range(MOST_A_CALL * 3 + 1)]
        await gatherResults(claims)
        self.assertEqual(await self.calls(self.client, "evalsha"), 4)
        self.assertEqual(await self.client.read("ZCARD", "tf:terminals"), MOST_A_CALL * 3 + 1)

    async def test_few_commands(self) -> None:
        """A terminal that comes again costs few commands: its hash, whether orders wait, event and news."""
        terminals = await self.counted()
        for connection in ("c1", "c2"):
            await gatherResults([self.registering(terminals, f"T{n}", connection) for n in range(10)])
            await gatherResults(
                [Deferred.fromCoroutine(terminals.release(f"T{n}", connection)) for n in range(10)]
            )
            await self.client.write("CONFIG", "RESETSTAT")
        await gatherResults([self.registering(terminals, f"T{n}", "c3") for n in range(10)])
        stats = await self.client.read("INFO", "commandstats")
        ran = {line.partition(":")[0].removeprefix("cmdstat_") for line in stats.splitlines()[1:]}
        self.assertEqual(ran - {"evalsha", "info", "config|resetstat"}, {"hmget", "hset", "exists", "xadd"})
        for name, calls in (("hmget", 10), ("hset", 10), ("exists", 10), ("xadd", 20)):
            self.assertEqual(await self.calls(self.client, name), calls, name)


class OrderTests(RegistryCase):
    """In the order it was asked."""

    async def test_newest_of_a_turn(self) -> None:
        """Of several connections of one terminal in one turn the last one has the lease."""
        terminals = await self.terminals()
        await gatherResults([self.registering(terminals, "T1", f"c{n}") for n in range(5)])
        self.assertEqual((await self.raw("T1"))["conn"], "c4")

    async def test_released_and_registered_again(self) -> None:
        """A connection that gives its lease back and registers again in one turn has it."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1")
        given_back = Deferred.fromCoroutine(terminals.release("ZXAB1", "c1"))
        again = self.registering(terminals, "ZXAB1", "c1")
        await gatherResults([given_back, again])
        self.assertEqual((await self.raw())["conn"], "c1")

    async def test_registered_and_gone(self) -> None:
        """A connection that registers and ends in one turn holds nothing afterwards."""
        terminals = await self.terminals()
        claim = self.registering(terminals, "ZXAB1", "c1")
        given_back = Deferred.fromCoroutine(terminals.release("ZXAB1", "c1"))
        self.assertEqual((await gatherResults([claim, given_back]))[1], True)
        self.assertNotIn("conn", await self.raw())


class PoisonTests(RegistryCase):
    """What the script can't do."""

    async def test_fails_alone(self) -> None:
        """One terminal whose entry is broken is refused; the others of its turn are admitted."""
        terminals = await self.counted()
        await self.client.write("SET", "tf:terminal:T2", "not a hash")
        claims = [self.registering(terminals, f"T{n}", f"c{n}") for n in range(5)]
        poisoned = claims.pop(2)
        self.assertIn("WRONGTYPE", await self.fails(poisoned, ScriptFailed))
        await gatherResults(claims)
        held = [(await self.raw(f"T{n}"))["conn"] for n in (0, 1, 3, 4)]
        self.assertEqual(held, ["c0", "c1", "c3", "c4"])

    async def test_full_store(self) -> None:
        """A store without room admits nobody and is not ready, but still takes leases back."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1")
        await self.client.write("CONFIG", "SET", "maxmemory", 1)
        claim = self.registering(terminals, "T2", "c2")
        given_back = Deferred.fromCoroutine(terminals.release("ZXAB1", "c1"))
        await self.fails(claim, StoreUnavailable)
        self.assertTrue(await given_back)
        self.assertFalse(self.client.ready)

    async def test_odd_claimant(self) -> None:
        """A claimant is kept as it told, whatever it told."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1")
        told = {'a"b\\': "/张\n\x7f", "list": [1, {"x": None}], "big": 2**60, "float": 1.5}
        odd = 'c"2\\é\x01'
        claim = await terminals.register(arrival(cpusn=odd, mac="/m", devinfo=told, now_ms=NOW), "evil")
        self.assertIs(claim.admission, Admission.QUARANTINED)
        [found] = await terminals.claimants()
        self.assertEqual((found.sn, found.cpusn, found.mac, found.last), ("ZXAB1", odd, "/m", NOW))
        self.assertEqual((found.address, found.devinfo), ("192.0.2.7", told))


class DeviceTests(RegistryCase):
    """Approving one of the devices that claim a terminal."""

    async def claimed(self, *names: str) -> Terminals:
        """A terminal that is approved, and devices with these ``cpusn`` that claim it."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1")
        for number, name in enumerate(names):
            at = NOW + number
            await terminals.register(arrival(cpusn=name, mac="/m", now_ms=at), f"of {name}")
        return terminals

    async def test_the_only_one(self) -> None:
        """Of one device nobody has to say which."""
        terminals = await self.claimed("new")
        self.assertTrue(await terminals.decide("ZXAB1", Admission.APPROVED))
        self.assertEqual((await self.raw())["cpusn"], "new")

    async def test_several(self) -> None:
        """Of several it has to be said; the one that claimed last need not be it. Else nothing changes."""
        terminals = await self.claimed("new", "strange")
        await self.fails(terminals.decide("ZXAB1", Admission.APPROVED), Undecided)
        raw = await self.raw()
        self.assertEqual((raw["cpusn"], raw["conn"]), ("c1", "c1"))
        self.assertEqual(len(await terminals.claimants()), 2)
        gone = Identity("new", "another")
        await self.fails(terminals.decide("ZXAB1", Admission.APPROVED, gone), Undecided)
        self.assertTrue(await terminals.decide("ZXAB1", Admission.APPROVED, Identity("new", "/m")))
        raw = await self.raw()
        self.assertEqual((raw["cpusn"], raw["mac"]), ("new", "/m"))
        self.assertNotIn("conn", raw, "the device that is no longer meant loses its lease")
        self.assertEqual(await terminals.claimants(), [])

    async def test_denied(self) -> None:
        """A terminal is denied whoever claims it."""
        terminals = await self.claimed("new", "strange")
        self.assertTrue(await terminals.decide("ZXAB1", Admission.DENIED))
        self.assertEqual((await self.raw())["cpusn"], "c1")


class FirstClockTests(RegistryCase):
    """A clock of which nothing is known is set with the registration (design §3.4)."""

    async def test_kept_at_once(self) -> None:
        """The arrival's own clock is kept by the same call and comes back as the same object."""
        terminals = await self.counted()
        first = await self.registering(terminals, "T1", "c1", clock=CLOCK, echo=3600)
        self.assertIs(first.clock, CLOCK)
        self.assertEqual(first.echo, 3600)
        self.assertEqual(await self.calls(self.client, "evalsha"), 1)
        kept = await self.raw("T1")
        self.assertEqual((kept["clock"], kept["echo"]), ("[[0,3600,6000]]", "3600"))
        again = await self.registering(terminals, "T1", "c2", clock=CLOCK, echo=3600)
        self.assertEqual((again.clock, again.echo), (CLOCK, 3600))
        self.assertIsNot(again.clock, CLOCK)

    async def test_known_clock(self) -> None:
        """A clock that is known already is told, not replaced, also when only an offset was brought along."""
        terminals = await self.terminals()
        known = (ClockEntry(0, 0), ClockEntry(NOW, 7200))
        await self.registering(terminals, "T1", "c0")
        await terminals.set_clock("T1", known, None)
        found = await self.registering(terminals, "T1", "c1", clock=CLOCK, echo=3600)
        self.assertEqual((found.clock, found.echo), (known, None))
        self.assertNotIn("echo", await self.raw("T1"))

    async def test_confirmed_zone(self) -> None:
        """Where people gave a zone, what the arrival proposes for none is not kept."""
        terminals = await self.terminals()
        await self.client.write("HSET", "tf:terminal:T1", "timezone", "Asia/Tokyo")
        found = await self.registering(terminals, "T1", "c1", clock=CLOCK, echo=3600)
        self.assertEqual((found.clock, found.echo, found.timezone), ((), None, "Asia/Tokyo"))
        self.assertNotIn("clock", await self.raw("T1"))

    async def test_not_admitted(self) -> None:
        """A terminal that waits for approval gets no clock."""
        terminals = await self.terminals()
        await terminals.register(arrival("T1", clock=CLOCK, echo=3600), "c1")
        self.assertNotIn("clock", await self.raw("T1"))
