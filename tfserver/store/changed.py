"""What a terminal said otherwise than before when it registered: other firmware, another model or board.

``registry.lua`` keeps the last ones in the terminal's entry, as long as the terminal is known.
"""

from __future__ import annotations

from typing import Final

import msgspec


class Change(msgspec.Struct, frozen=True):
    """One field: when it became different (UTC, ms), and what the terminal said before and after."""

    at: int
    name: str
    before: str
    after: str


CHANGES: Final = msgspec.json.Decoder(list[Change])
"""The newest last."""
