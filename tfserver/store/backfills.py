"""Backfills: days of a terminal that are fetched again, each by an order of its own.

A backfill outlives its orders: what each brought is added to it by the step that ends the order
(``scripts/outbox``), so its progress is right also when old orders are forgotten.
"""

from __future__ import annotations

import enum
from datetime import UTC, date, datetime
from typing import Any, Final

import msgspec

from tfserver.model import canonical_sn, rfc3339
from tfserver.store.client import Client

SCANNED_A_CALL: Final = 500


class BackfillState(enum.StrEnum):
    """How far a backfill is: ``incomplete`` when some day was not read to its end."""

    OPEN = "open"
    DONE = "done"
    INCOMPLETE = "incomplete"


class Backfill(msgspec.Struct, frozen=True):
    """A backfill as people see it: of ``days`` days so many are ``done``, with ``records`` of which ``new``
    were not known."""

    id: str
    sn: str
    first: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")
    actor: str
    created: str
    days: int
    done: int
    records: int
    new: int
    state: BackfillState
    orders: list[str]


class Record(msgspec.Struct, frozen=True):
    """What stays as it was asked for."""

    sn: str
    first: date
    last: date
    actor: str
    orders: list[str]


class Backfills:
    """All backfills that are remembered."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def get(self, backfill_id: str) -> Backfill | None:
        """One backfill as far as it is, or None."""
        found = await self._client.read("HGETALL", self._client.keys.backfill(backfill_id))
        return _backfill(backfill_id, dict(zip(found[::2], found[1::2], strict=True)))

    async def listing(self, sn: str, limit: int, before: str) -> tuple[list[Backfill], str | None]:
        """Backfills of a terminal (empty: of all), the newest first, older than the cursor ``before`` (empty:
        from the newest); and the cursor of those behind them, None when there are no more."""
        found: list[Backfill] = []
        cursor = before
        beginning = f"{canonical_sn(sn)} " if sn else ""
        while True:
            page = await self._page(cursor)
            for name, place in page:
                if name.startswith(beginning):
                    if len(found) == limit:
                        return found, cursor
                    one = await self.get(name.rpartition(" ")[2])
                    found += [] if one is None else [one]
                cursor = place
            if len(page) < SCANNED_A_CALL:
                return found, None

    async def _page(self, before: str) -> list[tuple[str, str]]:
        bounds = (f"({before}" if before else "+inf", "-inf", "WITHSCORES", "LIMIT", 0, SCANNED_A_CALL)
        flat = await self._client.read("ZREVRANGEBYSCORE", self._client.keys.backfills, *bounds)
        return list(zip(flat[::2], flat[1::2], strict=True))


def _backfill(backfill_id: str, fields: dict[str, Any]) -> Backfill | None:
    if "b" not in fields:
        return None
    asked = msgspec.json.decode(fields["b"], type=Record)
    days, done, failed = len(asked.orders), int(fields.get("done", 0)), int(fields.get("failed", 0))
    ended = BackfillState.INCOMPLETE if failed else BackfillState.DONE
    return Backfill(
        id=backfill_id,
        sn=asked.sn,
        first=asked.first,
        last=asked.last,
        actor=asked.actor,
        created=rfc3339(datetime.fromtimestamp(int(fields["created"]) / 1000, UTC)),
        days=days,
        done=done,
        records=int(fields.get("records", 0)),
        new=int(fields.get("new", 0)),
        state=BackfillState.OPEN if done < days else ended,
        orders=asked.orders,
    )
