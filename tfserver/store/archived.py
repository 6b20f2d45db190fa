"""The store's side of the archive: whose turn it is, how far it is, and what may leave the stream.

Only the archive holds back trimming: nothing leaves that is not archived, and what may be in the archive only
is marked where the trimming is done (``scripts/archived.lua``).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from tfserver.config import Archive as ArchiveSettings
from tfserver.store.archive.rows import Entry, place_of
from tfserver.store.client import Client

LEASE_MS: Final = 15_000
MOST_TRIMMED: Final = 1000
"""Entries that one call takes out, or looks at for that: a millisecond or two of the store."""
WHATEVER: Final = "all"
KNOWN_SECONDS: Final = 45 * 86_400
"""How long a set of known punches lives that was not there."""
KIND: Final = "archive"
"""Of what the archive can't keep, in the quarantine."""


class Turn(enum.StrEnum):
    """Who archives now."""

    YOURS = "yours"
    TAKEN = "taken"
    OTHER = "other"
    """Another database takes the punches of this store."""


class Lease(NamedTuple):
    """The answer to who asks for the turn: the store's time (UTC, ms), and what it knows to be archived."""

    turn: Turn
    now_ms: int
    place: str


class Look(NamedTuple):
    """Where everything stands. ``added`` is how many entries there ever were, 0 when the store can't tell,
    ``passed`` how many of these are archived; ``waiting`` is the first that is not, or empty. ``is_joining``:
    somebody began to mend a stream that ends before the archive, and did not tell that it is done."""

    archive: str
    place: str
    trimmed: str
    now_ms: int
    entries: int
    last: str
    added: int
    passed: int
    waiting: str
    is_joining: bool = False

    @property
    def lag(self) -> int:
        """How many punches are not archived, as near as can be told."""
        if not self.waiting:
            return 0
        return max(1, min(self.entries, self.added - self.passed)) if self.added else self.entries

    @property
    def lag_ms(self) -> int:
        """How long the first of them has waited."""
        return max(0, self.now_ms - place_of(self.waiting).ms) if self.waiting else 0


class Memory(NamedTuple):
    """How much the store holds, and may hold (bytes; 0 without a bound)."""

    used: int
    most: int

    @property
    def share(self) -> float:
        """Used of what there may be; 0 without a bound."""
        return self.used / self.most if self.most else 0.0


class Archived:
    """One process' words to the store. ``holder`` is random, and compared for equality only."""

    def __init__(self, client: Client, settings: ArchiveSettings, holder: str) -> None:
        self._client = client
        self._holder = holder
        self._most = settings.stream_most
        days = settings.keep_days.values()
        # What the archive forgets must not live on in the stream.
        self._hours = min([settings.stream_hours, *(24 * count for count in days)])

    @property
    def lineage(self) -> str:
        """Which life of the store this is; in another one what was kept last may be gone."""
        return self._client.lineage

    async def lease(self, archive_id: str) -> Lease:
        """Take or prolong the turn for a database."""
        turn, now, place = await self._run("lease", archive_id, LEASE_MS)
        return Lease(Turn(turn), int(now), place)

    async def release(self) -> None:
        """Let another process take the turn at once."""
        await self._run("release")

    async def advance(self, place: str, entries: int) -> bool:
        """Everything up to this place is archived, so many entries more than before; False when it is
        another's turn."""
        return bool(await self._run("advance", place, entries))

    async def follow(self, place: str) -> None:
        """The next punch comes behind this place, also in a store that has lost its stream."""
        await self._run("follow", place)

    async def join(self, place: str) -> None:
        """Everything up to this place is in the archive, and is read there, whatever the stream has lost."""
        await self._run("join", place)

    async def trim(self) -> int | None:
        """Take out what is archived and old, or too many; how many went, None when it is another's turn."""
        return await self._trim("")

    async def trim_all(self) -> int | None:
        """Take out whatever is archived, as the store needs room."""
        return await self._trim(WHATEVER)

    async def look(self) -> Look:
        """Where everything stands."""
        told = await self._client.read_script("archived", self._keys, ["look", self._holder])
        archive, place, trimmed, now, entries, last, added, passed, waiting, joining = told
        counts = (int(entries), last, int(added), int(passed))
        return Look(archive, place, trimmed, int(now), *counts, waiting, bool(joining))

    async def memory(self) -> Memory:
        """How much the store holds."""
        info = await self._client.read("INFO", "memory")
        fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
        return Memory(int(fields.get("used_memory", 0)), int(fields.get("maxmemory", 0)))

    async def batch(self, after: str, limit: int) -> list[Entry]:
        """Up to ``limit`` entries of the stream behind a place, with their JSON.

        Replicas have them, if they have to confirm: what was archived must not be lost by a failover and come
        again as new.
        """
        found = await self._client.read("XRANGE", self._client.keys.punches, f"({after}", "+", "COUNT", limit)
        if found:
            await self._client.confirm()
        return [(place, body_in(fields)) for place, fields in found]

    async def has(self, place: str) -> bool:
        """Whether a punch stands at this place of the stream."""
        return bool(await self._client.read("XRANGE", self._client.keys.punches, place, place))

    async def know(self, punches: Mapping[tuple[str, str], Sequence[int]]) -> None:
        """Punches by terminal and day, by the short forms of their uids: they are no new ones when they come
        again."""
        for (sn, day), members in punches.items():
            name = self._client.keys.known(sn) + day
            await self._client.write("SADD", name, *members)
            if await self._client.write("TTL", name) < 0:
                await self._client.write("EXPIRE", name, KNOWN_SECONDS)

    async def put_aside(self, entry: Entry, why: str) -> None:
        """Keep in the quarantine what can't be archived."""
        place, text = entry
        told = (
            "v",
            "1",
            "kind",
            KIND,
            "sn",
            _sn(text),
            "logindex",
            "",
            "why",
            f"{place}: {why}",
            "raw",
            text,
        )
        await self._client.write("XADD", self._client.keys.quarantine, "*", *told)

    @property
    def _keys(self) -> list[str]:
        return [self._client.keys.archived, self._client.keys.punches]

    async def _run(self, what: str, *args: Any) -> Any:
        return await self._client.run("archived", self._keys, [what, self._holder, *args])

    async def _trim(self, which: str) -> int | None:
        found = int(await self._run("trim", self._hours, self._most, MOST_TRIMMED, which))
        return None if found < 0 else found


def body_in(fields: list[str]) -> str:
    """The JSON of a punch in the fields of its entry."""
    names = fields[::2]
    return fields[2 * names.index("p") + 1] if "p" in names else ""


def _sn(text: str) -> str:
    try:
        return msgspec.json.decode(text, type=_Told).sn
    except msgspec.MsgspecError:
        return ""


class _Told(msgspec.Struct):
    """Of whom something tells."""

    sn: str = ""
