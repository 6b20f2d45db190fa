"""What terminals said true to is looked for afterwards: some say true and keep nothing (protocol §5.1).

The terminal's list is read again: what is not in it was not kept. A list does not say what stands in a slot,
so what took another's place is read back by itself.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Final

from tfserver.people.carrying import steps
from tfserver.people.carrying.course import Course
from tfserver.people.carrying.doing import TICK, Doing
from tfserver.people.carrying.steps import End, is_accepted
from tfserver.people.carrying.window import Notes, Turnout, Window
from tfserver.people.changing import is_there
from tfserver.people.looking import NotLearned
from tfserver.people.means import Means
from tfserver.person import Held, HeldPerson, Holding
from tfserver.plan import Item, ItemState, ItemView, Op, Plan, TerminalHead, digest_of

A_PAGE: Final = 500
AGAIN_SECONDS: Final = 60.0
PROVEN: Final = "and the terminal has it so"
UNPROVEN: Final = "accepted, and not read back any more"
_LISTED: Final = frozenset({Op.REMOVE, Op.REMOVE_CREDENTIAL, Op.CREDENTIAL, Op.CHECK})
"""Of these the list says whether they were kept; of the others only what the terminal answered is known."""


class There:
    """What a terminal has, by person."""

    def __init__(self, holding: Holding) -> None:
        self.people: dict[int, HeldPerson] = holding.people
        self.slots: dict[int, dict[int, Held]] = {}
        for (enrollid, backupnum), held in holding.credentials.items():
            if is_there(held):
                self.slots.setdefault(enrollid, {})[backupnum] = held


def is_kept(item: Item, there: There) -> bool:
    """Whether it is as it was to become, as far as the list and the answers say."""
    person, slots = there.people.get(item.enrollid), there.slots.get(item.enrollid, {})
    if item.op is Op.REMOVE:
        return person is None and not slots
    if item.op is Op.REMOVE_CREDENTIAL:
        return item.backupnum not in slots
    if item.op in (Op.CREDENTIAL, Op.CHECK):
        held = slots.get(-1 if item.backupnum is None else item.backupnum)
        return held is not None and held.version == item.version
    if person is None:
        return False
    return item.op is Op.NAME or person.lock == digest_of(item.lock)


class Proving:
    """Looks for what one terminal accepted."""

    def __init__(
        self, means: Means, plan: Plan, head: TerminalHead, doing: Doing, notes: Notes, course: Course
    ) -> None:
        self._means, self._plan, self._head = means, plan, head
        self._doing, self._notes, self._course = doing, notes, course

    async def pages(self) -> AsyncIterator[list[ItemView]]:
        """All that is to be done there, some at a time."""
        after = 0
        while after < self._head.items:
            limit = min(A_PAGE, self._head.items - after)
            yield await self._means.plans.items(self._plan.id, self._head.sn, after, limit)
            after += limit

    async def prove(self, window: Window) -> None:
        """Note of everything accepted whether it was kept; what was not is open again."""
        there = await self._there()
        if there is None:
            return
        async for views in self.pages():
            for view in views:
                if not is_accepted(view):
                    continue
                if not is_kept(view.item, there):
                    self._lost(view)
                elif view.told == steps.REPLACED:
                    await self._read_back(view, window)
                else:
                    self._kept(view)
        while window.is_busy:
            await window.changed(TICK)

    async def settle(self) -> None:
        """Nothing more is done there: note what was accepted as it is known."""
        there = There(await self._means.holdings.of(self._head.sn))
        async for views in self.pages():
            for view in filter(is_accepted, views):
                is_so = is_kept(view.item, there)
                state = ItemState.DONE if is_so else ItemState.FAILED
                told = UNPROVEN if is_so else steps.NOT_KEPT
                self._notes.add((view.item.n, state, told, view.order_id))

    async def _there(self) -> There | None:
        """What the terminal has after all that; None when there is nothing to prove, or no way to."""
        ops: set[Op] = set()
        async for views in self.pages():
            ops |= {view.item.op for view in views if is_accepted(view)}
        if not ops:
            return None
        sn = self._head.sn
        if not ops & _LISTED:
            return There(await self._means.holdings.of(sn))
        try:
            # a look that nobody made before: an earlier one is older than what is to be proven
            key = f"sync {self._plan.id} {sn} list {secrets.token_hex(8)}"
            return There(await self._means.looker.look(sn, 0.0, key))
        except NotLearned as why:
            self._course.leave(AGAIN_SECONDS, f"its list could not be read: {why}")
            return None

    async def _read_back(self, view: ItemView, window: Window) -> None:
        turnout = Turnout(frozenset({view.item.enrollid}), False)
        while not window.has_room(turnout):
            await window.changed(TICK)
        window.begin(turnout, self._compare(view))

    async def _compare(self, view: ItemView) -> None:
        item, sn = view.item, self._head.sn
        key = f"sync {self._plan.id} {sn} {item.n} back {secrets.token_hex(8)}"
        result = await self._doing.ask("getuserinfo", steps.slot(view), key)
        if result.end is End.REFUSED:
            self._lost(view)
            return
        if result.end is not End.ACCEPTED:
            # it stays accepted: the next attempt reads it again
            self._course.tried = True
            return
        _, slots = await self._means.present.at(sn, item.enrollid)
        held = slots.get(item.backupnum or 0)
        if held is not None and held.version == item.version:
            self._kept(view)
        else:
            self._lost(view)

    def _kept(self, view: ItemView) -> None:
        self._notes.add((view.item.n, ItemState.DONE, PROVEN, view.order_id))

    def _lost(self, view: ItemView) -> None:
        self._course.tried = True
        self._notes.add((view.item.n, ItemState.PLANNED, steps.NOT_KEPT, view.order_id))
