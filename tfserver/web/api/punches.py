"""``/punches`` and ``/quarantine``: the feed by arrival, and what could not be read (design §2.2)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from tfserver.model import Kind, canonical_sn
from tfserver.store.archive.filter import Filter
from tfserver.store.archive.forms import Form, head_of, lines_of, with_place
from tfserver.store.export import Export
from tfserver.store.search import Search, milliseconds
from tfserver.web import exports
from tfserver.web.answer import Answer, Streamed
from tfserver.web.call import Call
from tfserver.web.formats import FORMS, accepted, media_of
from tfserver.web.query import LIMIT, choices, instant, integer, place, text
from tfserver.web.shapes import Forgotten

PARAMETERS: Final = (
    place("after", "only punches behind this place, as given in `next`"),
    LIMIT,
    text("sn", "only of this terminal"),
    integer("enrollid", "only of this person", 0, 2**63 - 1),
    text("site", "only of terminals that were at this site"),
    instant("since", "only with `utc` at or after this instant"),
    instant("until", "only with `utc` before this instant"),
    choices("kind", "only of these kinds", tuple(kind.value for kind in Kind)),
)
QUARANTINE_PARAMETERS: Final = (place("after", "only records behind this place, as given in `next`"), LIMIT)
CLEARING_PARAMETERS: Final = (place("until", "the last place that is forgotten, as given in `next`", True),)
Row = dict[str, Any]
PATH: Final = "/api/v1/punches"


async def feed(call: Call) -> Answer | Streamed:
    """Punches behind a cursor. ``next`` is never null and moves past rows that were filtered out."""
    form = FORMS.get(accepted(call.header("Accept")))
    wanted, after = _filter(call), call.query["after"]
    if form is not None and not call.query.given.get("limit"):
        return await export(call, form, wanted, after)
    found = await Search(call.sources.feed, call.sources.archive).page(after, call.query["limit"], wanted)
    if form is None:
        rows = [msgspec.Raw(with_place(*entry).encode()) for entry in found.entries]
        return Answer({"punches": rows, "next": found.next})
    data = head_of(form) + lines_of(form, found.entries)
    link = f'<{PATH}?{urlencode({**call.query.given, "after": found.next})}>; rel="next"'
    return Answer(data, headers={"Link": link}, media=media_of(form))


async def export(call: Call, form: Form, wanted: Filter, after: str) -> Answer | Streamed:
    """All there is, up to the end as it is now."""
    name = f'attachment; filename="punches.{form.value}"'
    if call.is_head:
        return Answer(b"", headers={"Content-Disposition": name}, media=media_of(form))
    export = Export(call.sources.feed, call.sources.archive, form, wanted)
    headers = {"Content-Disposition": name, "Content-Type": media_of(form)}
    return await exports.send(call, export, after, head_of(form), headers)


async def quarantine(call: Call) -> Row:
    """Records that could not be read and repeats, behind a cursor; and devices that claim a pinned number."""
    after = call.query["after"]
    found = await call.sources.punches.quarantine(after, call.query["limit"])
    claimants = await call.sources.terminals.claimants()
    claims = [{"kind": "identity", **msgspec.to_builtins(claim)} for claim in claimants]
    return {"quarantine": found, "claimants": claims, "next": found[-1]["id"] if found else after}


async def clear_quarantine(call: Call) -> Forgotten:
    """Forget what somebody has looked at: everything up to the cursor ``until``."""
    found = await call.sources.punches.clear_quarantine(call.query["until"])
    await call.note("done", {"until": call.query["until"], "forgotten": found})
    return Forgotten(found)


def _filter(call: Call) -> Filter:
    query = call.query
    since, until = query["since"], query["until"]
    return Filter(
        sn=canonical_sn(query["sn"]),
        enrollid=query["enrollid"],
        site=query["site"],
        sites=call.who.sites,
        kinds=query["kind"],
        since_ms=None if since is None else milliseconds(since),
        until_ms=None if until is None else milliseconds(until),
    )
