"""One terminal takes the place of another: what that one had and was, though it may be dead."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tfserver.model import Admission, Terminal, canonical_sn
from tfserver.people.asking import Asker
from tfserver.people.copies import Copies
from tfserver.people.stepping import SOON_SECONDS, Later
from tfserver.people.taking import WORDS, Taking
from tfserver.person import Held, HeldPerson, Known
from tfserver.store.errands import Errands
from tfserver.store.people.directory import Outdated
from tfserver.store.people.restorations import Restoration, Step
from tfserver.store.people.snapshots import Copied, Decided, Record, Snapshot, SnapshotState, Taken

TRIES: Final = 5


def decided_of(terminal: Terminal) -> Decided:
    """What people decided for it."""
    return Decided(
        name=terminal.name,
        site=terminal.site,
        timezone=terminal.timezone,
        model_profile=terminal.model_profile,
        tags=tuple(terminal.tags),
        direction=terminal.direction,
    )


def taken_of(terminal: Terminal, snapshot_id: str, actor: str, made: str) -> Taken:
    """A snapshot of a terminal that begins."""
    told = {name: str(terminal.devinfo.get(name, "")).strip() for name in ("modelname", "firmware", "fpalgo")}
    return Taken(
        id=snapshot_id,
        sn=canonical_sn(terminal.sn),
        actor=actor,
        made=made,
        model=told["modelname"],
        firmware=told["firmware"],
        fpalgo=told["fpalgo"],
        decided=decided_of(terminal),
    )


class Replacing:
    """The parts of a restoration that are about another terminal."""

    def __init__(self, asker: Asker, errands: Errands, stores: Copies) -> None:
        self._stores = stores
        self._taking = Taking(asker, errands, stores)

    async def snapshot(self, wish: Restoration) -> Snapshot | None:
        """What the terminal that is replaced has: as it tells now, or else as it is known. Raises Later."""
        assert wish.of is not None
        old = await self._stores.terminals.get(wish.of)
        found = await self._asked(wish, old) if old is not None else None
        if found is None:
            found = await _Remembered(wish, old, self._stores).snapshot()
        if found is not None:
            await self._stores.restorations.follow(wish.id, found.id)
        return found

    async def _asked(self, wish: Restoration, old: Terminal) -> Snapshot | None:
        """Taken now; None when it can't be asked."""
        snapshots, name = self._stores.snapshots, f"s{wish.id[1:]}"
        found = await snapshots.get(name)
        if found is None:
            if not old.online:
                return None
            await snapshots.add(taken_of(old, name, wish.actor, wish.made))
        await self._stores.restorations.stage(wish.id, f"asks {old.sn}")
        if await self._taking.do(name) is not None:
            now = await self._stores.terminals.get(old.sn)
            if now is not None and now.online:
                raise Later(SOON_SECONDS)
            await snapshots.finish(name, SnapshotState.FAILED, "it went away meanwhile")
        found = await snapshots.get(name)
        return found if found is not None and found.state is SnapshotState.DONE else None

    async def take_place(self, wish: Restoration, snapshot: Snapshot) -> None:
        """Let it be what people decided for the other, and stand in groups where that one stood."""
        assert wish.of is not None
        over = {step.name for step in wish.steps}
        if "place" not in over:
            await self._stores.restorations.step(wish.id, await self._place(wish, snapshot))
        if "groups" not in over:
            await self._stores.restorations.step(wish.id, await self._groups(wish.sn, wish.of))

    async def _place(self, wish: Restoration, snapshot: Snapshot) -> Step:
        decided, terminal = snapshot.decided, await self._stores.terminals.get(wish.sn)
        if terminal is None:
            return Step("place", "refused", "there is no such terminal any more")
        model = str(terminal.devinfo.get("modelname", "")).strip()
        is_alike = model == snapshot.model
        fields = {
            "name": decided.name,
            "site": decided.site,
            "timezone": decided.timezone or "",
            "tags": msgspec.json.encode(decided.tags).decode(),
            "direction": "" if decided.direction is None else msgspec.json.encode(decided.direction).decode(),
        }
        if is_alike:
            fields["model_profile"] = decided.model_profile or ""
        await self._stores.terminals.change(wish.sn, fields)
        if is_alike or not decided.model_profile:
            return Step("place", "done", f"{', '.join(fields)} as {snapshot.sn} had them")
        told = f"model_profile {decided.model_profile} is for another model ({snapshot.model})"
        return Step("place", "partly", f"{', '.join(fields)} as {snapshot.sn} had them; {told}")

    async def _groups(self, new: str, old: str) -> Step:
        changed = []
        for group in await self._stores.groups.listing():
            if canonical_sn(old) in map(canonical_sn, group.terminals):
                await self._regroup(group.name, new, old)
                changed.append(group.name)
        if not changed:
            return Step("groups", "skipped", f"no group names {old}")
        return Step("groups", "done", f"in its place in {', '.join(changed)}")

    async def _regroup(self, name: str, new: str, old: str) -> None:
        for _ in range(TRIES):
            group = await self._stores.groups.get(name)
            if group is None:
                return
            there = [new if canonical_sn(sn) == canonical_sn(old) else sn for sn in group.terminals]
            wanted = msgspec.structs.replace(group, terminals=tuple(dict.fromkeys(there)))
            try:
                await self._stores.groups.put(wanted, group.version)
                return
            except Outdated:
                # somebody changed it meanwhile: once more, with that
                continue
        raise Later(SOON_SECONDS)

    async def leave(self, wish: Restoration) -> None:
        """Keep the other out, if that is wanted."""
        assert wish.of is not None
        if wish.deny:
            is_known = await self._stores.terminals.decide(wish.of, Admission.DENIED)
            told = f"{wish.of} is denied" if is_known else f"{wish.of} is not known any more"
            await self._stores.restorations.step(wish.id, Step("deny", "done", told))


class _Remembered:
    """What is known of a terminal that can't be asked: its last snapshot, what it was seen to have, what it
    told of people, and the directory."""

    def __init__(self, wish: Restoration, old: Terminal | None, stores: Copies) -> None:
        self._wish = wish
        self._old = old
        self._stores = stores
        self._sn = canonical_sn(wish.of or "")
        self._name = f"s{wish.id[1:]}k"
        self._last: Snapshot | None = None
        self._last_people: dict[int, list[int]] = {}

    async def snapshot(self) -> Snapshot | None:
        """It as a snapshot; None when nothing is known."""
        snapshots, holding = self._stores.snapshots, await self._stores.holdings.of(self._sn)
        self._last = await snapshots.latest(self._sn)
        if self._last is None and (self._old is None or not holding.people):
            return None
        if self._last is not None:
            self._last_people = await snapshots.people(self._last.id)
        before = await snapshots.get(self._name)
        if before is None:
            await self._begin()
        slots: dict[int, set[int]] = {enrollid: set() for enrollid in holding.people}
        for enrollid, backupnum in holding.credentials:
            slots.setdefault(enrollid, set()).add(backupnum)
        if holding.reading is None:
            # nobody read its list, so whoever was there then may be there still
            for enrollid, known in self._last_people.items():
                slots.setdefault(enrollid, set()).update(known)
        kept = await snapshots.people(self._name)
        for enrollid in sorted(slots.keys() - kept.keys()):
            held = {slot: holding.credentials.get((enrollid, slot)) for slot in slots[enrollid]}
            await self._keep(enrollid, holding.people.get(enrollid), held)
        await snapshots.finish(self._name, SnapshotState.DONE)
        return await snapshots.get(self._name)

    async def _begin(self) -> None:
        snapshots, wish = self._stores.snapshots, self._wish
        if self._old is not None:
            taken = taken_of(self._old, self._name, wish.actor, wish.made)
        else:
            assert self._last is not None
            names = {field.name for field in msgspec.structs.fields(Taken)}
            told = {name: getattr(self._last, name) for name in names}
            taken = Taken(**{**told, "id": self._name, "actor": wish.actor, "made": wish.made})
        await snapshots.add(msgspec.structs.replace(taken, source="known"))
        for word in WORDS:
            found = None if self._last is None else await snapshots.answer(self._last.id, word)
            if found is not None:
                await snapshots.keep_answer(self._name, word, found)
            else:
                why = "it can't be asked, and no snapshot of it has this"
                await snapshots.miss(self._name, word, why)

    async def _keep(self, enrollid: int, person: HeldPerson | None, held: dict[int, Held | None]) -> None:
        snapshots = self._stores.snapshots
        records: dict[int, Record] = {}
        for backupnum, one in held.items():
            record = await self._record(enrollid, backupnum, "" if one is None else one.version)
            if record is None:
                why = "it can't be asked, and nobody kept this credential of it"
                await snapshots.miss(self._name, f"{enrollid}/{backupnum}", why)
            else:
                records[backupnum] = record
        before = None if self._last is None else await snapshots.person(self._last.id, enrollid)
        copied = await self._person(enrollid, person, before)
        await snapshots.keep_person(self._name, enrollid, copied, records)

    async def _person(self, enrollid: int, held: HeldPerson | None, before: Copied | None) -> Copied:
        known: Known | None = await self._stores.directory.get(enrollid)
        profile = await self._stores.users.profile(self._sn, enrollid)
        told: list[Any] = [held, profile, before, None if known is None else known.person]
        name = next((one.name for one in told if one is not None and one.name), "")
        admin = next((one.admin for one in told if one is not None and one.admin is not None), 0)
        return Copied(name, admin, None if before is None else before.lock)

    async def _record(self, enrollid: int, backupnum: int, version: str) -> Record | None:
        """The credential of this version; of one that nobody read, what was told last."""
        last = None
        if self._last is not None and backupnum in self._last_people.get(enrollid, ()):
            parts = await self._stores.snapshots.parts(self._last.id, enrollid, [backupnum])
            record = await self._stores.snapshots.record(self._last.id, enrollid, backupnum)
            last = (record, parts[backupnum].made) if record is not None and backupnum in parts else None
        found = [
            await self._stores.pushed(self._sn, enrollid, backupnum),
            last,
            await self._stores.known(enrollid, backupnum),
        ]
        of_version = self._stores.snapshots.version_of
        return next((one for one in found if one and (not version or of_version(one[0]) == version)), None)
