"""Where people belong: groups, plans for terminals, how those differ from what they are to have, and their
room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tfserver.model import Admission
from tfserver.person import Group
from tfserver.plan import Plan, PlanState, TerminalHead
from tfserver.web.answer import Answer
from tfserver.web.api import capacity, groups, sync
from tfserver.web.call import Call
from tfserver.web.dashboard import listed
from tfserver.web.dashboard.listed import Wish
from tfserver.web.dashboard.people import words, words_placing
from tfserver.web.dashboard.people.frame import HERE, show_inside
from tfserver.web.paging import page_at
from tfserver.web.query import CURSOR, integer, text

GROUPS: Final = f"{HERE}/groups"
PLANS: Final = f"{HERE}/plans"
DIFFERENCES: Final = f"{HERE}/differences"
FORECAST: Final = f"{HERE}/forecast"
PAGE: Final = 50
MOST_TICKS: Final = 50
"""Groups that stand in a form one by one; of more, names are typed."""
MOST_FAR: Final = 5
"""Plans of a list of which is told how far they are: each has up to 2000 terminals to ask for that."""
LIMIT: Final = integer("limit", "how many rows a page may have", 1, 100, PAGE)
LISTED: Final = (LIMIT, CURSOR)
BEHIND: Final = (LIMIT, integer("after", "only those with a greater number", 0, 2**53, 0))
PLACED: Final = (integer("page", "which page of the list", 1, 100_000, 1),)
TERMINALS: Final = (text("search", "in name, serial number, site, tags, model or firmware"), *PLACED)
ROOM: Final = (LIMIT, next(each for each in capacity.PARAMETERS if each.name == "unseen_days"))


async def all_groups(call: Call) -> Answer:
    """All groups, and a form for a new one."""
    found = (await groups.listing(call)).groups
    number, pages = _place(call, len(found))
    return show_inside(
        call,
        "groups.html",
        GROUPS,
        groups=found[(number - 1) * PAGE : number * PAGE],
        number=number,
        pages=pages,
        told=words,
        **await _choices(call),
    )


def _place(call: Call, rows: int) -> tuple[int, int]:
    """Which page is shown, and how many there are."""
    pages = max(1, -(-rows // PAGE))
    return min(call.query["page"], pages), pages


async def group(call: Call) -> Answer:
    """One group and its people; Problem 404."""
    shown = await groups.one(call)
    after = call.query["after"]
    limit = call.query["limit"]
    numbers = await call.sources.people.groups.page(shown.name, after, limit + 1)
    people = await call.sources.people.directory.many(numbers[:limit])
    return show_inside(
        call,
        "group.html",
        GROUPS,
        group=shown,
        people=people,
        following=numbers[limit - 1] if len(numbers) > limit else None,
        after=after,
        told=words,
        **await _choices(call),
    )


async def _choices(call: Call) -> dict[str, Any]:
    """What terminals are chosen by."""
    terminals = [each.terminal for each in await call.desk.roll.all()]
    return {
        "sites": sorted({each.site for each in terminals if each.site}),
        "tags": sorted({tag for each in terminals for tag in each.tags}),
    }


async def plans(call: Call) -> Answer:
    """Plans, newest first, and a form for a new one."""
    cursor = call.query["cursor"]
    asked = call.sources.people.planning.plans.listing(call.query["limit"], cursor)
    found, following = await page_at(cursor, asked)
    names: list[Group] = await call.sources.people.groups.listing()
    return show_inside(
        call,
        "plans.html",
        PLANS,
        plans=found,
        following=following,
        cursor=cursor,
        groups=[one.name for one in names],
        most_ticks=MOST_TICKS,
        far=await _far(call, found),
        told=words_placing,
        **await _choices(call),
    )


async def _far(call: Call, found: list[Plan]) -> dict[str, int]:
    """How far plans are that are being carried out, of the newest of them."""
    running = [one for one in found if one.state is PlanState.APPLYING][:MOST_FAR]
    asked = call.sources.people.planning.plans.terminals
    return {one.id: _percent(await asked(one.id, one.sns)) for one in running}


async def plan(call: Call) -> Answer:
    """One plan, terminal by terminal; Problem 404."""
    shown = await sync.one(call)
    return show_inside(
        call,
        "plan.html",
        PLANS,
        plan=shown,
        cursor=call.query["cursor"],
        names=await _names(call, [head.sn for head in shown.terminals]),
        told=words_placing,
        percent=_percent,
    )


def _percent(heads: Sequence[TerminalHead]) -> int:
    """How much of what is to be done there has ended: 100 is all of it."""
    items = sum(head.items for head in heads)
    left = sum(head.counts.get("planned", 0) + head.counts.get("ordered", 0) for head in heads)
    return 100 * (items - left) // items if items else 100


async def steps(call: Call) -> Answer:
    """What a plan does at one terminal; Problem 404."""
    found = await sync.steps(call)
    sn = found.terminal.sn
    return show_inside(
        call,
        "plan_terminal.html",
        PLANS,
        id=call.path["id"],
        head=found.terminal,
        steps=found.steps,
        following=found.next,
        after=call.query["after"],
        name=(await _names(call, [sn]))[sn],
        told={"placing": words_placing, "people": words},
        slot=words.slot,
    )


async def _names(call: Call, sns: list[str]) -> dict[str, str]:
    """What people call these terminals; empty for those without a name."""
    known = {each.terminal.sn.upper(): each.terminal.name for each in await call.desk.roll.all()}
    return {sn: known.get(sn.upper(), "") for sn in sns}


async def differences(call: Call) -> Answer:
    """A terminal to look at, by name."""
    return await _list(call, "differences.html", DIFFERENCES, "name")


async def _list(call: Call, template: str, place: str, order: str) -> Answer:
    """A page of terminals that may have people."""
    search = call.query["search"]
    seen = [each for each in await call.desk.roll.all() if each.terminal.admission == Admission.APPROVED]
    found = listed.chosen(seen, Wish(search=search, order=order))
    number, pages = _place(call, len(found))
    shown = [each.terminal.sn for each in found[(number - 1) * PAGE : number * PAGE]]
    terminals = await call.sources.terminals.these(shown)
    return show_inside(call, template, place, terminals=terminals, search=search, number=number, pages=pages)


async def differing(call: Call) -> Answer:
    """How one terminal differs from what it is to have; Problem 404."""
    found = await sync.differences(call)
    sn = call.path["sn"]
    people = await call.sources.people.directory.many([one.enrollid for one in found.people])
    return show_inside(
        call,
        "differing.html",
        DIFFERENCES,
        sn=sn,
        name=(await _names(call, [sn]))[sn],
        read=found.read,
        people=found.people,
        names={one.person.enrollid: one.person.name for one in people},
        following=found.next,
        after=call.query["after"],
        told={"placing": words_placing, "people": words},
        slot=words.slot,
    )


async def forecast(call: Call) -> Answer:
    """The room of all terminals, the fullest first."""
    return await _list(call, "forecast.html", FORECAST, "room")


async def room(call: Call) -> Answer:
    """When a terminal will be full, and who could leave it; Problem 404."""
    found = await capacity.one(call)
    people = await call.sources.people.directory.many([one.enrollid for one in found.removable])
    return show_inside(
        call,
        "room.html",
        FORECAST,
        room=found,
        name=(await _names(call, [found.sn]))[found.sn],
        names={one.person.enrollid: one.person.name for one in people},
        days=call.query["unseen_days"],
        most=call.query["limit"],
        told=words_placing,
    )
