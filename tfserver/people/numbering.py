"""The steps of a plan in the order they are done, packed into commands, and how long that takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from tfserver.commands.passing import MOST_LOCKS
from tfserver.commands.people import MOST_NAMES
from tfserver.credentials import PHOTO
from tfserver.people.changing import Change
from tfserver.plan import Item, Op

SECONDS: Final = {
    Op.REMOVE: 0.5,
    Op.REMOVE_CREDENTIAL: 0.4,
    Op.CHECK: 0.5,
    Op.CREDENTIAL: 0.8,
    Op.NAME: 1.0,
    Op.LOCK: 1.0,
    Op.UNLOCK: 0.3,
}
"""How long one command takes a terminal, usually; of names and locks one brings many."""
PHOTO_SECONDS: Final = 3.0
"""It looks for a face in it."""


class Steps:
    """Steps as they are found."""

    def __init__(self) -> None:
        self.removals: list[Item] = []
        self.removed: list[Item] = []
        self._names: list[Item] = []
        self._locks: list[Item] = []
        self._rest: list[list[Item]] = []
        """What goes out in one command each."""
        self._refusals: list[Item] = []

    def take(self, change: Change) -> bool:
        """What is to be done about somebody; whether that is nothing."""
        credentials, naming, locking = change.credentials, change.naming, change.locking
        self._rest += [[item] for item in credentials]
        if locking is not None and locking.op is Op.UNLOCK:
            self._rest.append([locking])
        elif locking is not None:
            self._locks.append(locking)
            if len(self._locks) == MOST_LOCKS:
                # nobody passes for long without the lock that is for it
                self._flush()
        if naming is not None:
            self._names.append(naming)
        self._refusals += change.refusals
        is_same = not (credentials or naming or locking or change.refusals)
        return is_same and not change.obsolete and not change.is_removed

    def numbered(self) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
        """The steps, and behind them what can't be done."""
        self._flush()
        alone = [[item] for item in self.removals + self.removed]
        orders = [*alone, *self._rest, *_packed(self._names, MOST_NAMES)]
        items: list[Item] = []
        for order, packet in enumerate(orders, 1):
            for item in packet:
                items.append(_placed(item, len(items) + 1, order))
        refusals = [_placed(item, n, 0) for n, item in enumerate(self._refusals, len(items) + 1)]
        return tuple(items), tuple(refusals)

    def _flush(self) -> None:
        if self._locks:
            self._rest.append(self._locks)
        self._locks = []


def _packed(items: list[Item], most: int) -> list[list[Item]]:
    return [items[start : start + most] for start in range(0, len(items), most)]


def _placed(item: Item, n: int, order: int) -> Item:
    return msgspec.structs.replace(item, n=n, order=order)


def told_as(items: Iterable[Item], pace: float) -> tuple[int, float]:
    """In how many commands the steps are told, and in how many minutes at a terminal of this pace."""
    commands, seconds, last = 0, 0.0, 0
    for item in items:
        if item.order != last:
            last, commands = item.order, commands + 1
            is_photo = item.op is Op.CREDENTIAL and item.backupnum == PHOTO
            seconds += PHOTO_SECONDS if is_photo else SECONDS[item.op]
    return commands, round(seconds * pace / 60, 2)
