"""The registry: who may talk, who is who, and what people see of it."""

from __future__ import annotations

import json

from tests.store.arrivals import NOW, TerminalsCase, arrival
from tests.store.connected import until
from tfserver.model import Admission, Capacity, Decided, Identity
from tfserver.store import terminals as terminals_module
from tfserver.store.changed import Change
from tfserver.store.refusals import RegistryFull
from tfserver.store.terminals import Terminals

PENDING, APPROVED, DENIED, QUARANTINED = (
    Admission.PENDING,
    Admission.APPROVED,
    Admission.DENIED,
    Admission.QUARANTINED,
)


class AdmissionTests(TerminalsCase):
    """Who may talk."""

    async def test_unknown_waits(self) -> None:
        """An unknown terminal waits for approval, keeps waiting, and holds no lease."""
        terminals = await self.terminals()
        for connection in ("c1", "c2"):
            found = await terminals.register(arrival(), connection)
            self.assertIs(found.admission, PENDING)
        self.assertNotIn("conn", await self.raw())
        self.assertEqual(await self.lost(terminals, ("ZXAB1", "c2")), ["c2"])

    async def test_approved_by_policy(self) -> None:
        """Where the policy approves, an unknown terminal and a waiting one are admitted at once."""
        terminals = await self.terminals()
        await terminals.register(arrival("T2"), "c1")
        for sn in ("T1", "T2"):
            found = await terminals.register(arrival(sn, approve=True), "c2")
            self.assertIs(found.admission, APPROVED)
        self.assertEqual(await self.client.read("ZCARD", "tf:pending"), 0)

    async def test_decided_by_people(self) -> None:
        """An approval admits at the next reg; a denial stands, also under a policy that approves."""
        terminals = await self.terminals()
        await terminals.register(arrival(), "c1")
        self.assertTrue(await terminals.decide("zxab1", APPROVED))
        self.assertIs((await terminals.register(arrival(), "c2")).admission, APPROVED)
        self.assertTrue(await terminals.decide("ZXAB1", DENIED))
        self.assertEqual(await self.lost(terminals, ("ZXAB1", "c2")), ["c2"])
        self.assertIs((await terminals.register(arrival(approve=True), "c3")).admission, DENIED)
        self.assertEqual((await self.raw())["conn"], "c2")

    async def test_decide_unknown(self) -> None:
        """Nobody decides about a terminal that was never seen."""
        terminals = await self.terminals()
        self.assertFalse(await terminals.decide("nobody", APPROVED))
        self.assertIsNone(await terminals.get("nobody"))

    async def test_decision_is_told(self) -> None:
        """Every process hears of a decision and of a change, with the serial number as it is stored."""
        terminals = await self.terminals()
        heard: list[str] = []
        self.client.listen(["tf:wake"], lambda channel, text: heard.append(text))
        await until(lambda: ":1\r\n" in self.store.ask("PUBSUB NUMSUB tf:wake"), "it is subscribed")
        await terminals.register(arrival(), "c1")
        await terminals.decide("zxab1", APPROVED)
        await terminals.change("zxab1", {"site": "Lisbon"})
        await until(lambda: len(heard) == 2, "both arrived")
        self.assertEqual(heard, ["admission ZXAB1", "change ZXAB1"])

    async def test_pending_bound(self) -> None:
        """Beyond the bound an unknown terminal is refused unremembered; known and approved ones are not."""
        terminals = await self.terminals(most_pending=2)
        for sn in ("T1", "T2"):
            await terminals.register(arrival(sn), "c1")
        await self.fails(terminals.register(arrival("T3"), "c1"), RegistryFull)
        self.assertEqual(await self.raw("T3"), {})
        self.assertIs((await terminals.register(arrival("T1"), "c2")).admission, PENDING)
        self.assertIs((await terminals.register(arrival("T4", approve=True), "c2")).admission, APPROVED)
        await terminals.decide("T1", DENIED)
        self.assertIs((await terminals.register(arrival("T3"), "c1")).admission, PENDING)

    async def test_case_of_the_serial_number(self) -> None:
        """Serial numbers are compared without case and outer spaces, and shown as sent."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1", sn="zxab1")
        await self.approved(terminals, "c2", sn=" ZXaB1 ")
        self.assertEqual(len(await terminals.page("", 10)), 1)
        found = await terminals.get("Zxab1")
        assert found is not None
        self.assertEqual(found.sn.strip().upper(), "ZXAB1")
        self.assertTrue(await terminals.release("zxAB1", "c2"))


class PinTests(TerminalsCase):
    """Who is who: the identity a serial number is pinned to."""

    async def told(self, terminals: Terminals, cpusn: str, mac: str) -> Admission:
        """What a device with this identity is told."""
        return (
            await terminals.register(arrival(cpusn=cpusn, mac=mac, approve=True), f"{cpusn}-{mac}")
        ).admission

    async def test_field_learned_later(self) -> None:
        """A field that a firmware tells later is no mismatch, and pinned from then on."""
        terminals = await self.terminals()
        self.assertIs(await self.told(terminals, "c1", ""), APPROVED)
        self.assertIs(await self.told(terminals, "c1", "m1"), APPROVED)
        self.assertIs(await self.told(terminals, "c1", "m2"), QUARANTINED)

    async def test_told_nothing_at_first(self) -> None:
        """Who tells something of a terminal that tells nothing does not keep it out with that."""
        terminals = await self.terminals()
        self.assertIs(await self.told(terminals, "", ""), APPROVED)
        self.assertIs(await self.told(terminals, "c9", "m9"), APPROVED)
        self.assertIs(await self.told(terminals, "", ""), APPROVED)
        self.assertNotIn("cpusn", await self.raw())

    async def test_changed_field(self) -> None:
        """A device that differs in one pinned field is another one."""
        terminals = await self.terminals()
        await self.told(terminals, "c1", "m1")
        for cpusn, mac in (("c2", "m1"), ("c1", "m2"), ("c2", "m2"), ("c2", ""), ("", "m2")):
            self.assertIs(await self.told(terminals, cpusn, mac), QUARANTINED, (cpusn, mac))

    async def test_nothing_told(self) -> None:
        """A device that tells none of the pinned fields is not believed."""
        terminals = await self.terminals()
        await self.told(terminals, "c1", "")
        self.assertIs(await self.told(terminals, "", ""), QUARANTINED)
        self.assertIs(await self.told(terminals, "", "m1"), QUARANTINED)

    async def test_one_of_two(self) -> None:
        """One equal field is enough when the other is not told."""
        terminals = await self.terminals()
        await self.told(terminals, "c1", "m1")
        for cpusn, mac in (("c1", ""), ("", "m1")):
            self.assertIs(await self.told(terminals, cpusn, mac), APPROVED, (cpusn, mac))

    async def test_nothing_pinned(self) -> None:
        """A terminal that never told an identity is admitted by its number alone."""
        terminals = await self.terminals()
        self.assertIs(await self.told(terminals, "", ""), APPROVED)
        self.assertIs(await self.told(terminals, "", ""), APPROVED)

    async def test_mismatch_touches_nothing(self) -> None:
        """A device under a foreign number changes nothing of the one that is running."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1")
        before = await self.raw()
        other = arrival(cpusn="c2", devinfo={"modelname": "evil"}, ahead_ms=99, now_ms=NOW + 9, approve=True)
        self.assertIs((await terminals.register(other, "evil")).admission, QUARANTINED)
        self.assertEqual(await self.raw(), before)
        self.assertEqual(await self.lost(terminals, ("ZXAB1", "c1")), [])

    async def test_claimants(self) -> None:
        """Every claimant is listed once with what it said, the newest last."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1")
        for n, cpusn in enumerate(("c2", "c3", "c2")):
            await terminals.register(arrival(cpusn=cpusn, now_ms=NOW + n, devinfo={"n": n}), "evil")
        found = await terminals.claimants()
        self.assertEqual(
            [(c.sn, c.cpusn, c.last) for c in found], [("ZXAB1", "c3", NOW + 1), ("ZXAB1", "c2", NOW + 2)]
        )
        self.assertEqual((found[1].mac, found[1].address, found[1].devinfo), ("m1", "192.0.2.7", {"n": 2}))

    async def test_claimant_bound(self) -> None:
        """Beyond the bound a new claimant is refused unremembered; those remembered are still told."""
        self.patch(terminals_module, "MOST_CLAIMANTS", 2)
        terminals = await self.terminals()
        await self.approved(terminals, "c1")
        for cpusn in ("c2", "c3"):
            await terminals.register(arrival(cpusn=cpusn), "evil")
        await self.fails(terminals.register(arrival(cpusn="c4"), "evil"), RegistryFull)
        self.assertIs(await self.told(terminals, "c2", "m1"), QUARANTINED)
        self.assertEqual(len(await terminals.claimants()), 2)

    async def test_approval_pins_the_claimant(self) -> None:
        """Approving a number that is claimed pins the device that is meant, and forgets the claims."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1")
        await terminals.register(arrival("T2", approve=True), "c1")
        await terminals.register(arrival("T2", cpusn="c9"), "evil")
        for n, cpusn in enumerate(("c2", "c3")):
            await terminals.register(arrival(cpusn=cpusn, mac="", now_ms=NOW + n), "evil")
        await terminals.decide("ZXAB1", APPROVED, Identity("c3", ""))
        self.assertIs(await self.told(terminals, "c3", ""), APPROVED)
        self.assertIs(await self.told(terminals, "c1", "m1"), QUARANTINED)
        self.assertEqual({c.sn for c in await terminals.claimants()}, {"ZXAB1", "T2"})

    async def test_denial_forgets_claims(self) -> None:
        """Denying a number forgets who claimed it and pins nobody else."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1")
        await terminals.register(arrival(cpusn="c2"), "evil")
        await terminals.decide("ZXAB1", DENIED)
        self.assertEqual(await terminals.claimants(), [])
        self.assertEqual((await self.raw())["cpusn"], "c1")


class ViewTests(TerminalsCase):
    """What people see and set."""

    async def test_page(self) -> None:
        """Terminals come in the order of their numbers, page by page, the same as one by one."""
        terminals = await self.terminals()
        names = [f"T{n:02}" for n in range(10)]
        for sn in reversed(names):
            await terminals.register(arrival(sn, approve=sn < "T05"), "c1")
        found, after = [], ""
        while page := await terminals.page(after, 4):
            found += page
            after = page[-1].sn
        self.assertEqual([terminal.sn for terminal in found], names)
        for terminal in found:
            self.assertEqual(await terminals.get(terminal.sn), terminal)

    async def test_these(self) -> None:
        """Named terminals come in the order of their names, without those that there are not."""
        terminals = await self.terminals()
        for sn in ("A", "B", "C"):
            await terminals.register(arrival(sn, approve=True), "c1")
        found = await terminals.these(["c", "NOSUCH", "A"])
        self.assertEqual([terminal.sn for terminal in found], ["C", "A"])
        self.assertEqual(found[1], await terminals.get("A"))
        self.assertEqual(await terminals.these([]), [])

    async def test_what_is_shown(self) -> None:
        """A fresh terminal shows what it told, its room, and when it was there."""
        terminals = await self.terminals("host-7/ab12")
        told = {"modelname": "é", "usersize": 300, "useduser": 100, "fpsize": 5, "usedfp": 9}
        await self.approved(terminals, "c1", devinfo=told)
        await terminals.beat({})
        found = await terminals.get("ZXAB1")
        assert found is not None
        self.assertEqual(found.devinfo, told)
        self.assertEqual(found.capacity, {"user": Capacity(300, 100, 200), "fp": Capacity(5, 9, 0)})
        self.assertEqual((found.online, found.owner, found.admission), (True, "host-7", APPROVED))
        self.assertEqual(found.connected_at, "2026-03-31T23:33:20.000Z")
        self.assertEqual(found.last_frame, found.connected_at)
        self.assertIsNone(found.last_punch)

    async def test_change_and_settings(self) -> None:
        """What people set is shown, and told to the terminal's process at its reg and later."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1")
        self.assertEqual(await terminals.decided("zxab1"), Decided())
        said = {"site": "São Paulo", "timezone": "America/Sao_Paulo", "model_profile": "x", "name": "0012"}
        await terminals.change("zxab1", {**said, "tags": '["a","b"]'})
        decided = Decided("São Paulo", "America/Sao_Paulo", "x")
        self.assertEqual(await terminals.decided("ZXAB1"), decided)
        found = await terminals.get("ZXAB1")
        assert found is not None
        self.assertEqual((found.site, found.timezone, found.model_profile, found.name), tuple(said.values()))
        self.assertEqual(found.tags, ["a", "b"])
        again = await self.approved(terminals, "c2")
        self.assertEqual((again.site, again.timezone, again.model_profile), tuple(said.values())[:3])

    async def test_what_changed(self) -> None:
        """What it says otherwise than before is kept, the last twenty, the newest first; what it leaves out
        is no change, and neither is what it says for the first time."""
        terminals = await self.terminals()
        for place, said in enumerate(
            ({}, {"mac": "m1"}, {"mac": "m1", "firmware": "1"}, {"firmware": "2"}, {"firmware": "2"}, {})
        ):
            says = json.dumps(said).encode() if said else b""
            await self.approved(terminals, "c1", says=says, now_ms=NOW + place)
        self.assertEqual(await terminals.changes("ZXAB1"), [Change(NOW + 3, "firmware", "1", "2")])
        for number in range(3, 30):
            says = json.dumps({"firmware": str(number), "modelname": "TM20"}).encode()
            await self.approved(terminals, "c1", says=says, now_ms=NOW + number)
        found = await terminals.changes("zxab1")
        self.assertEqual((len(found), found[0]), (20, Change(NOW + 29, "firmware", "28", "29")))
        self.assertEqual(await terminals.changes("other"), [])

    async def test_heard(self) -> None:
        """The last frame is the newest that any process told of."""
        one, other = await self.terminals("one/1"), await self.terminals("two/1")
        await self.approved(one, "c1")
        await one.beat({"zxab1": NOW + 5000})
        await other.beat({"ZXAB1": NOW + 2000})
        for terminal in (await one.get("ZXAB1"), *(await one.page("", 10))):
            assert terminal is not None
            self.assertEqual(terminal.last_frame, "2026-03-31T23:33:25.000Z")
