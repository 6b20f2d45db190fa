"""Putting people and their credentials on terminals (protocol §5.1)."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Final

from msgspec import UNSET, Meta, UnsetType

from tfserver import credentials
from tfserver.commands.fields import (
    SLOW,
    Admin,
    Backupnum,
    Name,
    Person,
    name_problems,
    slot_problems,
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

Password = Annotated[
    int | str,
    Meta(
        description="A password for the keypad.",
        extra={"expected": "1 to 8 digits, the first not 0"},
    ),
]


@command
class SetUserInfo(Person[Reply], kw_only=True):
    """Put one credential of a person on the terminal; the person is made when new."""

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

    def problems(self, profile: Profile) -> Problems:
        """What the slot does not take."""
        return [
            *super().problems(profile),
            *name_problems("name", self.name),
            *(slot_problems("backupnum", self.backupnum) or self._record_problems(profile)),
        ]

    def _record_problems(self, profile: Profile) -> Problems:
        problem = _record_problem(self.backupnum, str(self.record), profile)
        return [("record", problem)] if problem else []

    def said(self, cloudtime: str) -> dict[str, Any]:
        """Numbers go out as numbers, photos without a prefix."""
        return {**self.fields(), "record": _normal(self.backupnum, self.record)}


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


def _normal(backupnum: int, record: int | str) -> int | str:
    slots = slots_of(backupnum)
    if slots is not None and slots.content is Content.NUMBER:
        return int(record)
    if slots is not None and slots.content is Content.PHOTO:
        return plain_photo(str(record))
    return str(record)
