"""What outlives a connection: terminals, punches, identities and clocks (design §2.2, §2.3)."""

from __future__ import annotations

import enum
import re
import struct
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

SN_PATTERN: Final = re.compile(r"[A-Za-z0-9._-]{1,32}")
DOOR_ALARMS: Final = {5: "forced open", 6: "tamper", 7: "input alarm"}
"""The ``event`` of a door's record that is an alarm, and what it says (protocol §3.5)."""
UNRECOGNISED: Final = 99_999_999
"""The enrollid of a person that the terminal did not know (protocol §2.2)."""
CAPACITIES: Final = {
    "user": ("usersize", "useduser"),
    "fp": ("fpsize", "usedfp"),
    "card": ("cardsize", "usedcard"),
    "pwd": ("pwdsize", "usedpwd"),
    "face": ("facesize", "usedface"),
    "palm": ("palmsize", "usedpalm"),
    "log": ("logsize", "usedlog"),
}


class Admission(enum.StrEnum):
    """Whether a terminal may talk to us."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    QUARANTINED = "quarantined"


class Clock(enum.StrEnum):
    """How far the time of a punch, or of a terminal, can be trusted."""

    OK = "ok"
    SUSPECT = "suspect"
    UNKNOWN = "unknown"


class Kind(enum.StrEnum):
    """What a log record tells about."""

    PUNCH = "punch"
    DOOR = "door"
    STRANGER = "stranger"


@lru_cache(8192)
def rfc3339(when: datetime) -> str:
    """An aware instant in UTC with milliseconds and ``Z``."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def canonical_sn(sn: str) -> str:
    """The form serial numbers are compared and stored in: no outer spaces, upper case (protocol §1.6)."""
    return sn.strip().upper()


class Identity(msgspec.Struct, frozen=True):
    """What a terminal says it is; pinned at approval."""

    cpusn: str = ""
    mac: str = ""


class ClockEntry(msgspec.Struct, frozen=True, array_like=True):
    """One stretch of a terminal's clock: from ``since`` (UTC, ms) it ran at ``offset`` seconds from UTC.

    ``drift`` is what the clock was ahead of that (ms) when the stretch was last measured.
    """

    since: int
    offset: int
    drift: int = 0


class Direction(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The rule by which a terminal's punches go in or out: ``always`` one way, or by the values of a field.

    Attendance terminals mostly send ``inout`` 0, whatever people do (protocol §3.4): without a rule nothing
    is said.
    """

    always: Literal["in", "out"] | None = None
    field: Literal["inout", "event", "mode"] = "inout"
    into: Annotated[tuple[int, ...], Meta(max_length=100)] = ()
    """Values of the field that mean in."""
    out: Annotated[tuple[int, ...], Meta(max_length=100)] = ()
    """Values of the field that mean out."""

    def of(self, mode: int, inout: int, event: int) -> str | None:
        """``in``, ``out``, or None when the rule says nothing about these values."""
        if self.always is not None:
            return self.always
        value = {"inout": inout, "event": event, "mode": mode}[self.field]
        if value in self.into:
            return "in"
        return "out" if value in self.out else None


class Decided(NamedTuple):
    """What people decided for a terminal, as far as its punches depend on it."""

    site: str = ""
    timezone: str = ""
    model_profile: str = ""
    direction: Direction | None = None


class Registration(msgspec.Struct, frozen=True):
    """All that is known of a terminal at the moment its ``reg`` was admitted."""

    admission: Admission
    site: str = ""
    timezone: str = ""
    model_profile: str = ""
    clock: tuple[ClockEntry, ...] = ()
    echo: int | None = None
    """The offset (s) the terminal brought along, kept until somebody confirms a zone (design §3.4)."""
    orders_wait: bool = False
    """Whether its queue had orders at that moment."""
    dirty: str = ""
    """The day since which records may be missing here; empty when nothing is in doubt."""
    direction: Direction | None = None
    disabled: bool = False
    """Whether it was disabled for local use and has not been enabled again."""


class Capacity(msgspec.Struct, frozen=True):
    """Room for one kind of thing on a terminal."""

    size: int
    used: int
    free: int


class Gap(msgspec.Struct, frozen=True):
    """A time (RFC 3339) of which records may be missing for good, when that was found, and why in words."""

    begin: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")
    found: str
    why: str


class Completeness(msgspec.Struct, frozen=True):
    """Until when everything the terminal recorded is here (RFC 3339), and why not later.

    That holds from the day ``since`` on (the terminal's; None: of all that it had), but for the ``gaps``
    (docs/completeness.md).
    """

    until: str | None = None
    why: str = "not established"
    since: str | None = None
    gaps: tuple[Gap, ...] = ()


class Twins(msgspec.Struct, frozen=True):
    """Two devices under one serial number took the connection from each other: where they are, the one first
    that was heard; and until when (RFC 3339) only one is, for so many seconds."""

    sources: list[str]
    seconds: float
    until: str


class Terminal(msgspec.Struct, frozen=True):
    """One terminal as people see it (design §2.2)."""

    sn: str
    name: str = ""
    site: str = ""
    timezone: str | None = None
    admission: Admission = Admission.PENDING
    online: bool = False
    owner: str | None = None
    connected_at: str | None = None
    last_frame: str | None = None
    last_punch: str | None = None
    clock_offset_ms: int | None = None
    clock: Clock = Clock.UNKNOWN
    devinfo: dict[str, Any] = {}
    capacity: dict[str, Capacity] = {}
    completeness: Completeness = Completeness()
    model_profile: str | None = None
    tags: list[str] = []
    direction: Direction | None = None
    twins: Twins | None = None
    has_path: bool = False
    """It has to connect by a secret path."""


class Punch(msgspec.Struct, omit_defaults=False):
    """One log record with all that was fixed at ingest (design §2.2); ``id`` is its place in the feed."""

    uid: str
    sn: str
    site: str
    kind: Kind
    enrollid: int
    external_id: str | None
    device_time: str
    time: str | None
    utc: str | None
    offset_ms: int | None
    received: str
    mode: int
    verify: str | None
    inout: int
    event: int
    temp: float | None
    clock: Clock
    extra: dict[str, Any]
    direction: str | UnsetType = UNSET
    """``in`` or ``out`` by the rule of the terminal; ``inout`` stays what was sent. Absent without a rule."""
    repeat_of: str | UnsetType = UNSET
    """The ``uid`` of the punch that this one repeats within ``punches.repeat_seconds``."""


SUSPECT_DRIFT_MS: Final = 120_000
"""A clock this far off is not merely late: its records are marked (protocol §7 #16)."""


MOST_COUNT: Final = 2**53
"""Nothing that a terminal counts is more: JSON numbers are exact up to here (RFC 8259 §6)."""


def capacities(devinfo: dict[str, Any]) -> dict[str, Capacity]:
    """Size, used and free by kind, for the kinds the terminal reported a size of."""
    found: dict[str, Capacity] = {}
    for kind, (size_key, used_key) in CAPACITIES.items():
        size, used = _count(devinfo.get(size_key)), _count(devinfo.get(used_key)) or 0
        if size is not None:
            found[kind] = Capacity(size, used, max(0, size - used))
    return found


def _count(value: object) -> int | None:
    """What a terminal counted; None for what no terminal counts to, and nobody can divide by."""
    if isinstance(value, str) and value.strip().isdecimal() and len(value) <= 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MOST_COUNT else None


def punch_uid(sn: str, enrollid: int, when: str, mode: int, inout: int, event: int) -> tuple[str, int]:
    """The identity of a punch for ever, and its short form for the set of known punches (design §2.3).

    ``sn`` is canonical; ``when`` is ``YYYY-MM-DD HH:MM:SS``, or the raw text if it could not be parsed.
    Returns 128 bits in hex and the first 64 of them as a signed integer: Lua's numbers are doubles, so it
    travels as decimal text.
    """
    key = f"{sn}|{enrollid}|{when}|{mode}|{inout}|{event}"
    digest = sha256(key.encode("utf-8", "surrogatepass")).digest()
    return digest[:16].hex(), _FIRST_64(digest)[0]


_FIRST_64: Final = struct.Struct(">q").unpack_from


def sighting_of(member: int, logindex: int) -> int:
    """A punch under one ``logindex``, as a signed 64-bit integer: for a punch each index has its own."""
    return member ^ logindex


_SPECIAL: Final = {0: Kind.DOOR, UNRECOGNISED: Kind.STRANGER}
_PUNCH: Final = Kind.PUNCH


def kind_of_record(enrollid: int) -> Kind:
    """Tell people from door events (enrollid 0) and unrecognised ones (protocol §2.2, §3.5)."""
    return _SPECIAL.get(enrollid, _PUNCH)
