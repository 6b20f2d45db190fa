"""The one table of ``backupnum``: what a slot holds, what it is called, how it is checked (protocol §3.1)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final


class Kind(enum.StrEnum):
    """The capacity a credential takes on a terminal: the prefix of ``…size`` and ``used…`` in ``devinfo``."""

    FINGERPRINT = "fp"
    PASSWORD = "pwd"
    CARD = "card"
    FACE = "face"
    PALM = "palm"
    UNKNOWN = "unknown"


class Content(enum.StrEnum):
    """What ``record`` holds for a slot (protocol §2.2)."""

    TEMPLATE = "opaque template"
    NUMBER = "number"
    PHOTO = "base64 JPEG"


@dataclass(frozen=True, slots=True)
class Slots:
    """A run of backup numbers that mean the same; both ends belong to it."""

    first: int
    last: int
    label: str
    kind: Kind
    content: Content


TABLE: Final = (
    Slots(0, 9, "fingerprint", Kind.FINGERPRINT, Content.TEMPLATE),
    Slots(10, 10, "password", Kind.PASSWORD, Content.NUMBER),
    Slots(11, 11, "card", Kind.CARD, Content.NUMBER),
    Slots(20, 27, "face template", Kind.FACE, Content.TEMPLATE),
    Slots(30, 37, "palm template", Kind.PALM, Content.TEMPLATE),
    Slots(40, 41, "palm vein", Kind.PALM, Content.TEMPLATE),
    Slots(50, 50, "photo", Kind.FACE, Content.PHOTO),
    Slots(51, 51, "face feature", Kind.FACE, Content.TEMPLATE),
)

PASSWORD: Final = 10
CARD: Final = 11
PHOTO: Final = 50
ALL_FINGERPRINTS: Final = 12
"""Only in ``deleteuser``."""
WHOLE_USER: Final = 13
"""Only in ``deleteuser``."""

MAX_PASSWORD: Final = 99_999_999
MAX_CARD: Final = 2**32 - 1

_BY_NUMBER: Final = {n: slots for slots in TABLE for n in range(slots.first, slots.last + 1)}


def slots_of(backupnum: int) -> Slots | None:
    """The row a backup number belongs to, or None for one that nobody has defined."""
    return _BY_NUMBER.get(backupnum)


def label_of(backupnum: int) -> str:
    """Name a slot for people, e.g. ``fingerprint 3``; undefined ones keep their number."""
    slots = slots_of(backupnum)
    if slots is None:
        return f"backupnum {backupnum}"
    return slots.label if slots.first == slots.last else f"{slots.label} {backupnum - slots.first}"


def kind_of(backupnum: int) -> Kind:
    """The capacity a slot counts against."""
    slots = slots_of(backupnum)
    return slots.kind if slots else Kind.UNKNOWN


def is_bare(backupnum: int, record: str) -> bool:
    """Whether a pushed user carries no credential at all: an empty record or ``0`` (protocol §3.1 b)."""
    return record == "" or (record == "0" and kind_of(backupnum) is not Kind.PASSWORD)


def problem_with(backupnum: int, record: str) -> str | None:
    """Say why a record can't be a credential of this slot, or None when it can.

    Templates are opaque and only have to be ASCII; numbers obey the ranges of protocol §2.2.
    """
    slots = slots_of(backupnum)
    if slots is None:
        return None
    if slots.content is Content.NUMBER:
        most = MAX_PASSWORD if slots.kind is Kind.PASSWORD else MAX_CARD
        if not (record.isascii() and record.isdigit() and len(record) <= 20 and int(record) <= most):
            return f"a {slots.label} is a number from 0 to {most}"
        return None
    return None if record.isascii() else f"a {slots.label} is ASCII text"
