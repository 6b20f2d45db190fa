"""Days of a terminal are fetched again: an ordinary ``getalllog`` for each, all of them put together."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import msgspec

from tfserver.config import Settings
from tfserver.order import LIVES, Danger
from tfserver.store.backfills import Backfill, Backfills, Record
from tfserver.store.outbox import Group, NewOrder, Outbox, Put, new_id
from tfserver.wire import times
from tfserver.wire.message import Problems
from tfserver.wire.ordering import restored

MOST_DAYS: Final = 366
WORD: Final = "getalllog"


class Backfilling:
    """Makes and tells backfills. ``reactor`` tells the time."""

    def __init__(self, reactor: Any, outbox: Outbox, backfills: Backfills, settings: Settings) -> None:
        self._reactor = reactor
        self._outbox = outbox
        self._backfills = backfills
        self._settings = settings

    def problems(self, first: date, last: date, timezone: str) -> Problems:
        """What is wrong with a range of days of a terminal in this zone (empty: the usual one)."""
        now = datetime.fromtimestamp(self._reactor.seconds(), UTC)
        zone = timezone or self._settings.terminals.timezone
        today = (now + timedelta(seconds=times.offset_in(zone, now))).date()
        found = [("from", _FUTURE)] if first > today else []
        if last > today:
            return [*found, ("to", _FUTURE)]
        if last < first:
            return [*found, ("to", "expected a day that is not before 'from'")]
        if (last - first).days >= MOST_DAYS:
            return [("to", f"expected at most {MOST_DAYS} days")]
        return found

    async def begin(self, sn: str, first: date, last: date, actor: str, key: str) -> Put:
        """Let all days wait for the terminal, or none of them; the outcome is that of an order, with the id
        of the backfill."""
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        orders = {new_id(): _order(sn, day, actor) for day in days}
        record = Record(sn, first, last, actor, list(orders))
        told = msgspec.json.encode(["backfill", sn.strip().upper(), first, last])
        group = Group(
            id=secrets.token_hex(10),
            sn=sn,
            record=msgspec.json.encode(record),
            key=hashlib.sha256(key.encode()).hexdigest() if key else "",
            digest=hashlib.sha256(told).hexdigest(),
        )
        return await self._outbox.put_all(group, orders)

    async def get(self, backfill_id: str) -> Backfill | None:
        """One backfill as far as it is, or None."""
        return await self._backfills.get(backfill_id)

    async def listing(self, sn: str, limit: int, before: str) -> tuple[list[Backfill], str | None]:
        """Backfills of a terminal (empty: of all), the newest first, and the cursor of those behind them."""
        return await self._backfills.listing(sn, limit, before)


_FUTURE: Final = "expected a day that has begun at the terminal"


def _order(sn: str, day: date, actor: str) -> NewOrder:
    command = restored(WORD, {"from": day.isoformat(), "to": day.isoformat()})
    return NewOrder(
        sn=sn,
        cmd=WORD,
        args=command.fields(),
        shown=command.fields(),
        danger=command.danger,
        subject=command.subject(),
        ttl=LIVES[Danger.ORDINARY].most,
        within=command.within,
        actor=actor,
    )
