"""What a plan is: what is to be done at each terminal, what can't be, and how far it is (docs/people.md)."""

from __future__ import annotations

import enum
from typing import Any, Final, Literal

import msgspec

from tfserver.locks import ALWAYS, UNLOCKED, lock_of
from tfserver.person import NO_END


class Lock(msgspec.Struct, frozen=True, omit_defaults=True):
    """When somebody may pass, as ``setuserlock`` says it."""

    weekzone: int = 0
    weekzone2: int = 0
    weekzone3: int = 0
    weekzone4: int = 0
    group: int = 0
    starttime: str = ALWAYS
    endtime: str = NO_END

    @property
    def digest(self) -> str:
        """What is compared with that of a person on a terminal."""
        return lock_of(msgspec.structs.asdict(self))

    def fields(self, enrollid: int) -> dict[str, Any]:
        """A record of ``setuserlock``: all of it, so that nothing of an earlier one stays."""
        return {"enrollid": enrollid, **msgspec.structs.asdict(self)}


def digest_of(lock: Lock | None) -> str:
    """The digest of a lock, and of none."""
    return UNLOCKED if lock is None else lock.digest


class Op(enum.StrEnum):
    """One step at a terminal."""

    REMOVE = "remove"
    REMOVE_CREDENTIAL = "remove_credential"
    CHECK = "check"
    """Read what stands in a slot; only if that is another than the directory's it is put anew."""
    CREDENTIAL = "credential"
    NAME = "name"
    LOCK = "lock"
    UNLOCK = "unlock"


class Reason(enum.StrEnum):
    """Why something can't be at a terminal."""

    ALGORITHM = "fpalgo"
    MODEL = "model"
    SENSOR = "sensor"
    PHOTO = "photo"
    COLLISION = "collision"
    CAPACITY = "capacity"
    NOTHING = "no credential"
    ZONE = "zone"
    SLOT = "slot"
    PERSON = "person"


class Item(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """One step, or with ``refused`` one that can't be done, and why in words.

    ``n`` is its place, from 1. Neighbours of the same ``order`` go out in one command. ``version`` is the
    directory's of the credential that is to be there then. Nothing in it is secret, and no name.
    """

    n: int
    op: Op
    enrollid: int
    order: int = 0
    backupnum: int | None = None
    version: str = ""
    lock: Lock | None = None
    why: str = ""
    refused: Reason | None = None


class ItemState(enum.StrEnum):
    """What became of a step. ``skipped``: not done, as something else was found when its turn came."""

    PLANNED = "planned"
    ORDERED = "ordered"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    SKIPPED = "skipped"


ENDED: Final = frozenset({ItemState.DONE, ItemState.REFUSED, ItemState.FAILED, ItemState.SKIPPED})


class ItemView(msgspec.Struct, frozen=True):
    """A step, and what became of it: in words, by which order, and when (ms; 0: not yet)."""

    item: Item
    state: ItemState = ItemState.PLANNED
    told: str = ""
    order_id: str = ""
    at: int = 0


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to plan: what becomes of people that this server did not put there, whether slots are believed to
    hold what the directory has until they are read, and whether the terminals' lists are read before."""

    foreign: Literal["keep", "remove"] = "keep"
    verify: Literal["list", "records"] = "records"
    read: Literal["fresh", "always", "never"] = "fresh"


class Fill(msgspec.Struct, frozen=True):
    """How one kind of thing fills a terminal: before, at the fullest moment, and after a plan."""

    size: int
    before: int
    most: int
    after: int


class TerminalPlan(msgspec.Struct, frozen=True, kw_only=True):
    """All that is to be done at one terminal, and what can't be. ``same`` people are as they should be;
    ``kept`` are there though nobody wants them, as this server did not put them there."""

    sn: str
    items: tuple[Item, ...] = ()
    refusals: tuple[Item, ...] = ()
    people: int = 0
    same: int = 0
    kept: int = 0
    commands: int = 0
    minutes: float = 0.0
    room: dict[str, Fill] = {}
    warnings: tuple[str, ...] = ()
    problem: str = ""
    """Why nothing could be planned."""


class TerminalHead(msgspec.Struct, frozen=True, kw_only=True):
    """A terminal of a plan without the steps, which are ``items`` and behind them ``refused`` refusals."""

    sn: str
    items: int = 0
    refused: int = 0
    ops: dict[str, int] = {}
    people: int = 0
    same: int = 0
    kept: int = 0
    commands: int = 0
    minutes: float = 0.0
    room: dict[str, Fill] = {}
    warnings: tuple[str, ...] = ()
    problem: str = ""
    counts: dict[str, int] = {}
    """How many steps are in which state; refusals of the plan do not count."""
    stage: str = ""
    told: str = ""


class PlanState(enum.StrEnum):
    """How far a plan is."""

    READING = "reading"
    READY = "ready"
    APPLYING = "applying"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which terminals: all that one of these chooses; ``groups`` are those where their people belong."""

    terminals: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan as a whole. Times are RFC 3339; ``why`` says why it could not be made."""

    id: str
    state: PlanState
    made: str
    actor: str
    scope: Scope
    options: Options
    sns: tuple[str, ...] = ()
    begun: str | None = None
    begun_by: str = ""
    ended: str | None = None
    why: str = ""
