"""The kinds of field that commands share, with what people are told of them (protocol §2.2, §2.3, §3)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Generic

from msgspec import Meta

from tfserver.credentials import TABLE
from tfserver.model import UNRECOGNISED
from tfserver.wire.expectation import MOST_INTEGER
from tfserver.wire.message import Command, Problems, Profile, R
from tfserver.wire.times import WIRE

MOST_NAME: Final = 64
"""Bytes: AiFace takes so many, old terminals 24 (protocol §2.2)."""
MOST_ZONE: Final = 8
SLOW: Final = 60.0
"""Seconds for what takes a full terminal long (protocol §1.4)."""
USERS: Final = "users"
"""The subject of orders about several people, or all of them."""

END: Final = r"$(?!\n)"
"""The end of a pattern: ``$`` alone is also before a last line break."""

_SLOTS: Final = [n for slots in TABLE for n in range(slots.first, slots.last + 1)]
_A_SLOT: Final = "a slot: 0-11, 20-27, 30-37, 40, 41, 50 or 51"
_A_NAME: Final = f"text of at most {MOST_NAME} bytes without control characters"

Enrollid = Annotated[
    int,
    Meta(ge=1, le=MOST_INTEGER, description="The person's number on the terminal."),
]
Backupnum = Annotated[
    int,
    Meta(
        ge=0,
        le=51,
        description="Which credential: 0-9 fingerprint, 10 password, 11 card, 20-27 face template, 30-37 "
        "palm template, 40-41 palm vein, 50 photo, 51 face feature.",
        extra={"expected": _A_SLOT},
        extra_json_schema={"enum": _SLOTS},
    ),
]
Name = Annotated[
    str,
    Meta(max_length=MOST_NAME, description="The person's name.", extra={"expected": _A_NAME}),
]
Admin = Annotated[
    int,
    Meta(
        ge=0,
        le=2,
        description="0 normal user, 1 administrator, 2 may only add users and copy logs to USB.",
    ),
]
Switch = Annotated[int, Meta(ge=0, le=1, description="1 on, 0 off.")]
DateTime = Annotated[
    str,
    Meta(
        pattern=r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d" + END,
        description="Local time of the terminal.",
        extra={"expected": "a time as YYYY-MM-DD HH:MM:SS"},
    ),
]
Zone = Annotated[int, Meta(ge=0, le=MOST_ZONE, description="Number of a week zone, from 1; 0 is none.")]


class Person(Command[R], Generic[R]):
    """An order about one person."""

    enrollid: Enrollid

    def subject(self) -> str:
        """Orders about one person are obeyed in the order they were given."""
        return f"user {self.enrollid}"

    def problems(self, profile: Profile) -> Problems:
        """Whether there can be such a person."""
        return person_problems("enrollid", self.enrollid)


def person_problems(field: str, enrollid: int) -> Problems:
    """The number under which terminals report those they don't know is nobody's."""
    if enrollid != UNRECOGNISED:
        return []
    return [(field, f"expected a person; {UNRECOGNISED} stands for everybody the terminal does not know")]


def slot_problems(field: str, backupnum: int) -> Problems:
    """Undefined slots are never sent (protocol §3.1)."""
    return [] if backupnum in _SLOTS else [(field, f"expected {_A_SLOT}")]


def name_problems(field: str, name: Any, most: int = MOST_NAME) -> Problems:
    """A text for a screen is short in bytes and has no control characters; one that was left out is right."""
    if not isinstance(name, str):
        return []
    if len(name.encode()) <= most and not any(ord(letter) < 32 or ord(letter) == 127 for letter in name):
        return []
    return [(field, f"expected text of at most {most} bytes without control characters")]


def time_problems(field: str, text: Any, form: str = WIRE, told: str = "YYYY-MM-DD HH:MM:SS") -> Problems:
    """A time that exists, in just this form; one that was left out is right."""
    if not isinstance(text, str) or is_real(text, form):
        return []
    return [(field, f"expected a time that exists, as {told}")]


def is_real(text: str, form: str) -> bool:
    """Whether a text is a time that exists, written in just this form."""
    try:
        return datetime.strptime(text, form).strftime(form) == text
    except ValueError:
        return False
