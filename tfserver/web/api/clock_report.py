"""``/clock-report``: punches that were taken while a clock was wrong, or nobody knew how it ran."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from tfserver.model import canonical_sn
from tfserver.store.archive.filter import Filter
from tfserver.store.archive.forms import HEADINGS, Form, csv_lines
from tfserver.store.doubt import DOUBTED, by_terminal, confidence_of
from tfserver.store.search import Search, milliseconds
from tfserver.web.answer import JSON, Answer
from tfserver.web.call import Call
from tfserver.web.formats import CSV, accepted, media_of
from tfserver.web.query import LIMIT, instant, place, text

COLUMNS: Final = (*HEADINGS, "confidence")
FIRST: Final = "0"
PARAMETERS: Final = (
    text("sn", "only of this terminal"),
    text("site", "only of terminals that were at this site"),
    instant("since", "only from this instant on: `utc`, or `received` where there is none"),
    instant("until", "only before this instant: `utc`, or `received` where there is none"),
    LIMIT,
    place("cursor", "the page behind this place, as given in `next`"),
)
PATH: Final = "/api/v1/clock-report"
MEDIA: Final = (JSON, CSV)


async def report(call: Call) -> Answer | dict[str, Any]:
    """A page of the punches, each with its confidence; the first page tells of each terminal too."""
    media, query = accepted(call.header("Accept"), MEDIA), call.query
    wanted = _filter(call)
    feed, archive = call.sources.feed, call.sources.archive
    found = await Search(feed, archive).page(query["cursor"], query["limit"], wanted)
    after = None if found.is_end else found.next
    rows = [_row(*entry) for entry in found.entries]
    if media == CSV:
        head = ",".join(COLUMNS).encode() + b"\r\n"
        link = f'<{PATH}?{urlencode({**query.given, "cursor": after})}>; rel="next"'
        return Answer(
            head + csv_lines(COLUMNS, rows), headers={"Link": link} if after else {}, media=media_of(Form.CSV)
        )
    terminals = await by_terminal(feed, archive, wanted) if query["cursor"] == FIRST else None
    return {"punches": rows, "terminals": terminals, "next": after}


def _row(place: str, text: str) -> dict[str, Any]:
    told = msgspec.json.decode(text)
    return {"id": place, **told, "confidence": confidence_of(told)}


def _filter(call: Call) -> Filter:
    query = call.query
    since, until = query["since"], query["until"]
    return Filter(
        sn=canonical_sn(query["sn"]),
        site=query["site"],
        sites=call.who.sites,
        clocks=DOUBTED,
        since_ms=None if since is None else milliseconds(since),
        until_ms=None if until is None else milliseconds(until),
        by_received=True,
    )
