"""Settings of the people's side, and of other systems."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from tfserver.config.basics import Count, Seconds, Section, Text


class Web(Section, frozen=True):
    """The people's side."""

    endpoint: Annotated[
        Text, Meta(description="Where the HTTP API listens: a Twisted server endpoint string.")
    ] = "tcp:7789:interface=127.0.0.1"
    cors_origins: Annotated[
        list[Annotated[str, Meta(pattern=r"^https?://[^/\s]+$")]],
        Meta(
            description="Origins whose pages may use the API from a browser, exactly as browsers write them, "
            "e.g. https://hr.example. Empty: none. Never with cookies."
        ),
    ] = msgspec.field(default_factory=list)
    connections: Annotated[
        Count,
        Meta(
            description="Connections of people in this process; one address may have a quarter of them, "
            "except those in limits.exempt and limits.trusted_proxies."
        ),
    ] = 1000
    requests_per_second: Annotated[
        Count,
        Meta(
            description="Requests of one token, in a second, in this process; ten times as many may come at "
            "once. Beyond it the answer is 429."
        ),
    ] = 100
    wrong_tokens: Annotated[
        Count,
        Meta(
            description="Wrong tokens from one address in a minute; beyond it the address has to wait, a "
            "minute at first, an hour at last. Not for limits.exempt."
        ),
    ] = 20
    session_hours: Annotated[
        int,
        Meta(
            description="How long somebody stays signed in at a browser, in hours; an hour without use ends "
            "it as well.",
            ge=1,
            le=8760,
        ),
    ] = 12


class Webhooks(Section, frozen=True):
    """Punches and events sent to other systems (docs/webhooks.md)."""

    allow_private: Annotated[
        bool,
        Meta(
            description="Whether webhooks may lead to loopback, private and link-local addresses, and go "
            "over plain http."
        ),
    ] = False
    most: Annotated[Count, Meta(description="How many webhooks there may be.")] = 100
    seconds: Annotated[
        Seconds, Meta(description="A delivery that is not answered within this long counts as failed.")
    ] = 15.0
    dead_letters: Annotated[
        Count, Meta(description="How many refused messages are kept of one webhook; the oldest go first.")
    ] = 10_000
