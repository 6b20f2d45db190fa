"""Two devices under one serial number: known from one whose link breaks, alarmed, and held."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.store.arrivals import NOW, arrival
from tests.store.connected import until
from tests.store.test_news import NewsCase
from tfserver.model import Admission
from tfserver.store.refusals import LeaseHeld
from tfserver.store.terminals import Terminals

HERE, THERE, ELSEWHERE = "192.0.2.7", "192.0.2.8", "198.51.100.9"


class TwinCase(NewsCase):
    """Devices that claim one number from several addresses."""

    async def twins(self, **more: Any) -> Terminals:
        """A registry whose process lives, with one terminal online at HERE."""
        self.number = 0
        self.at_s = 0.0
        terminals = await self.terminals(**more)
        await terminals.beat({})
        self.assertEqual(await self.claim(terminals, HERE), "")
        await self.client.write("DEL", "tf:news")
        return terminals

    async def claim(self, terminals: Terminals, address: str, after_s: float = 3, **more: Any) -> str:
        """Somebody claims the number over a new connection; empty when it is admitted, else who holds it."""
        self.number += 1
        self.at_s += after_s
        told = {"approve": True, "now_ms": NOW + round(1000 * self.at_s), **more}
        try:
            await terminals.register(arrival(address=address, **told), f"d{self.number}")
        except LeaseHeld as held:
            self.refusal = held
            return held.holder
        return ""

    async def claims(self, terminals: Terminals, *addresses: str, after_s: float = 3) -> list[str]:
        """Several of them, one after another."""
        return [await self.claim(terminals, address, after_s) for address in addresses]

    async def holder(self) -> str:
        """The connection that has the lease."""
        return (await self.raw())["conn"]


class DetectionTests(TwinCase):
    """Who is a twin."""

    async def test_twins(self) -> None:
        """Who comes back twice from where it was evicted is kept out, and that is told once."""
        terminals = await self.twins()
        self.assertEqual(await self.claims(terminals, THERE, HERE, THERE, THERE), ["", "", HERE, HERE])
        self.assertEqual(await self.holder(), "d3")
        [told] = await self.news()
        self.assertEqual(
            told,
            {"event": "twins", "sn": "ZXAB1", "site": "", "sources": [HERE, THERE], "seconds": 60},
        )

    async def test_first_refusal(self) -> None:
        """Only the first refusal is news, and each says for how long."""
        terminals = await self.twins()
        await self.claims(terminals, THERE, HERE, THERE)
        first = self.refusal
        await self.claim(terminals, THERE)
        found = [(each.is_new, each.seconds) for each in (first, self.refusal)]
        self.assertEqual(found, [(True, 60), (False, 57)])

    async def test_flapping(self) -> None:
        """One whose link breaks without a word comes again at once, however often."""
        terminals = await self.twins()
        self.assertEqual(await self.claims(terminals, *[HERE] * 20, after_s=1), [""] * 20)
        self.assertEqual(await self.events(), [])

    async def test_moving(self) -> None:
        """One that gets another address each time is no twin."""
        terminals = await self.twins()
        moving = [f"198.51.100.{n}" for n in range(20)]
        self.assertEqual(await self.claims(terminals, *moving), [""] * 20)
        self.assertEqual(await self.events(), [])

    async def test_slow(self) -> None:
        """One that goes to and fro between two networks now and then is no twin."""
        terminals = await self.twins()
        self.assertEqual(await self.claims(terminals, *[THERE, HERE] * 4, after_s=40), [""] * 8)

    async def test_farewell(self) -> None:
        """Who comes when the other has gone takes nothing from it."""
        terminals = await self.twins()
        for address in (THERE, HERE) * 4:
            await terminals.release("ZXAB1", await self.holder())
            self.assertEqual(await self.claim(terminals, address), "")

    async def test_other_identity(self) -> None:
        """Two at one address are told apart by what they say of themselves."""
        terminals = await self.twins()

        async def bare() -> str:
            """One of which only the mac is known."""
            return await self.claim(terminals, HERE, cpusn="")

        found = [await bare(), await self.claim(terminals, HERE), await bare()]
        self.assertEqual(found, ["", "", HERE])

    async def test_three(self) -> None:
        """Three devices are no better than two."""
        terminals = await self.twins()
        found = await self.claims(terminals, THERE, ELSEWHERE, HERE, THERE, ELSEWHERE)
        self.assertEqual(found, ["", "", "", HERE, HERE])

    async def test_at_home(self) -> None:
        """Who was connected for long is never kept out by devices that come in turns from elsewhere."""
        terminals = await self.twins()
        self.assertEqual(await self.claim(terminals, THERE, after_s=601), "")
        for _ in range(3):
            self.assertEqual(await self.claim(terminals, HERE), "")
            found = await self.claims(terminals, ELSEWHERE, THERE, after_s=1)
        self.assertEqual(found, [HERE, HERE], "and in the end they are")
        self.assertEqual(await self.claim(terminals, HERE), "")

    async def test_moved(self) -> None:
        """One that moves for good is at home there after a while."""
        terminals = await self.twins()
        await self.claim(terminals, THERE, after_s=601)
        await self.claim(terminals, ELSEWHERE, after_s=601)
        self.assertEqual((await self.raw())["home"], THERE)

    async def test_processes(self) -> None:
        """It counts together what comes to different processes."""
        one = await self.twins()
        other = Terminals(self.client, one._settings, "two/1")
        await other.beat({})
        found = [await self.claim(*each) for each in ((other, THERE), (one, HERE), (other, THERE))]
        self.assertEqual(found, ["", "", HERE])

    async def test_not_approved(self) -> None:
        """A device that is in quarantine takes nobody's connection and is no twin."""
        terminals = await self.twins()
        for number in range(8):
            stranger = arrival(address=THERE, cpusn="other", mac="other", now_ms=NOW + number)
            found = await terminals.register(stranger, f"q{number}")
            self.assertIs(found.admission, Admission.QUARANTINED)
        self.assertEqual((await self.events(), await self.holder()), ([], "d1"))


class HoldTests(TwinCase):
    """How long, and for whom."""

    async def held(self, **more: Any) -> Terminals:
        """HERE has just been given the number for a while."""
        terminals = await self.twins(**more)
        self.assertEqual(await self.claims(terminals, THERE, HERE, THERE), ["", "", HERE])
        return terminals

    async def test_nothing_is_changed(self) -> None:
        """A claim that is held is not admitted: it changes nothing of the terminal."""
        terminals = await self.held()
        before = await self.raw()
        self.assertEqual(await self.claim(terminals, THERE, devinfo={"modelname": "other"}), HERE)
        self.assertEqual(await self.raw(), before)

    async def test_holder_comes_again(self) -> None:
        """The one that is heard may come over a new connection at any time."""
        terminals = await self.held()
        self.assertEqual(await self.claims(terminals, HERE, THERE, HERE), ["", HERE, ""])

    async def test_holder_gone(self) -> None:
        """When its connection ends, the other comes in at once, and is the one that is heard then."""
        terminals = await self.held()
        await terminals.release("ZXAB1", await self.holder())
        self.assertEqual(await self.claims(terminals, THERE, HERE), ["", THERE])

    async def test_process_gone(self) -> None:
        """A connection whose process is dead keeps nobody out."""
        terminals = await self.held()
        await self.client.write("DEL", "tf:alive:one/1")
        self.assertEqual(await self.claim(terminals, THERE), "")

    async def test_in_turns(self) -> None:
        """Each time the while is over the other has its turn, for twice as long, up to an hour."""
        terminals = await self.held()
        lasts = []
        for turn in range(8):
            waits, was = ((THERE, HERE), (HERE, THERE))[turn % 2]
            lasts.append(self.held_for())
            self.at_s += lasts[-1]
            self.assertEqual(await self.claims(terminals, waits, was, after_s=1), ["", waits])
        self.assertEqual(lasts, [60, 120, 240, 480, 960, 1920, 3600, 3600])
        self.assertEqual(await self.events(), ["twins"] * 9)

    def held_for(self) -> int:
        """Seconds that the last refusal named."""
        return self.refusal.seconds

    async def test_over(self) -> None:
        """When it did not go on for as long as they were held, it begins from the start."""
        terminals = await self.held()
        self.at_s += 120
        found = await self.claims(terminals, THERE, HERE, THERE)
        self.assertEqual(found, ["", "", HERE])
        self.assertEqual(self.held_for(), 60)

    async def test_setting(self) -> None:
        """The first while is ``admission.twins_seconds``."""
        await self.held(twins_seconds=7)
        self.assertEqual(self.held_for(), 7)

    async def test_wakes_the_holder(self) -> None:
        """The process that has the connection is told each time that somebody else asks for it; and all are
        told when the number is free."""
        heard: list[str] = []
        terminals = await self.twins()
        self.client.listen(["tf:wake:one/1", "tf:wake"], lambda _, text: heard.append(text))
        await until(lambda: ":1\r\n" in self.store.ask("PUBSUB NUMSUB tf:wake"), "it is subscribed")
        await self.claims(terminals, THERE, HERE, THERE, THERE)
        await terminals.release("ZXAB1", await self.holder())
        await until(lambda: "again ZXAB1" in heard, "the last wake-up arrived")
        self.assertEqual([text for text in heard if text != "lease"], ["held ZXAB1"] * 2 + ["again ZXAB1"])

    async def test_no_wake_up_without_twins(self) -> None:
        """A terminal without a twin goes without a word to everybody."""
        terminals = await self.twins()
        await self.client.write("CONFIG", "RESETSTAT")
        await terminals.release("ZXAB1", await self.holder())
        self.assertEqual(await self.calls(self.client, "publish"), 0)


class ShownTests(TwinCase):
    """What people see."""

    async def test_shown(self) -> None:
        """A terminal shows its twins until they are forgotten."""
        terminals = await self.twins()
        ahead = self.client.reactor.seconds() - NOW / 1000
        self.at_s = ahead
        await self.claims(terminals, THERE, HERE, THERE, after_s=0)
        found = await terminals.get("ZXAB1")
        assert found is not None and found.twins is not None
        self.assertEqual((found.twins.sources, found.twins.seconds), ([HERE, THERE], 60))
        self.assertGreater(datetime.fromisoformat(found.twins.until).timestamp(), NOW / 1000 + ahead)
        self.assertEqual((await terminals.page("", 10))[0].twins, found.twins)

    async def test_forgotten(self) -> None:
        """What was long ago is not shown any more."""
        terminals = await self.twins()
        await self.claims(terminals, THERE, HERE, THERE)
        self.assertIn("twins", await self.raw())
        found = await terminals.get("ZXAB1")
        assert found is not None
        self.assertIsNone(found.twins)


class ApprovedClaimantTests(TwinCase):
    """Somebody approves the device in quarantine: the other loses the pin."""

    async def approve(self, cpusn: str) -> Terminals:
        """A claimant with this identity is approved while the pinned device is online."""
        terminals = await self.twins()
        if cpusn:
            await terminals.register(arrival(address=THERE, cpusn=cpusn, mac="m2"), "q1")
        self.assertTrue(await terminals.decide("ZXAB1", Admission.APPROVED))
        return terminals

    async def test_lease_ends(self) -> None:
        """Its lease ends at once: it is offline, its process learns of it, and what it does is in vain."""
        terminals = await self.approve("other")
        found = await terminals.get("ZXAB1")
        assert found is not None
        self.assertEqual((found.online, await self.events()), (False, ["down"]))
        self.assertEqual([lease.connection for lease in (await terminals.losses()).leases], ["d1"])
        self.assertFalse(await terminals.release("ZXAB1", "d1"))

    async def test_claimant_comes(self) -> None:
        """The approved one comes in, and the one that lost the pin is in quarantine."""
        terminals = await self.approve("other")
        newer = arrival(address=THERE, cpusn="other", mac="m2", now_ms=NOW + 9000)
        self.assertIs((await terminals.register(newer, "d9")).admission, Admission.APPROVED)
        older = await terminals.register(arrival(now_ms=NOW + 9000), "d10")
        self.assertIs(older.admission, Admission.QUARANTINED)
        self.assertEqual(await self.holder(), "d9")

    async def test_without_a_claimant(self) -> None:
        """Approving a terminal that nobody else claims takes nothing from it."""
        await self.approve("")
        self.assertEqual((await self.events(), await self.holder()), ([], "d1"))
