"""Settings about people on terminals (docs/people.md)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from tfserver.config.basics import Count, Seconds, Section


class People(Section, frozen=True):
    """The directory, and how it gets to the terminals."""

    adopt: Annotated[
        bool,
        Meta(
            description="Whether people that terminals push, or tell when asked, enter the directory. "
            "Without it they are only kept as that terminal has them."
        ),
    ] = True
    fresh_seconds: Annotated[
        Seconds, Meta(description="A plan takes what a terminal told this long ago for what it has now.")
    ] = 3600.0
    at_once: Annotated[Count, Meta(description="How many terminals a process works on at the same time.")] = (
        50
    )
    orders_ahead: Annotated[
        Count, Meta(description="How many orders of a plan wait for one terminal at the same time.")
    ] = 4
    attempts: Annotated[
        Count,
        Meta(
            description="How often something is put on a terminal that said true and did not keep it, or did "
            "not answer; then it counts as failed."
        ),
    ] = 3
    plan_hours: Annotated[
        Count, Meta(description="A plan that was not applied is forgotten after this long.")
    ] = 24
    report_days: Annotated[
        Count, Meta(description="How long reports of applied plans, imports and enrolments are kept.")
    ] = 90
    converge_seconds: Annotated[
        Seconds,
        Meta(description="How often terminals of continuous groups are compared with the directory."),
    ] = 300.0
    reread_hours: Annotated[
        Count, Meta(description="How often their lists are read again, to find what changed there.")
    ] = 24
