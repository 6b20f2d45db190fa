"""Which punches are meant. No SQL here: who asks need not know any."""

from __future__ import annotations

from typing import Final

import msgspec

from tfserver.model import Clock


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """All of what is given has to fit; what is empty or None fits everything.

    ``sn`` is canonical; ``sites`` are those that the asker may see; the bounds are half-open, on ``utc`` in
    milliseconds, and what has no instant is in no interval; unless ``by_received`` lets that count by when
    it came.
    """

    sn: str = ""
    enrollid: int | None = None
    site: str = ""
    sites: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    since_ms: int | None = None
    until_ms: int | None = None
    clocks: tuple[str, ...] = ()
    by_received: bool = False
    repeats: bool = False
    """Only those that repeat another within moments: double taps."""

    @property
    def is_doubted(self) -> bool:
        """Whether only punches are meant whose time is in doubt."""
        return bool(self.clocks) and Clock.OK not in self.clocks


EVERYTHING: Final = Filter()
