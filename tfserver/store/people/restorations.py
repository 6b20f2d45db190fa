"""Giving terminals back what a snapshot has of them, or of another: what was asked, and what came of it."""

from __future__ import annotations

import enum
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from tfserver.model import canonical_sn, rfc3339
from tfserver.store.client import Client
from tfserver.store.people.snapshots import SCANNED_A_CALL, ids_of, new_id

LETTER: Final = "r"
"""So the ids of restorations begin."""
MOST_OF_A_TERMINAL: Final = 20
MOST_REFUSALS: Final = 500
"""So many are told one by one; the number of all is told too."""
SAME: Final = "same"
DONE: Final = "done"
_STEP: Final = "p:"
_OUTCOME: Final = "o:"
_REFUSED: Final = "!"

ORDER: Final = ("place", "groups", "settings", "questionnaire", "zones", "holidays", "people", "deny")
"""Steps as they come one after another; the store keeps them in none."""
What = Literal["settings", "zones", "people"]


class RestorationState(enum.StrEnum):
    """How far a restoration is."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What never changes of one: which terminal gets back what of which snapshot. ``of`` is the terminal that
    it is to replace, ``deny`` whether that one is kept out then."""

    id: str
    sn: str
    actor: str
    made: str
    what: tuple[What, ...] = ("settings", "zones", "people")
    of: str | None = None
    deny: bool = False


class Step(msgspec.Struct, frozen=True):
    """A step, and what came of it in words."""

    name: str
    state: Literal["done", "partly", "refused", "skipped"]
    told: str


class Refusal(msgspec.Struct, frozen=True):
    """A person, or one of its credentials, that could not be brought over, and why."""

    enrollid: int
    backupnum: int | None
    why: str


class Restoration(Wish, frozen=True, kw_only=True):
    """One as people see it. ``done`` credentials and people were brought, ``same`` were there already."""

    snapshot: str | None = None
    state: RestorationState = RestorationState.OPEN
    ended: str | None = None
    stage: str = ""
    steps: tuple[Step, ...] = ()
    done: int = 0
    same: int = 0
    refused: int = 0
    refusals: tuple[Refusal, ...] = ()


class Restorations:
    """All restorations that are kept."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def begin(self, wish: Wish, snapshot: str | None) -> str:
        """A new one, in the place of the oldest; without a snapshot that is found or taken first. The id of
        the one that goes on at the terminal: another's, then there is no new one."""
        keys, sn = self._client.keys, canonical_sn(wish.sn)
        told = ["s", msgspec.json.encode(wish), "state", RestorationState.OPEN.value]
        told += [] if snapshot is None else ["snapshot", snapshot]
        args = ["begin", f"{sn} {wish.id}", self._now_ms(), sn, wish.id, keys.snapshot(""), *told]
        names = [*self._names(wish.id), keys.errand_holders("restoring")]
        found: str = await self._client.keep("snapshots", names, args)
        if found == wish.id:
            for old in (await self.listing(sn, SCANNED_A_CALL))[MOST_OF_A_TERMINAL:]:
                await self._ask(old.id, "remove", f"{sn} {old.id}")
        return found

    async def get(self, restoration_id: str) -> Restoration | None:
        """One as people see it, or None."""
        if not restoration_id.startswith(LETTER):
            return None
        flat = await self._client.read("HGETALL", self._client.keys.snapshot(restoration_id))
        fields = dict(zip(flat[::2], flat[1::2], strict=True))
        return _restoration(fields) if "s" in fields else None

    async def outcomes(self, restoration_id: str) -> dict[str, str]:
        """What came of people and credentials, by ``enrollid`` and ``enrollid/backupnum``."""
        flat = await self._client.read("HGETALL", self._client.keys.snapshot(restoration_id))
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return {name[2:]: value for name, value in pairs if name.startswith(_OUTCOME)}

    async def listing(self, sn: str, limit: int) -> list[Restoration]:
        """The newest of a terminal, the newest first."""
        found: list[Restoration] = []
        async for restoration_id, _ in ids_of(self._client, sn, LETTER):
            one = await self.get(restoration_id)
            found += [] if one is None else [one]
            if len(found) >= limit:
                break
        return found

    async def stage(self, restoration_id: str, stage: str) -> None:
        """Say how far it is."""
        await self._ask(restoration_id, "tell", "stage", stage)

    async def follow(self, restoration_id: str, snapshot: str) -> None:
        """This is the snapshot that it is made from."""
        await self._ask(restoration_id, "tell", "snapshot", snapshot)

    async def step(self, restoration_id: str, step: Step) -> None:
        """A step is over."""
        await self._ask(restoration_id, "tell", _STEP + step.name, msgspec.json.encode(step))

    async def outcome(self, restoration_id: str, name: str, outcome: str) -> None:
        """This person or credential was brought, or is there."""
        await self._ask(restoration_id, "tell", _OUTCOME + name, outcome)

    async def refuse(self, restoration_id: str, name: str, why: str) -> None:
        """This person or credential can't be brought."""
        await self._ask(restoration_id, "tell", _OUTCOME + name, _REFUSED + why)

    async def finish(self, restoration_id: str, state: RestorationState, told: str = "") -> bool:
        """It is over; only the first end counts."""
        return bool(await self._ask(restoration_id, "finish", state.value, self._now_ms(), told))

    async def forget_person(self, enrollid: int) -> None:
        """Nothing more is told of a person; its number may be told of others."""
        beginning, keys = str(enrollid), self._client.keys
        for member in await self._client.read("ZRANGE", keys.snapshots, 0, -1):
            name = keys.snapshot(member.rpartition(" ")[2])
            if member.rpartition(" ")[2].startswith(LETTER):
                fields = await self._client.read("HKEYS", name)
                about = [one for one in fields if one.startswith(_OUTCOME)]
                gone = [one for one in about if one[2:].partition("/")[0] == beginning]
                if gone:
                    await self._client.write("HDEL", name, *gone)

    async def _ask(self, restoration_id: str, *args: Any) -> Any:
        return await self._client.keep("snapshots", self._names(restoration_id), list(args))

    def _names(self, restoration_id: str) -> list[str]:
        keys = self._client.keys
        return [keys.snapshot(restoration_id), keys.snapshots, keys.erased, keys.meta]

    def _now_ms(self) -> int:
        return int(self._client.reactor.seconds() * 1000)


def new_restoration_id() -> str:
    """An id that no other has."""
    return new_id(LETTER)


def _restoration(fields: dict[str, str]) -> Restoration:
    wish = msgspec.json.decode(fields["s"], type=Wish)
    found = [msgspec.json.decode(fields[name], type=Step) for name in fields if name.startswith(_STEP)]
    steps = sorted(found, key=lambda step: ORDER.index(step.name) if step.name in ORDER else len(ORDER))
    outcomes = {name[2:]: value for name, value in fields.items() if name.startswith(_OUTCOME)}
    refused = {name: value for name, value in outcomes.items() if value.startswith(_REFUSED)}
    shown = sorted(refused, key=_place)[:MOST_REFUSALS]
    return Restoration(
        **msgspec.structs.asdict(wish),
        snapshot=fields.get("snapshot"),
        state=RestorationState(fields["state"]),
        ended=_time(fields["ended"]) if "ended" in fields else None,
        stage=fields.get("stage", ""),
        steps=tuple(steps),
        done=sum(value == DONE for value in outcomes.values()),
        same=sum(value == SAME for value in outcomes.values()),
        refused=len(refused),
        refusals=tuple(_refusal(name, refused[name]) for name in shown),
    )


def _place(name: str) -> tuple[int, int]:
    number, _, slot = name.partition("/")
    return int(number), int(slot) if slot.isdigit() else -1


def _refusal(name: str, told: str) -> Refusal:
    number, slot = _place(name)
    return Refusal(number, None if slot < 0 else slot, told.removeprefix(_REFUSED))


def _time(ms: str) -> str:
    return rfc3339(datetime.fromtimestamp(int(ms) / 1000, UTC))
