"""Tests of carrying plans out, one step after another, in a small world."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.people.boxes import Box, Person
from tests.people.carried_worlds import World
from tests.real.store import RealStore
from tfserver.order import OrderState
from tfserver.person import Group, Made
from tfserver.person import Person as Meant
from tfserver.plan import ItemView, Options, Plan

SN = "T1"
ROOM = {"user": 9, "fp": 9, "card": 9, "pwd": 9, "face": 0, "palm": 0}
MADE = Made(fpalgo="thbio3.0")


class AppliedCase(SynchronousTestCase):
    """One terminal where everybody of the group belongs."""

    def setUp(self) -> None:
        store = RealStore("--appendfsync", "no", "--save", "").start()
        self.addCleanup(store.remove)
        self.world = World(store)
        self.addCleanup(self.world.close)
        self.random = Random(1)
        self.done(self.world.groups.put(Group(name="all", everywhere=True)))

    def done(self, work: Any) -> Any:
        """What came of something that waits for no terminal."""
        return self.world.finish(work)

    def box(self, people: dict[int, Person] | None = None, **sizes: int) -> Box:
        """The terminal, with these people on it."""
        box = Box(SN, {**ROOM, **sizes}, people or {})
        self.world.add(box)
        return box

    def enter(self, *numbers: int, slots: tuple[int, ...] = (11,), **more: Any) -> None:
        """People of the group enter the directory."""
        for number in numbers:
            told = {"name": f"N{number}", "groups": ("all",), **more}
            self.done(self.world.directory.put(Meant(enrollid=number, **told)))
            for slot in slots:
                self.card(number, slot)

    def card(self, number: int, slot: int = 11, version: str = "") -> None:
        """Somebody gets a credential."""
        record = f"{number}{slot}{version}"
        self.done(self.world.directory.put_credential(number, slot, record, MADE))

    def apply(self, **options: Any) -> Plan:
        """A plan is made and begun; nothing is done yet."""
        return self.world.apply(Options(**options))

    def begin(self, plan: Plan) -> None:
        """The errand of the terminal goes as far as it gets by itself."""
        self.world.begin(f"{plan.id} {SN}")

    def settle(self, plan: Plan) -> list[ItemView]:
        """Everything goes on until the plan is over; what became of its steps."""
        self.world.settle(plan.id, self.random)
        return self.views(plan)

    def views(self, plan: Plan) -> list[ItemView]:
        """What became of each step."""
        found: list[ItemView] = self.done(self.world.plans.items(plan.id, SN, 0, 1000))
        return found

    def states(self, plan: Plan) -> dict[int, str]:
        """The state of each step by its person; of the last one for whom there are several."""
        return {view.item.enrollid: view.state.value for view in self.views(plan)}

    def told(self, plan: Plan) -> dict[int, str]:
        """The same in words."""
        return {view.item.enrollid: view.told for view in self.views(plan)}

    def orders(self, cmd: str = "") -> list[str]:
        """The ids of all orders of a word there ever were."""
        found = self.world.orders.orders.values()
        return [one.id for one in found if not cmd or one.cmd == cmd]

    def wait(self, seconds: float) -> None:
        """Time passes, and what is written by then is."""
        self.world.clock.pump([seconds, *[0.01] * 10])

    def obey_all(self) -> None:
        """The terminal does what waits for it, until nothing does."""
        while self.world.orders.open:
            self.world.obey(self.world.orders.open[0])

    def end(self, order_id: str, state: OrderState, words: str = "") -> None:
        """An order ends without having been carried out."""
        self.world.orders.end(order_id, state, words)

    def stage(self, plan: Plan) -> tuple[str, str]:
        """How far the terminal is, in a word and in words."""
        head = self.done(self.world.plans.terminal(plan.id, SN))
        return head.stage, head.told
