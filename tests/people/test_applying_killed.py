"""Plans outlive the processes that carry them out, and can be stopped."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.people.applied import SN, AppliedCase
from tfserver.people.applying import WAITING, NotRunning, UnknownPlan
from tfserver.people.carrying.proving import UNPROVEN
from tfserver.person import Group
from tfserver.plan import Options, PlanState
from tfserver.store.people.plans import NotReady
from tfserver.store.people.restorations import RestorationState, Wish, new_restoration_id


class KilledTests(AppliedCase):
    """The process dies, and another goes on."""

    def test_before_the_note(self) -> None:
        """An order that was put and not noted is not put again."""
        box = self.box()
        self.enter(1)
        plan = self.apply()
        self.begin(plan)
        self.world.kill()
        self.done(self.world.plans.set_states(plan.id, SN, []))
        self.world.unnote(plan.id, SN, 1)
        self.settle(plan)
        self.assertEqual(box.done.count("setuserinfo 1"), 1)
        self.assertEqual((len(self.orders("setuserinfo")), self.states(plan)), (1, {1: "done"}))

    def test_behind_our_back(self) -> None:
        """Nor is it forgotten when meanwhile the step is not to be done any more."""
        self.box()
        self.enter(1)
        plan = self.apply()
        self.begin(plan)
        self.world.kill()
        self.world.unnote(plan.id, SN, 1)
        self.done(self.world.groups.change_members("all", (), (1,)))
        self.settle(plan)
        view = self.views(plan)[0]
        self.assertEqual((view.state.value, view.order_id), ("done", self.orders("setuserinfo")[0]))

    def test_after_the_end(self) -> None:
        """An order that ended while nobody was there is found ended."""
        box = self.box()
        self.enter(1, 2, 3, 4)
        plan = self.apply()
        self.begin(plan)
        self.world.kill()
        self.obey_all()
        self.settle(plan)
        self.assertEqual(set(self.states(plan).values()), {"done"})
        self.assertEqual(sorted(box.done.count(f"setuserinfo {n}") for n in (1, 2, 3, 4)), [1, 1, 1, 1])

    def test_while_it_begins(self) -> None:
        """Whenever a process dies that begins a plan, it was begun and is carried out, or was not begun."""
        self.box()
        ends = set()
        for number in range(1, 7):
            self.enter(number)
            plan = self.done(self.world.planner.fresh([SN], Options(), "admin"))
            self.world.client.calls_left = number
            Deferred.fromCoroutine(self.world.applying.begin(plan.id, "admin")).addErrback(lambda _: None)
            self.world.kill()
            self.settle(plan)
            ends.add(self.world.state(plan.id))
        self.assertEqual(ends, {PlanState.READY, PlanState.DONE})


class StoppedTests(AppliedCase):
    """Somebody stops a plan, or begins one that can't be begun."""

    def test_stopped(self) -> None:
        """What waits is taken back, what is being said ends truly, and all the rest is left undone."""
        box = self.box()
        self.enter(*range(1, 7))
        plan = self.apply()
        self.begin(plan)
        self.world.obey(self.world.orders.open[0])
        self.done(self.world.applying.give_up(plan.id))
        self.wait(2.1)
        self.settle(plan)
        self.assertEqual(list(box.people), [1])
        self.assertEqual(self.states(plan), {1: "done", **dict.fromkeys(range(2, 7), "skipped")})
        self.assertEqual(self.told(plan)[1], UNPROVEN)
        self.assertEqual(self.world.state(plan.id), PlanState.CANCELLED)

    def test_stopped_while_offline(self) -> None:
        """A plan that waits for a terminal is stopped without it."""
        box = self.box()
        self.enter(1)
        plan = self.apply()
        self.world.leave(box)
        self.begin(plan)
        self.done(self.world.applying.give_up(plan.id))
        self.settle(plan)
        self.assertEqual(self.states(plan), {1: "skipped"})

    def test_not_running(self) -> None:
        """Only what is being carried out can be stopped, and only what is ready begun."""
        self.box()
        self.enter(1)
        plan = self.apply()
        self.settle(plan)
        with self.assertRaises(NotRunning):
            self.done(self.world.applying.give_up(plan.id))
        with self.assertRaises(NotReady):
            self.done(self.world.applying.begin(plan.id, "admin"))
        for call in (self.world.applying.give_up("none"), self.world.applying.begin("none", "admin")):
            with self.assertRaises(UnknownPlan):
                self.done(call)

    def test_one_after_another(self) -> None:
        """Of two plans for a terminal the second waits for the first, and then finds what is left."""
        box = self.box()
        self.enter(1)
        first, second = self.apply(), self.apply()
        self.begin(first)
        self.begin(second)
        self.assertEqual((len(self.orders()), self.stage(second)[1]), (1, WAITING))
        self.settle(first)
        self.settle(second)
        self.assertEqual((self.states(first), self.states(second)), ({1: "done"}, {1: "done"}))
        self.assertEqual(box.done.count("setuserinfo 1"), 1)

    def test_restoration_first(self) -> None:
        """A plan waits for a restoration at the terminal: it would remove whom that one brings."""
        self.box()
        self.enter(1)
        wish = Wish(id=new_restoration_id(), sn=SN, actor="admin", made="2026-04-02T08:00:00Z")
        self.done(self.world.restorations.begin(wish, "S1"))
        self.assertTrue(self.done(self.world.turning.has(SN.lower(), wish.id)))
        plan = self.apply()
        self.begin(plan)
        self.assertEqual((len(self.orders()), self.stage(plan)[1]), (0, WAITING))
        self.done(self.world.restorations.finish(wish.id, RestorationState.DONE))
        self.settle(plan)
        self.assertEqual(self.states(plan), {1: "done"})

    def test_nothing_to_do(self) -> None:
        """A plan without steps is over at once."""
        self.box()
        self.done(self.world.groups.put(Group(name="none")))
        plan = self.apply()
        self.settle(plan)
        self.assertEqual(self.world.state(plan.id), PlanState.DONE)
