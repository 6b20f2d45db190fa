"""What terminals had at a moment, for them or for others to have again (docs/people.md).

Of each person everything is sealed under its own data key: when that is destroyed, the person is erased in
every snapshot as well.
"""

from __future__ import annotations

import enum
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from tfserver.credentials import TABLE, kind_of
from tfserver.errors import StoreError
from tfserver.model import Direction, canonical_sn, rfc3339
from tfserver.person import Made
from tfserver.store.client import Client
from tfserver.store.masterkey import learn
from tfserver.store.vault import Vault

LETTER: Final = "s"
"""So the ids of snapshots begin."""
MOST_OF_A_TERMINAL: Final = 3
"""Whole snapshots of one terminal; the oldest go."""
MOST_MISSING: Final = 500
"""Of what is missing so much is told."""
SCANNED_A_CALL: Final = 500
_REKEYED: Final = 3
_PERSON: Final = -1
"""Stands where a slot does, for what a person has beside credentials."""
_SLOTS: Final = tuple(n for slots in TABLE for n in range(slots.first, slots.last + 1))
_COUNT: Final = "n:"
_ANSWER: Final = "f:"
_MISSING: Final = "m:"


class SnapshotState(enum.StrEnum):
    """How far a snapshot is."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"


class Decided(msgspec.Struct, frozen=True):
    """What people decided for the terminal."""

    name: str = ""
    site: str = ""
    timezone: str | None = None
    model_profile: str | None = None
    tags: tuple[str, ...] = ()
    direction: Direction | None = None


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What never changes of a snapshot. ``source``: read from the terminal, uploaded, or put together from
    what the server knew of one that could not be asked."""

    id: str
    sn: str
    actor: str
    made: str
    source: Literal["terminal", "file", "known"] = "terminal"
    model: str = ""
    firmware: str = ""
    fpalgo: str = ""
    decided: Decided = Decided()


class Snapshot(Taken, frozen=True, kw_only=True):
    """A snapshot as people see it: how much is in it, never what. ``answers`` are the commands that the
    terminal answered, ``missing`` says by command, person or credential why it is not in it."""

    state: SnapshotState = SnapshotState.OPEN
    ended: str | None = None
    stage: str = ""
    people: int = 0
    credentials: dict[str, int] = {}
    answers: tuple[str, ...] = ()
    missing: dict[str, str] = {}


class Copied(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person as the terminal had it, without credentials; ``lock`` are the fields of ``getuserlock``."""

    name: str = ""
    admin: int = 0
    lock: dict[str, Any] | None = None


class Part(msgspec.Struct, frozen=True, array_like=True):
    """A sealed credential, and what may be known of it without opening."""

    sealed: str
    version: str = ""
    bytes: int = 0
    made: Made = Made()


Record = tuple[str, Made]


class Snapshots:
    """All snapshots that are kept."""

    def __init__(self, client: Client, vault: Vault) -> None:
        self._client = client
        self._vault = vault

    def version_of(self, record: str) -> str:
        """The same for the same credential, as the directory compares them."""
        return self._vault.version_of(record)

    async def add(self, taken: Taken) -> None:
        """A new one, of which nothing is known yet."""
        told = msgspec.json.encode(taken)
        member = f"{canonical_sn(taken.sn)} {taken.id}"
        await self._ask(taken.id, "add", member, self._now_ms(), "s", told, "state", SnapshotState.OPEN.value)

    async def get(self, snapshot_id: str) -> Snapshot | None:
        """One as people see it, or None."""
        if not snapshot_id.startswith(LETTER):
            return None
        name = self._client.keys.snapshot(snapshot_id)
        fields = [field for field in await self._client.read("HKEYS", name) if not _is_of_person(field)]
        if "s" not in fields:
            return None
        values = await self._client.read("HMGET", name, *fields)
        return _snapshot(dict(zip(fields, values, strict=True)))

    async def listing(self, sn: str, limit: int, before: str) -> tuple[list[Snapshot], str | None]:
        """Those of a terminal (empty: of all), the newest first, and the cursor of those behind them."""
        found: list[Snapshot] = []
        cursor = before
        async for snapshot_id, place in ids_of(self._client, sn, LETTER, before):
            if len(found) == limit:
                return found, cursor
            one = await self.get(snapshot_id)
            found += [] if one is None else [one]
            cursor = place
        return found, None

    async def latest(self, sn: str) -> Snapshot | None:
        """The newest whole one of a terminal, or None."""
        found, _ = await self.listing(sn, SCANNED_A_CALL, "")
        return next((one for one in found if one.state is SnapshotState.DONE), None)

    async def remove(self, snapshot: Taken) -> bool:
        """Forget one; False when it was forgotten before."""
        return bool(await self._ask(snapshot.id, "remove", f"{canonical_sn(snapshot.sn)} {snapshot.id}"))

    async def tidy(self, sn: str) -> None:
        """Forget the oldest of a terminal's that were taken; what somebody uploaded stays."""
        listed, _ = await self.listing(sn, SCANNED_A_CALL, "")
        found = [one for one in listed if one.source != "file"]
        whole = [one for one in found if one.state is SnapshotState.DONE]
        for old in (
            *whole[MOST_OF_A_TERMINAL:],
            *(one for one in found if one.state is SnapshotState.FAILED),
        ):
            await self.remove(old)

    async def stage(self, snapshot_id: str, stage: str) -> bool:
        """Say how far it is; False when it was removed."""
        return bool(await self._ask(snapshot_id, "tell", "stage", stage))

    async def keep_answer(self, snapshot_id: str, word: str, fields: dict[str, Any]) -> None:
        """Keep what the terminal answered to a command: nothing about people."""
        await self._ask(snapshot_id, "tell", _ANSWER + word, msgspec.json.encode(fields))

    async def answer(self, snapshot_id: str, word: str) -> dict[str, Any] | None:
        """That again."""
        found = await self._client.read("HGET", self._client.keys.snapshot(snapshot_id), _ANSWER + word)
        return None if found is None else msgspec.json.decode(found)

    async def miss(self, snapshot_id: str, what: str, why: str) -> None:
        """Say why something is not in it."""
        await self._ask(snapshot_id, "tell", _MISSING + what, why)

    async def finish(self, snapshot_id: str, state: SnapshotState, told: str = "") -> bool:
        """It is whole, or will never be; only the first end counts."""
        return bool(await self._ask(snapshot_id, "finish", state.value, self._now_ms(), told))

    async def keep_person(
        self, snapshot_id: str, enrollid: int, person: Copied, records: dict[int, Record]
    ) -> str:
        """Keep a person and credentials, sealed; ``kept``, ``erased``: nothing of this person is kept, or
        ``gone``: the snapshot was removed."""
        keys = self._client.keys
        for _ in range(_REKEYED):
            found = await self._client.write("HGET", keys.user(enrollid), "key")
            wrapped = found or self._vault.new_data_key(enrollid)
            parts = self._sealed(wrapped, enrollid, person, records)
            names = [*self._names(snapshot_id), keys.user(enrollid)]
            outcome: str = await self._client.keep("snapshots", names, ["keep", enrollid, wrapped, *parts])
            if outcome == "master":
                await learn(self._client, self._vault)
            elif outcome != "rekey":
                return outcome
        raise StoreError(f"user {enrollid} got new data keys faster than it could be kept")

    async def keep_sealed(self, snapshot_id: str, enrollid: int, sealed: str, parts: dict[int, Part]) -> str:
        """The same of what is sealed already, under the data key that the person has here; ``erased`` also
        when there is none."""
        keys = self._client.keys
        wrapped = await self._client.write("HGET", keys.user(enrollid), "key")
        if wrapped is None:
            return "erased"
        asked: list[Any] = ["keep", enrollid, wrapped, f"u:{enrollid}", sealed, "user"]
        for slot, part in parts.items():
            asked += [f"c:{enrollid}/{slot}", msgspec.json.encode(part), kind_of(slot).value]
        names = [*self._names(snapshot_id), keys.user(enrollid)]
        outcome: str = await self._client.keep("snapshots", names, asked)
        # between the two it was erased, or got another key: what is sealed under the old one opens no more
        return "erased" if outcome in ("rekey", "master") else outcome

    async def sealed_person(self, snapshot_id: str, enrollid: int) -> str:
        """A person as it is kept."""
        found = await self._client.read("HGET", self._client.keys.snapshot(snapshot_id), f"u:{enrollid}")
        return found or ""

    def _sealed(self, wrapped: str, enrollid: int, person: Copied, records: dict[int, Record]) -> list[Any]:
        told = self._vault.seal(wrapped, enrollid, _PERSON, msgspec.json.encode(person).decode())
        found: list[Any] = [f"u:{enrollid}", told, "user"]
        for backupnum, (record, made) in records.items():
            sealed = self._vault.seal(wrapped, enrollid, backupnum, record)
            part = Part(sealed, self._vault.version_of(record), len(record), made)
            found += [f"c:{enrollid}/{backupnum}", msgspec.json.encode(part), kind_of(backupnum).value]
        return found

    async def people(self, snapshot_id: str) -> dict[int, list[int]]:
        """The slots of each person in it, by number."""
        found: dict[int, list[int]] = {}
        for field in await self._client.read("HKEYS", self._client.keys.snapshot(snapshot_id)):
            if _is_of_person(field):
                number, _, slot = field[2:].partition("/")
                slots = found.setdefault(int(number), [])
                slots += [int(slot)] if slot else []
        return {enrollid: sorted(found[enrollid]) for enrollid in sorted(found)}

    async def person(self, snapshot_id: str, enrollid: int) -> Copied | None:
        """A person in it; None when there is none, or its data key was destroyed."""
        wrapped, found = await self._read(snapshot_id, enrollid, f"u:{enrollid}")
        if not wrapped or not found:
            return None
        try:
            text = self._vault.open(wrapped, enrollid, _PERSON, found)
        except StoreError:
            # sealed under a data key that was destroyed; the person got another since
            return None
        return msgspec.json.decode(text, type=Copied)

    async def parts(self, snapshot_id: str, enrollid: int, slots: list[int]) -> dict[int, Part]:
        """What is known of credentials in it without opening them."""
        if not slots:
            return {}
        fields = [f"c:{enrollid}/{slot}" for slot in slots]
        rows = await self._client.read("HMGET", self._client.keys.snapshot(snapshot_id), *fields)
        return {
            slot: msgspec.json.decode(row, type=Part) for slot, row in zip(slots, rows, strict=True) if row
        }

    async def record(self, snapshot_id: str, enrollid: int, backupnum: int) -> str | None:
        """A credential, opened; None as in ``person``."""
        wrapped, found = await self._read(snapshot_id, enrollid, f"c:{enrollid}/{backupnum}")
        if not wrapped or not found:
            return None
        try:
            return self._vault.open(
                wrapped, enrollid, backupnum, msgspec.json.decode(found, type=Part).sealed
            )
        except StoreError:
            return None

    async def forget_person(self, enrollid: int) -> list[str]:
        """Take a person out of all snapshots; the ids of those it was in. Without its data key nothing of it
        could be opened anyway."""
        found, kinds = [], [part for slot in _SLOTS for part in (f"c:{enrollid}/{slot}", kind_of(slot).value)]
        for member in await self._client.read("ZRANGE", self._client.keys.snapshots, 0, -1):
            snapshot_id = member.rpartition(" ")[2]
            # restorations stand there too
            is_one = snapshot_id.startswith(LETTER)
            if is_one and await self._ask(snapshot_id, "forget", f"u:{enrollid}", "user", *kinds):
                found.append(snapshot_id)
        return found

    async def is_erased(self, enrollid: int) -> bool:
        """Whether this person is to be forgotten."""
        return bool(await self._client.read("HEXISTS", self._client.keys.erased, enrollid))

    async def _read(self, snapshot_id: str, enrollid: int, field: str) -> tuple[str | None, str | None]:
        keys = self._client.keys
        wrapped = await self._client.read("HGET", keys.user(enrollid), "key")
        return wrapped, await self._client.read("HGET", keys.snapshot(snapshot_id), field)

    async def _ask(self, snapshot_id: str, *args: Any) -> Any:
        return await self._client.keep("snapshots", self._names(snapshot_id), list(args))

    def _names(self, snapshot_id: str) -> list[str]:
        keys = self._client.keys
        return [keys.snapshot(snapshot_id), keys.snapshots, keys.erased, keys.meta]

    def _now_ms(self) -> int:
        return int(self._client.reactor.seconds() * 1000)


async def ids_of(client: Client, sn: str, letter: str, before: str = "") -> AsyncIterator[tuple[str, str]]:
    """The ids of a terminal (empty: of all) that begin so, and their places, the newest first."""
    cursor, beginning = before, f"{canonical_sn(sn)} " if sn else ""
    while True:
        bounds = (f"({cursor}" if cursor else "+inf", "-inf", "WITHSCORES", "LIMIT", 0, SCANNED_A_CALL)
        flat = await client.read("ZREVRANGEBYSCORE", client.keys.snapshots, *bounds)
        for member, cursor in zip(flat[::2], flat[1::2], strict=True):
            found = member.rpartition(" ")[2]
            if member.startswith(beginning) and found.startswith(letter):
                yield found, cursor
        if len(flat) < 2 * SCANNED_A_CALL:
            return


def new_id(letter: str = LETTER) -> str:
    """An id that no other has."""
    return letter + secrets.token_hex(8)


def _is_of_person(field: str) -> bool:
    return field.startswith(("u:", "c:"))


def _snapshot(fields: dict[str, str]) -> Snapshot:
    taken = msgspec.json.decode(fields["s"], type=Taken)
    counts = {name[2:]: int(value) for name, value in fields.items() if name.startswith(_COUNT)}
    people = counts.pop("user", 0)
    missing = sorted(name for name in fields if name.startswith(_MISSING))
    return Snapshot(
        **msgspec.structs.asdict(taken),
        state=SnapshotState(fields["state"]),
        ended=_time(fields["ended"]) if "ended" in fields else None,
        stage=fields.get("stage", ""),
        people=people,
        credentials={kind: count for kind, count in counts.items() if count},
        answers=tuple(sorted(name[2:] for name in fields if name.startswith(_ANSWER))),
        missing={name[2:]: fields[name] for name in missing[:MOST_MISSING]},
    )


def _time(ms: str) -> str:
    return rfc3339(datetime.fromtimestamp(int(ms) / 1000, UTC))
