"""``/``: every terminal, those that wait for somebody's word first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from tfserver.model import Admission, Terminal
from tfserver.store.terminal_rows import Claimant
from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.dashboard import listed
from tfserver.web.dashboard.listed import Entry, Wish
from tfserver.web.dashboard.pages import show
from tfserver.web.problem import bad_input
from tfserver.web.query import choices, integer, text

PAGE: Final = 50
MOST_WAITING: Final = 8
"""Terminals that wait for approval, and devices under another's number, shown before the list."""
MOST_CHOSEN: Final = 10_000
"""Terminals that somebody does something to at once."""
PARAMETERS: Final = (
    text("search", "in name, serial number, site, tags, model, firmware or process"),
    choices("state", "only those of one kind", listed.CHOICES),
    text("site", "only those at this site"),
    choices("order", "by this column, with a minus the other way round", tuple(
        f"{sign}{name}" for name in listed.ORDERS for sign in ("", "-")
    )),
    integer("page", "which page of the list", 1, 100_000, 1),
)  # fmt: skip


class Sheet(NamedTuple):
    """A page of the list: its rows, how many fit, and the pages there are."""

    rows: list[Terminal]
    fitting: int
    pages: int


async def fleet(call: Call) -> Answer:
    """The fleet as somebody wants it."""
    wish, turn = _wish(call), call.place.turn
    # each step looks at all there are: some milliseconds for thousands
    seen = [each for each in await call.desk.roll.all() if call.sees(each.terminal.site)]
    await turn()
    waiting = [each.terminal.sn for each in seen if _is_waiting(each)]
    sites = sorted({each.terminal.site for each in seen if each.terminal.site})
    await turn()
    counts = listed.counted(seen)
    await turn()
    meant = _meant(seen, wish)
    await turn()
    return show(
        call,
        "fleet/page.html",
        "/",
        wish=wish,
        counts=counts,
        sites=sites,
        sheet=await _sheet(call, meant, wish),
        is_narrowed=bool(wish.search or wish.state or wish.site),
        waiting=await call.sources.terminals.these(waiting[:MOST_WAITING]),
        claims=await _claims(call),
    )


class Numbers(msgspec.Struct, frozen=True):
    """Serial numbers, at most MOST_CHOSEN."""

    terminals: list[str]


async def numbers(call: Call) -> Numbers:
    """All that fit, on whatever page they are: what is done to all of them together begins with this."""
    seen = [each for each in await call.desk.roll.all() if call.sees(each.terminal.site)]
    wish = _wish(call)
    found = listed.chosen(_meant(seen, wish), wish)
    return Numbers([each.terminal.sn for each in found[:MOST_CHOSEN]])


def _is_waiting(entry: Entry) -> bool:
    return entry.kinds[0] == Admission.PENDING


def _meant(entries: Sequence[Entry], wish: Wish) -> list[Entry]:
    """The list: those that wait for somebody's word are in it when somebody looks for them alone."""
    return [each for each in entries if _is_waiting(each) == (wish.state == Admission.PENDING)]


def _wish(call: Call) -> Wish:
    query = call.query
    for name in ("state", "order"):
        if len(query[name]) > 1:
            raise bad_input(name, "expected one value")
    state, order = "".join(query["state"]), "".join(query["order"]) or "name"
    return Wish(query["search"].strip(), state, query["site"], order, query["page"])


async def _sheet(call: Call, entries: list[Entry], wish: Wish) -> Sheet:
    """The rows of one page as they are now; a page behind the last is the last."""
    found = listed.chosen(entries, wish)
    pages = max(1, -(-len(found) // PAGE))
    start = (min(wish.page, pages) - 1) * PAGE
    rows = await call.sources.terminals.these([each.terminal.sn for each in found[start : start + PAGE]])
    return Sheet([each for each in rows if call.sees(each.site)], len(found), pages)


async def _claims(call: Call) -> list[Claimant]:
    """Devices under a serial number that is pinned to another: they have no site."""
    if not call.sees(""):
        return []
    return (await call.sources.terminals.claimants())[:MOST_WAITING]
