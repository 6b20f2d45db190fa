"""``/users``: people of the directory and their credentials (design §2.2). No answer opens one."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tfserver.commands.enrolling import SetUserInfo
from tfserver.commands.fields import Admin, Name, is_real, name_problems, person_problems, slot_problems
from tfserver.config import ModelProfile
from tfserver.credentials import PHOTO
from tfserver.model import SN_PATTERN, rfc3339
from tfserver.person import GROUP_NAME, MOST_GROUPS, Access, Known, Made, Person, Validity
from tfserver.web.answer import Answer, Streamed
from tfserver.web.api import people_export, photos
from tfserver.web.body import JsonBody
from tfserver.web.call import Call
from tfserver.web.formats import FORMS, accepted
from tfserver.web.problem import Problem, bad_fields, bad_input
from tfserver.web.query import LIMIT, Parameter, choices, text
from tfserver.web.shapes_people import (
    PersonPage,
    ShownCredential,
    ShownPerson,
    WholePerson,
    shown_credential,
    shown_person,
    whole_person,
)
from tfserver.web.undone import told_why

MOST_EXTERNAL_ID: Final = 64
MOST_NOTE: Final = 1000
MOST_RECORD_BYTES: Final = 512 * 1024
_CURSOR: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")
_ENDS: Final = ((" 00:00:00", "from"), (" 23:59:59", "until"))
_FILTERS: Final = ("prefix", "external_id", "group", "collided")
NumberOrText = int | str
Line = Annotated[str, Meta(max_length=64)]


def _cursor(given: str) -> str:
    """As it stood in ``next``."""
    if not _CURSOR.fullmatch(given):
        raise ValueError("expected a cursor as given in 'next'")
    return given


PARAMETERS: Final = (
    text("prefix", "only those whose names begin so, by name; in any case"),
    text("external_id", "only the one with this external id"),
    text("group", "only those in this group"),
    choices("collided", "only those of whom a terminal tells something else", ("true",)),
    LIMIT,
    Parameter(
        "cursor",
        "the page behind this place, as given in `next`",
        {"type": "string", "pattern": f"^{_CURSOR.pattern}$"},
        _cursor,
        "",
    ),
)


class PersonBody(msgspec.Struct, forbid_unknown_fields=True):
    """A person as it is to be; what is left out is nothing."""

    name: Name = ""
    external_id: (
        Annotated[
            str,
            Meta(
                min_length=1, max_length=MOST_EXTERNAL_ID, description="what another system calls the person"
            ),
        ]
        | None
    ) = None
    admin: Admin = 0
    validity: Validity = Validity()
    access: Annotated[Access, Meta(description="null: that of the groups")] | None = None
    groups: Annotated[list[Line], Meta(max_length=MOST_GROUPS)] = []
    note: Annotated[str, Meta(max_length=MOST_NOTE)] = ""
    version: (
        Annotated[int, Meta(ge=0, description="the version that is replaced; 0: there is none yet")]
        | UnsetType
    ) = UNSET


class CredentialBody(msgspec.Struct, forbid_unknown_fields=True):
    """A credential, and for a template where it was made: it fits only terminals of the same algorithm."""

    record: Annotated[
        NumberOrText,
        Meta(
            description="1-8 digits of a password, the number of a card, a template as a terminal gave it, "
            "or a photo as base64 JPEG"
        ),
    ]
    fpalgo: Line = ""
    model: Line = ""


class RightOne(msgspec.Struct, forbid_unknown_fields=True):
    """Which terminal is right about a person."""

    sn: Annotated[str, Meta(pattern=f"^{SN_PATTERN.pattern}$")]


class RecordBody(JsonBody[CredentialBody]):
    """A body as long as a photo or a template may be."""

    most_bytes = MOST_RECORD_BYTES


class _Place(NamedTuple):
    enrollid: int
    backupnum: int


async def listing(call: Call) -> PersonPage | Answer | Streamed:
    """A page of people: by name where names are looked for, else by number; all there are as a file."""
    given = [name for name in _FILTERS if call.query[name]]
    if len(given) > 1:
        raise bad_fields([(name, f"expected only one of {', '.join(_FILTERS)}") for name in given])
    form = FORMS.get(accepted(call.header("Accept")))
    if form is not None:
        _check_whole(call)
        return await people_export.export(call, form, call.query["group"])
    query, directory = call.query, call.sources.people.directory
    limit, cursor = query["limit"], query["cursor"]
    if query["external_id"]:
        enrollid = await directory.by_external_id(query["external_id"])
        return _page(await directory.many([] if enrollid is None else [enrollid]), None)
    if query["prefix"]:
        try:
            return _page(*await directory.find(query["prefix"], cursor, limit))
        except ValueError as wrong:
            raise bad_input("cursor", "expected a cursor as given in 'next'") from wrong
    after = _number(cursor)
    if query["collided"]:
        found = await directory.collided(after, limit + 1)
    else:
        found = await directory.page(after, limit + 1, query["group"])
    is_more = len(found) > limit
    return _page(found[:limit], str(found[limit - 1].person.enrollid) if is_more else None)


def _check_whole(call: Call) -> None:
    """Problem 422 for a part of the people where a file has all of them, or all of a group."""
    wrong = [name for name, text in call.query.given.items() if text and name != "group"]
    if wrong:
        raise bad_fields([(name, "expected only 'group' where a file is asked for") for name in wrong])


def _page(found: list[Known], following: str | None) -> PersonPage:
    return PersonPage([shown_person(known) for known in found], following)


def _number(cursor: str) -> int:
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 20):
        raise bad_input("cursor", "expected a cursor as given in 'next'")
    return int(cursor or 0)


async def one(call: Call) -> WholePerson:
    """One person, and the terminals that have it; Problem 404."""
    known = await _found(call)
    return whole_person(known, await call.sources.people.holdings.where(known.person.enrollid))


async def _found(call: Call) -> Known:
    known = await call.sources.people.directory.get(int(call.path["enrollid"]))
    if known is None:
        raise _nobody(call)
    return known


def _nobody(call: Call) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, f"no person has the number {call.path['enrollid']}")


async def put(call: Call) -> ShownPerson:
    """Make or replace a person; its credentials stay."""
    wanted: PersonBody = call.body
    enrollid = int(call.path["enrollid"])
    errors = [*person_problems("enrollid", enrollid), *_problems(wanted)]
    if errors:
        raise bad_fields(errors)
    person = Person(
        enrollid=enrollid,
        name=wanted.name.strip(),
        external_id=wanted.external_id,
        admin=wanted.admin,
        validity=wanted.validity,
        access=wanted.access,
        groups=tuple(wanted.groups),
        note=wanted.note,
    )
    expected = None if wanted.version is UNSET else wanted.version
    with told_why():
        made = await call.sources.people.directory.put(person, expected)
    # no name: the audit outlives a person that is erased
    await call.note("done", {"enrollid": enrollid, "version": made.version, "groups": [*made.groups]})
    known = await call.sources.people.directory.get(enrollid)
    return shown_person(known or Known(made))


def _problems(wanted: PersonBody) -> list[tuple[str, str]]:
    found = name_problems("name", wanted.name)
    if wanted.external_id is not None and not _is_plain(wanted.external_id):
        found.append(("external_id", "expected text without control characters and spaces around it"))
    for place, name in enumerate(wanted.groups):
        if not re.fullmatch(GROUP_NAME.strip("^$"), name):
            found.append((f"groups[{place}]", "expected the name of a group"))
    return [*found, *validity_problems(wanted.validity)]


def _is_plain(given: str) -> bool:
    return given == given.strip() and given.isprintable()


def validity_problems(validity: Validity) -> list[tuple[str, str]]:
    """Bounds that are no days or moments, or the wrong way round."""
    bounds = (validity.begin, validity.end)
    found = []
    for bound, (rest, name) in zip(bounds, _ENDS, strict=True):
        if bound is not None and not is_real(bound if " " in bound else bound + rest, "%Y-%m-%d %H:%M:%S"):
            found.append((f"validity.{name}", "expected a day or a moment that exists"))
    if not found and bounds[0] is not None and bounds[1] is not None:
        first, last = (
            bound if " " in bound else bound + rest
            for bound, (rest, _) in zip((bounds[0], bounds[1]), _ENDS, strict=True)
        )
        if first > last:
            found.append(("validity.until", "expected nothing before 'from'"))
    return found


async def remove(call: Call) -> Answer:
    """Take a person out of the directory; what terminals have stays there. Problem 404."""
    enrollid = int(call.path["enrollid"])
    if not await call.sources.people.directory.remove(enrollid):
        raise _nobody(call)
    await call.note("done", {"enrollid": enrollid})
    return Answer(status=HTTPStatus.NO_CONTENT)


async def put_credential(call: Call) -> ShownCredential:
    """Give a person a credential, or another one; Problem 404 without the person."""
    wanted: CredentialBody = call.body
    place = _place(call)
    said = SetUserInfo(enrollid=place.enrollid, backupnum=place.backupnum, record=wanted.record)
    errors = said.problems(ModelProfile())
    if not (wanted.fpalgo.isprintable() and wanted.model.isprintable()):
        errors.append(("fpalgo", "expected fpalgo and model without control characters"))
    if errors:
        raise bad_fields(errors)
    now = rfc3339(datetime.fromtimestamp(call.desk.reactor.seconds(), UTC))
    made = Made(model=wanted.model, fpalgo=wanted.fpalgo, at=now)
    record = str(said.said("")["record"])
    if place.backupnum == PHOTO:
        record = await photos.fitting_record(call, record)
    with told_why():
        credential = await call.sources.people.directory.put_credential(*place, record, made)
    await call.note("done", {**place._asdict(), "bytes": credential.bytes})
    return shown_credential(credential)


async def remove_credential(call: Call) -> Answer:
    """Take a credential away, here; what terminals have stays there. Problem 404."""
    place = _place(call)
    if not await call.sources.people.directory.remove_credential(*place):
        told = f"person {place.enrollid} has no credential {place.backupnum}"
        raise Problem(HTTPStatus.NOT_FOUND, told)
    await call.note("done", place._asdict())
    return Answer(status=HTTPStatus.NO_CONTENT)


def _place(call: Call) -> _Place:
    """Whose slot; Problem 422 for a slot that nobody has defined."""
    place = _Place(int(call.path["enrollid"]), int(call.path["backupnum"]))
    errors: list[tuple[str, Any]] = slot_problems("backupnum", place.backupnum)
    if errors:
        raise bad_fields(errors)
    return place


async def adopt(call: Call) -> ShownPerson:
    """A terminal is right about a person: what it tells replaces what the directory says. Problem 404 when it
    never told of it."""
    enrollid, sn = int(call.path["enrollid"]), call.body.sn
    with told_why():
        if not await call.sources.people.directory.adopt(enrollid, sn):
            told = f"terminal '{sn}' never told of person {enrollid}"
            raise Problem(HTTPStatus.NOT_FOUND, told)
    await call.note("done", {"enrollid": enrollid}, sn)
    return shown_person(await _found(call))
