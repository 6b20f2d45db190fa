"""``/backfills``: days of a terminal that are fetched again."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from tfserver.commander import Backfill
from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.paging import page_at
from tfserver.web.problem import bad_input
from tfserver.web.query import CURSOR, LIMIT, text
from tfserver.web.shapes import BackfillPage
from tfserver.web.sites import Sites

MOST_DAYS: Final = 366
PARAMETERS: Final = (text("sn", "only of this terminal"), LIMIT, CURSOR)


class NewBackfill(msgspec.Struct, forbid_unknown_fields=True):
    """Which days of which terminal; both belong to the range."""

    sn: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,32}$")]
    first: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")


async def begin(call: Call) -> Answer:
    """Begin to fetch the days again."""
    wanted: NewBackfill = call.body
    if wanted.last < wanted.first:
        raise bad_input("to", "expected a day that is not before 'from'")
    if (wanted.last - wanted.first).days >= MOST_DAYS:
        raise bad_input("to", f"expected at most {MOST_DAYS} days")
    made = await call.sources.commander.backfill(wanted.sn, wanted.first, wanted.last, call.actor, call.key)
    await call.note("done", {"backfill": made.id, "from": str(made.first), "to": str(made.last)}, made.sn)
    return Answer(made, HTTPStatus.ACCEPTED)


async def listing(call: Call) -> BackfillPage:
    """Backfills, newest first."""
    query = call.query
    listed = call.sources.commander.backfills(query["sn"], query["limit"], query["cursor"])
    found, following = await page_at(query["cursor"], listed)
    if call.who.sites:
        found = await _reached(call, found)
    return BackfillPage(found, following)


async def _reached(call: Call, found: list[Backfill]) -> list[Backfill]:
    sites = await Sites(call.sources.terminals).learn(one.sn for one in found)
    return [one for one in found if call.sees(sites[one.sn])]
