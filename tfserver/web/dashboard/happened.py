"""What happened since the last look, as far as open pages show it; never more than a bounded part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from tfserver.store.events import Ends
from tfserver.web.sources import Sources

PAGE: Final = 100
SHOWN: Final = 20
"""Punches of one look that walls show, the newest; nobody reads two hundred rows a second."""


class LivePunch(msgspec.Struct, frozen=True):
    """What a wall shows of a punch."""

    uid: str
    sn: str
    enrollid: int
    kind: str = "punch"
    site: str = ""
    device_time: str = ""
    time: str | None = None
    utc: str | None = None
    received: str = ""
    verify: str | None = None
    clock: str = "ok"
    external_id: str | None = None
    direction: str | None = None
    repeat_of: str | None = None
    event: int = 0
    extra: dict[str, Any] = {}


class _About(msgspec.Struct, frozen=True):
    """Whom an event is about."""

    sn: str = ""


_PUNCH: Final = msgspec.json.Decoder(LivePunch)
_ABOUT: Final = msgspec.json.Decoder(_About)


class Seen(NamedTuple):
    """Punches, oldest first, and other events with their terminal (empty: about none). ``is_cut``: there were
    more events than that. ``is_flood``: there may have been more punches than the first and the newest."""

    punches: Sequence[LivePunch]
    events: Sequence[tuple[str, str]]
    is_cut: bool = False
    is_flood: bool = False

    @property
    def terminals(self) -> list[str]:
        """Terminals that something happened to."""
        return [sn for kind, sn in self.events if kind == "terminal" and sn]

    def kinds(self) -> set[tuple[str, str]]:
        """What happened, to which terminals."""
        return {*self.events, *(("punch", punch.sn) for punch in self.punches)}


class Happened:
    """Reads both feeds from where it read last."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self.ends = Ends("0-0", "0-0")
        """Where it read last."""

    async def begin(self, since: Ends | None = None) -> None:
        """From a place on; from now on without one."""
        self.ends = since or await self._sources.events.ends()

    async def next(self) -> Seen:
        """What is new. Gone when the place is no longer kept; StoreError."""
        punches = await self._sources.feed.page(self.ends.punches, PAGE)
        events = await self._sources.events.page(self.ends.events, PAGE)
        is_flood, is_cut = len(punches) == PAGE, len(events) == PAGE
        ends = await self._sources.events.ends() if is_flood or is_cut else self.ends
        texts = [text for _, text in punches]
        if is_flood:
            texts += reversed(await self._sources.feed.last(SHOWN))
        self.ends = Ends(
            ends.punches if is_flood else punches[-1][0] if punches else self.ends.punches,
            ends.events if is_cut else events[-1].place if events else self.ends.events,
        )
        found = {punch.uid: punch for punch in map(_PUNCH.decode, texts)}
        return Seen(
            [*found.values()],
            [(each.kind, _ABOUT.decode(each.text).sn) for each in events],
            is_cut,
            is_flood,
        )
