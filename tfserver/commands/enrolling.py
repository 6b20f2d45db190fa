"""Putting people and their credentials on terminals (protocol §5.1)."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Final

from msgspec import UNSET, Meta, UnsetType

from tfserver import credentials
from tfserver.commands.calendar import DayOfYear
from tfserver.commands.fields import (
    SLOW,
    Admin,
    Backupnum,
    DateTime,
    Name,
    Person,
    Switch,
    is_real,
    name_problems,
    slot_problems,
    time_problems,
)
from tfserver.commands.photos import photo_problem, plain_photo
from tfserver.credentials import Content, Kind, slots_of
from tfserver.order import Danger
from tfserver.wire.message import Problems, Profile, Reply
from tfserver.wire.table import command

MOST_FINGERPRINT: Final = 1619
"""Characters of a ``thbio3.0`` template; those of ``thbio1.0`` are shorter (protocol §2.2)."""
MOST_TEMPLATE: Final = 200_000
"""Characters of any other template: nobody said a limit, and this is far beyond those seen."""
_PASSWORD: Final = re.compile(r"[1-9][0-9]{0,7}")
EXTRAS: Final = (
    *("verifymode", "card", "pwd", "enable", "shiftid", "zoneid", "groupid", "birthday"),
    *("starttime", "endtime", "department", "aliasid"),
)
"""What only terminals of the V3 generation take beside a credential (protocol §5.1)."""

BESIDE: Final = {"card": credentials.CARD, "pwd": credentials.PASSWORD}
"""Other credentials that may stand beside one."""

Password = Annotated[
    int | str,
    Meta(
        description="A password for the keypad.",
        extra={"expected": "1 to 8 digits, the first not 0"},
    ),
]
_NOT_ALLOWED: Final = (
    "not every model knows it: list setuserinfo under profiles.<name>.allow in the configuration, and give "
    "that name to the terminal as its model_profile"
)
Small = Annotated[int, Meta(ge=0, le=255)]
Card = Annotated[
    int | str,
    Meta(description="[V3] The number of a card.", extra={"expected": "the number of a card"}),
]


@command
class SetUserInfo(Person[Reply], kw_only=True):
    """Put one credential of a person on the terminal; the person is made when new. Fields with [V3] are not
    known to every model: the profile has to allow ``setuserinfo``.
    """

    within: ClassVar[float] = SLOW

    name: Name | UnsetType = UNSET
    backupnum: Backupnum
    admin: Admin | UnsetType = UNSET
    record: Annotated[
        int | str,
        Meta(
            description="The credential: 1-8 digits of a password, the number of a card, a template as a "
            "terminal of the same kind gave it, or a photo as base64 JPEG.",
            extra={"expected": "a number or text, by backupnum"},
        ),
    ]
    verifymode: Annotated[Small, Meta(description="[V3] How to verify; 0 as the terminal.")] | UnsetType = (
        UNSET
    )
    card: Card | UnsetType = UNSET
    pwd: Annotated[Password, Meta(description="[V3] A password for the keypad.")] | UnsetType = UNSET
    enable: Annotated[Switch, Meta(description="[V3] 1 the person may pass, 0 not.")] | UnsetType = UNSET
    shiftid: Annotated[Small, Meta(description="[V3] Number of the shift.")] | UnsetType = UNSET
    zoneid: Annotated[Small, Meta(description="[V3] Number of the zone.")] | UnsetType = UNSET
    groupid: Annotated[Small, Meta(description="[V3] Number of the group.")] | UnsetType = UNSET
    birthday: Annotated[DayOfYear, Meta(description="[V3] The birthday.")] | UnsetType = UNSET
    starttime: Annotated[DateTime, Meta(description="[V3] From when the person may pass.")] | UnsetType = (
        UNSET
    )
    endtime: Annotated[DateTime, Meta(description="[V3] Until when.")] | UnsetType = UNSET
    department: Annotated[Name, Meta(description="[V3] The department.")] | UnsetType = UNSET
    aliasid: Annotated[Name, Meta(description="[V3] Another number of the person.")] | UnsetType = UNSET

    def problems(self, profile: Profile) -> Problems:
        """What the slot does not take, and what this model does not know."""
        return [
            *super().problems(profile),
            *name_problems("name", self.name),
            *(slot_problems("backupnum", self.backupnum) or self._record_problems(profile)),
            *self._extra_problems(profile),
        ]

    def brings(self) -> list[tuple[int, int]]:
        """The credential, and those beside it."""
        beside = [slot for name, slot in BESIDE.items() if getattr(self, name) is not UNSET]
        return [(self.enrollid, slot) for slot in (self.backupnum, *beside)]

    def _extra_problems(self, profile: Profile) -> Problems:
        given = self.fields()
        if self.word() not in profile.allow:
            return [(name, _NOT_ALLOWED) for name in EXTRAS if name in given]
        wrong = [
            (name, _record_problem(slot, str(given[name]), profile))
            for name, slot in BESIDE.items()
            if name in given
        ]
        return [
            *((name, problem) for name, problem in wrong if problem),
            *name_problems("department", self.department),
            *name_problems("aliasid", self.aliasid),
            *time_problems("starttime", self.starttime),
            *time_problems("endtime", self.endtime),
            *_birthday_problems(given.get("birthday")),
        ]

    def _record_problems(self, profile: Profile) -> Problems:
        problem = _record_problem(self.backupnum, str(self.record), profile)
        return [("record", problem)] if problem else []

    def said(self, cloudtime: str) -> dict[str, Any]:
        """Numbers go out as numbers, photos without a prefix."""
        found = {**self.fields(), "record": _normal(self.backupnum, self.record)}
        return {**found, **{name: int(found[name]) for name in ("card", "pwd") if name in found}}


@command
class AddUser(Person[Reply], kw_only=True):
    """Let a person enrol at the terminal itself."""

    danger: ClassVar[Danger] = Danger.ONCE

    backupnum: Backupnum
    admin: Admin | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    flag: (
        Annotated[
            int,
            Meta(
                ge=0, le=255, description="10: as the terminal thinks best; 2: with the password given here."
            ),
        ]
        | UnsetType
    ) = UNSET
    password: Password | UnsetType = UNSET
    cancel: Annotated[bool, Meta(description="Stop an enrolment that has begun.")] | UnsetType = UNSET

    def brings(self) -> list[tuple[int, int]]:
        """The credential, some time after the terminal said true."""
        return [] if self.cancel is True else [(self.enrollid, self.backupnum)]

    def problems(self, profile: Profile) -> Problems:
        """What no terminal takes."""
        given = isinstance(self.password, int | str)
        wrong = given and _record_problem(credentials.PASSWORD, str(self.password), profile)
        return [
            *super().problems(profile),
            *name_problems("name", self.name),
            *slot_problems("backupnum", self.backupnum),
            *([("password", wrong)] if wrong else []),
        ]

    def said(self, cloudtime: str) -> dict[str, Any]:
        """A password goes out as a number."""
        found = self.fields()
        if "password" in found:
            found["password"] = int(found["password"])
        return found


def _record_problem(backupnum: int, record: str, profile: Profile) -> str | None:
    """What a terminal does not take in this slot; nothing is said of what came."""
    slots = slots_of(backupnum)
    if slots is None:
        return None
    if slots.kind is Kind.PASSWORD:
        fits = _PASSWORD.fullmatch(record)
        return None if fits else "expected 1 to 8 digits, the first not 0: terminals lose leading zeros"
    if slots.content is Content.PHOTO:
        return photo_problem(record, profile.most_photo_bytes)
    problem = credentials.problem_with(backupnum, record)
    if problem is not None:
        return f"expected what a {slots.label} is: {problem}"
    if slots.content is Content.NUMBER:
        return None if int(record) else "expected the number of a card; 0 is none"
    return _template_problem(slots.kind, slots.label, record)


def _template_problem(kind: Kind, label: str, record: str) -> str | None:
    most = MOST_FINGERPRINT if kind is Kind.FINGERPRINT else MOST_TEMPLATE
    if 0 < len(record) <= most and record.isprintable():
        return None
    return f"expected a {label} as a terminal gave it: ASCII text of 1 to {most} characters"


def _birthday_problems(birthday: str | None) -> Problems:
    """Whether it exists; of a leap year: 29 February is a day too."""
    if birthday is None or is_real(f"2000-{birthday}", "%Y-%m-%d"):
        return []
    return [("birthday", "expected a day that exists, as MM-DD")]


def _normal(backupnum: int, record: int | str) -> int | str:
    slots = slots_of(backupnum)
    if slots is not None and slots.content is Content.NUMBER:
        return int(record)
    if slots is not None and slots.content is Content.PHOTO:
        return plain_photo(str(record))
    return str(record)
