"""What nobody knows after an order without an answer is not believed: the next plan puts it right."""

from __future__ import annotations

from typing import Any

from tests.test_room_for_orders import REFUSED, SN, UNKNOWN, RoomCase
from tfserver.commander import Wanted
from tfserver.locks import DOUBTFUL
from tfserver.people.desired import Wanted as Meant
from tfserver.people.differing import Difference, difference_of
from tfserver.people.fitting import Target
from tfserver.people.planning import plan_for
from tfserver.person import UNSURE, Credential, Held, HeldPerson, Made, Person, Proof
from tfserver.plan import Lock, Options, digest_of
from tfserver.store.outbox import Outcome

NIGHT = Lock(weekzone=2)
MEANT = Meant(Person(enrollid=7, name="Ina"), (Credential(11, "v1", Made()),), (), NIGHT)


class UnsureCase(RoomCase):
    """A terminal that has somebody as it is to be."""

    async def prepare(self) -> None:
        """All that is needed."""
        await super().prepare()
        await self.is_right()

    async def is_right(self) -> None:
        """Its card, its name and its lock are as they are to be."""
        person = HeldPerson(ours=True, name="Ina", admin=0, lock=digest_of(NIGHT))
        await self.holdings.told(SN, 7, 11, Held(Proof.ACCEPTED, "v1", 5), person)
        await self.holdings.listed(SN, [(7, 11, 0)], 4)
        self.assertEqual(await self.planned(), [])

    async def planned(self) -> list[str]:
        """What the next plan does."""
        found = plan_for(Target(SN), await self.holdings.of(SN), {7: MEANT}, Options(verify="list"))
        self.assertEqual(found.refusals, ())
        return [item.op.value for item in found.items]

    async def unanswered(self, cmd: str, fields: dict[str, Any], last: Outcome = UNKNOWN) -> None:
        """Somebody orders this, and what came of it is not learned."""
        wanted = Wanted(SN, cmd, fields, "token 1", True, confirm=SN)
        order = await self.commander.order(wanted)
        while await self.state(order.id) in ("queued", "sent"):
            await self.ends(order, UNKNOWN if await self.attempts(order.id) < 1 else last)
            await self.passes(1000, order.id)

    async def attempts(self, order_id: str) -> int:
        """How often it was said."""
        found = await self.box.get(order_id)
        assert found is not None
        return found.attempts


class UnsureTests(UnsureCase):
    """Command by command."""

    async def test_credential(self) -> None:
        """Another card may be there: the right one is put again, with the name."""
        await self.prepare()
        await self.unanswered("setuserinfo", {"enrollid": 7, "backupnum": 11, "name": "X", "record": 8})
        holding = await self.holdings.of(SN)
        self.assertEqual(holding.credentials[7, 11], Held(Proof.LISTED, UNSURE, 5))
        self.assertIsNone(holding.people[7].name)
        self.assertEqual(await self.planned(), ["credential"])
        shown = difference_of(Target(SN), 7, MEANT, holding.people[7], {11: holding.credentials[7, 11]})
        self.assertEqual(shown.credentials[0].state, Difference.UNREAD)
        await self.holdings.told(SN, 7, 11, Held(Proof.READ, "v1", 9), HeldPerson(name="Ina"))
        self.assertEqual(await self.planned(), [])

    async def test_refused_at_last(self) -> None:
        """What is refused when it is said again may have been done before."""
        await self.prepare()
        fields = {"enrollid": 7, "backupnum": 11, "name": "X", "record": 8}
        await self.unanswered("setuserinfo", fields, REFUSED)
        self.assertEqual(await self.planned(), ["credential"])

    async def test_lock(self) -> None:
        """Nobody knows when it may pass: it is told."""
        await self.prepare()
        for cmd, fields in (
            ("setuserlock", {"record": [{"enrollid": 7, "weekzone": 1}]}),
            ("deleteuserlock", {"enrollid": 7}),
            ("cleanuserlock", {}),
        ):
            await self.unanswered(cmd, fields)
            self.assertEqual((await self.holdings.of(SN)).people[7].lock, DOUBTFUL, cmd)
            self.assertEqual(await self.planned(), ["lock"], cmd)
            await self.is_right()

    async def test_name(self) -> None:
        """Nobody knows how somebody whom we put there is called: it is told."""
        await self.prepare()
        await self.unanswered("setusername", {"record": [{"enrollid": 7, "name": "X"}]})
        self.assertEqual(await self.planned(), ["name"])

    async def test_deleted(self) -> None:
        """What may be gone is put again, and the lock that may have gone with it."""
        await self.prepare()
        for backupnum in (11, 13):
            await self.unanswered("deleteuser", {"enrollid": 7, "backupnum": backupnum})
            self.assertEqual(await self.planned(), ["credential", "lock"], backupnum)
            await self.is_right()

    async def test_all(self) -> None:
        """When everybody may be gone its list is read before anything is planned."""
        await self.prepare()
        await self.unanswered("cleanuser", {})
        self.assertIsNone((await self.holdings.of(SN)).reading)

    async def test_known(self) -> None:
        """An order that was refused at once, taken back, or is of somebody else leaves nothing unsure."""
        await self.prepare()
        order = await self.commander.order(Wanted(SN, "deleteuserlock", {"enrollid": 7}, "token 1", True))
        await self.ends(order, REFUSED)
        order = await self.commander.order(Wanted(SN, "deleteuserlock", {"enrollid": 7}, "token 1", True))
        await self.commander.cancel(order.id, "token 1")
        await self.unanswered("deleteuserlock", {"enrollid": 70})
        await self.unanswered("deleteuser", {"enrollid": 7, "backupnum": 0})
        self.assertEqual(await self.planned(), [])
