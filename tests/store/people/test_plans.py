"""Plans: made by one, begun once, and each step ends once."""

from __future__ import annotations

from typing import Any
from unittest import mock

from tests.store.connected import StoreCase
from tfserver.config import People
from tfserver.plan import Item, ItemState, Lock, Op, Options, Plan, PlanState, Reason, Scope, TerminalPlan
from tfserver.store.people import plans as plans_module
from tfserver.store.people.plans import NotReady, Overtaken, Plans

SN = "T1"
HOURS = 3_600_000


def steps(count: int) -> tuple[Item, ...]:
    """So many steps."""
    return tuple(Item(n, Op.CREDENTIAL, 100 + n, n, 11, "v1", None, "missing") for n in range(1, count + 1))


def terminal_plan(count: int, sn: str = SN, refused: int = 0) -> TerminalPlan:
    """What is to be done at one terminal."""
    numbers = range(count + 1, count + 1 + refused)
    no = tuple(Item(n, Op.CREDENTIAL, n, why="it is full", refused=Reason.CAPACITY) for n in numbers)
    return TerminalPlan(sn=sn, items=steps(count), refusals=no, people=9, commands=count, minutes=1.5)


class PlansCase(StoreCase):
    """A real store without a plan."""

    async def face(self) -> Plans:
        """The face."""
        self.client = await self.connect()
        return Plans(self.client, People(plan_hours=2, report_days=3))

    async def made(self, plans: Plans, *terminals: TerminalPlan) -> Plan:
        """A plan that is ready."""
        plan = await plans.add("token o", Scope(sites=("north",)), Options(), [one.sn for one in terminals])
        token = await plans.make(plan.id)
        assert token is not None
        for one in terminals:
            await plans.put_terminal(plan.id, token, one)
        await plans.ready(plan.id, token)
        return plan

    async def life(self, key: str) -> int:
        """How long a key lives (ms), -1 for ever, -2 when there is none."""
        found: int = await self.client.read("PTTL", key)
        return found

    async def state(self, plans: Plans, plan: Plan) -> PlanState:
        """How far a plan is."""
        found = await plans.get(plan.id)
        assert found is not None
        return found.state


class MakingTests(PlansCase):
    """From what was asked for to a plan that is ready."""

    async def test_kept(self) -> None:
        """What was planned is there as it was planned, step by step, and in numbers."""
        plans = await self.face()
        lock = Item(2, Op.LOCK, 7, 2, lock=Lock(weekzone=3), why="may not pass always")
        planned = TerminalPlan(sn=" t1", items=(steps(1)[0], lock), warnings=("no administrator",), same=4)
        plan = await self.made(plans, planned, TerminalPlan(sn="T2", problem="never read"))
        self.assertEqual(plan.state, PlanState.READING)
        found = await plans.get(plan.id)
        assert found is not None
        self.assertEqual((found.actor, found.scope), ("token o", Scope(sites=("north",))))
        self.assertEqual((found.state, found.sns), (PlanState.READY, ("T1", "T2")))
        views = await plans.items(plan.id, SN, 0, 10)
        self.assertEqual([view.item for view in views], [*planned.items])
        self.assertEqual({view.state for view in views}, {ItemState.PLANNED})
        one, two = await plans.terminals(plan.id, found.sns)
        self.assertEqual((one.items, one.ops, one.same), (2, {"credential": 1, "lock": 1}, 4))
        self.assertEqual((one.counts, one.warnings), ({"planned": 2}, ("no administrator",)))
        self.assertEqual((two.items, two.problem, two.counts), (0, "never read", {}))

    async def test_many_steps(self) -> None:
        """More steps than go in one call are all there, in pages, refusals behind them."""
        plans = await self.face()
        with mock.patch.object(plans_module, "STEPS_A_CALL", 3):
            plan = await self.made(plans, terminal_plan(7, refused=2))
        pages = [await plans.items(plan.id, SN, after, 4) for after in (0, 4, 8, 12)]
        self.assertEqual(
            [[view.item.n for view in page] for page in pages], [[1, 2, 3, 4], [5, 6, 7, 8], [9], []]
        )
        self.assertEqual(pages[2][0].state, ItemState.REFUSED)
        self.assertEqual(pages[2][0].told, "it is full")
        head = await plans.terminal(plan.id, SN)
        assert head is not None
        self.assertEqual((head.items, head.refused, head.counts), (7, 2, {"planned": 7}))

    async def test_again(self) -> None:
        """A terminal that is planned again has only what was planned last."""
        plans = await self.face()
        plan = await plans.add("token o", Scope(), Options(), [SN])
        token = await plans.make(plan.id)
        assert token is not None
        await plans.put_terminal(plan.id, token, terminal_plan(5))
        await plans.put_terminal(plan.id, token, terminal_plan(2))
        await plans.ready(plan.id, token)
        self.assertEqual(len(await plans.items(plan.id, SN, 0, 10)), 2)

    async def test_one_maker(self) -> None:
        """Who makes a plan after another has its own way: the first can't write into it any more."""
        plans = await self.face()
        plan = await plans.add("token o", Scope(), Options(), [SN])
        first, second = await plans.make(plan.id), await plans.make(plan.id)
        assert first is not None and second is not None
        await plans.put_terminal(plan.id, second, terminal_plan(1))
        await self.fails(plans.put_terminal(plan.id, first, terminal_plan(3)), Overtaken)
        await self.fails(plans.ready(plan.id, first), Overtaken)
        await plans.ready(plan.id, second)
        await self.fails(plans.put_terminal(plan.id, second, terminal_plan(3)), Overtaken)
        self.assertIsNone(await plans.make(plan.id))
        self.assertEqual(len(await plans.items(plan.id, SN, 0, 10)), 1)

    async def test_failed(self) -> None:
        """A plan that can't be made says why, and is not begun."""
        plans = await self.face()
        plan = await plans.add("token o", Scope(), Options(), [SN])
        token = await plans.make(plan.id)
        assert token is not None
        await plans.fail(plan.id, token, "no room")
        found = await plans.get(plan.id)
        assert found is not None
        self.assertEqual((found.state, found.why), (PlanState.FAILED, "no room"))
        self.assertIn("could not be made", await self.fails(plans.begin(plan.id, "x"), NotReady))

    async def test_forgotten(self) -> None:
        """A plan that nobody begins goes with all of its steps."""
        plans = await self.face()
        plan = await self.made(plans, terminal_plan(2))
        for key in (self.client.keys.plan(plan.id), self.client.keys.plan_items(plan.id, SN)):
            self.assertTrue(0 < await self.life(key) <= 2 * HOURS, key)
        self.assertTrue(await plans.forget(plan.id))
        self.assertIsNone(await plans.get(plan.id))
        self.assertEqual(await self.life(self.client.keys.plan_items(plan.id, SN)), -2)
        self.assertFalse(await plans.forget(plan.id))

    async def test_bounded(self) -> None:
        """Beyond so many the oldest goes, but none that is being applied."""
        plans = await self.face()
        with mock.patch.object(plans_module, "MOST_KEPT", 2):
            one, two = await self.made(plans, terminal_plan(1)), await self.made(plans, terminal_plan(1))
            await plans.begin(one.id, "token o")
            three = await self.made(plans, terminal_plan(1))
        found, _ = await plans.listing(10, "")
        self.assertEqual({plan.id for plan in found}, {one.id, three.id})
        self.assertEqual(await self.life(self.client.keys.plan_items(two.id, SN)), -2)

    async def test_no_two_at_one_moment(self) -> None:
        """Plans that are made in the same millisecond, or by a clock that lags, are all listed, in order."""
        plans = await self.face()
        made = [(await self.made(plans)).id]
        await self.client.write("ZADD", self.client.keys.plans, 9_000_000_000_000, made[0])
        made += [(await self.made(plans)).id for _ in range(2)]
        found, cursor = list[str](), ""
        for _ in made:
            page, following = await plans.listing(1, cursor)
            found, cursor = found + [one.id for one in page], following or ""
        self.assertEqual(found, made[::-1])

    async def test_listed(self) -> None:
        """The newest come first, in pages; those that are gone are passed over and forgotten."""
        plans = await self.face()
        made = []
        for n in range(5):
            made.append((await self.made(plans, terminal_plan(1))).id)
            await self.client.write("ZADD", self.client.keys.plans, n + 1, made[-1])
        await self.client.write("DEL", self.client.keys.plan(made[3]))
        first, cursor = await plans.listing(2, "")
        self.assertEqual([plan.id for plan in first], [made[4], made[2]])
        assert cursor is not None
        second, cursor = await plans.listing(2, cursor)
        self.assertEqual([plan.id for plan in second], [made[1], made[0]])
        self.assertEqual(await self.client.read("ZCARD", self.client.keys.plans), 4)
        if cursor is not None:
            self.assertEqual(await plans.listing(2, cursor), ([], None))


class ApplyingTests(PlansCase):
    """From a plan that is ready to its report."""

    async def test_begun_once(self) -> None:
        """Of two who begin it one may; from then on it stays."""
        plans = await self.face()
        plan = await self.made(plans, terminal_plan(2), terminal_plan(0, "T2", 3), terminal_plan(1, "T3"))
        self.assertEqual(await plans.begin(plan.id, "token a"), ["T1", "T3"])
        self.assertIn("begun before", await self.fails(plans.begin(plan.id, "token b"), NotReady))
        found = await plans.get(plan.id)
        assert found is not None
        self.assertEqual((found.state, found.begun_by), (PlanState.APPLYING, "token a"))
        for key in (self.client.keys.plan(plan.id), self.client.keys.plan_items(plan.id, SN)):
            self.assertEqual(await self.life(key), -1)
        self.assertFalse(await plans.forget(plan.id))

    async def test_not_ready(self) -> None:
        """What is not made, or not there, is not begun."""
        plans = await self.face()
        plan = await plans.add("token o", Scope(), Options(), [SN])
        self.assertIn("not made yet", await self.fails(plans.begin(plan.id, "x"), NotReady))
        self.assertIn("no such plan", await self.fails(plans.begin("nobody", "x"), NotReady))

    async def test_states(self) -> None:
        """Steps go from state to state and the counts with them, however often it is told; an end is one."""
        plans = await self.face()
        plan = await self.made(plans, terminal_plan(3))
        await plans.begin(plan.id, "token a")
        told: list[Any] = [(1, ItemState.ORDERED, "", "o1"), (2, ItemState.DONE, "", "o2")]
        for _ in range(2):
            counts = await plans.set_states(plan.id, SN, told)
            self.assertEqual(counts, {"planned": 1, "ordered": 1, "done": 1})
        await plans.set_states(
            plan.id, SN, [(2, ItemState.FAILED, "late", "o2"), (9, ItemState.DONE, "", "")]
        )
        counts = await plans.set_states(plan.id, SN, [(1, ItemState.REFUSED, "it said false", "o1")])
        self.assertEqual(counts, {"planned": 1, "refused": 1, "done": 1})
        one, two, three = await plans.items(plan.id, SN, 0, 10)
        self.assertEqual((one.state, one.told, one.order_id), (ItemState.REFUSED, "it said false", "o1"))
        self.assertEqual((two.state, three.state), (ItemState.DONE, ItemState.PLANNED))
        self.assertGreater(two.at, 0)

    async def test_stage(self) -> None:
        """How far a terminal is stands beside its counts; one without steps has none."""
        plans = await self.face()
        plan = await self.made(plans, terminal_plan(1), terminal_plan(0, "T2"))
        self.assertTrue(await plans.set_stage(plan.id, SN, "waiting", "it is not online"))
        self.assertFalse(await plans.set_stage(plan.id, "T2", "waiting"))
        head = await plans.terminal(plan.id, SN)
        assert head is not None
        self.assertEqual((head.stage, head.told), ("waiting", "it is not online"))

    async def test_ended(self) -> None:
        """It is over once, and its report stays for a while."""
        plans = await self.face()
        plan = await self.made(plans, terminal_plan(1))
        await plans.begin(plan.id, "token a")
        self.assertTrue(await plans.end(plan.id, PlanState.DONE))
        self.assertFalse(await plans.end(plan.id, PlanState.CANCELLED))
        self.assertEqual(await self.state(plans, plan), PlanState.DONE)
        for key in (self.client.keys.plan(plan.id), self.client.keys.plan_items(plan.id, SN)):
            self.assertTrue(48 * HOURS < await self.life(key) <= 72 * HOURS, key)

    async def test_told(self) -> None:
        """Who watches hears of each step of a plan, and no names."""
        plans = await self.face()
        plan = await self.made(plans, terminal_plan(1))
        await plans.begin(plan.id, "token a")
        await plans.end(plan.id, PlanState.DONE)
        found = await self.client.read("XRANGE", self.client.keys.events, "-", "+")
        told = [dict(zip(fields[::2], fields[1::2], strict=True)) for _, fields in found]
        self.assertEqual({one["kind"] for one in told}, {"sync"})
        for event, one in zip(("planned", "begun", "ended"), told, strict=True):
            self.assertIn(f'"{event}"', one["d"])
            self.assertIn(plan.id, one["d"])
