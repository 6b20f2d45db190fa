"""Holidays, and the questions a terminal asks (protocol §5.5, §5.6)."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tfserver.commands.fields import (
    END,
    MOST_ZONE,
    Enrollid,
    Name,
    Switch,
    is_real,
    name_problems,
    person_problems,
)
from tfserver.wire.message import Command, Problems, Profile, Reply
from tfserver.wire.table import command

MOST_HOLIDAYS: Final = 30
MOST_INDEX: Final = 255
"""Of the older form; nobody said a limit, and a year has not so many holidays."""
MOST_ACCESS: Final = 200
MOST_PACKET: Final = 3000
"""Bytes of a message that terminals with the older form take (protocol §2.3)."""
MOST_ITEMS: Final = {True: 16, False: 8}
"""Items to choose one of, or several of (protocol §2.3)."""
MOST_SCHEDULES: Final = 8
MOST_TEXT: Final = 200
_SCHEDULE: Final = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)\*(\d{1,2})")

DayOfYear = Annotated[
    str,
    Meta(
        pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])" + END,
        description="A day of every year.",
        extra={"expected": "a day as MM-DD"},
    ),
]
Date = Annotated[
    str,
    Meta(
        pattern=r"^(\d{4}-)?(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])" + END,
        description="A day, as the terminal itself writes it.",
        extra={"expected": "a day as MM-DD or YYYY-MM-DD"},
    ),
]
Index = Annotated[int, Meta(ge=0, le=MOST_INDEX, description="Which holiday, on terminals that number them.")]
Label = Annotated[
    str,
    Meta(
        max_length=MOST_TEXT,
        description="A text on the screen.",
        extra={"expected": f"text of at most {MOST_TEXT} bytes without control characters"},
    ),
]


class Holiday(msgspec.Struct, forbid_unknown_fields=True):
    """Days of a year that are not as others."""

    name: Annotated[Name, Meta(description="What it is called.")]
    startday: Annotated[DayOfYear, Meta(description="The first day.")]
    endday: Annotated[DayOfYear, Meta(description="The last day.")]
    shift: Annotated[int, Meta(ge=0, le=255, description="Number of the shift then; 0 is none.")] = 0
    dayzone: Annotated[
        int, Meta(ge=0, le=MOST_ZONE, description="Number of the day zone then; 0 is none.")
    ] = 0

    def problems(self, place: str) -> Problems:
        """Whether the days exist."""
        days = (("startday", self.startday), ("endday", self.endday))
        return [
            *name_problems(f"{place}.name", self.name),
            *(
                (f"{place}.{field}", "expected a day that exists, as MM-DD")
                for field, day in days
                # of a leap year: 29 February is a day too
                if not is_real(f"2000-{day}", "%Y-%m-%d")
            ),
        ]


class Holidays(Reply):
    """The holidays; a terminal that numbers them tells one at a time, and who may pass then."""

    holidays: list[Any] | None = None
    index: int | None = None
    name: str | None = None
    startdate: str | None = None
    enddate: str | None = None
    idallcout: int | None = None
    indexfrom: int | None = None
    indexto: int | None = None
    accessid: list[Any] | None = None


HOLIDAYS: Final = "holidays"
"""The subject of orders that change them."""


@command
class GetHoliday(Command[Holidays]):
    """Ask for the holidays, or with ``index`` for one of them: older terminals know only that."""

    index: Index | UnsetType = UNSET

    def subject(self) -> str:
        """It changes nothing."""
        return ""

    def said(self, cloudtime: str) -> dict[str, Any]:
        """They come all at once, but the document asks for them as for a first page."""
        return {**self.fields(), "stn": True}


@command
class SetHoliday(Command[Reply]):
    """Set the holidays, or with ``index`` one of them: older terminals know only that."""

    holidays: (
        Annotated[list[Holiday], Meta(max_length=MOST_HOLIDAYS, description="All of them.")] | UnsetType
    ) = UNSET
    index: Index | UnsetType = UNSET
    startdate: Annotated[Date, Meta(description="Its first day.")] | UnsetType = UNSET
    enddate: Annotated[Date, Meta(description="Its last day.")] | UnsetType = UNSET
    name: Annotated[Name, Meta(description="What it is called.")] | UnsetType = UNSET
    accessid: (
        Annotated[list[Enrollid], Meta(max_length=MOST_ACCESS, description="Who may pass then.")] | UnsetType
    ) = UNSET

    def subject(self) -> str:
        """It changes the holidays."""
        return HOLIDAYS

    def problems(self, profile: Profile) -> Problems:
        """What is wrong with each, or with the one."""
        if isinstance(self.holidays, list):
            told = "expected no more beside holidays"
            return [
                *((name, told) for name in self.fields() if name != "holidays"),
                *(
                    problem
                    for place, holiday in enumerate(self.holidays)
                    for problem in holiday.problems(f"holidays[{place}]")
                ),
            ]
        if self.index is UNSET:
            return [("holidays", "missing; expected all of them, or index and one of them")]
        return self._problems_of_one()

    def _problems_of_one(self) -> Problems:
        given, needed = self.fields(), ("startdate", "enddate", "name")
        found = [(field, "missing; it is part of one holiday") for field in needed if field not in given]
        found += name_problems("name", self.name)
        for field in ("startdate", "enddate"):
            # of a leap year: 29 February is a day too
            day = given.get(field, "01-01")
            if not is_real(day if len(day) > len("MM-DD") else f"2000-{day}", "%Y-%m-%d"):
                found.append((field, "expected a day that exists, as MM-DD or YYYY-MM-DD"))
        for place, enrollid in enumerate(given.get("accessid", [])):
            found += person_problems(f"accessid[{place}]", enrollid)
        if len(msgspec.json.encode({"cmd": self.word(), **self.said("")})) >= MOST_PACKET:
            found.append(("accessid", f"expected fewer: such terminals take less than {MOST_PACKET} bytes"))
        return found

    def said(self, cloudtime: str) -> dict[str, Any]:
        """All of them as they are; one with the length of its list before it."""
        fields = self.fields()
        if "index" not in fields:
            return fields
        access = fields.pop("accessid", [])
        return {"index": fields.pop("index"), "stn": True, **fields, "count": len(access), "accessid": access}


class Questionnaire(Reply):
    """What the terminal asks of people."""

    title: str | None = None
    voice: str | None = None
    errmsg: str | None = None
    radio: bool | None = None
    optionflag: int | None = None
    usequestion: bool | None = None
    useschedule: bool | None = None
    card: int | None = None
    items: list[Any] | None = None
    schedules: list[Any] | None = None

    def shown(self) -> dict[str, Any]:
        """All of it: here ``card`` is a switch, and no card's number."""
        found = super().shown()
        return found if self.card is None else {**found, "card": self.card}


@command
class GetQuestionnaire(Command[Questionnaire]):
    """Ask what the terminal asks of people."""

    def subject(self) -> str:
        """It changes nothing."""
        return ""

    def said(self, cloudtime: str) -> dict[str, Any]:
        """It comes all at once, but the document asks for it as for a first page."""
        return {"stn": True}


@command
class SetQuestionnaire(Command[Reply], kw_only=True):
    """Set what the terminal asks of people; the answer comes as ``event`` of their punches."""

    title: Annotated[Label, Meta(description="The question.")]
    voice: Annotated[Label, Meta(description="What is said.")] | UnsetType = UNSET
    errmsg: Annotated[Label, Meta(description="What is shown when nothing was chosen.")] | UnsetType = UNSET
    radio: Annotated[bool, Meta(description="Whether one item is chosen, not several.")]
    optionflag: (
        Annotated[int, Meta(ge=0, le=65535, description="Bits of the items that must be chosen.")] | UnsetType
    ) = UNSET
    usequestion: Annotated[bool, Meta(description="Whether it is asked at all.")] | UnsetType = UNSET
    useschedule: (
        Annotated[bool, Meta(description="Whether the schedules choose by themselves.")] | UnsetType
    ) = UNSET
    card: Annotated[Switch, Meta(description="Whether it is asked of cards too (by model).")] | UnsetType = (
        UNSET
    )
    items: Annotated[
        list[Label],
        Meta(
            min_length=1, max_length=MOST_ITEMS[True], description="The answers: 16 for one choice, else 8."
        ),
    ]
    schedules: (
        Annotated[
            list[
                Annotated[
                    str,
                    Meta(
                        pattern=r"^\d\d:\d\d-\d\d:\d\d\*\d{1,2}" + END,
                        extra={"expected": "hours and the number of an item as HH:MM-HH:MM*N"},
                    ),
                ]
            ],
            Meta(
                max_length=MOST_SCHEDULES, description="When which item is chosen; 00:00-00:00*0 is unused."
            ),
        ]
        | UnsetType
    ) = UNSET

    def subject(self) -> str:
        """It changes the questionnaire."""
        return "questionnaire"

    def secrets(self) -> dict[str, str]:
        """Nothing of it is secret: here ``card`` is a switch, and no card's number."""
        return {}

    def problems(self, profile: Profile) -> Problems:
        """Whether texts, items and schedules fit together."""
        most = MOST_ITEMS[self.radio]
        return [
            *name_problems("title", self.title, MOST_TEXT),
            *name_problems("voice", self.voice, MOST_TEXT),
            *name_problems("errmsg", self.errmsg, MOST_TEXT),
            *(
                problem
                for place, item in enumerate(self.items)
                for problem in name_problems(f"items[{place}]", item, MOST_TEXT)
            ),
            *([("items", f"expected at most {most}")] if len(self.items) > most else []),
            *self._schedule_problems(),
        ]

    def _schedule_problems(self) -> Problems:
        schedules = self.schedules if isinstance(self.schedules, list) else []
        told = f"expected hours as HH:MM-HH:MM*N with N from 0 to {len(self.items)}"
        return [
            (f"schedules[{place}]", told)
            for place, text in enumerate(schedules)
            if not _is_schedule(text, len(self.items))
        ]


def _is_schedule(text: str, items: int) -> bool:
    match = _SCHEDULE.fullmatch(text)
    return (
        match is not None
        and is_real(match[1], "%H:%M")
        and is_real(match[2], "%H:%M")
        and int(match[3]) <= items
    )
