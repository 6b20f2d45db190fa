"""Plans are carried out step by step, and each step has a true end."""

from __future__ import annotations

from tests.people.applied import SN, AppliedCase
from tests.people.boxes import Box, Person
from tests.people.carried_worlds import SETTINGS
from tfserver.order import OrderState
from tfserver.people.carrying.course import MOST_SILENT, PEACE_SECONDS
from tfserver.people.carrying.proving import PROVEN
from tfserver.people.carrying.steps import NOT_KEPT
from tfserver.person import Access
from tfserver.plan import PlanState


class ApplyingTests(AppliedCase):
    """One terminal that does what it is told."""

    def test_done(self) -> None:
        """Everything that was planned is there in the end, and proven; a second plan finds nothing to do."""
        box = self.box()
        self.enter(1, 2, slots=(0, 11))
        views = self.settle(plan := self.apply())
        self.assertEqual({(view.state.value, view.told) for view in views}, {("done", PROVEN)})
        self.assertEqual({n: set(one.slots) for n, one in box.people.items()}, {1: {0, 11}, 2: {0, 11}})
        self.assertEqual(self.world.state(plan.id), PlanState.DONE)
        self.assertEqual(self.settle(self.apply()), [])

    def test_few_at_once(self) -> None:
        """No more orders wait for the terminal than the settings allow; one that ends makes room for one."""
        self.box()
        self.enter(*range(1, 8))
        self.begin(self.apply())
        self.assertEqual(len(self.world.orders.open), SETTINGS.orders_ahead)
        self.world.obey(self.world.orders.open[0])
        self.assertEqual(len(self.orders()), SETTINGS.orders_ahead + 1)

    def test_offline(self) -> None:
        """Nothing is put for a terminal that is not there; when it comes the plan goes on at once."""
        box = self.box()
        self.enter(1)
        plan = self.apply()
        self.world.leave(box)
        self.begin(plan)
        self.assertEqual(self.orders(), [])
        self.assertIn("offline", self.stage(plan)[1])
        key = self.world.client.keys.terminal(SN)
        self.assertEqual(self.world.client.call("HGET", key, "awaited"), f"apply {plan.id} {SN}")
        self.world.register(box)
        self.settle(plan)
        self.assertEqual(self.states(plan), {1: "done"})

    def test_leaves_midway(self) -> None:
        """When the terminal goes away what waits for it is taken back, so that nothing piles up and expires,
        and put again when it is back."""
        box = self.box()
        self.enter(1, 2)
        plan = self.apply()
        self.begin(plan)
        self.world.leave(box)
        self.wait(2.1)
        self.assertEqual(self.world.orders.open, [])
        self.assertEqual(self.states(plan), {1: "planned", 2: "planned"})
        self.world.register(box)
        self.settle(plan)
        self.assertEqual(self.states(plan), {1: "done", 2: "done"})

    def test_refused(self) -> None:
        """A person that the terminal refuses ends so, in its words, and stops no other."""
        box = self.box()
        box.refuses = {2}
        self.enter(1, 2, 3)
        self.settle(plan := self.apply())
        self.assertEqual(self.states(plan), {1: "done", 2: "refused", 3: "done"})
        self.assertIn("refused", self.told(plan)[2])
        self.assertEqual(len(self.orders("setuserinfo")), 3)

    def test_lies(self) -> None:
        """What the terminal said true to and did not keep is put so often again, and has failed then."""
        box = self.box()
        box.forgets = {2}
        self.enter(1, 2)
        self.settle(plan := self.apply())
        self.assertEqual((self.states(plan), self.told(plan)[2]), ({1: "done", 2: "failed"}, NOT_KEPT))
        self.assertEqual(len(self.orders("setuserinfo")), 1 + SETTINGS.attempts)

    def test_other_one_kept(self) -> None:
        """What takes the place of another is read back by itself: a list says nothing of what is in it."""
        box = self.box()
        self.enter(1)
        self.settle(self.apply())
        self.card(1, version="new")
        plan = self.apply()
        self.begin(plan)
        box.forgets = {1}
        self.settle(plan)
        self.assertEqual(self.states(plan), {1: "failed"})
        self.assertEqual(len(self.orders("getuserinfo")), SETTINGS.attempts)

    def test_silent(self) -> None:
        """A terminal that leaves so many orders in a row unanswered is left in peace for a while."""
        box = self.box()
        box.silent = 100
        self.enter(*range(1, 9))
        plan = self.apply()
        self.begin(plan)
        self.obey_all()
        self.wait(3)
        self.assertEqual(len([one for one in box.done if one.startswith("setuserinfo")]), MOST_SILENT)
        self.assertIn("unanswered", self.stage(plan)[1])
        self.assertEqual(self.world.again[f"{plan.id} {SN}"], PEACE_SECONDS)

    def test_silent_for_good(self) -> None:
        """One that answers nothing time after time is given up: nothing is tried for days."""
        box = self.box(user=99, card=99)
        box.silent = 1000
        self.enter(*range(1, 30))
        plan = self.apply()
        for _ in range(SETTINGS.attempts):
            self.assertEqual(self.world.state(plan.id), PlanState.APPLYING)
            self.begin(plan)
            self.obey_all()
            self.wait(3)
        self.assertEqual(self.stage(plan)[0], "done")
        self.assertEqual(set(self.states(plan).values()), {"failed"})
        self.assertEqual(len(box.done), SETTINGS.attempts * MOST_SILENT)

    def test_answers_again(self) -> None:
        """One that answers between two silences is not given up."""
        box = self.box(user=99, card=99)
        self.enter(*range(1, 30))
        plan = self.apply()
        for _ in range(SETTINGS.attempts + 1):
            self.begin(plan)
            self.world.obey(self.world.orders.open[0])
            box.silent = 1000
            self.obey_all()
            self.wait(3)
            box.silent = 0
        self.settle(plan)
        self.assertEqual(set(self.states(plan).values()), {"done"})

    def test_unanswered(self) -> None:
        """An order without an answer is put again, and counts as one attempt."""
        box = self.box()
        box.silent = 1
        self.enter(1)
        self.settle(plan := self.apply())
        self.assertEqual(self.states(plan), {1: "done"})
        self.assertEqual(self.stage(plan)[0], "done")
        self.assertEqual(len(self.orders("setuserinfo")), 2)

    def test_expired(self) -> None:
        """An order that was never said costs no attempt."""
        self.box()
        self.enter(1)
        plan = self.apply()
        for _ in range(SETTINGS.attempts + 2):
            self.begin(plan)
            self.end(self.world.orders.open[0], OrderState.EXPIRED)
        self.settle(plan)
        self.assertEqual(self.states(plan), {1: "done"})

    def test_taken_back(self) -> None:
        """An order that somebody takes back is not put again."""
        self.box()
        self.enter(1)
        plan = self.apply()
        self.begin(plan)
        self.done(self.world.orders.cancel(self.world.orders.open[0], "token x"))
        self.settle(plan)
        self.assertEqual(self.states(plan), {1: "skipped"})
        self.assertEqual(self.told(plan)[1], "taken back by token x")


class ChangedTests(AppliedCase):
    """Between a plan and its steps something changes."""

    def test_left(self) -> None:
        """Who does not belong there any more is not put, and nothing is sent."""
        self.box()
        self.enter(1)
        plan = self.apply()
        self.done(self.world.groups.change_members("all", (), (1,)))
        self.settle(plan)
        self.assertEqual((self.states(plan), self.orders()), ({1: "skipped"}, []))

    def test_other_credential(self) -> None:
        """A credential that the directory does not have any more is not put."""
        self.box()
        self.enter(1)
        plan = self.apply()
        self.card(1, version="new")
        self.settle(plan)
        self.assertEqual((self.states(plan), self.orders()), ({1: "skipped"}, []))

    def test_other_name(self) -> None:
        """A name that changed since is told as it is now."""
        box = self.box()
        self.enter(1)
        plan = self.apply()
        self.enter(1, name="Ana")
        self.settle(plan)
        self.assertEqual((self.states(plan), box.people[1].name), ({1: "done"}, "Ana"))

    def test_comes_again(self) -> None:
        """Who was to be removed and belongs there by now stays."""
        self.enter(1)
        box = self.box()
        self.settle(self.apply())
        self.done(self.world.groups.change_members("all", (), (1,)))
        plan = self.apply()
        self.done(self.world.groups.change_members("all", (1,), ()))
        self.settle(plan)
        self.assertEqual((self.states(plan), list(box.people)), ({1: "skipped"}, [1]))

    def test_somebody_else_came(self) -> None:
        """Nobody is overwritten who came to the terminal under this number meanwhile."""
        box = self.box()
        self.enter(1)
        plan = self.apply()
        stranger = Person("Somebody", 0, {11: "999"})
        box.people[1] = stranger
        self.done(self.world.listed(box))
        self.settle(plan)
        self.assertEqual(self.states(plan), {1: "skipped"})
        self.assertEqual(box.people[1], Person("Somebody", 0, {11: "999"}))

    def test_denied(self) -> None:
        """A terminal that is denied gets nothing more; the plan ends."""
        self.box()
        self.enter(1)
        plan = self.apply()
        self.world.client.call("HSET", self.world.client.keys.terminal(SN), "admission", "denied")
        self.settle(plan)
        self.assertEqual((self.states(plan), self.orders()), ({1: "skipped"}, []))
        self.assertIn("denied", self.told(plan)[1])

    def test_deleted(self) -> None:
        """The plan ends also where the terminal was deleted."""
        self.box()
        self.enter(1)
        plan = self.apply()
        self.world.client.call("DEL", self.world.client.keys.terminal(SN))
        self.settle(plan)
        self.assertEqual(self.told(plan)[1], "the terminal was deleted")


class RoomTests(AppliedCase):
    """A terminal that is nearly full."""

    def test_makes_room(self) -> None:
        """What needs the room of somebody who goes waits until that one has gone."""
        self.enter(1)
        box = self.box(user=1)
        self.settle(self.apply())
        self.done(self.world.groups.change_members("all", (), (1,)))
        self.enter(2)
        self.settle(plan := self.apply())
        self.assertEqual(self.states(plan), {1: "done", 2: "done"})
        self.assertEqual(list(box.people), [2])

    def test_does_not_fit(self) -> None:
        """Room that somebody else took meanwhile is not overfilled; the refusal has the arithmetic."""
        box = self.box(user=1)
        self.enter(1)
        plan = self.apply()
        box.people[9] = Person("Somebody", 0, {11: "9"})
        self.done(self.world.listed(box))
        self.settle(plan)
        self.assertEqual((self.states(plan), self.orders()), ({1: "refused"}, []))
        self.assertIn("takes 1 person, has 1", self.told(plan)[1])

    def test_gives_room_back(self) -> None:
        """Places are free again when their orders are over."""
        self.box()
        self.enter(1, 2)
        self.settle(self.apply())
        key = self.world.client.keys.reserved(SN)
        self.assertEqual(self.world.client.call("ZRANGE", key, 0, -1), [])

    def test_removes(self) -> None:
        """One who stays though the terminal said that it went is removed in each of the known ways."""
        self.enter(1)
        box = self.box()
        self.settle(self.apply())
        box.forgets = {1}
        self.done(self.world.groups.change_members("all", (), (1,)))
        self.settle(plan := self.apply())
        told = [self.world.orders.args[one]["backupnum"] for one in self.orders("deleteuser")]
        self.assertEqual((told, self.states(plan)), ([13, 12, 50], {1: "failed"}))


class PacketTests(AppliedCase):
    """Names and locks, of which several go out in one command."""

    def test_one_by_one(self) -> None:
        """When the terminal refuses a packet each person is tried alone, so that one spoils it for nobody."""
        self.enter(1, 2, 3)
        box = self.box()
        self.settle(self.apply())
        box.refuses = {2}
        self.enter(1, 2, 3, access=Access(weekzone=2))
        self.settle(plan := self.apply())
        self.assertEqual(self.states(plan), {1: "done", 2: "refused", 3: "done"})
        sizes = [len(self.world.orders.args[one]["record"]) for one in self.orders("setuserlock")]
        self.assertEqual(sizes, [3, 1, 1, 1])

    def lose_answer(self, box: Box) -> None:
        """A plan begins, and the answer to its first order is lost while no process is there."""
        self.plan = self.apply()
        self.begin(self.plan)
        self.world.kill()
        box.silent = 1
        self.world.obey(self.world.orders.open[0])

    def settle_all(self) -> None:
        """That plan goes on until it is over."""
        self.settle(self.plan)

    def test_lost_lock(self) -> None:
        """When no answer came to a lock nobody knows which one holds, and the next plan tells it anew."""
        self.enter(1)
        box = self.box()
        self.settle(self.apply())
        self.enter(1, access=Access(weekzone=2))
        self.lose_answer(box)
        self.enter(1)
        self.settle_all()
        self.assertEqual(box.people[1].lock["weekzone"], 2)
        self.settle(self.apply())
        self.assertFalse(box.people[1].lock)

    def test_lost_replacement(self) -> None:
        """The same for a credential that was to take the place of another."""
        self.enter(1)
        box = self.box()
        self.settle(self.apply())
        self.card(1, version="new")
        self.lose_answer(box)
        self.card(1)
        self.settle_all()
        self.assertEqual(box.people[1].slots[11], "111new")
        self.settle(self.apply())
        self.assertEqual(box.people[1].slots[11], "111")
