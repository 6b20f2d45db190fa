"""The registry: who the terminals are, who may talk, and which connection owns each (design §3.1)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from tfserver.config import Admission as AdmissionSettings
from tfserver.model import (
    SUSPECT_DRIFT_MS,
    Admission,
    Clock,
    ClockEntry,
    Identity,
    Registration,
    Terminal,
    canonical_sn,
    capacities,
    rfc3339,
)
from tfserver.store.client import Client

HEARTBEAT_LIFE: Final = 15
"""Seconds after its last heartbeat a process counts as gone."""
MOST_CLAIMANTS: Final = 1000
_LEASES_A_CALL: Final = 500
_TIMELINE = msgspec.json.Decoder(tuple[ClockEntry, ...])


class Arrival(NamedTuple):
    """A terminal that says who it is: its number as sent, identity, address, and clock against UTC."""

    sn: str
    identity: Identity
    devinfo: dict[str, Any]
    address: str
    ahead_ms: int | None
    now_ms: int
    approve: bool


class Claimant(msgspec.Struct, frozen=True):
    """Another device under a serial number that is pinned."""

    sn: str
    cpusn: str
    mac: str
    address: str
    last: int
    devinfo: dict[str, Any]


class RegistryFull(Exception):
    """No room to remember another pending terminal or claimant."""


class Terminals:
    """Registry and leases, as one process sees them. ``owner`` names the process and its start."""

    def __init__(self, client: Client, settings: AdmissionSettings, owner: str) -> None:
        self.owner = owner
        self._client = client
        self._settings = settings

    async def register(self, arrival: Arrival, connection: str) -> Registration:
        """Admit a terminal and give its lease to this connection. Raises RegistryFull, StoreUnavailable."""
        keys, sn = self._client.keys, canonical_sn(arrival.sn)
        identity = arrival.identity
        claimant = Claimant(
            sn, identity.cpusn, identity.mac, arrival.address, arrival.now_ms, arrival.devinfo
        )
        found = await self._client.run(
            "register",
            [keys.terminal(sn), keys.pending, keys.claimants, keys.terminals],
            [
                *(sn, arrival.sn, identity.cpusn, identity.mac, msgspec.json.encode(arrival.devinfo)),
                *(arrival.now_ms, "1" if arrival.approve else "0", self._settings.most_pending),
                *(f"{sn}|{identity.cpusn}|{identity.mac}", msgspec.json.encode(claimant), MOST_CLAIMANTS),
                *(connection, self.owner, keys.wake("")),
                "" if arrival.ahead_ms is None else arrival.ahead_ms,
            ],
        )
        if found[0] == "full":
            raise RegistryFull
        admission = Admission(found[0])
        if admission is not Admission.APPROVED:
            return Registration(admission)
        _, site, timezone, profile, clock, echo, *_ = found
        return Registration(
            admission=admission,
            site=site,
            timezone=timezone,
            model_profile=profile,
            clock=_TIMELINE.decode(clock) if clock else (),
            echo=int(echo) if echo else None,
        )

    async def set_clock(self, sn: str, timeline: tuple[ClockEntry, ...], echo: int | None) -> None:
        """Remember by which offsets a terminal's clock ran; ``echo`` is one that nobody has confirmed."""
        fields: list[Any] = ["clock", msgspec.json.encode(timeline)]
        if echo is not None:
            fields += ["echo", echo]
        await self._client.write("HSET", self._client.keys.terminal(sn), *fields)

    async def release(self, sn: str, connection: str) -> bool:
        """Give the lease back; False when a newer connection had it already."""
        return bool(await self._client.run("release", [self._client.keys.terminal(sn)], [connection]))

    async def beat(self, heard: dict[str, int]) -> None:
        """This process lives, and heard these terminals at these times (UTC, ms)."""
        keys = self._client.keys
        await self._client.write("SET", keys.alive(self.owner), "1", "EX", HEARTBEAT_LIFE)
        if heard:
            pairs = [part for sn, at in heard.items() for part in (at, canonical_sn(sn))]
            await self._client.write("ZADD", keys.heard, "GT", *pairs)

    async def retire(self) -> None:
        """This process is gone."""
        await self._client.write("DEL", self._client.keys.alive(self.owner))

    async def lost_leases(self, held: list[tuple[str, str]]) -> list[str]:
        """Of these (sn, connection), the connections whose lease or approval is gone."""
        lost = []
        for start in range(0, len(held), _LEASES_A_CALL):
            part = held[start : start + _LEASES_A_CALL]
            keys = [self._client.keys.terminal(sn) for sn, _ in part]
            places = await self._client.run("leases", keys, [connection for _, connection in part])
            lost += [part[place][1] for place in places]
        return lost

    async def decide(self, sn: str, admission: Admission) -> bool:
        """Approve or deny; False when there is no such terminal. Approval pins who claimed it last."""
        keys = self._client.keys
        args = [canonical_sn(sn), admission.value, keys.everybody]
        return bool(await self._client.run("admit", [keys.terminal(sn), keys.pending, keys.claimants], args))

    async def change(self, sn: str, fields: dict[str, str]) -> None:
        """Set what people decide: name, site, timezone, model_profile, tags (JSON)."""
        flat = [part for pair in fields.items() for part in pair]
        await self._client.write("HSET", self._client.keys.terminal(sn), *flat)
        await self._client.write("PUBLISH", self._client.keys.everybody, f"change {canonical_sn(sn)}")

    async def settings(self, sn: str) -> tuple[str, str, str]:
        """What people decided for a terminal: site, timezone, model_profile; empty where they did not."""
        fields = ("site", "timezone", "model_profile")
        found = await self._client.read("HMGET", self._client.keys.terminal(sn), *fields)
        return found[0] or "", found[1] or "", found[2] or ""

    async def page(self, after: str, limit: int) -> list[Terminal]:
        """Terminals in the order of their serial numbers, behind ``after``."""
        keys = self._client.keys
        args = [after, limit, keys.terminal(""), keys.alive("")]
        found = await self._client.read_script("terminals", [keys.terminals, keys.heard, keys.punched], args)
        return [_terminal(*row) for row in found]

    async def get(self, sn: str) -> Terminal | None:
        """One terminal, or None."""
        keys, name = self._client.keys, canonical_sn(sn)
        fields = _pairs(await self._client.read("HGETALL", keys.terminal(name)))
        if not fields:
            return None
        heard = await self._client.read("ZSCORE", keys.heard, name)
        punched = await self._client.read("ZSCORE", keys.punched, name)
        owner = fields.get("owner")
        alive = await self._client.read("EXISTS", keys.alive(owner)) if owner else 0
        flat = [part for pair in fields.items() for part in pair]
        return _terminal(name, heard or "", punched or "", alive, flat)

    async def claimants(self) -> list[Claimant]:
        """All devices in quarantine because their serial number is pinned to another."""
        found = await self._client.read("HVALS", self._client.keys.claimants)
        return sorted(
            (msgspec.json.decode(text, type=Claimant) for text in found), key=lambda claim: claim.last
        )


def _pairs(flat: list[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _terminal(sn: str, heard: str, punched: str, alive: int, flat: list[str]) -> Terminal:
    fields = _pairs(flat)
    devinfo = msgspec.json.decode(fields.get("devinfo") or "{}")
    drift = _drift(fields)
    online = bool(alive) and "conn" in fields
    return Terminal(
        sn=fields.get("sn", sn),
        name=fields.get("name", ""),
        site=fields.get("site", ""),
        timezone=fields.get("timezone") or None,
        admission=Admission(fields["admission"]),
        online=online,
        owner=fields["owner"].partition("/")[0] if online else None,
        connected_at=_time(fields.get("connected_at")) if online else None,
        last_frame=_time(heard or fields.get("reg_at")),
        last_punch=_time(punched),
        clock_offset_ms=drift,
        clock=_clock(fields, drift),
        devinfo=devinfo,
        capacity=capacities(devinfo),
        model_profile=fields.get("model_profile") or None,
        tags=msgspec.json.decode(fields.get("tags") or "[]"),
    )


def _time(ms: str | None) -> str | None:
    return rfc3339(datetime.fromtimestamp(float(ms) / 1000, UTC)) if ms else None


def _drift(fields: dict[str, str]) -> int | None:
    """The clock at the last ``reg`` against the offset that was in force just before it."""
    if not fields.get("ahead") or not fields.get("clock"):
        return None
    at = int(fields["reg_at"])
    before = [entry for entry in _TIMELINE.decode(fields["clock"]) if entry.since < at]
    return int(fields["ahead"]) - before[-1].offset * 1000 if before else None


def _clock(fields: dict[str, str], drift: int | None) -> Clock:
    if fields.get("clock_state") == Clock.SUSPECT:
        return Clock.SUSPECT
    if drift is None or (fields.get("echo") and not fields.get("timezone")):
        return Clock.UNKNOWN
    return Clock.SUSPECT if abs(drift) >= SUSPECT_DRIFT_MS else Clock.OK
