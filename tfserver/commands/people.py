"""Asking terminals about people, and changing those they have (protocol §5.1)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final

import msgspec
from msgspec import Meta

from tfserver import credentials
from tfserver.commands.context import Context
from tfserver.commands.fields import (
    SLOW,
    USERS,
    Backupnum,
    Enrollid,
    Name,
    Person,
    Switch,
    name_problems,
    person_problems,
    slot_problems,
)
from tfserver.commands.held import keep_bare, says_none
from tfserver.commands.users import SendUser, keep_person
from tfserver.order import Danger
from tfserver.wire import codec, lenient
from tfserver.wire.expectation import MOST_INTEGER
from tfserver.wire.message import Command, Problems, Profile, RawReply, Reply
from tfserver.wire.table import command, keeps

MOST_NAMES: Final = 50
MOST_PROFILE: Final = 200
"""Bytes."""
DELETABLE: Final = frozenset({*range(14), *range(20, 28), *range(30, 38), credentials.PHOTO})
"""What ``deleteuser`` takes: 12 is all fingerprints, 13 the whole person (protocol §3.1)."""
_A_DELETABLE: Final = "0-13, 20-27, 30-37 or 50"


class UserList(Reply):
    """The credentials on the terminal: one entry each, not one a person."""

    users: list[Any] = msgspec.field(default_factory=list, name="record")

    def shown(self) -> dict[str, Any]:
        """The entries with their numbers as numbers; where a page stood says nothing of the whole list."""
        found = super().shown()
        rest = {name: value for name, value in found.items() if name not in ("count", "from", "to")}
        return {**rest, "users": [_listed(entry) for entry in self.users if isinstance(entry, dict)]}


def _listed(entry: dict[str, Any]) -> dict[str, Any]:
    """Terminals write some of these numbers as text (protocol §3.2)."""
    found: dict[str, Any] = {}
    for name in ("enrollid", "admin", "backupnum"):
        try:
            found[name] = lenient.integer(entry.get(name))
        except ValueError:
            found[name] = None
    return found


class UserInfo(Reply):
    """One credential of a person; the record itself is never shown."""

    enrollid: int | None = None
    name: str | None = None
    backupnum: int | None = None
    admin: int | None = None
    record: str | None = None


class UserName(Reply):
    """A person's name."""

    name: str | None = msgspec.field(default=None, name="record")


class UserProfile(Reply):
    """A text shown to a person."""

    enrollid: int | None = None
    profile: str | None = msgspec.field(default=None, name="record")


@command
class GetUserList(Command[UserList]):
    """List the credentials of everybody on the terminal."""

    list_field: ClassVar[str] = "record"

    def subject(self) -> str:
        """It changes nothing."""
        return ""


@command
class GetUserInfo(Person[UserInfo]):
    """Fetch one credential of a person and keep it, sealed."""

    backupnum: Backupnum

    def subject(self) -> str:
        """It changes nothing."""
        return ""

    def problems(self, profile: Profile) -> Problems:
        """Whether there is such a person and slot."""
        return [*super().problems(profile), *slot_problems("backupnum", self.backupnum)]


@keeps(GetUserInfo)
async def keep_user(order: GetUserInfo, reply: RawReply, terminal: Context) -> dict[str, Any]:
    """Keep the person and the sealed credential, as if the terminal had pushed them."""
    told = {"enrollid": order.enrollid, "backupnum": order.backupnum, **reply.fields}
    found, _ = codec.read(SendUser, codec.Frame(order.word(), False, told))
    assert isinstance(found, SendUser)
    await keep_person(found, order.word(), terminal, terminal.now())
    await keep_bare(terminal, order.enrollid, order.backupnum, found.record)
    return codec.read_reply(UserInfo, reply).shown()


@command
class DeleteUser(Person[Reply]):
    """Delete a credential of a person, or the person."""

    backupnum: Annotated[
        int,
        Meta(
            ge=0,
            le=50,
            description="Which credential; 12 is all fingerprints, 13 the whole person.",
            extra={"expected": _A_DELETABLE},
            extra_json_schema={"enum": sorted(DELETABLE)},
        ),
    ]

    def problems(self, profile: Profile) -> Problems:
        """Whether there is such a person, and something to delete under this number."""
        wrong = [] if self.backupnum in DELETABLE else [("backupnum", f"expected {_A_DELETABLE}")]
        return [*super().problems(profile), *wrong]

    def forgives(self, reply: RawReply) -> bool:
        """Some firmware refuses to delete what is not there (protocol §5.1); one that is busy has deleted
        nothing."""
        return says_none(reply)


@command
class GetUserName(Person[UserName]):
    """Ask for a person's name."""

    def subject(self) -> str:
        """It changes nothing."""
        return ""


class NamedPerson(msgspec.Struct, forbid_unknown_fields=True):
    """A person and the name to show."""

    enrollid: Enrollid
    name: Name


@command
class SetUserName(Command[Reply]):
    """Name people that are on the terminal."""

    record: Annotated[
        list[NamedPerson], Meta(min_length=1, max_length=MOST_NAMES, description="People and their names.")
    ]

    def subject(self) -> str:
        """It is about several people."""
        return USERS

    def people(self) -> tuple[int, ...]:
        """Those whom it names."""
        return tuple(person.enrollid for person in self.record)

    def problems(self, profile: Profile) -> Problems:
        """What is wrong with each."""
        found: Problems = []
        for place, person in enumerate(self.record):
            found += person_problems(f"record[{place}].enrollid", person.enrollid)
            found += name_problems(f"record[{place}].name", person.name)
        return found

    def said(self, cloudtime: str) -> dict[str, Any]:
        """The list with its length before it."""
        return {"count": len(self.record), **self.fields()}


@command
class EnableUser(Person[Reply]):
    """Let a person pass, or no longer."""

    enflag: Annotated[Switch, Meta(description="1 the person may pass, 0 not.")]


@command
class CleanUser(Command[Reply]):
    """Delete all people from the terminal."""

    danger: ClassVar[Danger] = Danger.DESTRUCTIVE
    within: ClassVar[float] = SLOW
    admin_only: ClassVar[bool] = True

    def subject(self) -> str:
        """It is about everybody."""
        return USERS


@command
class CleanAdmin(Command[Reply]):
    """Make all administrators of the terminal normal users."""

    danger: ClassVar[Danger] = Danger.DESTRUCTIVE
    admin_only: ClassVar[bool] = True

    def subject(self) -> str:
        """It is about everybody."""
        return USERS


AnyEnrollid = Annotated[
    int, Meta(ge=0, le=MOST_INTEGER, description="The person's number; 0 is the text for everybody.")
]


@command
class SetUserProfile(Command[Reply]):
    """Set the text that a person, or everybody, is shown."""

    enrollid: AnyEnrollid
    profile: Annotated[
        str,
        Meta(
            max_length=MOST_PROFILE,
            description="The text.",
            extra={"expected": f"text of at most {MOST_PROFILE} bytes"},
        ),
    ]

    def subject(self) -> str:
        """It is about one person."""
        return f"user {self.enrollid}" if self.enrollid else USERS

    def people(self) -> tuple[int, ...]:
        """Whom the text is for."""
        return (self.enrollid,) if self.enrollid else ()

    def problems(self, profile: Profile) -> Problems:
        """Whether the text fits."""
        long = len(self.profile.encode()) > MOST_PROFILE
        wrong = [("profile", f"expected text of at most {MOST_PROFILE} bytes")] if long else []
        return [*person_problems("enrollid", self.enrollid), *wrong]


@command
class GetUserProfile(Command[UserProfile]):
    """Ask for the text that a person, or everybody, is shown."""

    enrollid: AnyEnrollid

    def subject(self) -> str:
        """It changes nothing."""
        return ""

    def problems(self, profile: Profile) -> Problems:
        """Whether there can be such a person."""
        return person_problems("enrollid", self.enrollid)
