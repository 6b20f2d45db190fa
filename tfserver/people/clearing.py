"""Clearing what this server keeps of somebody who is being erased, place by place (docs/people.md).

The directory and the data key went in the step that took the order; here goes what stands elsewhere in the
open. Each place can be cleared again, and is, before an erasure is over.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from tfserver.commander import Refused
from tfserver.people.asking import Asker
from tfserver.people.repeating import Journal
from tfserver.store.archive.database import Archive
from tfserver.store.archive.erased import Erased
from tfserver.store.archive.filter import Filter
from tfserver.store.errands import Errands
from tfserver.store.people.enrolments import Enrolment, Enrolments, Wish
from tfserver.store.people.erasures import Erasures, Going, PlaceState
from tfserver.store.people.holdings import Holdings
from tfserver.store.people.imports import Imports
from tfserver.store.people.restorations import Restorations
from tfserver.store.people.snapshots import Snapshots
from tfserver.store.people.traces import Traces
from tfserver.store.terminals import Terminals

OWN: Final = "erasure "
"""So the actor of our own orders begins."""
A_PAGE: Final = 500
SCANNED: Final = 10_000
SLACK_MS: Final = 3_600_000
HOUR_MS: Final = 3_600_000
ENROLMENTS_A_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Means:
    """What an erasure is carried out with. ``errands`` see erasures through, ``visits`` erase at terminals,
    ``enrolling`` are the errands of enrolments; ``image_hours`` is how long pictures are kept."""

    erasures: Erasures
    traces: Traces
    holdings: Holdings
    terminals: Terminals
    snapshots: Snapshots
    restorations: Restorations
    enrolments: Enrolments
    imports: Imports
    archive: Archive
    journal: Journal
    asker: Asker
    errands: Errands
    visits: Errands
    enrolling: Errands
    image_hours: int


class Cleared(NamedTuple):
    """Whether nothing is left at a place, and what there is to say about it."""

    is_clear: bool
    told: str


class Clearing:
    """Clears the places of the server."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._ways: dict[str, Callable[[Going], Awaitable[Cleared]]] = {
            "journal": self._journal,
            "orders": self._orders,
            "enrolments": self._enrolments,
            "snapshots": self._snapshots,
            "imports": self._imports,
            "quarantine": self._quarantine,
            "pictures": self._pictures,
            "names": self._names,
        }

    async def clear(self, place: str, going: Going) -> Cleared:
        """Clear one place."""
        return await self._ways[place](going)

    async def _journal(self, going: Going) -> Cleared:
        """It is remembered where a store that is brought back from before does not forget it."""
        asked = going.asked
        await self._means.journal.note_erasure(Erased(asked.enrollid, asked.id, going.ordered))
        return Cleared(True, "the archive remembers the erasure")

    async def _orders(self, going: Going) -> Cleared:
        """Orders that wait are taken back; those that are over keep the number only."""
        number, changed, left = going.asked.enrollid, 0, 0
        sns = {
            *await self._means.erasures.terminals(),
            *terminals_of(going),
            *await self._means.traces.deleted(),
        }
        for sn in sorted(sns):
            async for trace in self._means.traces.orders(sn, number):
                if trace.actor.startswith(OWN):
                    continue
                if trace.is_over:
                    changed += await self._means.traces.redact(trace, number)
                else:
                    left += 1
                    await self._cancel(trace.id)
        if left:
            return Cleared(False, f"orders about it that are not over: {left}")
        return Cleared(True, f"orders that keep the number only: {changed}")

    async def _cancel(self, order_id: str) -> None:
        try:
            await self._means.asker.cancel(order_id)
        except Refused:
            # it is being said just now, or over
            return

    async def _enrolments(self, going: Going) -> Cleared:
        """Those that go on are stopped; those that are over are forgotten."""
        gone = left = 0
        async for one in self._enrolments_of(going.asked.enrollid):
            if one.ended is None:
                left += 1
                await self._means.enrolments.wish(one.id, Wish.CANCEL)
                await self._means.enrolling.add(one.id)
            else:
                gone += 1
                await self._means.traces.forget_enrolment(one.sn, one.id)
        return Cleared(not left, "one goes on" if left else f"enrolments forgotten: {gone}")

    async def _enrolments_of(self, enrollid: int) -> AsyncIterator[Enrolment]:
        cursor: str | None = ""
        while cursor is not None:
            found, cursor = await self._means.enrolments.listing("", ENROLMENTS_A_PAGE, cursor)
            for one in found:
                if one.enrollid == enrollid:
                    yield one

    async def _snapshots(self, going: Going) -> Cleared:
        """Without the data key nothing of the person opens there; it is taken out all the same. What
        restorations tell of it goes too."""
        found = await self._means.snapshots.forget_person(going.asked.enrollid)
        await self._means.restorations.forget_person(going.asked.enrollid)
        return Cleared(True, f"snapshots that had it: {len(found)}")

    async def _imports(self, going: Going) -> Cleared:
        """Files from before the order may name the person. While the erasure is open its row is refused, so
        nothing of it comes in by them; what was sent goes when an import is over."""
        left = await self._means.imports.open_since_before(going.ordered)
        return Cleared(not left, f"imports from before that are not over: {left}")

    async def _quarantine(self, going: Going) -> Cleared:
        count = await self._means.traces.clear_quarantine(going.asked.enrollid)
        return Cleared(True, f"records about it forgotten: {count}")

    async def _pictures(self, going: Going) -> Cleared:
        """Pictures are found by the punches that they came with, and those in the archive."""
        until = await self._means.traces.archived_until()
        latest = max([going.ordered, *(place.at for place in going.places().values())])
        if until is not None and until <= latest:
            return Cleared(False, "the archive does not have all punches yet")
        since = self._means.erasures.now_ms() - self._means.image_hours * HOUR_MS - SLACK_MS
        after, count, wanted = f"{max(0, since)}-0", 0, Filter(enrollid=going.asked.enrollid)
        while True:
            found = await self._means.archive.find(after, A_PAGE, SCANNED, wanted)
            uids = [msgspec.json.decode(body, type=_Punch).uid for _, body in found.entries]
            count += await self._means.traces.drop_pictures(uids)
            if found.is_all:
                return Cleared(True, f"pictures deleted: {count}")
            after = found.reached

    async def _names(self, going: Going) -> Cleared:
        """What is known of terminals keeps the number until it is gone there, and no name."""
        number, count = going.asked.enrollid, 0
        for sn, person, _ in await self._means.holdings.where(number):
            if person is not None and person.name:
                count += 1
                await self._means.holdings.named(sn, {number: ""})
        return Cleared(True, f"terminals known to have it, now without its name: {count}")


class _Punch(msgspec.Struct):
    uid: str


def terminals_of(going: Going) -> dict[str, str]:
    """The fields of the terminals that an erasure is about, by their serial numbers."""
    return {field[2:]: field for field in going.raw if field.startswith("t:")}


def is_open(state: PlaceState) -> bool:
    """Whether something is left to be done."""
    return state in (PlaceState.OPEN, PlaceState.WAITING, PlaceState.REFUSED)
