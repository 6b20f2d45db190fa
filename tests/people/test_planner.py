"""Plans are made at once or after reading, survive who makes them, and say what could not be read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred

from tests.people.planning_house import PlanningCase
from tests.store.connected import until
from tfserver.people.gathering import A_STRETCH
from tfserver.people.looking import NotLearned
from tfserver.people.planner import BadScope
from tfserver.person import Group, Held, HeldPerson, Known, Person, Proof
from tfserver.plan import Op, Options, PlanState, Scope, TerminalHead
from tfserver.store.users import Origin, Profile, Users


class PlannerTests(PlanningCase):
    """Over a real store."""

    async def heads(self, plan_id: str) -> dict[str, TerminalHead]:
        """The terminals of a plan."""
        plan = await self.means.plans.get(plan_id)
        assert plan is not None
        return {head.sn: head for head in await self.means.plans.terminals(plan_id, plan.sns)}

    async def test_at_once(self) -> None:
        """What is known freshly is not read: the plan is made when the call is over, and nobody makes it
        again."""
        planner = await self.begin()
        await self.terminal("T1", site="north")
        await self.terminal("T2", site="south")
        await self.person(7, "staff", slots=(0, 11))
        plan = await planner.plan(Scope(sites=("north",)), Options(), "token o")
        self.assertEqual((plan.state, plan.sns, self.looked), (PlanState.READY, ("T1",), []))
        views = await self.means.plans.items(plan.id, "T1", 0, 10)
        self.assertEqual(
            [(view.item.op, view.item.backupnum) for view in views], [(Op.CREDENTIAL, 0), (Op.CREDENTIAL, 11)]
        )
        head = (await self.heads(plan.id))["T1"]
        self.assertEqual((head.people, head.commands, head.room["user"].after), (1, 2, 1))
        self.assertEqual(await self.errands.claim("x", 5), ([], None))

    async def test_read_first(self) -> None:
        """With a list that is too old the terminal is read before; who does the errand makes the plan."""
        planner = await self.begin(fresh_seconds=60.0)
        await self.terminal("T1", read=False)
        await self.person(7, "staff")
        await self.means.holdings.listed("T1", [], 1000)
        plan = await planner.plan(Scope(terminals=("t1",)), Options(), "token o")
        self.assertEqual((plan.state, self.looked), (PlanState.READING, []))
        self.assertEqual((await self.errands.claim("x", 5))[0], [plan.id])
        self.assertIsNone(await planner.do(plan.id))
        self.assertEqual(self.looked, [("T1", 60.0, f"plan {plan.id} T1")])
        self.assertEqual((await self.heads(plan.id))["T1"].items, 1)
        self.assertIsNone(await planner.do(plan.id))
        self.assertEqual(len(self.looked), 1)

    async def test_always(self) -> None:
        """When that is asked for, even a fresh list is read again."""
        planner = await self.begin()
        await self.terminal("T1")
        plan = await planner.plan(Scope(terminals=("T1",)), Options(read="always"), "token o")
        await planner.do(plan.id)
        self.assertEqual(self.looked, [("T1", 0.0, f"plan {plan.id} T1")])

    async def test_not_read(self) -> None:
        """Of a terminal that can't be read the last list is taken, and that is said; without one nothing is
        planned."""
        planner = await self.begin(fresh_seconds=60.0)
        for sn, online, at in (("T1", False, 1000), ("T2", True, 1000), ("T3", False, None)):
            await self.terminal(sn, online=online, read=False)
            if at is not None:
                await self.means.holdings.listed(sn, [], at)
        await self.person(7, "staff")
        self.looking.given["look"] = NotLearned("it is busy")
        plan = await planner.plan(Scope(groups=("staff",)), Options(), "token o")
        await planner.do(plan.id)
        heads = await self.heads(plan.id)
        self.assertEqual([heads[sn].items for sn in ("T1", "T2", "T3")], [1, 1, 0])
        self.assertIn("1970-01-01T00:00:01.000Z: it is not online", heads["T1"].warnings[0])
        self.assertIn("it is busy", heads["T2"].warnings[0])
        self.assertEqual(heads["T3"].problem, "its list was never read: it is not online")

    async def test_offline_is_no_reason_to_wait(self) -> None:
        """A plan of terminals that are not there is made at once from what is known."""
        planner = await self.begin(fresh_seconds=60.0)
        await self.terminal("T1", online=False, read=False)
        await self.means.holdings.listed("T1", [], 1000)
        plan = await planner.plan(Scope(terminals=("T1",)), Options(), "token o")
        self.assertEqual(plan.state, PlanState.READY)

    async def test_maker_died(self) -> None:
        """A plan whose maker dies while a terminal is read is made by another, and written by that one
        alone."""
        planner = await self.begin()
        await self.terminal("T1")
        await self.person(7, "staff")
        hanging: Deferred[Any] = Deferred()
        self.looking.given["look"] = hanging
        plan = await planner.plan(Scope(terminals=("T1",)), Options(read="always"), "token o")
        first = Deferred.fromCoroutine(planner.do(plan.id))
        await until(lambda: bool(self.looking.calls), "the terminal is being read")
        self.looking.given["look"] = None
        await planner.do(plan.id)
        hanging.callback(None)
        self.assertIsNone(await first)
        found = await self.means.plans.get(plan.id)
        assert found is not None
        self.assertEqual(found.state, PlanState.READY)
        self.assertEqual((await self.heads(plan.id))["T1"].items, 1)

    async def test_scope(self) -> None:
        """Terminals are chosen by number, site, tag, or where the people of a group belong; what chooses
        nothing, or does not exist, is told."""
        planner = await self.begin()
        await self.terminal("T1", site="north")
        await self.terminal("T2", tags='["gate"]')
        await self.terminal("T3")
        await self.means.groups.put(Group(name="night", terminals=("t3",)))
        for scope, expected in (
            (Scope(terminals=("t1",), tags=("gate",)), ("T1", "T2")),
            (Scope(groups=("night",)), ("T3",)),
            (Scope(sites=("north",), groups=("night",)), ("T1", "T3")),
        ):
            plan = await planner.plan(scope, Options(read="never"), "token o")
            self.assertEqual(plan.sns, expected)
        for scope, field in (
            (Scope(terminals=("T1", "T9")), "terminals"),
            (Scope(groups=("day",)), "groups"),
            (Scope(sites=("west",)), "body"),
            (Scope(), "body"),
        ):
            with self.assertRaises(BadScope) as caught:
                await planner.plan(scope, Options(), "token o")
            self.assertEqual(caught.exception.field, field)

    async def test_left(self) -> None:
        """Whom this server put there and who belongs nowhere now is removed; one of whom the terminal tells
        that it is somebody else by now stays."""
        planner = await self.begin()
        await self.terminal("T1")
        held = HeldPerson(ours=True, name="P5")
        for enrollid in (5, 6):
            await self.person(enrollid)
            await self.means.holdings.told("T1", enrollid, 11, Held(Proof.ACCEPTED, "v"), held)
        users = Users(self.client, self.vault, adopt=True)
        await users.put("T1", 6, Profile("Somebody Else", 0), None, Origin("x", "1", "", "2026-04-02"))
        plan = await planner.fresh(["T1"], Options(), "token o")
        views = await self.means.plans.items(plan.id, "T1", 0, 10)
        self.assertEqual([(view.item.op, view.item.enrollid) for view in views], [(Op.REMOVE, 5)])
        self.assertEqual((await self.heads(plan.id))["T1"].kept, 1)

    async def test_differences(self) -> None:
        """Pages of people by number, with how each slot differs and how far it is proven."""
        planner = await self.begin()
        await self.terminal("T1")
        for enrollid in (5, 6, 7):
            await self.person(enrollid, "staff")
        [known] = await self.means.directory.many([5])
        version = known.credentials[0].version
        told = self.means.holdings.told
        await told("T1", 5, 11, Held(Proof.ACCEPTED, version), HeldPerson(ours=True, name="P5", admin=0))
        await told("T1", 6, 11, Held(Proof.READ, "other"), HeldPerson(ours=True, name="P6", admin=1))
        await told("T1", 9, 11, Held(Proof.LISTED), HeldPerson(admin=0))
        first = await planner.differences("T1", 0, 2)
        assert first is not None and first.reading is not None
        shown = [
            (one.enrollid, one.state, one.credentials[0].state, one.credentials[0].proof)
            for one in first.people
        ]
        self.assertEqual(shown, [(5, "same", "same", "accepted"), (6, "different", "different", "read")])
        self.assertEqual((first.people[1].differs, first.next), (("admin",), 6))
        second = await planner.differences("T1", 6, 2)
        assert second is not None
        shown = [
            (one.enrollid, one.state, one.credentials[0].state, one.credentials[0].proof)
            for one in second.people
        ]
        self.assertEqual(shown, [(7, "missing", "missing", "known"), (9, "new", "new", "listed")])
        self.assertIsNone(second.next)
        self.assertIsNone(await planner.differences("T9", 0, 2))

    async def test_differences_of_many(self) -> None:
        """A page looks at those it shows, and at not all who are in a group of everybody."""
        planner = await self.begin()
        await self.terminal("T1")
        await self.person(1, "staff", slots=())
        people = [Person(enrollid=number, name=f"P{number}") for number in range(2, 241)]
        for person in people:
            await self.means.directory.put(person)
        await self.means.groups.change_members("staff", [one.enrollid for one in people], ())
        await self.means.holdings.told("T1", 150, 11, Held(Proof.LISTED), HeldPerson(admin=0))
        await self.means.holdings.told("T1", 999, 11, Held(Proof.LISTED), HeldPerson(admin=0))
        read, many = list[int](), self.means.directory.many

        async def noting(enrollids: Iterable[int]) -> list[Known]:
            """Note who is read."""
            wanted = list(enrollids)
            read.extend(wanted)
            return await many(wanted)

        self.patch(self.means.directory, "many", noting)
        page = await planner.differences("T1", 0, 3)
        assert page is not None
        self.assertEqual(([one.enrollid for one in page.people], page.next), ([1, 2, 3], 3))
        self.assertEqual(len(read), A_STRETCH)
        found, after = list[int](), 0
        while True:
            page = await planner.differences("T1", after, 70)
            assert page is not None
            found += [one.enrollid for one in page.people]
            if page.next is None:
                break
            after = page.next
        self.assertEqual(found, [*range(1, 241), 999])
