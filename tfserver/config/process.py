"""Settings of one process: its bounds, and its short cuts."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from tfserver.config.basics import Count, Seconds, Section


class LimitSettings(Section, frozen=True):
    """Bounds against floods."""

    connections: Annotated[
        Count,
        Meta(
            description="Connections of terminals in this process. Each needs an open file: the start raises "
            "the soft limit as far as the hard one allows, and warns where that is too low."
        ),
    ] = 50_000
    per_address: Annotated[Count, Meta(description="Connections of terminals from one address.")] = 10_000
    exempt: Annotated[
        list[str], Meta(description="Networks without a bound per address, e.g. the load balancer's.")
    ] = msgspec.field(default_factory=lambda: ["127.0.0.0/8", "::1/128"])
    reg_seconds: Annotated[
        Seconds, Meta(description="A connection without a reg is closed after this long.")
    ] = 60.0
    refused_seconds: Annotated[
        Seconds, Meta(description="A refused terminal's connection is closed after this long.")
    ] = 60.0
    drain_seconds: Annotated[
        Seconds, Meta(description="How long a stop waits for answers that are under way.")
    ] = 10.0


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
