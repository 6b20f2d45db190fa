"""What is to be done at a terminal so that it has whom it is to have (docs/people.md).

Plain values in, plain values out: the same plan for the same. Removals come first, as they make room; then
people by their numbers, so that it is always the same ones who fit. Of somebody either everything new that
can be there fits, or nothing of it is put. Nobody is overwritten who is, or may be, somebody else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from tfserver.capacity import refusal
from tfserver.credentials import kind_of
from tfserver.people.changing import Change, change_of, is_collided, is_there, refused, removal, stranger
from tfserver.people.desired import Wanted
from tfserver.people.fitting import USER, Filling, Target
from tfserver.people.numbering import Steps, told_as
from tfserver.person import Held, Holding, Known
from tfserver.plan import Item, Op, Options, Reason, TerminalPlan

__all__ = ["Planning", "plan_for", "stranger"]

NO_ADMIN: Final = "afterwards it has no administrator: its menu is open to everybody"


def plan_for(
    target: Target,
    holding: Holding,
    wanted: Mapping[int, Wanted],
    options: Options,
    others: Mapping[int, Known] | None = None,
    pace: float = 1.0,
) -> TerminalPlan:
    """The plan of one terminal. ``others`` are people of the directory whom it has and is not to have; its
    ``pace`` is how many times as long it takes as others do."""
    planning = Planning(target, holding, wanted, options, others or {})
    for _ in planning.steps():
        pass
    return planning.plan(pace)


class Planning:
    """A plan in the making, some people at a time."""

    def __init__(
        self,
        target: Target,
        holding: Holding,
        wanted: Mapping[int, Wanted],
        options: Options,
        others: Mapping[int, Known],
    ) -> None:
        zones = any(one.lock is not None for one in wanted.values())
        self._target = msgspec.structs.replace(target, zones=zones)
        self._holding, self._wanted = holding, wanted
        self._options, self._others = options, others
        self._filling = Filling(target.capacity)
        self._steps = Steps()
        self._slots: dict[int, dict[int, Held]] = {}
        for (enrollid, backupnum), held in holding.credentials.items():
            self._slots.setdefault(enrollid, {})[backupnum] = held
        self._same = self._kept = 0

    def steps(self) -> Iterator[None]:
        """Make it; between two people others may have a turn."""
        there = sorted({*self._holding.people, *self._slots})
        for enrollid in there:
            if enrollid not in self._wanted:
                self._unwanted(enrollid)
                yield
        changes: list[Change] = []
        for enrollid in sorted(self._wanted):
            changes.append(self._change(enrollid))
            yield
        for change in changes:
            self._put(change)
            yield

    def plan(self, pace: float) -> TerminalPlan:
        """What was made of it."""
        items, refusals = self._steps.numbered()
        commands, minutes = told_as(items, pace)
        return TerminalPlan(
            sn=self._target.sn,
            items=items,
            refusals=refusals,
            people=len(self._wanted),
            same=self._same,
            kept=self._kept,
            commands=commands,
            minutes=minutes,
            room=self._filling.rooms(),
            warnings=self._warnings(items),
        )

    def _unwanted(self, enrollid: int) -> None:
        person, slots = self._holding.people.get(enrollid), self._slots.get(enrollid, {})
        is_foreign = person is not None and (not person.ours or self._is_another(enrollid))
        if is_foreign and self._options.foreign == "keep":
            self._kept += 1
            return
        why = "nobody wants it here" if is_foreign else "does not belong here"
        self._steps.removals.append(Item(0, Op.REMOVE, enrollid, why=why))
        self._free(enrollid, slots)

    def _is_another(self, enrollid: int) -> bool:
        known = self._others.get(enrollid)
        return known is not None and is_collided(known.collisions, self._target.sn)

    def _free(self, enrollid: int, slots: dict[int, Held]) -> None:
        kinds = [USER] if enrollid in self._holding.people else []
        self._filling.free(kinds + [kind_of(n) for n, held in slots.items() if is_there(held)])

    def _change(self, enrollid: int) -> Change:
        """What differs of somebody who is wanted; what goes makes room at once."""
        person, slots = self._holding.people.get(enrollid), self._slots.get(enrollid, {})
        change = change_of(self._target, self._wanted[enrollid], person, slots, self._options)
        if change.is_removed:
            self._steps.removals.append(Item(0, Op.REMOVE, enrollid, why="has nothing here any more"))
            self._free(enrollid, slots)
        for backupnum in () if change.is_removed else change.obsolete:
            self._steps.removed.append(removal(enrollid, backupnum))
            if is_there(slots[backupnum]):
                self._filling.free([kind_of(backupnum)])
        return change

    def _put(self, change: Change) -> None:
        lacks = self._filling.lacks(change.needed)
        if lacks:
            words = refusal(self._target.sn, lacks)
            change.refuse_new(refused(change.enrollid, Reason.CAPACITY, words))
        else:
            self._filling.take(change.needed)
        self._same += self._steps.take(change)

    def _warnings(self, items: tuple[Item, ...]) -> tuple[str, ...]:
        before = {one for one, person in self._holding.people.items() if person.admin}
        put = {item.enrollid for item in items if item.op is Op.CREDENTIAL}
        gone = {item.enrollid for item in items if item.op is Op.REMOVE}
        after = any(self._wanted[one].person.admin for one in put) or before - gone - put
        return (NO_ADMIN,) if before and not after else ()
