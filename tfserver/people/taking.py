"""Taking a snapshot of a terminal: everything is asked one after another, and what was asked stays asked."""

from __future__ import annotations

from typing import Any, Final

from tfserver.commander import Refused
from tfserver.credentials import label_of
from tfserver.locks import TIMES, ZONES
from tfserver.order import Order, OrderState
from tfserver.people.asking import Asker
from tfserver.people.copies import Copies
from tfserver.people.stepping import Later, Steps, told
from tfserver.person import Holding
from tfserver.store.errands import Errands
from tfserver.store.people.snapshots import Copied, Record, Snapshot, SnapshotState

KIND: Final = "snapshot"
"""Of the errands."""
SETTINGS: Final = "getdevinfo"
LOCKS: Final = "getdevlock"
HOLIDAYS: Final = "getholiday"
QUESTIONS: Final = "getquestionnaire"
WORDS: Final = (SETTINGS, LOCKS, HOLIDAYS, QUESTIONS)
"""What is asked of every terminal, known to its model or not."""
LIST: Final = "getuserlist"
TOLD_EVERY: Final = 25
MOST_LOCKS_MISSED: Final = 3
"""So often in a row a terminal does not say when somebody may pass; then it is not asked any more."""
_LOCK: Final = "getuserlock"
_DONE: Final = OrderState.DONE


class Taking:
    """Takes snapshots: ``do`` is an errand by the id of one."""

    def __init__(self, asker: Asker, errands: Errands, stores: Copies) -> None:
        self._asker = asker
        self._errands = errands
        self._stores = stores

    async def do(self, snapshot_id: str) -> float | None:
        """Go on with a snapshot; None when it is over, else when to come again."""
        snapshots = self._stores.snapshots
        snapshot = await snapshots.get(snapshot_id)
        if snapshot is None or snapshot.state is not SnapshotState.OPEN:
            return None
        if snapshot.source == "file":
            # read by the process that took it, and long over if that lived
            why = "the server stopped while it was read: upload it again"
            await snapshots.finish(snapshot_id, SnapshotState.FAILED, why)
            return None
        steps = Steps(self._asker.called(snapshot.actor), self._errands, snapshot_id)
        try:
            await _Visit(snapshot, steps, self._stores).take()
        except Later as later:
            await snapshots.stage(snapshot_id, "waits for the terminal")
            return later.seconds
        except Refused as refused:
            await snapshots.finish(snapshot_id, SnapshotState.FAILED, str(refused))
            return None
        await snapshots.tidy(snapshot.sn)
        return None


class _Visit:
    """One run over a terminal, as far as it gets."""

    def __init__(self, snapshot: Snapshot, steps: Steps, stores: Copies) -> None:
        self._snapshot = snapshot
        self._steps = steps
        self._stores = stores
        self._snapshots = stores.snapshots
        self._locks_missed = MOST_LOCKS_MISSED if _LOCK in snapshot.missing else 0

    async def take(self) -> None:
        """Ask for everything that is not in it yet. Raises Later, and ``commander.Refused``."""
        snapshot = self._snapshot
        for word in WORDS:
            if word not in snapshot.answers and word not in snapshot.missing:
                await self._snapshots.stage(snapshot.id, word)
                await self._answer(word, await self._steps.try_once(snapshot.sn, word, {}, word))
        listed = await self._steps.ask(snapshot.sn, LIST, {}, LIST)
        if listed.state is not _DONE:
            await self._snapshots.miss(snapshot.id, LIST, told(listed))
            why = f"its people can't be listed: {told(listed)}"
            await self._snapshots.finish(snapshot.id, SnapshotState.FAILED, why)
            return
        await self._people(await self._stores.holdings.of(snapshot.sn))
        await self._snapshots.finish(snapshot.id, SnapshotState.DONE)

    async def _answer(self, word: str, order: Order) -> None:
        if order.state is _DONE:
            await self._snapshots.keep_answer(self._snapshot.id, word, order.reply or {})
        else:
            await self._snapshots.miss(self._snapshot.id, word, told(order))

    async def _people(self, holding: Holding) -> None:
        slots: dict[int, list[int]] = {enrollid: [] for enrollid in holding.people}
        for enrollid, backupnum in holding.credentials:
            slots.setdefault(enrollid, []).append(backupnum)
        kept = await self._snapshots.people(self._snapshot.id)
        for number, enrollid in enumerate(sorted(slots), 1):
            if number % TOLD_EVERY == 1:
                await self._snapshots.stage(self._snapshot.id, f"person {number} of {len(slots)}")
            if enrollid not in kept and str(enrollid) not in self._snapshot.missing:
                await self._person(enrollid, sorted(slots[enrollid]))

    async def _person(self, enrollid: int, slots: list[int]) -> None:
        snapshot_id = self._snapshot.id
        records: dict[int, Record] = {}
        for backupnum in slots:
            record = await self._record(enrollid, backupnum)
            if record is not None:
                records[backupnum] = record
        # what was read tells the name
        person, _ = await self._stores.present.at(self._snapshot.sn, enrollid)
        name, admin = ("", 0) if person is None else (person.name or "", person.admin or 0)
        copied = Copied(name, admin, await self._lock(enrollid))
        if await self._snapshots.keep_person(snapshot_id, enrollid, copied, records) == "erased":
            await self._snapshots.miss(snapshot_id, str(enrollid), "this person is to be forgotten")

    async def _record(self, enrollid: int, backupnum: int) -> Record | None:
        sn, name = self._snapshot.sn, f"{enrollid}/{backupnum}"
        asked = {"enrollid": enrollid, "backupnum": backupnum}
        order = await self._steps.ask(sn, "getuserinfo", asked, name)
        is_done = order.state is _DONE
        found = await self._stores.pushed(sn, enrollid, backupnum) if is_done else None
        if found is None:
            why = "it is not told, or nothing of it may be kept" if is_done else told(order)
            await self._snapshots.miss(self._snapshot.id, name, f"{label_of(backupnum)}: {why}")
        return found

    async def _lock(self, enrollid: int) -> dict[str, Any] | None:
        if self._locks_missed >= MOST_LOCKS_MISSED:
            return None
        asked = {"enrollid": enrollid}
        order = await self._steps.try_once(self._snapshot.sn, _LOCK, asked, f"{enrollid} lock")
        if order.state is _DONE:
            self._locks_missed = 0
            reply = order.reply or {}
            return {name: reply[name] for name in (*ZONES, *TIMES) if reply.get(name) is not None}
        self._locks_missed += 1
        what = _LOCK if self._locks_missed == MOST_LOCKS_MISSED else f"{enrollid} lock"
        await self._snapshots.miss(self._snapshot.id, what, told(order))
        return None
