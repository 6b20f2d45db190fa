"""``/people``: the directory, by number, name, external id or group; and somebody new."""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from tfserver.person import Known
from tfserver.store.archive.forms import Form
from tfserver.web.answer import Answer, Streamed
from tfserver.web.api import people_export
from tfserver.web.api.users import PARAMETERS as API
from tfserver.web.call import Call
from tfserver.web.dashboard.people import words
from tfserver.web.dashboard.people.frame import HERE, show_inside
from tfserver.web.problem import bad_fields, bad_input
from tfserver.web.query import choices, text

PAGE: Final = 50
_CURSOR: Final = next(each for each in API if each.name == "cursor")
_GROUP: Final = text("group", "only those in this group")
PARAMETERS: Final = (
    text("search", "how the name begins, the number, or the external id"),
    _GROUP,
    choices("collided", "only those of whom a terminal tells something else", ("true",)),
    _CURSOR,
)
EXPORT: Final = (_GROUP,)
_WAYS: Final = ("search", "group", "collided")
"""Of finding people: the directory has an order for each, none for several."""


class Row(NamedTuple):
    """A person, and how many credentials of each kind it has."""

    known: Known
    kinds: Counter[str]


class Sheet(NamedTuple):
    """A page of people, and where the next begins (empty: there is none)."""

    rows: list[Known]
    following: str = ""


async def directory(call: Call) -> Answer:
    """A page of the directory: those that are searched for, whom a terminal calls otherwise, of a group, or
    all. Problem 422 for several of these at once."""
    people = call.sources.people
    asked = {name: text for name in _WAYS if (text := call.query.given.get(name))}
    if len(asked) > 1:
        raise bad_fields([(name, f"expected only one of {', '.join(_WAYS)}") for name in asked])
    sheet = await _sheet(call)
    rows = [Row(each, Counter(one.kind.value for one in each.credentials)) for each in sheet.rows]
    groups = await people.groups.listing()
    return show_inside(
        call,
        "directory.html",
        HERE,
        rows=rows,
        following=sheet.following,
        asked=asked,
        cursor=call.query["cursor"],
        groups=[group.name for group in groups],
        count=await people.directory.count(),
        told=words,
    )


async def _sheet(call: Call) -> Sheet:
    query, directory = call.query, call.sources.people.directory
    search, cursor = query["search"].strip(), query["cursor"]
    if search:
        return await _searched(call, search, cursor)
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 20):
        raise bad_input("cursor", "expected a place as links to the next page have it")
    after = int(cursor or 0)
    if query["collided"]:
        found = await directory.collided(after, PAGE + 1)
    else:
        found = await directory.page(after, PAGE + 1, query["group"])
    following = str(found[PAGE - 1].person.enrollid) if len(found) > PAGE else ""
    return Sheet(found[:PAGE], following)


async def _searched(call: Call, search: str, cursor: str) -> Sheet:
    """By name; first of all who has just this number or external id."""
    directory = call.sources.people.directory
    exact: list[Known] = []
    if not cursor:
        numbers = [int(search)] if search.isascii() and search.isdigit() and len(search) < 20 else []
        other = await directory.by_external_id(search)
        numbers += [] if other is None or other in numbers else [other]
        exact = await directory.many(numbers)
    try:
        found, following = await directory.find(search, cursor, PAGE)
    except ValueError as wrong:
        raise bad_input("cursor", "expected a place as links to the next page have it") from wrong
    known = {each.person.enrollid for each in exact}
    return Sheet([*exact, *(each for each in found if each.person.enrollid not in known)], following or "")


async def new(call: Call) -> Answer:
    """A form for somebody who is in no directory yet."""
    groups = await call.sources.people.groups.listing()
    return show_inside(call, "new.html", HERE, groups=[group.name for group in groups], told=words)


async def export(call: Call) -> Answer | Streamed:
    """All people, or those of a group, as a spreadsheet reads them."""
    return await people_export.export(call, Form.CSV, call.query["group"])
