"""What settings are made of."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Text = Annotated[str, Meta(max_length=4096)]
Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0, le=31_536_000)]


class Section(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A part of the configuration."""
