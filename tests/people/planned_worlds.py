"""Random terminals, people and what terminals have; and a terminal that carries a plan out to the letter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
from hypothesis import strategies as st

from tfserver.credentials import kind_of
from tfserver.model import Capacity
from tfserver.people.desired import Wanted
from tfserver.people.fitting import USER, Target
from tfserver.people.planning import stranger
from tfserver.person import Collision, Credential, Held, HeldPerson, Holding, Made, Person, Proof
from tfserver.plan import Item, Lock, Op, TerminalPlan, digest_of

SN = "T1"
SLOTS = (0, 1, 10, 11, 20, 30, 40, 50)
ALGORITHMS = ("", "thbio1.0", "thbio3.0")
KINDS = ("user", "fp", "card", "pwd", "face", "palm")
NAMES = ("", "Ana", "ana ", "Bo")
PEOPLE = range(1, 7)


@dataclass
class There:
    """Somebody as the terminal really has it."""

    name: str = ""
    admin: int = 0
    lock: str = digest_of(None)
    slots: dict[int, str] = field(default_factory=dict)


def held_credential(draw: Any, proofs: tuple[Proof, ...], version: str) -> Held:
    """What is known of a slot: with the proof ``listed`` nothing of what stands in it."""
    proof = draw(st.sampled_from(proofs))
    return Held(proof, "" if proof is Proof.LISTED else version)


@st.composite
def wanted_people(draw: Any) -> dict[int, Wanted]:
    """Who is to be there."""
    found = {}
    for enrollid in draw(st.sets(st.sampled_from(PEOPLE))):
        person = Person(
            enrollid=enrollid, name=draw(st.sampled_from(NAMES)), admin=draw(st.sampled_from((0, 0, 1)))
        )
        credentials = []
        for n in sorted(draw(st.sets(st.sampled_from(SLOTS), max_size=4))):
            made = Made(
                fpalgo=draw(st.sampled_from(ALGORITHMS)), model=draw(st.sampled_from(("tfs30", "AiFace")))
            )
            size = draw(st.sampled_from((100, 100, 400_000)))
            credentials.append(Credential(n, draw(st.sampled_from(("v1", "v2"))), made, size))
        what = draw(st.sampled_from((None, None, None, None, "name", "card")))
        collisions = () if what is None else (Collision(SN, what, "", "", ""),)
        lock = draw(st.sampled_from((None, None, Lock(weekzone=1), Lock(weekzone=9))))
        found[enrollid] = Wanted(person, tuple(credentials), collisions, lock)
    return found


class World:
    """A terminal, what is known of it, and how often it was told something."""

    def __init__(self, target: Target, there: dict[int, There], holding: Holding) -> None:
        self.target, self.there, self.holding = target, there, holding
        self.sizes = {kind: room.size for kind, room in target.capacity.items()}
        self.limits = {kind: max(size, self.used(kind)) for kind, size in self.sizes.items()}
        self.touched: set[int] = set()
        self.removed: set[int] = set()

    def used(self, kind: str) -> int:
        """How much of a kind is there."""
        if kind == USER:
            return len(self.there)
        return sum(kind_of(n).value == kind for one in self.there.values() for n in one.slots)

    def now(self) -> Target:
        """The terminal with the room that it has at present."""
        rooms = {}
        for kind, size in self.sizes.items():
            used = self.used(kind)
            rooms[kind] = Capacity(size, used, max(0, size - used))
        return msgspec.structs.replace(self.target, capacity=rooms)

    def apply(self, plan: TerminalPlan, wanted: dict[int, Wanted]) -> None:
        """Do all of it, step by step; never more than there is room for."""
        for item in plan.items:
            self._do(item, wanted)
            for kind in self.sizes:
                used = self.used(kind)
                assert used <= self.limits[kind], f"{kind}: {used} of {self.sizes[kind]} after {item}"

    def _do(self, item: Item, wanted: dict[int, Wanted]) -> None:
        enrollid = item.enrollid
        people, credentials = self.holding.people, self.holding.credentials
        if item.op is Op.REMOVE:
            self.removed.add(enrollid)
            self.there.pop(enrollid, None)
            people.pop(enrollid, None)
            for slot in [slot for slot in credentials if slot[0] == enrollid]:
                del credentials[slot]
            return
        one = wanted[enrollid]
        if item.op is Op.CHECK:
            self._check(item, one)
            return
        if stranger(people.get(enrollid), one.person, one.collisions, SN) is not None:
            return
        self.touched.add(enrollid)
        if item.op is Op.REMOVE_CREDENTIAL:
            credentials.pop((enrollid, item.backupnum or 0), None)
            if enrollid in self.there:
                self.there[enrollid].slots.pop(item.backupnum or 0, None)
        elif item.op is Op.CREDENTIAL:
            self._put(item, one)
        elif item.op is Op.NAME:
            self.there[enrollid].name = one.person.name
            people[enrollid] = msgspec.structs.replace(people[enrollid], name=one.person.name)
        else:
            lock = self.there[enrollid].lock = digest_of(item.lock)
            people[enrollid] = msgspec.structs.replace(people[enrollid], lock=lock)

    def _check(self, item: Item, one: Wanted) -> None:
        assert item.backupnum is not None
        there, known = self.there[item.enrollid], self.holding.people[item.enrollid]
        version = there.slots[item.backupnum]
        self.holding.credentials[item.enrollid, item.backupnum] = Held(Proof.READ, version)
        found = msgspec.structs.replace(known, name=there.name, admin=there.admin)
        self.holding.people[item.enrollid] = found
        if not item.version or stranger(found, one.person, one.collisions, SN) is not None:
            return
        if version != item.version or there.admin != one.person.admin:
            self.touched.add(item.enrollid)
            self._put(item, one)

    def _put(self, item: Item, one: Wanted) -> None:
        assert item.backupnum is not None
        there = self.there.setdefault(item.enrollid, There())
        there.name, there.admin = one.person.name or there.name, one.person.admin
        there.slots[item.backupnum] = item.version
        self.holding.credentials[item.enrollid, item.backupnum] = Held(Proof.ACCEPTED, item.version)
        known = self.holding.people.get(item.enrollid, HeldPerson(ours=True, lock=there.lock))
        self.holding.people[item.enrollid] = msgspec.structs.replace(
            known, name=there.name, admin=there.admin
        )


@st.composite
def worlds(draw: Any, proofs: tuple[Proof, ...], names: bool) -> World:
    """A terminal with people on it; ``proofs`` are how far it is known what stands in slots, and ``names``
    whether it is known who everybody is."""
    there: dict[int, There] = {}
    people: dict[int, HeldPerson] = {}
    credentials: dict[tuple[int, int], Held] = {}
    for enrollid in draw(st.sets(st.sampled_from(PEOPLE))):
        slots = draw(st.dictionaries(st.sampled_from(SLOTS), st.sampled_from(("v1", "v2")), max_size=4))
        lock = draw(st.sampled_from((digest_of(None), digest_of(Lock(weekzone=2)))))
        one = There(draw(st.sampled_from(NAMES)), draw(st.sampled_from((0, 1))), lock, slots)
        there[enrollid] = one
        knows = names or draw(st.booleans())
        told = draw(st.sampled_from((lock, "")))
        people[enrollid] = HeldPerson(
            draw(st.booleans()), one.name if knows else None, one.admin if knows else None, told
        )
        for n, version in slots.items():
            credentials[enrollid, n] = held_credential(draw, proofs, version)
    for enrollid in draw(st.sets(st.sampled_from(PEOPLE), max_size=2)):
        if enrollid not in there:
            credentials[enrollid, 11] = Held(Proof.SENT, "v1")
    sized = draw(st.sets(st.sampled_from(KINDS)))
    sizes = {kind: draw(st.integers(0, 5)) for kind in KINDS if kind in sized}
    target = Target(
        SN,
        draw(st.sampled_from(ALGORITHMS)),
        draw(st.sampled_from(("tfs30", "AiFace"))),
        {kind: Capacity(size, 0, size) for kind, size in sizes.items()},
    )
    return World(target, there, Holding(SN, None, people, credentials))
