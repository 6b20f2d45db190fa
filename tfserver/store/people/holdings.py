"""What terminals have, as far as is known, and where a person is (docs/people.md).

Kept by whoever has the connection: what a terminal said is kept before the end of an order is told. Of a
terminal that nobody knows nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from tfserver.model import canonical_sn
from tfserver.person import Held, HeldPerson, Holding, Proof
from tfserver.store.client import Client
from tfserver.store.people.held_rows import FIELDS, holding_of, person_at
from tfserver.store.people.rooms import ROOM_A_CALL, Asked, Place, Question, Rooms

HOLDERS_A_CALL: Final = 200
_ON_THE_WAY: Final = (Proof.KNOWN, Proof.SENT)
Listed = tuple[int, int | None, int | None]
"""An entry of a list: number, slot (None: the person alone) and admin level (None: not told)."""


class Went(NamedTuple):
    """Who and what is not on a terminal any more."""

    people: tuple[int, ...] = ()
    credentials: tuple[tuple[int, int], ...] = ()


class Mark(NamedTuple):
    """Somebody passed at a terminal with a credential of a kind (None: nobody told which) on a day."""

    sn: str
    enrollid: int
    kind: str | None
    day: str


class Holdings:
    """What each terminal has. ``rooms`` is how much room that leaves."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._asked = Asked(client)
        self.rooms = Rooms(client)

    def now_ms(self) -> int:
        """The present, as what is learned now is dated (ms)."""
        now: int = round(self._client.reactor.seconds() * 1000)
        return now

    async def of(self, sn: str) -> Holding:
        """All that a terminal has; empty for one of which nothing is known."""
        flat = await self._client.read("HGETALL", self._client.keys.holds(sn))
        return await holding_of(self._client.reactor, canonical_sn(sn), flat)

    async def many(self, sns: Iterable[str]) -> dict[str, Holding]:
        """The same of several terminals, by their canonical serial numbers."""
        return {canonical_sn(sn): await self.of(sn) for sn in sns}

    async def where(self, enrollid: int) -> list[tuple[str, HeldPerson | None, dict[int, Held]]]:
        """Which terminals have a person, and what of it; no person: something is on its way there."""
        keys = self._client.keys
        sns = sorted(await self._client.read("SMEMBERS", keys.holders(enrollid)))
        found: list[tuple[str, HeldPerson | None, dict[int, Held]]] = []
        for start in range(0, len(sns), HOLDERS_A_CALL):
            part = sns[start : start + HOLDERS_A_CALL]
            names = [keys.holds(sn) for sn in part]
            rows = await self._client.read_script("holders", names, [enrollid, *FIELDS])
            found += [(sn, *person_at(row)) for sn, row in zip(part, rows, strict=True)]
        return found

    async def listed(self, sn: str, entries: Sequence[Listed], at_ms: int) -> Went:
        """The whole list was read, from this moment on. What is in it and known stays as it is known; what is
        not in it goes, unless it was learned since. Only what differs is written."""
        known = await self.of(sn)
        slots = {(enrollid, backupnum) for enrollid, backupnum, _ in entries if backupnum is not None}
        people = {enrollid: admin for enrollid, _, admin in entries}
        new = [
            *(_slot(*slot, Held(Proof.LISTED, at=at_ms)) for slot in slots if _is_new(slot, known)),
            *(_person(one, HeldPerson(admin=admin)) for one, admin in _changed(people, known)),
        ]
        await self._asked.about(sn, new)
        lost = [slot for slot in known.credentials if slot not in slots]
        went = await self._asked.about(sn, [("gone", *slot, at_ms) for slot in lost])
        missing = [enrollid for enrollid in known.people if enrollid not in people]
        left = await self._asked.about(sn, [("leave", enrollid) for enrollid in missing])
        await self._asked.about(sn, [("reading", at_ms, len(people), len(slots))])
        return Went(_those(missing, left), _those(lost, went))

    async def told(
        self, sn: str, enrollid: int, backupnum: int | None, held: Held | None, person: HeldPerson | None
    ) -> None:
        """A terminal told of a person or a credential, or took it. What is None, or empty in it, stays as it
        is known; what was proven stays proven while it is the same credential."""
        asked: list[Question] = []
        if backupnum is not None and held is not None:
            asked.append(_slot(enrollid, backupnum, held))
        if person is not None:
            asked.append(_person(enrollid, person, held is not None and held.proof in _ON_THE_WAY))
        await self._asked.about(sn, asked)

    async def gone(self, sn: str, enrollid: int, backupnum: int) -> int:
        """A credential is not there; 12: no fingerprint is, 13: nothing of the person. How many went."""
        return sum(await self._asked.about(sn, [("gone", enrollid, backupnum, "")]))

    async def named(self, sn: str, names: dict[int, str]) -> None:
        """People that are known to be there have these names."""
        await self._asked.about(
            sn, [_person(enrollid, HeldPerson(name=name), True) for enrollid, name in names.items()]
        )

    async def locked(self, sn: str, locks: dict[int, str]) -> None:
        """People that are known to be there may pass by these digests; empty: nobody knows."""
        asked = [_person(one, HeldPerson(lock=lock or "?"), True) for one, lock in locks.items()]
        await self._asked.about(sn, asked)

    async def all_locked(self, sn: str, lock: str) -> None:
        """All people there may pass by this digest."""
        people = (await self.of(sn)).people
        await self.locked(sn, {one: lock for one, person in people.items() if person.lock != lock})

    async def demoted(self, sn: str) -> None:
        """Nobody there is an administrator any more."""
        people = (await self.of(sn)).people
        changed = [_person(one, HeldPerson(admin=0), True) for one, held in people.items() if held.admin != 0]
        await self._asked.about(sn, changed)

    async def cleared(self, sn: str) -> None:
        """Nobody is there any more: that is as good as a reading. Who came meanwhile stays."""
        at_ms = self.now_ms()
        known = await self.of(sn)
        await self._asked.about(sn, [("gone", *slot, at_ms) for slot in known.credentials])
        await self._asked.about(sn, [("leave", enrollid) for enrollid in known.people])
        await self._asked.about(sn, [("reading", at_ms, 0, 0)])

    async def forget(self, sn: str) -> None:
        """The terminal was deleted; doing it again is harmless."""
        keys, name = self._client.keys, canonical_sn(sn)
        known = await self.of(sn)
        people = sorted({*known.people, *(enrollid for enrollid, _ in known.credentials)})
        for start in range(0, len(people), ROOM_A_CALL):
            asked = [keys.holders(enrollid) for enrollid in people[start : start + ROOM_A_CALL]]
            await self._client.run("unheld", asked, [name])
        await self._client.write("DEL", keys.holds(sn), keys.reserved(sn), keys.capacities(sn))

    async def recognised(self, marks: Iterable[Mark | tuple[str, int, str | None, str]]) -> None:
        """People passed with what they have there."""
        asked: dict[str, list[Question]] = {}
        for sn, enrollid, kind, day in marks:
            asked.setdefault(sn, []).append(("seen", enrollid, kind or "", day))
        await self._asked.of_several(asked)

    async def reserve(self, sn: str, places: Iterable[Place], seconds: float, token: str = "") -> str | None:
        """Keep room for what an order is to bring; None, or why there is too little, with the arithmetic.
        What is there takes no more room. One place may be reserved several times, each under a ``token``."""
        return await self.rooms.reserve(sn, places, seconds, token)

    async def release(self, sn: str, places: Iterable[Place], token: str = "") -> None:
        """The order is over: what it brought is there, or does not come."""
        await self.rooms.release(sn, places, token)


def _slot(enrollid: int, backupnum: int, held: Held) -> Question:
    return ("slot", enrollid, backupnum, held.proof.value, held.version, held.at, held.recognised)


def _person(enrollid: int, person: HeldPerson, only_known: bool = False) -> Question:
    name = "" if person.name is None else msgspec.json.encode(person.name)
    admin = "" if person.admin is None else person.admin
    return ("person", enrollid, _yes(person.ours), name, admin, person.lock, _yes(only_known))


def _yes(is_so: bool) -> str:
    return "1" if is_so else ""


def _is_new(slot: tuple[int, int], known: Holding) -> bool:
    held = known.credentials.get(slot)
    return held is None or held.proof in _ON_THE_WAY


def _changed(people: dict[int, int | None], known: Holding) -> list[tuple[int, int | None]]:
    """Who is new, or has another admin level."""
    found = []
    for enrollid, admin in people.items():
        held = known.people.get(enrollid)
        if held is None or admin not in (None, held.admin):
            found.append((enrollid, admin))
    return found


def _those(asked: list[Any], answers: list[int]) -> tuple[Any, ...]:
    return tuple(one for one, answer in zip(asked, answers, strict=True) if answer)
