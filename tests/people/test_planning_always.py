"""Plans of any terminal and any people: never too much, never somebody else's, and over once done."""

from __future__ import annotations

import copy
from typing import Any, Literal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.people.planned_worlds import SN, World, wanted_people, worlds
from tfserver.commands.passing import MOST_LOCKS
from tfserver.commands.people import MOST_NAMES
from tfserver.people.desired import Wanted
from tfserver.people.planning import plan_for, stranger
from tfserver.person import Proof
from tfserver.plan import Op, Options, TerminalPlan

KNOWN = (Proof.ACCEPTED, Proof.READ, Proof.RECOGNISED)
OPTIONS = st.builds(
    Options, foreign=st.sampled_from(("keep", "remove")), verify=st.sampled_from(("list", "records"))
)
EXAMPLES = settings(max_examples=80, deadline=None, derandomize=True)
ROUNDS = 6


def planned(world: World, wanted: dict[int, Wanted], options: Options) -> TerminalPlan:
    """What is to be done there now."""
    return plan_for(world.now(), world.holding, wanted, options)


class AlwaysTests(SynchronousTestCase):
    """Properties of all plans; that there is never more than room is asserted at every step (World)."""

    @EXAMPLES
    @given(worlds(KNOWN, True), wanted_people(), OPTIONS)
    def test_done_once(self, world: World, wanted: dict[int, Wanted], options: Options) -> None:
        """When all is known that is there, a plan that was carried out leaves nothing to do."""
        world.apply(planned(world, wanted, options), wanted)
        again = planned(world, wanted, options)
        self.assertEqual(again.items, ())
        self.assertEqual((again.commands, again.minutes), (0, 0.0))

    @EXAMPLES
    @given(worlds((*KNOWN, Proof.LISTED), False), wanted_people(), OPTIONS)
    def test_converges(self, world: World, wanted: dict[int, Wanted], options: Options) -> None:
        """Whatever turns out when slots are read, soon there is nothing left to do but what is refused."""
        for _ in range(ROUNDS):
            plan = planned(world, wanted, options)
            if not plan.items:
                break
            world.apply(plan, wanted)
        self.assertEqual(planned(world, wanted, options).items, ())

    @EXAMPLES
    @given(worlds((*KNOWN, Proof.LISTED), False), wanted_people())
    def test_foreign(self, world: World, wanted: dict[int, Wanted]) -> None:
        """Without being told nobody is removed whom this server did not put there, and of nobody who is
        somebody else anything is changed, even of one who turns out to be."""
        before, known = copy.deepcopy(world.there), copy.deepcopy(world.holding.people)
        world.apply(planned(world, wanted, Options()), wanted)
        foreign = {enrollid for enrollid, one in known.items() if not one.ours}
        self.assertEqual(world.removed & foreign, set())
        for enrollid in foreign:
            told = msgspec.structs.replace(known[enrollid], name=before[enrollid].name)
            one = wanted.get(enrollid)
            if one is None or stranger(told, one.person, one.collisions, SN) is not None:
                self.assertEqual(world.there[enrollid], before[enrollid])

    @EXAMPLES
    @given(worlds((*KNOWN, Proof.LISTED), False), wanted_people(), OPTIONS)
    def test_collided(self, world: World, wanted: dict[int, Wanted], options: Options) -> None:
        """A number under which somebody else is known there is left alone, whatever was told."""
        plan = planned(world, wanted, options)
        collided = {
            enrollid for enrollid, one in wanted.items() if any(hit.what == "name" for hit in one.collisions)
        }
        self.assertEqual(collided & {item.enrollid for item in plan.items}, set())
        self.assertLessEqual(collided, {item.enrollid for item in plan.refusals})

    @EXAMPLES
    @given(worlds((*KNOWN, Proof.LISTED), False), wanted_people(), OPTIONS)
    def test_counted(self, world: World, wanted: dict[int, Wanted], options: Options) -> None:
        """Steps are numbered from 1; neighbours share a command only if they are names, or locks, and not
        more than it takes; so many commands are counted as there are."""
        plan = planned(world, wanted, options)
        steps = (*plan.items, *plan.refusals)
        self.assertEqual([item.n for item in steps], [*range(1, len(steps) + 1)])
        orders = [item.order for item in plan.items]
        self.assertEqual(orders, sorted(orders))
        self.assertEqual(set(orders), set(range(1, plan.commands + 1)))
        for order in set(orders):
            together = [item for item in plan.items if item.order == order]
            most = {Op.NAME: MOST_NAMES, Op.LOCK: MOST_LOCKS}.get(together[0].op, 1)
            self.assertLessEqual(len(together), most)
            self.assertEqual(len({item.op for item in together}), 1)

    @EXAMPLES
    @given(worlds((*KNOWN, Proof.LISTED), False), wanted_people(), OPTIONS, st.randoms())
    def test_same(self, world: World, wanted: dict[int, Wanted], options: Options, random: Any) -> None:
        """The same plan for the same, in whatever order it was found."""
        people, slots = [*world.holding.people.items()], [*world.holding.credentials.items()]
        mixed = [*wanted.items()]
        for one in (people, slots, mixed):
            random.shuffle(one)
        other = msgspec.structs.replace(world.holding, people=dict(people), credentials=dict(slots))
        again = plan_for(world.now(), other, dict(mixed), options)
        self.assertEqual(again, planned(world, wanted, options))

    @EXAMPLES
    @given(worlds(KNOWN, True), wanted_people(), st.sampled_from(("keep", "remove")))
    def test_everybody_or_why(
        self, world: World, wanted: dict[int, Wanted], foreign: Literal["keep", "remove"]
    ) -> None:
        """In the end each credential that is wanted is there, or it is said why it or its person is not."""
        world.apply(planned(world, wanted, Options(foreign=foreign)), wanted)
        told = planned(world, wanted, Options(foreign=foreign)).refusals
        whole = {item.enrollid for item in told if item.backupnum is None}
        parts = {(item.enrollid, item.backupnum) for item in told}
        for enrollid, one in wanted.items():
            for credential in one.credentials:
                there = world.there.get(enrollid)
                has = there is not None and there.slots.get(credential.backupnum) == credential.version
                is_said = enrollid in whole or (enrollid, credential.backupnum) in parts
                self.assertTrue(has or is_said, f"{enrollid} {credential}")
