"""How much room a terminal has, when it will have none, and who could leave it first (docs/people.md)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from tfserver.capacity import Sample, forecast
from tfserver.model import Capacity, Terminal, rfc3339
from tfserver.person import Holding, Validity
from tfserver.store.people.directory import Directory
from tfserver.store.people.holdings import Holdings

PEOPLE_A_LOOK: Final = 500
EXPIRED: Final = "expired"
NEVER_SEEN: Final = "never seen here"
NOT_SEEN: Final = "not seen here"


class Day(msgspec.Struct, frozen=True):
    """How much was used on a day, and how much there was."""

    day: str
    used: int
    size: int


class KindRoom(msgspec.Struct, frozen=True):
    """Room for one kind. ``coming`` is what orders are to bring. ``a_day`` is how much more is used each day,
    None when too little is known; ``full_in_days`` None: not as it goes now."""

    size: int
    used: int
    free: int
    coming: int
    a_day: float | None
    full_in_days: float | None
    history: list[Day]


class Removable(msgspec.Struct, frozen=True):
    """Somebody who could leave a terminal, and why: ``expired``, ``not seen here``, ``never seen here``.
    ``since`` is the day of the end, the last day seen, or that on which it was known to be there."""

    enrollid: int
    why: str
    since: str
    credentials: int


class Room(msgspec.Struct, frozen=True):
    """How much room a terminal has. ``read`` is when its whole list was read last; who could leave is in the
    order in which people had better go."""

    sn: str
    read: str | None
    kinds: dict[str, KindRoom]
    removable: list[Removable]


class RoomBook:
    """Tells of the room on terminals."""

    def __init__(self, holdings: Holdings, directory: Directory) -> None:
        self._holdings = holdings
        self._directory = directory

    async def of(self, terminal: Terminal, unseen_days: int, limit: int, zone: str = "") -> Room:
        """The room on a terminal, and at most ``limit`` of those who could leave: their time is over, or they
        were not seen there for so many days. ``zone`` is for a terminal of which nobody said one."""
        now = datetime.fromtimestamp(self._holdings.now_ms() / 1000, UTC)
        holding = await self._holdings.of(terminal.sn)
        history = await self._holdings.rooms.history(terminal.sn)
        coming = await self._holdings.rooms.coming(terminal.sn)
        kinds = {
            kind: _kind(one, coming.get(kind, 0), history.get(kind, []), now.date())
            for kind, one in terminal.capacity.items()
        }
        local = _local(now, terminal.timezone or zone)
        removable = [
            *await self._expired(holding, local),
            *_unseen(holding, (now - timedelta(unseen_days)).date()),
        ]
        first = {one.enrollid: one for one in reversed(removable)}
        reading = holding.reading
        return Room(
            sn=terminal.sn,
            read=rfc3339(datetime.fromtimestamp(reading.at / 1000, UTC)) if reading is not None else None,
            kinds=kinds,
            removable=[one for one in removable if first[one.enrollid] is one][:limit],
        )

    async def _expired(self, holding: Holding, local: str) -> list[Removable]:
        found, people = [], sorted(holding.people)
        counts = _credentials(holding)
        for start in range(0, len(people), PEOPLE_A_LOOK):
            for known in await self._directory.many(people[start : start + PEOPLE_A_LOOK]):
                person = known.person
                if _is_over(person.validity, local) and not holding.people[person.enrollid].admin:
                    end = (person.validity.end or "")[:10]
                    found.append(Removable(person.enrollid, EXPIRED, end, counts.get(person.enrollid, 0)))
        return sorted(found, key=lambda one: one.since)


def _kind(room: Capacity, coming: int, samples: list[Sample], today: date) -> KindRoom:
    ahead = forecast(samples, room.used, room.size, today)
    return KindRoom(
        size=room.size,
        used=room.used,
        free=max(0, room.free - coming),
        coming=coming,
        a_day=None if ahead is None else round(ahead.a_day, 2),
        full_in_days=None if ahead is None or ahead.full_in_days is None else round(ahead.full_in_days, 1),
        history=[Day(one.day.isoformat(), one.used, one.size) for one in samples],
    )


def _unseen(holding: Holding, before: date) -> list[Removable]:
    """Those who were not seen since a day, though they were there; administrators stay."""
    day, counts, learned = before.isoformat(), _credentials(holding), _learned(holding)
    found = []
    for enrollid, person in holding.people.items():
        if person.admin or (person.seen or learned.get(enrollid, day)) >= day:
            continue
        why = NOT_SEEN if person.seen else NEVER_SEEN
        found.append(Removable(enrollid, why, person.seen or learned[enrollid], counts.get(enrollid, 0)))
    return sorted(found, key=lambda one: (one.why != NEVER_SEEN, one.since))


def _credentials(holding: Holding) -> dict[int, int]:
    counts: dict[int, int] = {}
    for enrollid, _ in holding.credentials:
        counts[enrollid] = counts.get(enrollid, 0) + 1
    return counts


def _learned(holding: Holding) -> dict[int, str]:
    """The day on which the newest of each one's credentials was learned of."""
    newest: dict[int, int] = {}
    for (enrollid, _), held in holding.credentials.items():
        newest[enrollid] = max(newest.get(enrollid, 0), held.at)
    return {one: datetime.fromtimestamp(at / 1000, UTC).date().isoformat() for one, at in newest.items()}


def _is_over(validity: Validity, local: str) -> bool:
    end = validity.end
    return end is not None and (end if len(end) > len("YYYY-MM-DD") else f"{end} 23:59:59") < local


def _local(now: datetime, zone: str) -> str:
    """The terminal's clock, as it writes it."""
    at = now.astimezone(ZoneInfo(zone)) if zone else now.astimezone()
    return at.strftime("%Y-%m-%d %H:%M:%S")
