"""Terminals of continuous groups come to be as they are to be by themselves."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from tests.people.applied import SN, AppliedCase
from tests.people.boxes import Box
from tests.people.carried_worlds import SETTINGS
from tfserver.people import converging
from tfserver.people.converging import ACTOR, ALL, KIND, LOOK_AGAIN_SECONDS, Converging
from tfserver.person import Group
from tfserver.plan import PlanState
from tfserver.store.errands import Errands
from tfserver.store.people.turns import Turns


class ConvergingTests(AppliedCase):
    """One terminal, and one group that is continuous."""

    def setUp(self) -> None:
        super().setUp()
        world = self.world
        client: Any = world.client
        self.errands = Errands(client, KIND)
        turns = Turns(client, "terminals")
        self.converging = Converging(world.means, world.planner, world.applying, self.errands, turns)
        self.done(world.groups.put(Group(name="all", everywhere=True, continuous=True)))

    def due(self) -> list[str]:
        """Errands there are; none of them from now on."""
        key = self.world.client.keys.errands(KIND)
        found: list[str] = self.world.client.call("ZRANGE", key, 0, -1)
        self.world.client.call("DEL", key)
        return found

    def look_over(self) -> list[str]:
        """All terminals are looked over; at which something is to be done."""
        self.assertEqual(self.done(self.converging.do(ALL)), SETTINGS.converge_seconds)
        return self.due()

    def see_to(self) -> Any:
        """The terminal is seen to; when again."""
        return self.done(self.converging.do(SN))

    def plans(self) -> list[str]:
        """The plans there are, the newest first."""
        found, _ = self.done(self.world.plans.listing(100, ""))
        return [plan.id for plan in found]

    def carried_out(self) -> None:
        """The newest plan is carried out."""
        self.world.settle(self.plans()[0], self.random)

    def lie(self) -> Box:
        """The terminal says true to everything about person 1, and a plan was carried out in vain."""
        box = self.box()
        box.forgets = {1}
        self.enter(1)
        self.assertEqual(self.look_over(), [SN])
        self.see_to()
        self.carried_out()
        return box

    def test_converges(self) -> None:
        """Where something is to be done a plan is made and begun; afterwards there is nothing to do."""
        box = self.box()
        self.enter(1, 2)
        self.assertEqual(self.look_over(), [SN])
        self.assertEqual(self.see_to(), LOOK_AGAIN_SECONDS)
        (plan,) = [self.done(self.world.plans.get(one)) for one in self.plans()]
        self.assertEqual((plan.state, plan.begun_by), (PlanState.APPLYING, ACTOR))
        self.carried_out()
        self.assertEqual(sorted(box.people), [1, 2])
        self.assertIsNone(self.see_to())
        self.assertEqual((self.look_over(), len(self.plans())), ([], 1))

    def test_not_continuous(self) -> None:
        """Groups that are not continuous wait for somebody to apply a plan; a terminal that none chooses any
        more is forgotten."""
        self.box()
        self.enter(1)
        self.done(self.world.groups.put(Group(name="all", everywhere=True)))
        self.assertEqual((self.look_over(), self.see_to(), self.plans()), ([], None, []))

    def test_one_plan(self) -> None:
        """While a plan for the terminal is open no other is made."""
        self.box()
        self.enter(1)
        self.see_to()
        self.enter(2)
        self.assertEqual(self.see_to(), LOOK_AGAIN_SECONDS)
        self.assertEqual(len(self.plans()), 1)

    def test_killed_before_the_beginning(self) -> None:
        """A plan that was made by a process which died then is begun by the next."""
        self.box()
        self.enter(1)
        self.world.applying.begin = self._dies  # type: ignore[method-assign]
        with self.assertRaises(SystemError):
            self.see_to()
        del self.world.applying.begin
        self.see_to()
        self.assertEqual([self.world.state(one) for one in self.plans()], [PlanState.APPLYING])

    async def _dies(self, plan_id: str, actor: str) -> Any:
        raise SystemError("killed")

    def test_in_vain(self) -> None:
        """What a terminal did not keep is not tried again and again."""
        self.lie()
        self.assertEqual((self.look_over(), self.see_to(), len(self.plans())), ([], None, 1))

    def test_in_vain_and_more(self) -> None:
        """As soon as something else is to be done there all is tried."""
        box = self.lie()
        self.enter(2)
        self.assertEqual(self.look_over(), [SN])
        self.see_to()
        self.carried_out()
        self.assertEqual((list(box.people), len(self.plans())), ([2], 1))

    def test_in_vain_long_ago(self) -> None:
        """When the list is old it is read again, and then all is tried once more."""
        box = self.lie()
        box.forgets = set()
        # plans are dated by the store, whose clock a test can't move
        self.world.clock.advance(3600 * 24 * 36500)
        self.assertEqual(self.look_over(), [SN])
        reads = len(self.orders("getuserlist"))
        self.running = self.begin_seeing()
        self.obey_all()
        self.assertEqual(len(self.orders("getuserlist")), reads + 1)
        self.carried_out()
        self.assertEqual(list(box.people), [1])

    def begin_seeing(self) -> Any:
        """The terminal is seen to, as far as that goes without it."""
        return Deferred.fromCoroutine(self.converging.do(SN))

    def test_offline(self) -> None:
        """Nothing is planned for a terminal that is not there; it is seen to as soon as it is."""
        box = self.box()
        self.enter(1)
        self.world.leave(box)
        self.done(self.errands.add(SN))
        self.assertGreater(self.see_to(), 60)
        key = self.world.client.keys.terminal(SN)
        self.assertEqual(self.world.client.call("HGET", key, "awaited"), f"{KIND} {SN}")
        self.assertEqual(self.plans(), [])

    def test_never_read(self) -> None:
        """A terminal of which no list was read is read first."""
        box = self.box()
        self.world.client.call("HDEL", self.world.client.keys.holds(SN), "reading")
        self.assertEqual(self.look_over(), [SN])
        self.enter(1)
        self.begin_seeing()
        self.obey_all()
        self.carried_out()
        self.assertEqual(list(box.people), [1])

    def test_denied(self) -> None:
        """A terminal that is not approved is left alone."""
        self.box()
        self.enter(1)
        self.world.client.call("HSET", self.world.client.keys.terminal(SN), "admission", "denied")
        self.assertEqual((self.look_over(), self.see_to(), self.plans()), ([], None, []))

    def test_touched(self) -> None:
        """A change is looked at soon, once for many."""
        for _ in range(3):
            self.done(self.converging.touch())
        self.assertEqual(self.due(), [ALL])

    def test_rests(self) -> None:
        """However often something changes, a look over everything takes a fifth of the time at most."""
        clock = self.world.clock

        async def looks() -> None:
            """It takes long."""
            clock.advance(1000)

        self.patch(self.converging, "_look_over", looks)
        self.assertEqual(self.done(self.converging.do(ALL)), 4000)
        clock.advance(3990)
        self.assertEqual(self.done(self.converging.do(ALL)), 10)
        clock.advance(10)
        self.assertEqual(self.done(self.converging.do(ALL)), 4000)

    def test_one_plan_is_kept(self) -> None:
        """A terminal's plan before goes with the next one: those of many terminals push out nobody's."""
        self.box()
        for enrollid in (1, 2):
            self.enter(enrollid)
            self.look_over()
            self.see_to()
            self.carried_out()
        [kept] = self.plans()
        self.assertEqual(self.done(self.world.plans.get(kept)).state, PlanState.DONE)

    def test_one_after_another(self) -> None:
        """However many terminals are seen to, one is compared at a time; who gives up waiting holds up no
        other."""
        self.box()
        read, reading = converging.company, list[Deferred[None]]()

        async def slow(*asked: Any) -> Any:
            """The people, when the store has answered."""
            reading.append(Deferred())
            await reading[-1]
            return await read(*asked)

        self.patch(converging, "company", slow)
        seen = [Deferred.fromCoroutine(self.converging.do(SN)) for _ in range(4)]
        self.assertEqual(len(reading), 1)
        seen[1].cancel()
        self.failureResultOf(seen[1], CancelledError)
        reading[0].callback(None)
        self.assertEqual(len(reading), 2)
        seen[2].cancel()
        self.failureResultOf(seen[2], CancelledError)
        self.assertEqual(len(reading), 3)
        reading[2].callback(None)
        self.assertEqual([self.successResultOf(seen[n]) for n in (0, 3)], [None, None])
