"""One step of a plan at one terminal: looked at, ordered, awaited, and noted what came of it.

A step that was ordered before a kill is found by its order, or, when not even that was noted, put again under
the same idempotency key: either way it is the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tfserver.commander import NoRoom, NotNow, QueueFull, Refused, UnknownOrder, UnknownTerminal
from tfserver.locks import DOUBTFUL, UNLOCKED
from tfserver.model import Admission
from tfserver.order import ENDS, Order
from tfserver.people.carrying import steps
from tfserver.people.carrying.checking import CHANGED, Checking, Found
from tfserver.people.carrying.course import Course
from tfserver.people.carrying.steps import End, Outcome, Step, outcome
from tfserver.people.carrying.window import Notes, Window
from tfserver.people.means import Means
from tfserver.person import Held, Proof
from tfserver.plan import ItemState, ItemView, Op, Plan

LEAST_LIFE: Final = 120
LIFE_AN_ORDER: Final = 60
"""Seconds that an order of a plan lives: some, and more for each that may stand before it."""
MARGIN: Final = 60.0
FULL_SECONDS: Final = 30.0
TICK: Final = 2.0
MOST_SCANNED: Final = 100
_LINKS: Final = 20
IN_PLACE: Final = "ordered in place of another"


class Interrupted(Exception):
    """An order has no end in time, or this process is about to end: whoever comes next goes on."""


class Doing:
    """Does the steps at one terminal."""

    def __init__(
        self, means: Means, plan: Plan, sn: str, notes: Notes, window: Window, course: Course
    ) -> None:
        self._means, self._plan, self._sn = means, plan, sn
        self._notes, self._window, self._course = notes, window, course
        self.checking = Checking(means, sn, plan.options)
        self.attempt = 1
        # the audit says who began the plan; an order says which one it is of
        self._asker = means.asker(f"plan {plan.id}")
        self._life = LEAST_LIFE + LIFE_AN_ORDER * means.settings.orders_ahead
        self._open: set[str] = set()
        self._freeing = 0
        self._is_owing = False
        """Whether something that was to make room was not removed."""

    async def do(self, step: Step) -> None:
        """Bring a step as far as it gets now."""
        view = step.views[0]
        if view.state is ItemState.ORDERED and view.order_id:
            order = await self._means.commander.get(view.order_id)
            if order is not None:
                await self._go_on(step, await self._end_of(order))
                return
        if self._course.is_leaving:
            return
        if step.op in steps.PACKETS:
            await self._packet(step)
        else:
            await self._single(view)

    async def take_back(self) -> None:
        """Cancel what waits for the terminal and was not said to it yet."""
        for order_id in list(self._open):
            await self._cancel(order_id)

    async def adopt_strays(self, views: Sequence[ItemView]) -> None:
        """Orders that a process put just before it died, so that nobody noted them, must not be carried out
        behind our back: they are noted now, and those that only read are taken back."""
        noted = {view.order_id for view in views if view.state is ItemState.ORDERED}
        orders, _ = await self._means.commander.listing(self._sn, MOST_SCANNED, "")
        for order in orders:
            if order.actor != self._asker.actor or order.state in ENDS or order.id in noted:
                continue
            its = [view for view in views if steps.is_of(order, view)]
            for view in its:
                self._note(view, ItemState.ORDERED, "", order.id)
            if not its:
                await self._cancel(order.id)

    async def _cancel(self, order_id: str) -> None:
        try:
            await self._asker.cancel(order_id)
        except Refused:
            # it is being said just now, or over: its end comes
            return

    async def ask(self, cmd: str, fields: dict[str, Any], key: str) -> Outcome:
        """An order that only reads."""
        try:
            return self._meaning(await self._end_of(await self._put(cmd, fields, key)))
        except Refused as no:
            return Outcome(End.AGAIN, str(no))

    async def _go_on(self, step: Step, order: Order) -> None:
        """What was ordered has ended."""
        view, result = step.views[0], self._meaning(order)
        self._course.heard(result)
        if step.op is Op.CHECK and order.cmd == "getuserinfo":
            await self._checked(view, result)
        else:
            self._conclude(step, result, view.told == IN_PLACE)

    async def _single(self, view: ItemView) -> None:
        found = await self.checking.found(view)
        if found.verdict is not None:
            self._note(view, *found.verdict)
        elif view.item.op is Op.CREDENTIAL:
            await self._credential(view, found)
        elif view.item.op is Op.CHECK:
            result = await self._order(Step((view,)), "getuserinfo", steps.slot(view))
            if result is not None:
                await self._checked(view, result)
        elif view.item.op is Op.UNLOCK:
            await self._doubt_locks([view])
            await self._plain(view, "deleteuserlock", {"enrollid": view.item.enrollid})
        else:
            is_last = view.item.op is Op.REMOVE_CREDENTIAL and len(found.slots) == 1
            if is_last and found.person is not None and found.person.lock not in ("", UNLOCKED):
                # with its last credential a person may go, and what it was told with it
                await self._doubt_locks([view])
            await self._removal(view)

    async def _removal(self, view: ItemView) -> None:
        """It makes room: who needs some waits for it."""
        self._freeing += 1
        try:
            is_done = await self._plain(view, "deleteuser", steps.removal(view, self.attempt))
        finally:
            self._freeing -= 1
        self._is_owing |= not is_done

    async def _plain(self, view: ItemView, cmd: str, fields: dict[str, Any]) -> bool:
        """Order it; whether the terminal said true."""
        step = Step((view,))
        result = await self._order(step, cmd, fields)
        if result is not None:
            self._conclude(step, result)
        return result is not None and result.end is End.ACCEPTED

    async def _packet(self, step: Step) -> None:
        """Several people in one command: those of whom it is still true."""
        views, people = [], []
        for view in step.views:
            found = await self.checking.found(view)
            if found.verdict is not None:
                self._note(view, *found.verdict)
            elif found.wanted is not None:
                views.append(view)
                people.append(found.wanted.person)
        if not views:
            return
        left = Step(tuple(views))
        is_naming = step.op is Op.NAME
        if not is_naming:
            await self._doubt_locks(views)
        fields = steps.names(people) if is_naming else steps.locks(views)
        result = await self._order(left, "setusername" if is_naming else "setuserlock", fields)
        if result is None:
            return
        if result.end is not End.REFUSED or len(views) == 1:
            self._conclude(left, result)
            return
        # nobody says whom it did not like
        for view in views:
            alone = msgspec.structs.replace(
                view, state=ItemState.PLANNED, told=steps.ALONE, order_id=result.order_id
            )
            self._note(alone, alone.state, alone.told)
            await self.do(Step((alone,)))

    async def _doubt_locks(self, views: Sequence[ItemView]) -> None:
        """Should the answer be lost nobody knows which of two holds."""
        await self._means.holdings.locked(self._sn, {view.item.enrollid: DOUBTFUL for view in views})

    async def _checked(self, view: ItemView, result: Outcome) -> None:
        """A slot was read: what stands there is known now, or nothing does."""
        if result.end not in (End.ACCEPTED, End.REFUSED):
            self._conclude(Step((view,)), result)
            return
        item = view.item
        if not item.version:
            is_known = result.end is End.ACCEPTED
            state = ItemState.DONE if is_known else ItemState.REFUSED
            self._note(view, state, "" if is_known else result.words, result.order_id)
            return
        self.checking.forget(item.enrollid)
        putting = msgspec.structs.replace(item, op=Op.CREDENTIAL)
        found = await self.checking.found(msgspec.structs.replace(view, item=putting))
        if found.verdict is not None:
            self._note(view, *found.verdict, result.order_id)
            return
        # the next order is put because of how this one ended
        await self._credential(msgspec.structs.replace(view, order_id=result.order_id), found)

    async def _credential(self, view: ItemView, found: Found) -> None:
        item = view.item
        assert found.wanted is not None and item.backupnum is not None, "a verdict would have said so"
        kept = await self._means.directory.record(item.enrollid, item.backupnum)
        if kept is None or kept[1].version != item.version:
            self._note(view, ItemState.SKIPPED, f"{CHANGED}: the directory has another one, or none")
            return
        held = found.slots.get(item.backupnum)
        is_in_place = held is not None and bool(held.version) and held.version != item.version
        # before it is put: whoever erases a person has to know where it may be, and should the answer be lost
        # nobody knows which of two stands there
        at = self._means.holdings.now_ms()
        sent = Held(Proof.ACCEPTED, "", at) if is_in_place else Held(Proof.SENT, item.version, at)
        await self._means.holdings.told(self._sn, item.enrollid, item.backupnum, sent, None)
        fields = steps.credential(view, found.wanted.person, kept[0])
        step = Step((view,))
        result = await self._order(step, "setuserinfo", fields, IN_PLACE if is_in_place else "")
        if result is not None:
            self._conclude(step, result, is_in_place)

    async def _order(self, step: Step, cmd: str, fields: dict[str, Any], told: str = "") -> Outcome | None:
        """Put an order and await its end; None: nothing was put, and nothing is to be noted."""
        view = step.views[0]
        while not self._course.is_leaving:
            try:
                order = await self._put_anew(view, cmd, fields)
            except NotNow as no:
                result = await self._not_now(view, no)
                if result is None:
                    continue
                return result
            except QueueFull as full:
                self._course.leave(FULL_SECONDS, str(full))
            except UnknownTerminal as gone:
                self._course.leave(1.0, str(gone))
            except Refused as no:
                return Outcome(End.REFUSED, str(no))
            else:
                return await self._followed(step, order, told)
        return None

    async def _followed(self, step: Step, order: Order, told: str) -> Outcome:
        """What came of an order that was put."""
        if order.state not in ENDS:
            for view in step.views:
                self._note(view, ItemState.ORDERED, told, order.id)
        result = self._meaning(await self._end_of(order))
        self._course.heard(result)
        return result

    async def _not_now(self, view: ItemView, no: NotNow) -> Outcome | None:
        """Why an order was not taken as things are; None when it may be by now, or nothing more is put."""
        grounds = await self.checking.grounds_now()
        if grounds is None or grounds.terminal.admission is not Admission.APPROVED:
            self._course.leave(1.0, str(no))
            return None
        if not isinstance(no, NoRoom):
            # so long ago that its order was forgotten: under another key it is put anew
            return Outcome(End.AGAIN, str(no), f"{view.order_id}~")
        if self._freeing:
            await self._window.changed(TICK)
            return None
        # what was to make room and did not go is removed again, and then this fits
        return Outcome(End.AGAIN if self._is_owing else End.REFUSED, str(no))

    async def _put_anew(self, view: ItemView, cmd: str, fields: dict[str, Any]) -> Order:
        """The order that was put before a kill, if it was; one that was never said is followed by another."""
        for _ in range(_LINKS):
            order = await self._put(cmd, fields, steps.key(self._plan.id, self._sn, view, cmd, fields))
            if order.state not in ENDS or self._meaning(order).end is not End.UNSENT:
                break
            view = msgspec.structs.replace(view, order_id=order.id)
        return order

    def _meaning(self, order: Order) -> Outcome:
        return outcome(order, self._asker.actor)

    async def _put(self, cmd: str, fields: dict[str, Any], key: str) -> Order:
        return await self._asker.put(self._sn, cmd, fields, key=key, ttl=self._life)

    async def _end_of(self, order: Order) -> Order:
        self._open.add(order.id)
        try:
            ended = await self._asker.ended(order, self._life + MARGIN)
        except UnknownOrder as gone:
            raise Interrupted(str(gone)) from gone
        finally:
            self._open.discard(order.id)
        if ended.state not in ENDS:
            raise Interrupted(f"order {order.id} has no end yet")
        return ended

    def _conclude(self, step: Step, result: Outcome, is_in_place: bool = False) -> None:
        """Note what became of a step by its last order."""
        state, told = self._stands(result, is_in_place)
        self._course.tried |= result.end is End.AGAIN
        for view in step.views:
            self._note(view, state, told, result.order_id)

    def _stands(self, result: Outcome, is_in_place: bool) -> tuple[ItemState, str]:
        if result.end is End.ACCEPTED:
            return ItemState.ORDERED, steps.REPLACED if is_in_place else steps.ACCEPTED
        if result.end is End.REFUSED:
            return ItemState.REFUSED, result.words
        if result.end is End.FAILED:
            return ItemState.FAILED, result.words
        if self._course.is_stopped:
            return ItemState.SKIPPED, self._course.words
        if result.end is End.STOPPED and not self._course.is_leaving:
            return ItemState.SKIPPED, result.words
        return ItemState.PLANNED, result.words

    def _note(self, view: ItemView, state: ItemState, told: str, order_id: str = "") -> None:
        self._notes.add((view.item.n, state, told, order_id or view.order_id))
