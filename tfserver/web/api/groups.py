"""``/groups``: which people belong on which terminals (design §2.2)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tfserver.model import SN_PATTERN, canonical_sn
from tfserver.person import Access, Group, Validity
from tfserver.web.answer import Answer
from tfserver.web.api.users import validity_problems
from tfserver.web.call import Call
from tfserver.web.problem import Problem, bad_fields
from tfserver.web.query import LIMIT, integer
from tfserver.web.shapes_people import GroupList, MemberPage, MovedMembers, ShownGroup, shown_group
from tfserver.web.undone import told_why

MOST_MOVED: Final = 5000
"""People that one request takes in or out."""
_MOST: Final = 2**63 - 1
MEMBER_PARAMETERS: Final = (LIMIT, integer("cursor", "those behind this number, as in `next`", 0, _MOST, 0))

Line = Annotated[str, Meta(min_length=1, max_length=200)]
Lines = Annotated[list[Line], Meta(max_length=200)]
Terminals = Annotated[list[Annotated[str, Meta(pattern=f"^{SN_PATTERN.pattern}$")]], Meta(max_length=10_000)]
Numbers = Annotated[list[Annotated[int, Meta(ge=1, le=_MOST)]], Meta(max_length=MOST_MOVED)]


class GroupBody(msgspec.Struct, forbid_unknown_fields=True):
    """A group as it is to be: its people belong on the terminals at one of the sites, with one of the tags,
    or named; everywhere is all of them."""

    title: Annotated[str, Meta(max_length=200)] = ""
    sites: Lines = []
    tags: Lines = []
    terminals: Terminals = []
    everywhere: bool = False
    access: Annotated[Access, Meta(description="of people who have none of their own")] | None = None
    validity: Annotated[Validity, Meta(description="of people who have none of their own")] = Validity()
    continuous: Annotated[bool, Meta(description="kept so without anybody applying a plan")] = False
    version: (
        Annotated[int, Meta(ge=0, description="the version that is replaced; 0: there is none yet")]
        | UnsetType
    ) = UNSET


class Members(msgspec.Struct, forbid_unknown_fields=True):
    """Who comes and who goes; who is in both lists comes."""

    add: Numbers = []
    remove: Numbers = []


async def listing(call: Call) -> GroupList:
    """All groups."""
    groups = await call.sources.people.groups.listing()
    counts = await call.sources.people.groups.counts(one.name for one in groups)
    return GroupList([shown_group(one, counts[one.name]) for one in groups])


async def one(call: Call) -> ShownGroup:
    """One group; Problem 404."""
    return await _shown(call, await _found(call))


async def _shown(call: Call, group: Group) -> ShownGroup:
    return shown_group(group, await call.sources.people.groups.count(group.name))


async def _found(call: Call) -> Group:
    found = await call.sources.people.groups.get(call.path["name"])
    if found is None:
        raise _no_group(call)
    return found


def _no_group(call: Call) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, f"no group is called '{call.path['name']}'")


async def put(call: Call) -> ShownGroup:
    """Make or replace a group; its people stay in it."""
    wanted: GroupBody = call.body
    errors = validity_problems(wanted.validity)
    if errors:
        raise bad_fields(errors)
    group = Group(
        name=call.path["name"],
        title=wanted.title,
        sites=tuple(dict.fromkeys(wanted.sites)),
        tags=tuple(dict.fromkeys(wanted.tags)),
        terminals=tuple(dict.fromkeys(map(canonical_sn, wanted.terminals))),
        everywhere=wanted.everywhere,
        access=wanted.access,
        validity=wanted.validity,
        continuous=wanted.continuous,
    )
    with told_why():
        kept = await call.sources.people.groups.put(
            group, None if wanted.version is UNSET else wanted.version
        )
    await call.note("done", {"group": kept.name, "version": kept.version})
    return await _shown(call, kept)


async def remove(call: Call) -> Answer:
    """Forget a group; its people stay in the directory. Problem 404."""
    with told_why():
        if not await call.sources.people.groups.remove(call.path["name"]):
            raise _no_group(call)
    await call.note("done", {"group": call.path["name"]})
    return Answer(status=HTTPStatus.NO_CONTENT)


async def members(call: Call) -> MemberPage:
    """The people in a group, by number."""
    await _found(call)
    limit, after = call.query["limit"], call.query["cursor"]
    found = await call.sources.people.groups.page(call.path["name"], after, limit + 1)
    return MemberPage(found[:limit], str(found[limit - 1]) if len(found) > limit else None)


async def move(call: Call) -> MovedMembers:
    """Take people into a group and out of it."""
    await _found(call)
    wanted: Members = call.body
    with told_why():
        moved = await call.sources.people.groups.change_members(call.path["name"], wanted.add, wanted.remove)
    told = {"group": call.path["name"], "added": moved.added, "removed": moved.removed}
    await call.note("done", told)
    return MovedMembers(moved.added, moved.removed, [*moved.unknown], [*moved.full])
