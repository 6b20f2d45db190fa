"""What can be asked about the directory of people and about groups. People have no site: what is said of
them holds everywhere, so none of it is for tokens that are bound to sites."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from tfserver.web import formats
from tfserver.web import shapes_people as shapes
from tfserver.web.api import groups, users
from tfserver.web.body import JsonBody
from tfserver.web.route import API, NOTHING, OK, OPERATOR, READER, Route, Scope, Shape, ok

_USER: Final = f"{API}/users/{{enrollid}}"
_GROUP: Final = f"{API}/groups/{{name}}"

USERS: Final = (
    Route(
        method="GET",
        path=f"{API}/users",
        name="list_users",
        summary="People of the directory, by number or by name",
        role=READER,
        scope=Scope.ALL_SITES,
        handler=users.listing,
        query=users.PARAMETERS,
        answers={
            OK: Shape("a page; as CSV and NDJSON all there are", shapes.PersonPage, formats.MEDIA),
        },
        refusals=(HTTPStatus.NOT_ACCEPTABLE, HTTPStatus.TOO_MANY_REQUESTS),
    ),
    Route(
        method="GET",
        path=_USER,
        name="get_user",
        summary="One person, and which terminals have what of it",
        role=READER,
        scope=Scope.ALL_SITES,
        handler=users.one,
        answers=ok(shapes.WholePerson),
    ),
    Route(
        method="PUT",
        path=_USER,
        name="put_user",
        summary="Make or replace a person; its credentials stay",
        role=OPERATOR,
        scope=Scope.ALL_SITES,
        handler=users.put,
        body=JsonBody(users.PersonBody),
        answers=ok(shapes.ShownPerson, "the person as it is now"),
        refusals=(HTTPStatus.CONFLICT,),
        moves_people=True,
    ),
    Route(
        method="DELETE",
        path=_USER,
        name="delete_user",
        summary="Take a person out of the directory; terminals keep what they have",
        role=OPERATOR,
        scope=Scope.ALL_SITES,
        handler=users.remove,
        answers=NOTHING,
        moves_people=True,
    ),
    Route(
        method="PUT",
        path=f"{_USER}/credentials/{{backupnum}}",
        name="put_credential",
        summary="Give a person a credential",
        role=OPERATOR,
        scope=Scope.ALL_SITES,
        handler=users.put_credential,
        body=users.RecordBody(users.CredentialBody),
        answers=ok(shapes.ShownCredential, "the credential, without what stands in it"),
        refusals=(HTTPStatus.CONFLICT,),
        moves_people=True,
    ),
    Route(
        method="DELETE",
        path=f"{_USER}/credentials/{{backupnum}}",
        name="delete_credential",
        summary="Take a credential away from a person; terminals keep what they have",
        role=OPERATOR,
        scope=Scope.ALL_SITES,
        handler=users.remove_credential,
        answers=NOTHING,
        moves_people=True,
    ),
    Route(
        method="POST",
        path=f"{_USER}/adopt",
        name="adopt_user",
        summary="Let a terminal be right about a person, where it tells something else than the directory",
        role=OPERATOR,
        scope=Scope.ALL_SITES,
        handler=users.adopt,
        body=JsonBody(users.RightOne),
        answers=ok(shapes.ShownPerson, "the person as it is now"),
        refusals=(HTTPStatus.CONFLICT,),
        moves_people=True,
    ),
)
GROUPS: Final = (
    Route(
        method="GET",
        path=f"{API}/groups",
        name="list_groups",
        summary="Groups of people, and where they belong",
        role=READER,
        scope=Scope.ALL_SITES,
        handler=groups.listing,
        answers=ok(shapes.GroupList),
    ),
    Route(
        method="GET",
        path=_GROUP,
        name="get_group",
        summary="One group",
        role=READER,
        scope=Scope.ALL_SITES,
        handler=groups.one,
        answers=ok(shapes.ShownGroup),
    ),
    Route(
        method="PUT",
        path=_GROUP,
        name="put_group",
        summary="Make or replace a group; its people stay in it",
        role=OPERATOR,
        scope=Scope.ALL_SITES,
        handler=groups.put,
        body=JsonBody(groups.GroupBody),
        answers=ok(shapes.ShownGroup, "the group as it is now"),
        refusals=(HTTPStatus.CONFLICT,),
        moves_people=True,
    ),
    Route(
        method="DELETE",
        path=_GROUP,
        name="delete_group",
        summary="Forget a group; its people stay in the directory",
        role=OPERATOR,
        scope=Scope.ALL_SITES,
        handler=groups.remove,
        answers=NOTHING,
        refusals=(HTTPStatus.CONFLICT,),
        moves_people=True,
    ),
    Route(
        method="GET",
        path=f"{_GROUP}/members",
        name="list_members",
        summary="The numbers of the people in a group",
        role=READER,
        scope=Scope.ALL_SITES,
        handler=groups.members,
        query=groups.MEMBER_PARAMETERS,
        answers=ok(shapes.MemberPage),
    ),
    Route(
        method="POST",
        path=f"{_GROUP}/members",
        name="move_members",
        summary="Take people into a group and out of it",
        role=OPERATOR,
        scope=Scope.ALL_SITES,
        handler=groups.move,
        body=JsonBody(groups.Members),
        answers=ok(shapes.MovedMembers, "how many came and went"),
        moves_people=True,
    ),
)
PEOPLE: Final = (*USERS, *GROUPS)
