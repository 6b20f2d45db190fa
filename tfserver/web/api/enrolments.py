"""``/enrolments``: letting somebody enrol at a terminal, and how far that is (protocol §5.1)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from tfserver.commands.fields import Admin, Backupnum, Enrollid, Name
from tfserver.model import SN_PATTERN
from tfserver.people.enrolling import Enrolling, NewEnrolment
from tfserver.store.people.enrolments import Enrolment
from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.paging import page_at
from tfserver.web.problem import Problem
from tfserver.web.query import CURSOR, LIMIT, text
from tfserver.web.route import API
from tfserver.web.sites import Sites

LEAST_SECONDS, MOST_SECONDS, USUAL_SECONDS = 10, 600, 120
PARAMETERS: Final = (text("sn", "only at this terminal"), LIMIT, CURSOR)


class EnrolmentBody(msgspec.Struct, forbid_unknown_fields=True):
    """Who is to enrol what, where, and in how many seconds. Name and admin level are those of the directory
    when it knows the person."""

    sn: Annotated[str, Meta(pattern=f"^{SN_PATTERN.pattern}$")]
    enrollid: Enrollid
    backupnum: Backupnum
    name: Name | None = None
    admin: Admin | None = None
    seconds: Annotated[int, Meta(ge=LEAST_SECONDS, le=MOST_SECONDS)] = USUAL_SECONDS


class EnrolmentPage(msgspec.Struct, frozen=True):
    """Enrolments, newest first; ``next`` is null at the end."""

    enrolments: list[Enrolment]
    next: str | None


def desk_of(call: Call) -> Enrolling:
    """Who knows about enrolments."""
    found: Enrolling = call.sources.people.enrolments
    return found


async def begin(call: Call) -> Answer:
    """Let somebody enrol."""
    body: EnrolmentBody = call.body
    told = {name: getattr(body, name) for name in body.__struct_fields__}
    made = await desk_of(call).begin(NewEnrolment(**told), call.actor, call.key)
    # no name: the audit outlives a person that is erased
    slot = {"enrollid": made.enrollid, "backupnum": made.backupnum}
    await call.note("done", {"enrolment": made.id, **slot}, made.sn)
    return Answer(made, HTTPStatus.ACCEPTED, {"Location": f"{API}/enrolments/{made.id}"})


async def listing(call: Call) -> EnrolmentPage:
    """Enrolments, newest first."""
    query = call.query
    asked = desk_of(call).listing(query["sn"], query["limit"], query["cursor"])
    found, following = await page_at(query["cursor"], asked)
    if call.who.sites:
        sites = await Sites(call.sources.terminals).learn(one.sn for one in found)
        found = [one for one in found if call.sees(sites[one.sn])]
    return EnrolmentPage(found, following)


async def one(call: Call) -> Enrolment:
    """How far one is; Problem 404."""
    found = await desk_of(call).get(call.path["id"])
    if found is None or not await _is_reached(call, found):
        raise _nothing(call)
    return found


async def cancel(call: Call) -> Enrolment:
    """Let it be stopped; Problem 404, and 409 when it has ended."""
    found = await one(call)
    stopping = await desk_of(call).cancel(found.id)
    if stopping is None:
        raise _nothing(call)
    await call.note("done", {"enrolment": found.id}, found.sn)
    return stopping


async def _is_reached(call: Call, found: Enrolment) -> bool:
    return not call.who.sites or call.sees((await call.sources.terminals.decided(found.sn)).site)


def _nothing(call: Call) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, f"there is no enrolment {call.path['id']}")
