"""``/erasures``: people who are to be forgotten, and what came of it at each place (docs/people.md)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from tfserver.people.erasing import ErasureDesk
from tfserver.people.retaining import Due, Retaining
from tfserver.store.people.erasures import Report, Summary
from tfserver.store.people.steps import is_person
from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.paging import page_at
from tfserver.web.problem import Problem, bad_input
from tfserver.web.query import CURSOR, LIMIT, Parameter, integer

MOST_REASON: Final = 500
MOST_ENROLLID: Final = 10**15 - 1


def _number(given: str) -> int:
    """As it stood in ``next``."""
    if not (given.isascii() and given.isdigit() and len(given) <= 15):
        raise ValueError("expected a cursor as given in 'next'")
    return int(given)


PARAMETERS: Final = (LIMIT, CURSOR)
DUE_PARAMETERS: Final = (
    integer("days", "only those whose validity ended at least so many days ago", 0, 36_500, 0),
    LIMIT,
    Parameter(
        "cursor",
        "the page behind this place, as given in `next`",
        {"type": "string", "pattern": "^[0-9]{1,15}$"},
        _number,
        0,
    ),
)


class ErasureBody(msgspec.Struct, forbid_unknown_fields=True):
    """Who is to be forgotten, and why. ``confirm`` is the number again, as text."""

    enrollid: Annotated[int, Meta(ge=1, le=MOST_ENROLLID)]
    reason: Annotated[
        str,
        Meta(
            min_length=1, max_length=MOST_REASON, description="kept with the report: without a name, please"
        ),
    ]
    confirm: Annotated[str, Meta(pattern="^[0-9]{1,15}$")]


class ErasurePage(msgspec.Struct, frozen=True):
    """Erasures, newest first; ``next`` is null at the end."""

    erasures: list[Summary]
    next: str | None


class DuePage(msgspec.Struct, frozen=True):
    """People whose validity has ended, by their numbers; ``next`` is null at the end."""

    people: list[Due]
    next: str | None


def _desk(call: Call) -> ErasureDesk:
    people: Any = call.sources.people
    found: ErasureDesk = people.erasures
    return found


async def order(call: Call) -> Answer:
    """Forget a person, here now and at every terminal as soon as it can be reached."""
    wanted: ErasureBody = call.body
    if not is_person(wanted.enrollid):
        raise bad_input("enrollid", "expected the number of a person")
    if wanted.confirm != str(wanted.enrollid):
        raise bad_input("confirm", "expected the person's number: an erasure can't be undone")
    report = await _desk(call).order(wanted.enrollid, wanted.reason, call.actor, call.key)
    # the step that took the order told the audit
    call.is_noted = True
    return Answer(report, HTTPStatus.ACCEPTED, {"Location": f"/api/v1/erasures/{report.id}"})


async def listing(call: Call) -> ErasurePage:
    """Erasures, newest first."""
    query = call.query
    found, following = await page_at(query["cursor"], _desk(call).listing(query["limit"], query["cursor"]))
    return ErasurePage(found, following)


async def one(call: Call) -> Report:
    """The report of one; Problem 404."""
    found = await _desk(call).get(call.path["id"])
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"there is no erasure {call.path['id']}")
    return found


async def due(call: Call) -> DuePage:
    """People whose validity has ended."""
    people: Any = call.sources.people
    retaining: Retaining = people.privacy
    limit = call.query["limit"]
    found = await retaining.due(call.query["days"], call.query["cursor"], limit + 1)
    return DuePage(found[:limit], str(found[limit - 1].enrollid) if len(found) > limit else None)
