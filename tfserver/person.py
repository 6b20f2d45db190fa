"""People as the directory knows them, and what terminals hold of them (design §2.2; docs/people.md)."""

from __future__ import annotations

import enum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from tfserver.credentials import Kind, kind_of

MOST_GROUPS: Final = 20
"""Groups that one person is in."""
GROUP_NAME: Final = r"^[A-Za-z0-9._-]{1,64}$(?!\n)"
LOCAL_TIME: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2})?$(?!\n)"
NO_END: Final = "2099-12-31 23:59:00"
"""What ``endtime`` says for a person without an end (protocol §5.4)."""

Zone = Annotated[int, Meta(ge=0, le=255)]
GroupName = Annotated[str, Meta(pattern=GROUP_NAME)]
LocalTime = Annotated[str, Meta(pattern=LOCAL_TIME)]


UNSURE: Final = "?"
"""The version of a credential of which nobody knows any more which one it is: an order that changes it had no
answer (outbox/1_unsure.lua). It is no version of any."""


class Proof(enum.StrEnum):
    """How far it is proven that a terminal has a credential, from the weakest to the strongest."""

    KNOWN = "known"
    """The directory has it, the terminal was not told."""
    SENT = "sent"
    LISTED = "listed"
    """The terminal lists it; what stands in it was not read."""
    ACCEPTED = "accepted"
    """The terminal said true."""
    READ = "read"
    """Read back, or pushed by the terminal: what stands in it is known."""
    RECOGNISED = "recognised"
    """Somebody passed with it."""


class Access(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When and with whom somebody may pass: numbers of week zones and of the lock group, 0 none."""

    weekzone: Zone = 0
    weekzone2: Zone = 0
    weekzone3: Zone = 0
    weekzone4: Zone = 0
    group: Zone = 0


class Validity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From when until when, in the terminal's local time, both included; None is without that bound."""

    begin: LocalTime | None = msgspec.field(name="from", default=None)
    end: LocalTime | None = msgspec.field(name="until", default=None)


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One person of the directory. ``source`` is ``api``, ``import`` or the terminal it came from;
    ``version`` grows with every change of the person."""

    enrollid: int
    name: str = ""
    external_id: str | None = None
    admin: int = 0
    validity: Validity = Validity()
    access: Access | None = None
    """None: that of the groups."""
    groups: tuple[str, ...] = ()
    note: str = ""
    source: str = "api"
    created: str = ""
    changed: str = ""
    version: int = 0
    was: str = ""
    """The name before people gave it another one, folded: terminals that have it are only behind."""


class Made(msgspec.Struct, frozen=True):
    """Where a credential was made: a template fits only terminals of the same algorithm. ``sn`` is empty for
    one that came over HTTP."""

    sn: str = ""
    model: str = ""
    firmware: str = ""
    fpalgo: str = ""
    at: str = ""


class Credential(msgspec.Struct, frozen=True):
    """A credential of the directory without what is in it. ``version`` is the same for the same record."""

    backupnum: int
    version: str
    made: Made
    bytes: int = 0

    @property
    def kind(self) -> Kind:
        """The capacity it takes on a terminal."""
        return kind_of(self.backupnum)


class Collision(msgspec.Struct, frozen=True):
    """A terminal has another person under this number than the directory, or another credential in a slot.

    ``what`` is ``name`` or the slot's label; ``theirs`` and ``ours`` are names, never credentials.
    """

    sn: str
    what: str
    ours: str
    theirs: str
    at: str


class Known(msgspec.Struct, frozen=True):
    """A person with all that the directory has of it."""

    person: Person
    credentials: tuple[Credential, ...] = ()
    collisions: tuple[Collision, ...] = ()


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Which terminals its people belong on: those at one of the sites, with one of the tags, or named; with
    ``everywhere`` all. ``access`` is for people who have none of their own; they may pass while their own
    ``validity`` and the group's allow it. A ``continuous`` group is kept as it is to be, without anybody
    applying a plan."""

    name: str
    title: str = ""
    sites: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    terminals: tuple[str, ...] = ()
    everywhere: bool = False
    access: Access | None = None
    validity: Validity = Validity()
    continuous: bool = False
    version: int = 0


class Held(msgspec.Struct, frozen=True, array_like=True):
    """One credential as a terminal has it, as far as is known. ``version`` is empty when what stands in it is
    not known; ``at`` (ms) is when that was learned, ``recognised`` the last day somebody passed with it."""

    proof: Proof
    version: str = ""
    at: int = 0
    recognised: str = ""


class HeldPerson(msgspec.Struct, frozen=True, array_like=True):
    """One person as a terminal has it. ``ours``: put there by this server. Name and admin are None, and
    ``lock`` (the digest of its access and validity) empty, while they are not known. ``seen`` is the last
    day that it passed there."""

    ours: bool = False
    name: str | None = None
    admin: int | None = None
    lock: str = ""
    seen: str = ""


class Reading(msgspec.Struct, frozen=True):
    """The last time that a terminal's whole list was read: when (ms), and what was in it."""

    at: int
    people: int
    credentials: int


class Holding(msgspec.Struct, frozen=True):
    """All that a terminal has, as far as is known. ``credentials`` by ``(enrollid, backupnum)``. Without a
    ``reading`` there may be more."""

    sn: str
    reading: Reading | None = None
    people: dict[int, HeldPerson] = {}
    credentials: dict[tuple[int, int], Held] = {}
