"""Settings of the terminals' side."""

from __future__ import annotations

import enum
from typing import Annotated

import msgspec
from msgspec import Meta

from tfserver.config.basics import Count, Seconds, Section, Text


class AdmissionPolicy(enum.StrEnum):
    """Who decides about a terminal that is not known yet."""

    APPROVE = "approve"
    OPEN = "open"
    ALLOWLIST = "allowlist"


class Access(enum.StrEnum):
    """What a terminal in server-approval mode is told about a live punch."""

    NONE = "none"
    KNOWN = "known"
    DENY = "deny"


class Images(enum.StrEnum):
    """What happens to a picture that comes with a punch."""

    DROP = "drop"
    KEEP = "keep"


class Terminals(Section, frozen=True):
    """The terminals' side."""

    endpoints: Annotated[
        list[str],
        Meta(
            description="Where terminals connect: Twisted server endpoint strings. Without backlog= 4096 "
            "connections may wait to be taken, or what net.core.somaxconn allows if that is less.",
            min_length=1,
        ),
    ] = msgspec.field(default_factory=lambda: ["tcp:7788"])
    timezone: Annotated[
        Text,
        Meta(
            description="IANA zone of terminals without one of their own; empty is the zone of this machine."
        ),
    ] = ""
    nosenduser: Annotated[
        bool, Meta(description="Tell terminals not to push users that are enrolled at the keypad.")
    ] = False
    ping_seconds: Annotated[Seconds, Meta(description="A silent terminal is pinged after this long.")] = 30.0
    silence_seconds: Annotated[
        Seconds, Meta(description="A terminal that does not answer a ping for this long is cut off.")
    ] = 60.0
    access: Annotated[
        Access,
        Meta(
            description="What terminals in server-approval mode are told about a live punch: nothing, "
            "yes for users we know, or no. Never sent for a backlog."
        ),
    ] = Access.NONE


class Admission(Section, frozen=True):
    """Who may talk to us."""

    policy: Annotated[
        AdmissionPolicy,
        Meta(
            description="approve: unknown terminals wait for approval; open: they are approved at once; "
            "allowlist: only the listed serial numbers."
        ),
    ] = AdmissionPolicy.APPROVE
    allowlist: Annotated[list[str], Meta(description="Serial numbers for the policy allowlist.")] = (
        msgspec.field(default_factory=list)
    )
    networks: Annotated[
        dict[str, list[str]],
        Meta(
            description="By site: the networks its terminals come from. One that comes from elsewhere is "
            "refused; a site that is not named takes any. The empty name is for terminals without a site."
        ),
    ] = msgspec.field(default_factory=dict)
    twins_seconds: Annotated[
        Seconds,
        Meta(
            description="When two devices under one serial number take the connection from each other again "
            "and again, only the present one is heard for this long, then twice as long, up to an hour."
        ),
    ] = 60.0
    most_pending: Annotated[
        Count, Meta(description="How many terminals may wait for approval; more are refused unremembered.")
    ] = 1000


class Punches(Section, frozen=True):
    """What is kept of punches."""

    dedupe_days: Annotated[Count, Meta(description="How long a punch is remembered as known.")] = 45
    images: Annotated[
        Images, Meta(description="Pictures that come with punches: dropped, or kept for image_hours.")
    ] = Images.DROP
    image_hours: Annotated[Count, Meta(description="Life of a kept picture, in hours.")] = 24
    repeat_seconds: Annotated[
        int,
        Meta(
            description="A punch of a person within so many seconds after one at the same terminal is marked "
            "with repeat_of, and kept. 0: none is marked.",
            ge=0,
            le=3600,
        ),
    ] = 0
    quarantine: Annotated[
        Count,
        Meta(
            description="How many unreadable records are kept, a quarter of them (at least 100) of one "
            "terminal; beyond it nothing is acknowledged."
        ),
    ] = 10_000


class Orders(Section, frozen=True):
    """Commands on their way to terminals."""

    most_open: Annotated[
        Count, Meta(description="Orders that may wait for one terminal, and 10 more for doors.")
    ] = 1000
    most_ended: Annotated[Count, Meta(description="Ended orders that are kept of one terminal.")] = 200
    days: Annotated[Count, Meta(description="How long an ended order is kept.")] = 30
    disabled_seconds: Annotated[
        Seconds,
        Meta(description="A terminal that was disabled is enabled again after this long, or on reconnect."),
    ] = 600.0


class CatchUp(Section, frozen=True):
    """Fetching what terminals did not push."""

    enabled: Annotated[
        bool, Meta(description="Whether missed punches are fetched after a reg and on a timer.")
    ] = True
    after_seconds: Annotated[
        Seconds, Meta(description="How long after its reg, and its last push, a terminal is asked.")
    ] = 15.0
    every_seconds: Annotated[Seconds, Meta(description="How often a connected terminal is asked.")] = 3600.0
    at_once: Annotated[Count, Meta(description="How many terminals are asked at the same time.")] = 20
    first_days: Annotated[
        Count, Meta(description="How many days back a terminal is read that was never read before.")
    ] = 7
    drift_seconds: Annotated[
        Seconds, Meta(description="A clock that is found further off than this is set.")
    ] = 5.0


class ModelProfile(Section, frozen=True):
    """What a kind of terminal can do, where that is not what the documents say."""

    allow: frozenset[str] = frozenset()
    """Experimental commands that may be sent."""
    most_photo_bytes: Annotated[int, Meta(ge=1, le=4_000_000)] = 150_000
    sn_in_commands: bool = False
    silent: frozenset[str] = frozenset()
    """Commands that are never answered, so that nobody waits for them."""
    verify: dict[int, str] = {}
    """What each ``mode`` of its log records means, in the place of what the documents say."""
