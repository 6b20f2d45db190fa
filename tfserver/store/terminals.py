"""The registry: who the terminals are, who may talk, and which connection owns each (design §3.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from tfserver.config import Admission as AdmissionSettings
from tfserver.errors import StoreError
from tfserver.model import (
    Admission,
    ClockEntry,
    Decided,
    Identity,
    Registration,
    Terminal,
    canonical_sn,
)
from tfserver.networks import SiteNetworks
from tfserver.store import terminal_rows as rows
from tfserver.store.briefs import Brief, briefs
from tfserver.store.changed import CHANGES, Change
from tfserver.store.client import Client
from tfserver.store.completeness import Mark, Marks
from tfserver.store.headcount import Headcount
from tfserver.store.keys import Keys
from tfserver.store.models import Models
from tfserver.store.proven import OF_PROOF, Proof, proof_of
from tfserver.store.refusals import LeaseHeld, RegistryFull, Stray, Undecided
from tfserver.store.terminal_rows import CLAIMANT, TIMELINE, Claimant
from tfserver.store.turn import Question, Turn, Waiting

HEARTBEAT_LIFE: Final = 15
"""Seconds after its last heartbeat a process counts as gone."""
LOST_LIFE: Final = 120
"""Seconds for which lost leases stay noted for a process that does not ask; later it has to compare all."""
MOST_CLAIMANTS: Final = 1000
LEASES_A_CALL: Final = 500
HEARD_A_CALL: Final = 1000
BURIED_A_CALL: Final = 500


class Arrival(NamedTuple):
    """A terminal that says who it is: its number as sent, identity, ``devinfo`` (JSON), address, and clock
    against UTC. ``clock`` and ``echo`` are for a clock of which nothing is known yet (design §3.4); ``full``
    is how many percent of its memory of logs are used, ``path`` the hash of the secret path that it said,
    ``says`` what it is beside that (JSON, names and texts): what of it becomes different is kept."""

    sn: str
    identity: Identity
    devinfo: bytes
    address: str
    ahead_ms: int | None
    now_ms: int
    approve: bool
    clock: tuple[ClockEntry, ...] = ()
    echo: int | None = None
    full: int | None = None
    path: str = ""
    says: bytes = b""


class Lease(NamedTuple):
    """The right of one connection to speak for a terminal."""

    sn: str
    connection: str


class Losses(NamedTuple):
    """Leases that this process lost, perhaps not all (``more``). Unless ``whole``, some may not have been
    noted; ``mark`` tells the store that all leases were compared since."""

    leases: list[Lease]
    more: bool
    whole: bool
    mark: str


class Terminals:
    """Registry and leases, as one process sees them. ``owner`` names the process and its start."""

    def __init__(self, client: Client, settings: AdmissionSettings, owner: str) -> None:
        self.owner = owner
        self.models = Models(client)
        self.marks = Marks(client)
        self.headcount = Headcount(client, owner)
        self.disabled: set[str] = set()
        """Those that this process marked as disabled and has not enabled again, canonical."""
        self._client = client
        self._settings = settings
        self._sites = SiteNetworks(settings.networks)
        self._turn = Turn(client.reactor, self._call)
        self.tells: Callable[[], str] = lambda: "1"
        """What the heartbeat says beside that this process lives."""

    @property
    def lineage(self) -> str:
        """Which life of the store this is; in another one what was kept last may be gone."""
        return self._client.lineage

    @property
    def waiting(self) -> Waiting:
        """How many registrations and the like wait for the store, and how long."""
        return self._turn.waiting

    async def register(self, arrival: Arrival, connection: str) -> Registration:
        """Admit a terminal and give its lease to this connection. Raises RegistryFull, LeaseHeld,
        Stray, StoreUnavailable.

        Of a clock unknown so far the arrival's own ``clock`` is kept, and returned as the same object.
        """
        identity, ahead = arrival.identity, arrival.ahead_ms
        found = await self._turn.ask(
            *("claim", canonical_sn(arrival.sn), arrival.sn, identity.cpusn, identity.mac, arrival.devinfo),
            *(arrival.now_ms, "1" if arrival.approve else "0", connection, "" if ahead is None else ahead),
            *(arrival.address, _written(arrival.clock), "" if arrival.echo is None else arrival.echo),
            "" if arrival.full is None else arrival.full,
            *(self._sites.holding(arrival.address), arrival.path, arrival.says),
        )
        if found[0] == "approved":
            site, timezone, profile, *rest, direction = found[1:11]
            decided = Decided(site, timezone, profile, rows.direction_of(direction))
            return _registration(arrival, decided, *rest)
        if found[0] == "full":
            raise RegistryFull
        if found[0] in ("elsewhere", "path"):
            raise Stray(found[0])
        if found[0] == "held":
            raise LeaseHeld(*found[1:])
        return Registration(Admission(found[0]))

    async def set_clock(self, sn: str, timeline: tuple[ClockEntry, ...], echo: int | None) -> None:
        """Remember by which offsets a terminal's clock ran; ``echo`` is one that nobody has confirmed. Of one
        that was deleted nothing is kept."""
        await self._turn.ask("clock", canonical_sn(sn), _written(timeline), "" if echo is None else echo)

    async def release(self, sn: str, connection: str) -> bool:
        """Give the lease back; False when a newer connection had it already."""
        return bool(await self._turn.ask("release", canonical_sn(sn), connection))

    async def _call(self, questions: list[Question]) -> list[Any]:
        keys = self._client.keys
        args: list[Any] = [keys.terminal(""), keys.lost(""), LOST_LIFE, keys.wake(""), self.owner]
        args += (self._settings.most_pending, MOST_CLAIMANTS, keys.queue(""), keys.due(""))
        args += (keys.alive(""), keys.everybody, self._settings.twins_seconds, self._sites.named)
        args += (keys.errands(""), keys.errand_holders(""))
        for question in questions:
            args += question
        answers = await self._client.run("registry", _registry(keys), args)
        return [self._answer(answer) for answer in answers]

    def _answer(self, answer: Any) -> Any:
        is_failure = isinstance(answer, list) and answer[0] == "failed"
        return self._client.meaning(answer[1]) if is_failure else answer

    async def beat(self, heard: dict[str, int]) -> None:
        """This process lives, and heard these terminals at these times (UTC, ms)."""
        keys = self._client.keys
        await self._client.write("SET", keys.alive(self.owner), self.tells(), "EX", HEARTBEAT_LIFE)
        await self._client.write("SADD", keys.owners, self.owner)
        pairs = [part for sn, at in heard.items() for part in (at, canonical_sn(sn))]
        for start in range(0, len(pairs), 2 * HEARD_A_CALL):
            await self._client.write("ZADD", keys.heard, "GT", *pairs[start : start + 2 * HEARD_A_CALL])

    async def retire(self) -> None:
        """This process is gone, and holds nothing."""
        await self._client.write("DEL", self._client.keys.alive(self.owner))
        await self._client.write("SREM", self._client.keys.owners, self.owner)

    async def bury(self) -> int:
        """Give back what processes held that are gone without doing it; how many of them there were. Their
        terminals count as offline, and that is told."""
        keys, found = self._client.keys, 0
        for owner in await self._client.read("SMEMBERS", keys.owners):
            if await self._client.read("EXISTS", keys.alive(owner)):
                continue
            cursor = ""
            while True:
                cursor = await self._turn.ask("bury", owner, cursor, BURIED_A_CALL)
                if not cursor:
                    break
            await self._client.write("SREM", keys.owners, owner)
            found += 1
        return found

    async def losses(self) -> Losses:
        """Leases of this process that were taken over, or whose terminal was disapproved."""
        whole, more, *lost = await self._noted(mark := f"compared{self._client.made}", "0")
        leases = [Lease(sn, connection) for connection, _, sn in (text.partition(" ") for text in lost)]
        return Losses(leases, bool(more), bool(whole), mark)

    async def dealt_with(self, leases: list[Lease]) -> None:
        """Their connections are closed: forget the losses."""
        noted = [f"{connection} {sn}" for sn, connection in leases]
        if noted:
            await self._client.write("SREM", self._client.keys.lost(self.owner), *noted)

    async def compared(self, mark: str) -> None:
        """All leases were compared: from then on losses are noted."""
        await self._noted(mark, "1")

    async def _noted(self, mark: str, marking: str) -> list[Any]:
        keys = self._client.keys
        args = [mark, marking, LOST_LIFE, keys.terminal(""), LEASES_A_CALL]
        found: list[Any] = await self._client.run("lost", [keys.lost(self.owner)], args)
        return found

    async def lost_leases(self, held: list[Lease]) -> list[Lease]:
        """Those of these whose lease or approval is gone."""
        lost = []
        for start in range(0, len(held), LEASES_A_CALL):
            part = held[start : start + LEASES_A_CALL]
            keys = [self._client.keys.terminal(lease.sn) for lease in part]
            places = await self._client.run("leases", keys, [lease.connection for lease in part])
            lost += [part[place] for place in places]
        return lost

    async def decide(self, sn: str, admission: Admission, device: Identity | None = None) -> bool:
        """Approve or deny; False when there is no such terminal. Approval pins the ``device`` that claims it,
        the only one if none is named. Raises Undecided; then nothing was changed."""
        keys = self._client.keys
        args = [canonical_sn(sn), admission.value, keys.everybody, keys.lost(""), LOST_LIFE]
        args += [] if device is None else [device.cpusn, device.mac]
        names = [keys.terminal(sn), keys.pending, keys.claimants, keys.events, keys.news]
        if (found := await self._client.run("admit", names, args)) < 0:
            raise Undecided(sn, found == -1)
        return bool(found)

    async def change(self, sn: str, fields: dict[str, str]) -> bool:
        """Set what people decide: name, site, timezone, model_profile, tags (JSON); False: there is no such
        terminal."""
        keys = self._client.keys
        flat = [part for pair in fields.items() for part in pair]
        args = [canonical_sn(sn), keys.everybody, *flat]
        return bool(await self._client.run("change", [keys.terminal(sn), keys.events], args))

    async def set_path(self, sn: str, path: str) -> bool:
        """From its next registration on a terminal has to say the secret path that has this hash; empty: any
        path does. False: there is no such terminal."""
        return await self.change(sn, {"path": path})

    async def delete(self, sn: str) -> bool:
        """Forget a terminal; its connection is closed and has to be admitted anew. False: there is none."""
        keys = self._client.keys
        names = [keys.terminal(sn), keys.pending, keys.terminals, keys.heard, keys.punched, keys.claimants]
        args = [canonical_sn(sn), keys.everybody, keys.lost(""), LOST_LIFE]
        return bool(await self._client.run("forget", [*names, keys.events, keys.deleted], args))

    async def proof(self, sn: str) -> Proof:
        """What is proven of a terminal's records."""
        keys = self._client.keys
        found = await self._client.read("HMGET", keys.terminal(sn), *OF_PROOF)
        fields = {name: value for name, value in zip(OF_PROOF, found, strict=True) if value}
        return proof_of(fields, await self._client.read("ZSCORE", keys.punched, canonical_sn(sn)))

    async def changes(self, sn: str) -> list[Change]:
        """What a terminal said otherwise than before when it registered, the newest first."""
        found = await self._client.read("HGET", self._client.keys.terminal(sn), "changes")
        return CHANGES.decode(found)[::-1] if found else []

    async def mark_dirty(self, sn: str, day: str) -> str:
        """Records from this day of the terminal on may be missing here; an earlier day stays. The day that
        stands; empty when there is no such terminal."""
        found: str = await self._client.run("proof", [self._client.keys.terminal(sn)], ["doubt", day])
        return found

    async def prove(self, lease: Lease, dirty: str, since_ms: int, day: str, mark: Mark) -> bool:
        """All records before ``since_ms`` (UTC), which was on ``day`` at the terminal, are here. False when
        the lease or the day in doubt is not this one any more: then nothing is proven, and no mark moved."""
        args = ["prove", lease.connection, dirty, since_ms, day, msgspec.json.encode(mark)]
        return bool(await self._client.run("proof", [self._client.keys.terminal(lease.sn)], args))

    async def mark_disabled(self, sn: str) -> None:
        """People may not be able to use it any more, until it is enabled again. StoreError: that is not kept,
        perhaps because there is no such terminal any more."""
        name = canonical_sn(sn)
        self.disabled.add(name)
        if not await self._turn.ask("disable", name, self._now_ms()):
            self.disabled.discard(name)
            raise StoreError(f"terminal {sn} was deleted")

    async def clear_disabled(self, sn: str) -> None:
        """People can use it again."""
        await self._client.write("HDEL", self._client.keys.terminal(sn), "disabled")
        self.disabled.discard(canonical_sn(sn))

    async def decided(self, sn: str) -> Decided:
        """What people decided for a terminal; empty where they did not."""
        fields = ("site", "timezone", "model_profile", "direction")
        found = await self._client.read("HMGET", self._client.keys.terminal(sn), *fields)
        site, timezone, profile, direction = (text or "" for text in found)
        return Decided(site, timezone, profile, rows.direction_of(direction))

    async def page(self, after: str, limit: int) -> list[Terminal]:
        """Terminals in the order of their serial numbers, behind ``after``."""
        return await self._several("after", after, limit)

    async def these(self, sns: list[str]) -> list[Terminal]:
        """Those of these terminals that there are, in the order of ``sns``."""
        return await self._several("these", *map(canonical_sn, sns)) if sns else []

    async def briefs(self, after: str, limit: int) -> list[Brief]:
        """The same as ``page``, in brief."""
        return briefs(await self._read("brief", "after", after, limit))

    async def these_briefs(self, sns: list[str]) -> list[Brief]:
        """The same as ``these``, in brief."""
        return briefs(await self._read("brief", "these", *map(canonical_sn, sns))) if sns else []

    async def _several(self, *which: Any) -> list[Terminal]:
        return [rows.shown(self._now_ms(), *row) for row in await self._read("whole", *which)]

    async def _read(self, *which: Any) -> Any:
        keys = self._client.keys
        args = [keys.terminal(""), keys.alive(""), *which]
        return await self._client.read_script("terminals", [keys.terminals, keys.heard, keys.punched], args)

    async def get(self, sn: str) -> Terminal | None:
        """One terminal, or None."""
        keys, name = self._client.keys, canonical_sn(sn)
        fields = rows.pairs(await self._client.read("HGETALL", keys.terminal(name)))
        if "admission" not in fields:
            return None
        heard = await self._client.read("ZSCORE", keys.heard, name)
        punched = await self._client.read("ZSCORE", keys.punched, name)
        owner = fields.get("owner")
        alive = await self._client.read("EXISTS", keys.alive(owner)) if owner else 0
        flat = [part for pair in fields.items() for part in pair]
        return rows.shown(self._now_ms(), name, heard or "", punched or "", alive, flat)

    def _now_ms(self) -> int:
        now: int = round(self._client.reactor.seconds() * 1000)
        return now

    async def claimants(self) -> list[Claimant]:
        """All devices in quarantine because their serial number is pinned to another."""
        found = await self._client.read("HVALS", self._client.keys.claimants)
        return sorted(map(CLAIMANT.decode, found), key=lambda claim: claim.last)


def _registry(keys: Keys) -> list[str]:
    return [keys.pending, keys.claimants, keys.terminals, keys.events, keys.news]


def _written(timeline: tuple[ClockEntry, ...]) -> bytes:
    return msgspec.json.encode(timeline) if timeline else b""


def _registration(
    arrival: Arrival,
    decided: Decided,
    clock: str,
    echo: str,
    is_first: str,
    waits: int,
    dirty: str,
    disabled: str,
) -> Registration:
    timeline = arrival.clock if is_first else TIMELINE.decode(clock) if clock else ()
    return Registration(
        admission=Admission.APPROVED,
        **decided._asdict(),
        clock=timeline,
        echo=int(echo) if echo else None,
        orders_wait=bool(waits),
        dirty=dirty,
        disabled=bool(disabled),
    )
