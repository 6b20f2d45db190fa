"""Settings about how long what is known of people is kept (docs/people.md)."""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta

from tfserver.config.basics import Count, Section

Days = Annotated[int, Meta(ge=0, le=36_500)]
"""0: without an end."""


class StrangerImages(enum.StrEnum):
    """What happens to a picture of somebody whom a terminal did not recognise."""

    DROP = "drop"
    KEEP = "keep"


class Privacy(Section, frozen=True):
    """How long what is known of people is kept, kind by kind."""

    stranger_images: Annotated[
        StrangerImages,
        Meta(
            description="Pictures of people whom a terminal did not recognise: dropped, whatever "
            "punches.images says, or kept for punches.image_hours."
        ),
    ] = StrangerImages.DROP
    pushed_days: Annotated[
        Days,
        Meta(
            description="How many days what terminals told of people who are not in the directory is kept "
            "after they told it last; snapshots lose these people too. 0: for ever. With terminals.access: "
            "known and people.adopt: false they are not let in any more."
        ),
    ] = 0
    erase_expired_days: Annotated[
        Days,
        Meta(
            description="How many days after the end of somebody's validity that person is erased, here and "
            "at all terminals. 0: never by itself; GET /api/v1/erasures/due lists them."
        ),
    ] = 0
    audit_days: Annotated[
        Days, Meta(description="How many days it is kept who did what. 0: the newest 100,000 records.")
    ] = 0
    report_days: Annotated[
        Count, Meta(description="How many days reports of erasures that are over are kept.")
    ] = 3650
    tombstone_days: Annotated[
        Count,
        Meta(
            description="How many days after an erasure no terminal brings that number back; whoever puts it "
            "into the directory may."
        ),
    ] = 365
