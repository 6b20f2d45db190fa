"""When each person may pass (protocol §5.4)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tfserver.commands.fields import (
    USERS,
    DateTime,
    Enrollid,
    Person,
    Zone,
    person_problems,
    time_problems,
)
from tfserver.order import Danger
from tfserver.wire.message import Command, Problems, Profile, Reply
from tfserver.wire.table import command

MOST_LOCKS: Final = 40


class UserLock(Reply):
    """When a person may pass; both times 2000-01-01 00:00:00 is always."""

    enrollid: int | None = None
    weekzone: int | None = None
    weekzone2: int | None = None
    weekzone3: int | None = None
    weekzone4: int | None = None
    group: int | None = None
    starttime: str | None = None
    endtime: str | None = None


@command
class GetUserLock(Person[UserLock]):
    """Ask when a person may pass."""

    def subject(self) -> str:
        """It changes nothing."""
        return ""


class Passing(msgspec.Struct, forbid_unknown_fields=True):
    """When one person may pass; what is left out stays."""

    enrollid: Enrollid
    weekzone: Zone | UnsetType = UNSET
    weekzone2: Zone | UnsetType = UNSET
    weekzone3: Zone | UnsetType = UNSET
    weekzone4: Zone | UnsetType = UNSET
    group: (
        Annotated[
            int, Meta(ge=0, le=9, description="The person's group, of which lockgroup is made; 0 is none.")
        ]
        | UnsetType
    ) = UNSET
    starttime: Annotated[DateTime, Meta(description="From when.")] | UnsetType = UNSET
    endtime: (
        Annotated[DateTime, Meta(description="Until when; 2099-12-31 23:59:00 is for ever.")] | UnsetType
    ) = UNSET

    def problems(self, place: str) -> Problems:
        """Whether there are such a person and such times; both ends belong together."""
        found = [
            *person_problems(f"{place}.enrollid", self.enrollid),
            *time_problems(f"{place}.starttime", self.starttime),
            *time_problems(f"{place}.endtime", self.endtime),
        ]
        start, end = self.starttime, self.endtime
        if isinstance(start, str) and isinstance(end, str):
            if not found and end < start:
                found.append((f"{place}.endtime", "expected a time that is not before starttime"))
        elif isinstance(start, str) or isinstance(end, str):
            missing = "endtime" if isinstance(start, str) else "starttime"
            found.append((f"{place}.{missing}", "missing; starttime and endtime go together"))
        return found


@command
class SetUserLock(Command[Reply]):
    """Set when people may pass."""

    record: Annotated[
        list[Passing], Meta(min_length=1, max_length=MOST_LOCKS, description="People and when they may pass.")
    ]

    def subject(self) -> str:
        """It is about several people."""
        return USERS

    def problems(self, profile: Profile) -> Problems:
        """What is wrong with each."""
        return [
            problem
            for place, passing in enumerate(self.record)
            for problem in passing.problems(f"record[{place}]")
        ]

    def said(self, cloudtime: str) -> dict[str, Any]:
        """The list with its length before it."""
        return {"count": len(self.record), **self.fields()}


@command
class DeleteUserLock(Person[Reply]):
    """Forget when a person may pass."""


@command
class CleanUserLock(Command[Reply]):
    """Forget of all people when they may pass."""

    danger: ClassVar[Danger] = Danger.DESTRUCTIVE
    admin_only: ClassVar[bool] = True

    def subject(self) -> str:
        """It is about everybody."""
        return USERS
