"""Doors and their locks (protocol §5.4)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tfserver.commands.fields import END, MOST_ZONE, Switch
from tfserver.order import Danger
from tfserver.wire.message import Command, Problems, Profile, Reply
from tfserver.wire.table import command

DOOR: Final = "door"
"""The subject of orders that open or close doors."""

Three = Annotated[int, Meta(ge=0, le=2)]


@command
class OpenDoor(Command[Reply]):
    """Open a door once."""

    danger: ClassVar[Danger] = Danger.DOOR

    doornum: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=4,
                description="Which door; left out on a controller of four doors it is all of them.",
            ),
        ]
        | UnsetType
    ) = UNSET

    def subject(self) -> str:
        """Doors are opened in the order they were asked for."""
        return DOOR


class Span(msgspec.Struct, forbid_unknown_fields=True):
    """Hours of a day."""

    section: Annotated[
        str,
        Meta(
            pattern=r"^([01]\d|2[0-3]):[0-5]\d~([01]\d|2[0-3]):[0-5]\d" + END,
            description="From when to when; 00:00~00:00 is never.",
            extra={"expected": "hours as HH:MM~HH:MM"},
        ),
    ]


class DayZone(msgspec.Struct, forbid_unknown_fields=True):
    """Hours in which people may pass."""

    day: Annotated[list[Span], Meta(max_length=5, description="Hours of the day.")]


class ZoneOfDay(msgspec.Struct, forbid_unknown_fields=True):
    """The hours that one day of the week has."""

    day: Annotated[int, Meta(ge=0, le=MOST_ZONE, description="Number of a day zone, from 1; 0 is none.")]


class WeekZone(msgspec.Struct, forbid_unknown_fields=True):
    """The hours of a week."""

    week: Annotated[
        list[ZoneOfDay],
        Meta(min_length=7, max_length=7, description="A day zone for each day, Monday first."),
    ]


class LockGroup(msgspec.Struct, forbid_unknown_fields=True):
    """Groups of people who open together."""

    group: Annotated[
        int,
        Meta(
            ge=0,
            le=2**31 - 1,
            description="Each digit is a group of which somebody has to be there: 119 is two of group 1 and "
            "one of group 9.",
        ),
    ]


class DevLock(Reply):
    """How the terminal guards its door."""

    opendelay: int | None = None
    doorsensor: int | None = None
    alarmdelay: int | None = None
    threat: int | None = None
    InputAlarm: int | None = None
    antpass: int | None = None
    interlock: int | None = None
    mutiopen: int | None = None
    tryalarm: int | None = None
    tamper: int | None = None
    wgformat: int | None = None
    wgoutput: int | None = None
    cardoutput: int | None = None
    dayzone: list[Any] | None = None
    weekzone: list[Any] | None = None
    lockgroup: list[Any] | None = None
    nopentime: list[Any] | None = None
    visitortime: list[Any] | None = None


LOCKS: Final = "locks"
"""The subject of orders that change when doors open."""


@command
class GetDevLock(Command[DevLock]):
    """Ask how the terminal guards its door."""

    aliases: ClassVar[tuple[str, ...]] = ("setdevlock",)

    def subject(self) -> str:
        """It changes nothing."""
        return ""


Zones = Annotated[list[ZoneOfDay], Meta(max_length=7, description="A day zone for each day of the week.")]


@command
class SetDevLock(Command[Reply]):
    """Change how the terminal guards its door. Shorter lists change only the first entries."""

    opendelay: Annotated[int, Meta(ge=0, le=255, description="Seconds the lock stays open.")] | UnsetType = (
        UNSET
    )
    doorsensor: (
        Annotated[Three, Meta(description="0 none, 1 normally closed, 2 normally open.")] | UnsetType
    ) = UNSET
    alarmdelay: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=255,
                description="A door left open alarms after this long (unit by model); 0 is never.",
            ),
        ]
        | UnsetType
    ) = UNSET
    threat: (
        Annotated[
            int, Meta(ge=0, le=3, description="Under duress: 0 nothing, 1 open and alarm, 2 alarm, 3 open.")
        ]
        | UnsetType
    ) = UNSET
    InputAlarm: (
        Annotated[Three, Meta(description="0 off, 1 alarm output 1, 2 alarm output 2.")] | UnsetType
    ) = UNSET
    antpass: (
        Annotated[Three, Meta(description="Anti-passback: 0 off, 1 host inside, 2 host outside.")] | UnsetType
    ) = UNSET
    interlock: Annotated[Switch, Meta(description="Interlock of doors: 1 on.")] | UnsetType = UNSET
    mutiopen: (
        Annotated[int, Meta(ge=0, le=4, description="How many people have to come together; 0 is off.")]
        | UnsetType
    ) = UNSET
    tryalarm: (
        Annotated[int, Meta(ge=0, le=10, description="Alarm after so many wrong tries; 0 is off.")]
        | UnsetType
    ) = UNSET
    tamper: Annotated[Switch, Meta(description="Alarm when the terminal is taken off: 1 on.")] | UnsetType = (
        UNSET
    )
    wgformat: Annotated[Switch, Meta(description="0 Wiegand 26, 1 Wiegand 34.")] | UnsetType = UNSET
    wgoutput: (
        Annotated[
            Three, Meta(description="Wiegand sends 0 enrollid, 1 '1' and enrollid, 2 deviceid and enrollid.")
        ]
        | UnsetType
    ) = UNSET
    cardoutput: (
        Annotated[Switch, Meta(description="1: a finger sends the person's card number.")] | UnsetType
    ) = UNSET
    dayzone: (
        Annotated[list[DayZone], Meta(max_length=MOST_ZONE, description="Hours of days, numbered from 1.")]
        | UnsetType
    ) = UNSET
    weekzone: (
        Annotated[list[WeekZone], Meta(max_length=MOST_ZONE, description="Weeks, numbered from 1.")]
        | UnsetType
    ) = UNSET
    lockgroup: (
        Annotated[
            list[LockGroup],
            Meta(max_length=8, description="Groups that open together; old terminals have five."),
        ]
        | UnsetType
    ) = UNSET
    nopentime: Annotated[Zones, Meta(description="When the door is open to all.")] | UnsetType = UNSET
    visitortime: Annotated[Zones, Meta(description="When visitors may pass.")] | UnsetType = UNSET

    def subject(self) -> str:
        """It changes the locks."""
        return LOCKS

    def problems(self, profile: Profile) -> Problems:
        """Whether anything is set."""
        return [] if self.fields() else [("cmd", "expected at least one setting beside it")]
