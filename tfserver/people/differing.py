"""How what a terminal has differs from what it is to have, person by person."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import msgspec

from tfserver.credentials import label_of
from tfserver.people.changing import another, change_of, has_name, is_there
from tfserver.people.desired import Wanted
from tfserver.people.fitting import Target
from tfserver.person import UNSURE, Held, HeldPerson, Proof
from tfserver.plan import Options, digest_of


class Difference(enum.StrEnum):
    """What a terminal has, beside what it is to have. ``new``: nobody wants it there; ``unread``: it is
    there, and nobody knows whether it is the same; ``collision``: somebody else has the number, or another
    credential was made there."""

    SAME = "same"
    DIFFERENT = "different"
    NEW = "new"
    MISSING = "missing"
    UNREAD = "unread"
    COLLISION = "collision"


class DifferentCredential(msgspec.Struct, frozen=True):
    """One slot, and how far it is proven that the terminal has what the directory has."""

    backupnum: int
    label: str
    state: Difference
    proof: Proof
    recognised: str = ""
    why: str = ""
    """Why it can't be there."""


class DifferentPerson(msgspec.Struct, frozen=True):
    """One person. ``differs`` names what is another there: ``name``, ``admin``, ``lock``. ``ours``: this
    server put it there."""

    enrollid: int
    state: Difference
    ours: bool
    differs: tuple[str, ...] = ()
    credentials: tuple[DifferentCredential, ...] = ()
    why: str = ""


_OPTIONS = Options()


def difference_of(
    target: Target,
    enrollid: int,
    wanted: Wanted | None,
    person: HeldPerson | None,
    slots: Mapping[int, Held],
) -> DifferentPerson:
    """How one person differs."""
    ours = person is None or person.ours
    if wanted is None:
        new = tuple(_credential(n, Difference.NEW, held) for n, held in sorted(slots.items()))
        return DifferentPerson(enrollid, Difference.NEW, ours, (), new)
    words = another(person, wanted.person, wanted.collisions, target.sn)
    if words is not None:
        found = tuple(_credential(n, Difference.COLLISION, held) for n, held in sorted(slots.items()))
        return DifferentPerson(enrollid, Difference.COLLISION, ours, (), found, words)
    credentials = _credentials(target, wanted, person, slots)
    differs = _differs(wanted, person)
    state = _state(person, credentials, differs)
    refusals = change_of(target, wanted, person, slots, _OPTIONS).refusals
    why = "; ".join(item.why for item in refusals if item.backupnum is None)
    return DifferentPerson(enrollid, state, ours, differs, credentials, why)


def _credentials(
    target: Target, wanted: Wanted, person: HeldPerson | None, slots: Mapping[int, Held]
) -> tuple[DifferentCredential, ...]:
    refusals = change_of(target, wanted, person, slots, _OPTIONS).refusals
    why = {item.backupnum: item.why for item in refusals}
    versions = {one.backupnum: one.version for one in wanted.credentials}
    collided = {one.what for one in wanted.collisions if one.sn == target.sn}
    found = []
    for n in sorted({*versions, *slots}):
        held = slots.get(n)
        state = Difference.COLLISION if label_of(n) in collided else _slot(versions.get(n), held)
        found.append(_credential(n, state, held, why.get(n, "")))
    return tuple(found)


def _slot(version: str | None, held: Held | None) -> Difference:
    if version is None:
        return Difference.NEW
    if held is None or not is_there(held):
        return Difference.MISSING
    if held.version in ("", UNSURE):
        return Difference.UNREAD
    return Difference.SAME if held.version == version else Difference.DIFFERENT


def _credential(n: int, state: Difference, held: Held | None, why: str = "") -> DifferentCredential:
    proof, day = (held.proof, held.recognised) if held is not None else (Proof.KNOWN, "")
    return DifferentCredential(n, label_of(n), state, proof, day, why)


def _differs(wanted: Wanted, person: HeldPerson | None) -> tuple[str, ...]:
    if person is None:
        return ()
    names = person.name is not None and not has_name(person.name, wanted.person.name)
    found = {
        "name": names,
        "admin": person.admin not in (None, wanted.person.admin),
        "lock": person.lock != digest_of(wanted.lock) and bool(person.lock or wanted.lock),
    }
    return tuple(what for what, is_so in found.items() if is_so)


def _state(
    person: HeldPerson | None, credentials: tuple[DifferentCredential, ...], differs: tuple[str, ...]
) -> Difference:
    states = {one.state for one in credentials}
    if person is None:
        return Difference.MISSING
    if differs or states & {Difference.DIFFERENT, Difference.MISSING, Difference.NEW, Difference.COLLISION}:
        return Difference.DIFFERENT
    return Difference.UNREAD if Difference.UNREAD in states else Difference.SAME
