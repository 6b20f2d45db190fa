"""Bringing the people of a snapshot to a terminal: who fits, who is somebody else there, what came of it."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

from tfserver.commander import BadOrder
from tfserver.commands.passing import MOST_LOCKS
from tfserver.locks import ALWAYS, TIMES, UNLOCKED, ZONES, lock_of
from tfserver.order import OrderState
from tfserver.people.copies import Copies
from tfserver.people.fitting import Target
from tfserver.people.portable import refusal
from tfserver.people.stepping import Steps, told
from tfserver.person import NO_END, UNSURE, Credential, Held, HeldPerson
from tfserver.store.people.names import folded
from tfserver.store.people.restorations import DONE, SAME, Restoration
from tfserver.store.people.snapshots import Copied, Part, Snapshot

RESERVED_SECONDS: Final = 3600.0
TOLD_EVERY: Final = 25


class Bringing:
    """Brings them, one after another; who was dealt with before a kill is not again."""

    def __init__(
        self, wish: Restoration, snapshot: Snapshot, steps: Steps, stores: Copies, target: Target
    ) -> None:
        self._wish = wish
        self._snapshot = snapshot
        self._steps = steps
        self._stores = stores
        self._target = target
        self._outcomes: dict[str, str] = {}
        self._locks: list[dict[str, Any]] = []

    async def bring(self) -> None:
        """All of them. Raises Later, and ``commander.Refused``."""
        restorations, snapshots = self._stores.restorations, self._stores.snapshots
        self._outcomes = await restorations.outcomes(self._wish.id)
        people = await snapshots.people(self._snapshot.id)
        for number, (enrollid, slots) in enumerate(people.items(), 1):
            if number % TOLD_EVERY == 1:
                await restorations.stage(self._wish.id, f"person {number} of {len(people)}")
            if str(enrollid) not in self._outcomes:
                await self._person(enrollid, slots)
            if len(self._locks) == MOST_LOCKS:
                await self._lock()
        await self._lock()

    async def _person(self, enrollid: int, slots: list[int]) -> None:
        snapshots = self._stores.snapshots
        person = await snapshots.person(self._snapshot.id, enrollid)
        if person is None or await snapshots.is_erased(enrollid):
            await self._refuse(str(enrollid), "this person was erased")
            return
        there, held = await self._read(enrollid)
        if there is not None and _is_another(there, person):
            await self._refuse(str(enrollid), "somebody else has this number there")
            return
        parts = await snapshots.parts(self._snapshot.id, enrollid, slots)
        is_there = there is not None
        for backupnum, part in parts.items():
            is_there |= await self._credential(enrollid, person, part, backupnum, held.get(backupnum), there)
        if not is_there:
            if not parts:
                await self._refuse(str(enrollid), "without a credential nobody can be put on a terminal")
            return
        lock = _lock_of(person)
        if lock is not None and (there is None or not there.lock or there.lock != lock_of(lock)):
            # what came of it is told once all that wait in one packet were set
            self._locks.append({"enrollid": enrollid, **lock})
        elif str(enrollid) not in self._outcomes:
            await self._tell(str(enrollid), SAME if there is not None else DONE)

    async def _read(self, enrollid: int) -> tuple[HeldPerson | None, dict[int, Held]]:
        """What the terminal has of a person; its slots are read as far as nobody knows what is in them."""
        sn = self._wish.sn
        there, held = await self._stores.present.at(sn, enrollid)
        unknown = [slot for slot, one in held.items() if one.version in ("", UNSURE)]
        if there is not None and there.name is None and held and not unknown:
            unknown = [next(iter(held))]
        for slot in unknown:
            asked = {"enrollid": enrollid, "backupnum": slot}
            await self._steps.ask(sn, "getuserinfo", asked, f"read {enrollid}/{slot}")
        return await self._stores.present.at(sn, enrollid) if unknown else (there, held)

    async def _credential(
        self, enrollid: int, person: Copied, part: Part, backupnum: int, held: Held | None,
        there: HeldPerson | None,
    ) -> bool:  # fmt: skip
        """Bring one; whether the person is there then for sure."""
        name = f"{enrollid}/{backupnum}"
        if name in self._outcomes:
            return self._outcomes[name] in (DONE, SAME)
        if held is not None and held.version == part.version:
            await self._tell(name, SAME)
            return True
        why = self._unfit(backupnum, part)
        if held is not None and not why and not (there is not None and there.name and person.name):
            why = "another credential is in this slot there, and nobody knows whether it is the same person"
        record = None if why else await self._stores.snapshots.record(self._snapshot.id, enrollid, backupnum)
        if record is None:
            await self._refuse(name, why or "this person was erased")
            return False
        fields = {"enrollid": enrollid, "name": person.name, "backupnum": backupnum, "admin": person.admin}
        why = await self._put(name, {**fields, "record": record})
        await (self._refuse(name, why) if why else self._tell(name, DONE))
        return not why

    def _unfit(self, backupnum: int, part: Part) -> str:
        found = refusal(self._target, Credential(backupnum, part.version, part.made, part.bytes))
        return "" if found is None else found[1]

    async def _put(self, name: str, fields: dict[str, Any]) -> str:
        """Why it is not there now; empty when it is. Room is kept for it meanwhile, or it is not tried."""
        holdings, sn = self._stores.holdings, self._wish.sn
        places = [(fields["enrollid"], fields["backupnum"])]
        full = await holdings.reserve(sn, places, RESERVED_SECONDS, self._wish.id)
        if full is not None:
            return full
        try:
            order = await self._steps.ask(sn, "setuserinfo", fields, f"put {name}")
        except BadOrder as wrong:
            await holdings.release(sn, places, self._wish.id)
            return str(wrong)
        await holdings.release(sn, places, self._wish.id)
        return "" if order.state is OrderState.DONE else told(order)

    async def _lock(self) -> None:
        """Set when people may pass; a packet that is refused as a whole goes person by person."""
        locks, self._locks = self._locks, []
        if not locks:
            return
        if not await self._locked(locks):
            for lock in locks:
                await self._tell(str(lock["enrollid"]), DONE)
            return
        for lock in locks:
            name, why = str(lock["enrollid"]), await self._locked([lock])
            told_why = f"it is there, but not when it may pass: {why}"
            await (self._refuse(name, told_why) if why else self._tell(name, DONE))

    async def _locked(self, locks: list[dict[str, Any]]) -> str:
        digest = hashlib.sha256(msgspec.json.encode(locks)).hexdigest()[:16]
        try:
            order = await self._steps.ask(self._wish.sn, "setuserlock", {"record": locks}, f"locks {digest}")
        except BadOrder as wrong:
            return str(wrong)
        return "" if order.state is OrderState.DONE else told(order)

    async def _tell(self, name: str, outcome: str) -> None:
        self._outcomes[name] = outcome
        await self._stores.restorations.outcome(self._wish.id, name, outcome)

    async def _refuse(self, name: str, why: str) -> None:
        self._outcomes[name] = why
        await self._stores.restorations.refuse(self._wish.id, name, why)


def _is_another(there: HeldPerson, person: Copied) -> bool:
    return bool(there.name and person.name) and folded(there.name or "") != folded(person.name)


def _lock_of(person: Copied) -> dict[str, Any] | None:
    """The fields of ``setuserlock``; None for somebody who may always pass, or nobody knows."""
    lock = person.lock
    if not lock:
        return None
    whole = {**dict.fromkeys(ZONES, 0), TIMES[0]: ALWAYS, TIMES[1]: NO_END, **lock}
    if lock_of(whole) == UNLOCKED:
        return None
    return {name: value for name, value in whole.items() if name in lock}
