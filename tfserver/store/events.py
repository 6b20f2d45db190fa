"""What happens, for those who watch: orders and terminals that changed, and where the feeds end now.

The scripts that change something write the events; this only reads them.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from tfserver.errors import Gone
from tfserver.store.client import Client

BEGINNING: Final = "0-0"


class Event(NamedTuple):
    """Something that happened: its place, ``command`` or ``terminal``, and JSON that tells what."""

    place: str
    kind: str
    text: str


class Ends(NamedTuple):
    """The places of the last punch and of the last event there were."""

    punches: str
    events: str


def is_behind(one: Ends, other: Ends) -> bool:
    """Whether there was something between one place and another that is not before it."""
    return _place(one.punches) < _place(other.punches) or _place(one.events) < _place(other.events)


class Events:
    """The stream of events."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def ends(self) -> Ends:
        """Where somebody stands who has seen everything so far."""
        keys = self._client.keys
        punches = await self._end(keys.punches)
        if punches == BEGINNING:
            # all of them may have been trimmed
            punches = await self._client.read("HGET", keys.archived, "place") or BEGINNING
        return Ends(punches, await self._end(keys.events))

    async def page(self, after: str, limit: int) -> list[Event]:
        """Up to ``limit`` events behind a place. Raises Gone when events behind it are not kept any more."""
        name = self._client.keys.events
        found = await self._client.read("XRANGE", name, after, "+", "COUNT", limit + 1)
        if found and found[0][0] == after:
            found = found[1:]
        elif after != BEGINNING and _place(after) < _place(await self._end(name)):
            raise Gone(f"events behind {after} are no longer kept")
        return [_event(place, fields) for place, fields in found[:limit]]

    async def _end(self, name: str) -> str:
        found = await self._client.read("XREVRANGE", name, "+", "-", "COUNT", 1)
        return found[0][0] if found else BEGINNING


def _event(place: str, flat: list[str]) -> Event:
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    return Event(place, fields["kind"], fields["d"])


def _place(text: str) -> tuple[int, int]:
    ms, _, number = text.partition("-")
    return int(ms), int(number or 0)
