"""Settings of one process: its bounds, its short cuts, and what it tells."""

from __future__ import annotations

import enum
from typing import Annotated

import msgspec
from msgspec import Meta

from tfserver.config.basics import Count, Seconds, Section


class LogFormat(enum.StrEnum):
    """How the log is written."""

    TEXT = "text"
    JSON = "json"


class LimitSettings(Section, frozen=True):
    """Bounds against floods."""

    connections: Annotated[
        Count,
        Meta(
            description="Connections of terminals in this process. Each needs an open file: the start raises "
            "the soft limit as far as the hard one allows, and warns where that is too low."
        ),
    ] = 50_000
    per_address: Annotated[
        Count,
        Meta(description="Connections of terminals from one address (IPv6: one network of 64 bits)."),
    ] = 10_000
    exempt: Annotated[
        list[str],
        Meta(description="Networks without bounds per address, e.g. of a site with many terminals."),
    ] = msgspec.field(default_factory=lambda: ["127.0.0.0/8", "::1/128"])
    trusted_proxies: Annotated[
        list[str],
        Meta(
            description="Networks of load balancers: only from them are the PROXY protocol (endpoints that "
            "begin with haproxy:), X-Forwarded-For and X-Forwarded-Proto believed. 'unix:' stands for those "
            "that come by a Unix socket."
        ),
    ] = msgspec.field(default_factory=list)
    handshakes_per_second: Annotated[
        Count,
        Meta(
            description="New connections of terminals from one address (IPv6: one network of 64 bits), in a "
            "second; ten times as many may come at once, or be unfinished."
        ),
    ] = 100
    messages_per_second: Annotated[
        Count,
        Meta(
            description="Messages of one connection, in a second, each 16 KiB counting as one; ten times as "
            "many may come at once. Beyond it the connection is read from more slowly."
        ),
    ] = 200
    registrations_at_once: Annotated[
        Count,
        Meta(
            description="Registrations that wait for the store at the same time in this process; beyond it "
            "new connections are taken later."
        ),
    ] = 500
    memory_mb: Annotated[
        Count,
        Meta(
            description="Memory that this process may have, in MiB: from 80 % on users and exports wait, at "
            "95 % new connections are refused and those that hold most unfinished bytes are cut; punches "
            "go first. Measured on Linux only."
        ),
    ] = 2048
    unread_seconds: Annotated[
        Seconds, Meta(description="A terminal that does not read its answers for this long is cut off.")
    ] = 30.0
    message_seconds: Annotated[
        Seconds, Meta(description="A message that was begun has to be whole within this long.")
    ] = 60.0
    reg_seconds: Annotated[
        Seconds, Meta(description="A connection without a reg is closed after this long.")
    ] = 60.0
    refused_seconds: Annotated[
        Seconds, Meta(description="A refused terminal's connection is closed after this long.")
    ] = 60.0
    drain_seconds: Annotated[
        float,
        Meta(
            description="How long a stop waits for what is in flight with a terminal when its turn to be let "
            "go has come.",
            ge=0,
            le=600,
        ),
    ] = 10.0
    spread_seconds: Annotated[
        float,
        Meta(
            description="Over how long a stop lets its terminals go, so that they don't all come to the "
            "other processes at once; at least 100 a second go, so that few terminals take no time.",
            ge=0,
            le=600,
        ),
    ] = 5.0


class Fast(Section, frozen=True):
    """Short cuts through the libraries for what terminals really send (docs/performance.md)."""

    receive: Annotated[
        bool, Meta(description="Whole frames go straight to the message; others take Autobahn's way.")
    ] = True
    send: Annotated[bool, Meta(description="A message is one frame and one write.")] = True
    direct: Annotated[
        bool,
        Meta(
            description="What is read and sent passes by Twisted's buffers when they are empty (plain TCP)."
        ),
    ] = True
    handshake: Annotated[
        bool, Meta(description="The plain upgrade of terminals is answered in one step.")
    ] = True
    lean: Annotated[
        bool, Meta(description="Connections carry no statistics, futures and copied options (plain TCP).")
    ] = True
    dispatch: Annotated[
        bool, Meta(description="The epoll reactor makes no log context for each event of a socket.")
    ] = True
    plain: Annotated[
        bool,
        Meta(
            description="A ``sendlog`` exactly as documented is read and answered without a step in between."
        ),
    ] = True


class Log(Section, frozen=True):
    """What the process tells of its work."""

    format: Annotated[
        LogFormat,
        Meta(description="text: lines for people; json: an object a line, with sn and command id."),
    ] = LogFormat.TEXT
    recorder_frames: Annotated[
        int,
        Meta(
            description="How many of the last messages of each terminal are remembered for 'doctor', without "
            "what is private. 0: none.",
            ge=0,
            le=1000,
        ),
    ] = 20
