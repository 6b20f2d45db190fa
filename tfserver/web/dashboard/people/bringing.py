"""How people come and go: enrolment at a terminal, files, and erasure."""

from __future__ import annotations

from typing import Final

from tfserver.credentials import TABLE, Content
from tfserver.model import Admission, canonical_sn
from tfserver.store.people.enrolments import EnrolmentState
from tfserver.store.people.erasures import PlaceState, ShownPlace
from tfserver.store.people.imports import Import
from tfserver.web.answer import Answer
from tfserver.web.api import enrolments as enrolments_api
from tfserver.web.api import erasures as erasures_api
from tfserver.web.api import imports as imports_api
from tfserver.web.call import Call
from tfserver.web.dashboard.people import words, words_bringing
from tfserver.web.dashboard.people.frame import HERE, show_inside
from tfserver.web.paging import page_at
from tfserver.web.query import CURSOR, integer, text

ENROLMENTS: Final = f"{HERE}/enrolments"
IMPORTS: Final = f"{HERE}/imports"
ERASURES: Final = f"{HERE}/erasures"
MOST_TERMINALS: Final = 1000
"""Terminals that somebody chooses from; with more they enter the serial number."""
LIMIT: Final = integer("limit", "how many rows a page may have", 1, 100, 50)
ENROLMENT_LIST: Final = (
    integer("person", "whom to enrol", 1, 2**63 - 1),
    text("sn", "at which terminal"),
    LIMIT,
    CURSOR,
)
IMPORT_ERRORS: Final = (integer("after", "only errors behind so many", 0, 1000, 0), LIMIT)
ERASURE_LIST: Final = (LIMIT, CURSOR)
ERASURE_PLACES: Final = (integer("page", "which page of its places", 1, 10_000, 1),)
PLACES_A_PAGE: Final = 50
STANDINGS: Final = (
    *(PlaceState.UNPROVEN, PlaceState.REFUSED, PlaceState.WAITING),
    *(PlaceState.OPEN, PlaceState.KEPT, PlaceState.DONE),
)
"""Of the places of an erasure: what needs somebody first."""
SLOTS: Final = [
    number
    for slots in TABLE
    if slots.content is Content.TEMPLATE or slots.label == "card"
    for number in range(slots.first, slots.last + 1)
]
"""What somebody can enrol at a terminal."""


async def enrolments(call: Call) -> Answer:
    """Beginning an enrolment, and those before, newest first."""
    query = call.query
    asked = enrolments_api.desk_of(call).listing("", query["limit"], query["cursor"])
    found, following = await page_at(query["cursor"], asked)
    entries = [each.terminal for each in await call.desk.roll.all() if call.sees(each.terminal.site)]
    terminals = {canonical_sn(each.sn): each for each in entries}
    there = [each for each in entries if each.online and each.admission is Admission.APPROVED]
    person = await _person(call)
    return show_inside(
        call,
        "enrolments.html",
        ENROLMENTS,
        found=[one for one in found if not call.who.sites or canonical_sn(one.sn) in terminals],
        following=following,
        cursor=query["cursor"],
        terminals=sorted(there, key=lambda each: (each.name or each.sn).casefold())[:MOST_TERMINALS],
        names={sn: each.name for sn, each in terminals.items()},
        given=query.given,
        person=person,
        slots=SLOTS,
        told=words_bringing,
        slot=words.slot,
    )


async def _person(call: Call) -> str:
    """The name of whom to enrol, for those who may see the directory."""
    number = call.query["person"]
    if number is None or call.who.sites:
        return ""
    known = await call.sources.people.directory.get(number)
    return known.person.name if known else ""


async def enrolment(call: Call) -> Answer:
    """How far one is; Problem 404."""
    found = await enrolments_api.one(call)
    names = {canonical_sn(each.terminal.sn): each.terminal.name for each in await call.desk.roll.all()}
    return show_inside(
        call,
        "enrolment.html",
        ENROLMENTS,
        one=found,
        name=names.get(canonical_sn(found.sn), ""),
        is_over=found.ended is not None,
        is_done=found.state is EnrolmentState.DONE,
        told=words_bringing,
        slot=words.slot,
    )


async def imports(call: Call) -> Answer:
    """A file to bring in, and imports before, newest first."""
    found = await call.sources.people.imports.listing(call.query["limit"])
    return show_inside(call, "imports.html", IMPORTS, found=found, told=words_bringing, percent=_percent)


def _percent(one: Import) -> int:
    return min(100, 100 * one.looked_at // one.rows) if one.rows else 100


async def one_import(call: Call) -> Answer:
    """How far one is, and what is wrong with its rows; Problem 404."""
    report = await imports_api.one(call)
    after, limit = call.query["after"], call.query["limit"]
    following = after + limit if len(report.errors) == limit else None
    return show_inside(
        call,
        "import.html",
        IMPORTS,
        one=report,
        after=after,
        following=following,
        told=words_bringing,
        percent=_percent(report),
    )


async def erasures(call: Call) -> Answer:
    """Erasures, newest first, and people whose validity has ended."""
    found = await erasures_api.listing(call)
    due = await call.sources.people.privacy.due(0, 0, call.query["limit"])
    return show_inside(
        call,
        "erasures.html",
        ERASURES,
        found=found.erasures,
        following=found.next,
        cursor=call.query["cursor"],
        due=due,
        told=words_bringing,
    )


async def erasure(call: Call) -> Answer:
    """The report of one, what is still to be done first; Problem 404."""
    report = await erasures_api.one(call)
    places = sorted(report.places, key=_standing)
    pages = max(1, -(-len(places) // PLACES_A_PAGE))
    number = min(call.query["page"], pages)
    return show_inside(
        call,
        "erasure.html",
        ERASURES,
        report=report,
        shown=places[(number - 1) * PLACES_A_PAGE :][:PLACES_A_PAGE],
        number=number,
        pages=pages,
        told=words_bringing,
    )


def _standing(place: ShownPlace) -> tuple[bool, int, str]:
    """The server before terminals, what needs somebody's help before what is done."""
    return place.sn is not None, STANDINGS.index(place.state), place.sn or place.place
