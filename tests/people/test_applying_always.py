"""Whatever happens meanwhile, plans end, and terminals come to have whom they are to have."""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.people.boxes import Box, Person
from tests.people.carried_worlds import World
from tests.real.store import RealStore
from tfserver.locks import lock_of
from tfserver.people.carrying.proving import UNPROVEN
from tfserver.person import Access, Group, Made
from tfserver.person import Person as Meant
from tfserver.plan import ItemState, Lock, Op, Options, PlanState, digest_of

NUMBERS = range(1, 7)
SLOTS = (0, 1, 10, 11)
MADE = Made(fpalgo="thbio3.0")
CALM = 6
"""So many plans in a row at most until there is nothing left to do."""


class Scene:
    """A random world, and random things that happen in it."""

    def __init__(self, store: RealStore, random: Random) -> None:
        self.random = random
        self.world = World(store)
        self.plans: list[str] = []
        self.strangers: dict[str, dict[int, Person]] = {}
        self.is_removing = False
        for name in ("all", "east"):
            group = Group(name=name, everywhere=name == "all", tags=("east",))
            self.world.finish(self.world.groups.put(group))
        for number in NUMBERS:
            if random.random() < 0.7:
                self.enter(number)
        for n in range(random.choice((1, 1, 2))):
            self.world.add(self.box(f"T{n}"))
            self.world.finish(self.world.means.terminals.get(f"T{n}"))

    def box(self, sn: str) -> Box:
        """A terminal with people on it, some of whom nobody here knows."""
        random = self.random
        sizes = {"user": random.choice((2, 4, 9)), "fp": random.choice((0, 3, 9)), "card": 9, "pwd": 9}
        box = Box(sn, {**sizes, "face": 0, "palm": 0})
        for number in random.sample([*NUMBERS, 90, 91], random.randrange(3)):
            name = random.choice((f"N{number}", f"N{number}", "Somebody"))
            slots = {n: self.record(number, n) for n in random.sample((10, 11), random.choice((1, 2)))}
            if len(box.people) < sizes["user"]:
                box.people[number] = Person(name, 0, slots)
        strangers = {n: one for n, one in box.people.items() if n not in NUMBERS or one.name == "Somebody"}
        self.strangers[sn] = deepcopy(strangers)
        box.refuses = {n for n in NUMBERS if random.random() < 0.05}
        box.forgets = {n for n in NUMBERS if random.random() < 0.05}
        return box

    def record(self, number: int, slot: int) -> str:
        """What somebody has in a slot, now or before."""
        return f"{number}{slot}{self.random.choice('112')}"

    def enter(self, number: int) -> None:
        """Somebody enters the directory, or changes there."""
        random, directory = self.random, self.world.directory
        groups = tuple(name for name in ("all", "east") if random.random() < 0.7)
        access = random.choice((None, None, Access(weekzone=random.choice((1, 2)))))
        admin = random.choice((0, 0, 0, 1))
        name = random.choice((f"N{number}", f"N{number} B"))
        person = Meant(enrollid=number, name=name, groups=groups, access=access, admin=admin)
        self.world.finish(directory.put(person))
        for slot in SLOTS:
            if random.random() < 0.4:
                record = self.record(number, slot)
                self.world.finish(directory.put_credential(number, slot, record, MADE))
            elif random.random() < 0.3:
                self.world.finish(directory.remove_credential(number, slot))

    def happen(self) -> None:
        """One random thing."""
        random, world = self.random, self.world
        what = random.random()
        box = random.choice(list(world.boxes.values()))
        if what < 0.05:
            world.client.calls_left = random.randrange(1, 40)
        elif what < 0.08:
            world.kill()
        elif what < 0.11:
            world.leave(box)
        elif what < 0.16:
            world.register(box)
        elif what < 0.20:
            self.enter(random.choice(NUMBERS))
        elif what < 0.21:
            world.finish(world.directory.remove(random.choice(NUMBERS)))
        elif what < 0.23:
            box.silent = random.randrange(1, 5)
        elif what < 0.24 and world.orders.open:
            world.finish(world.orders.cancel(random.choice(world.orders.open), "somebody"))
        elif what < 0.26:
            self.begin()
        elif what < 0.27 and self.plans and world.state(self.plans[-1]) is PlanState.APPLYING:
            world.finish(world.applying.give_up(self.plans[-1]))
        else:
            world.go_on(random)

    def begin(self) -> str:
        """A plan is made, and carried out from now on."""
        random = self.random
        foreign = random.choice(("keep", "keep", "keep", "remove"))
        self.is_removing |= foreign == "remove"
        options = Options(foreign=foreign, verify=random.choice(("list", "records")))  # type: ignore[arg-type]
        self.plans.append(self.world.apply(options).id)
        return self.plans[-1]

    def calm(self) -> None:
        """Nothing happens any more but what is being done."""
        world = self.world
        world.kill()
        for box in world.boxes.values():
            box.silent = 0
            world.register(box)
        for plan_id in self.plans:
            world.settle(plan_id, self.random)
        for box in world.boxes.values():
            world.expire(box)

    def again(self, sn: str) -> list[Any]:
        """What a plan from a fresh list finds to do at a terminal, and does."""
        world = self.world
        for box in world.boxes.values():
            world.register(box)
            world.finish(world.listed(box))
        plan = world.apply(Options())
        world.settle(plan.id, self.random)
        return world.finish(world.plans.items(plan.id, sn, 0, 1000))  # type: ignore[no-any-return]


class AlwaysTests(SynchronousTestCase):
    """Random worlds; the store is real."""

    def setUp(self) -> None:
        self.store = RealStore("--appendfsync", "no", "--save", "").start()
        self.addCleanup(self.store.remove)

    def test_converges(self) -> None:
        """Through kills, silence, refusals, lies and changes: all plans end, nothing is overfilled, and soon
        nothing is left to do but what terminals say no to, or true without doing it."""

        @settings(max_examples=100, derandomize=True, deadline=None, suppress_health_check=[*HealthCheck])
        @given(st.integers(0, 2**32))
        def run(seed: int) -> None:
            """One world."""
            scene = Scene(self.store, Random(seed))
            try:
                scene.begin()
                for _ in range(120):
                    scene.happen()
                scene.calm()
                for sn in scene.world.boxes:
                    self._assert_true(scene, sn)
                    self._assert_settles(scene, sn)
            finally:
                scene.world.close()

        run()

    def test_second_is_empty(self) -> None:
        """Where nothing goes wrong and nobody is there whom we did not put there, a plan that was carried out
        leaves nothing to do, whatever of everybody changed before it."""

        @settings(max_examples=60, deadline=None, suppress_health_check=[*HealthCheck], derandomize=True)
        @given(st.integers(0, 2**32))
        def run(seed: int) -> None:
            """One world."""
            scene = Scene(self.store, Random(seed))
            try:
                for box in scene.world.boxes.values():
                    box.people.clear()
                    box.refuses, box.forgets = set(), set()
                    scene.world.register(box)
                    scene.world.finish(scene.world.listed(box))
                for _ in range(4):
                    for number in NUMBERS:
                        scene.enter(number)
                    scene.world.settle(scene.begin(), scene.random)
                    self._assert_nothing_left(scene)
            finally:
                scene.world.close()

        run()

    def _assert_nothing_left(self, scene: Scene) -> None:
        world = scene.world
        second = world.apply(Options())
        world.settle(second.id, scene.random)
        for sn, box in world.boxes.items():
            views = world.finish(world.plans.items(second.id, sn, 0, 1000))
            self.assertEqual([view for view in views if view.item.refused is None], [])
            for number, person in box.people.items():
                known = world.finish(world.directory.get(number))
                access = known.person.access
                lock = Lock(weekzone=access.weekzone) if access else None
                self.assertEqual(lock_of(person.lock or Lock().fields(number)), digest_of(lock), number)

    def _assert_settles(self, scene: Scene, sn: str) -> None:
        box = scene.world.boxes[sn]
        for _ in range(CALM):
            left = [view for view in scene.again(sn) if view.item.refused is None]
            odd = [view for view in left if view.item.enrollid not in box.refuses | box.forgets]
            self.assertFalse([view for view in left if view.state not in END], left)
            if not odd:
                break
        else:
            self.fail(f"there is always something left to do: {odd}")
        self._assert_so(scene, box)

    def _assert_true(self, scene: Scene, sn: str) -> None:
        """What is called done of somebody whom the terminal only says to take was there before."""
        box, world = scene.world.boxes[sn], scene.world
        for plan_id in scene.plans:
            for view in world.finish(world.plans.items(plan_id, sn, 0, 1000)):
                item = view.item
                is_put = item.op in (Op.CREDENTIAL, Op.CHECK) and item.version and view.told != UNPROVEN
                if is_put and item.enrollid in box.forgets and view.state is ItemState.DONE:
                    kept = box.people[item.enrollid].slots[item.backupnum]
                    self.assertEqual(world.vault.version_of(kept), item.version)

    def _assert_so(self, scene: Scene, box: Box) -> None:
        """Everybody who is to be there, and is not refused with a reason, is there as in the directory; of
        others nothing was changed."""
        for number, stranger in scene.strangers[box.sn].items():
            if not scene.is_removing:
                self.assertEqual(box.people.get(number), stranger)
        world = scene.world
        plan = world.apply(Options())
        world.settle(plan.id, scene.random)
        views = world.finish(world.plans.items(plan.id, box.sn, 0, 1000))
        refused = {view.item.enrollid for view in views}
        for number in set(NUMBERS) - refused - box.refuses - box.forgets:
            known = world.finish(world.directory.get(number))
            if known is None or "all" not in known.person.groups or not known.credentials:
                continue
            there = box.people[number]
            for credential in known.credentials:
                record, _ = world.finish(world.directory.record(number, credential.backupnum))
                self.assertEqual(there.slots.get(credential.backupnum), record, (number, credential))
            if number not in box.unsure:
                self.assertEqual((there.name, there.admin), (known.person.name, known.person.admin))
            lock = Lock(weekzone=known.person.access.weekzone) if known.person.access else None
            self.assertEqual(lock_of(there.lock or Lock().fields(number)), digest_of(lock), number)


END = (ItemState.DONE, ItemState.REFUSED, ItemState.FAILED, ItemState.SKIPPED)
