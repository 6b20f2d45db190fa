"""One person at one terminal as it is known at this moment, and telling those who watch how far a plan is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from tfserver.model import canonical_sn
from tfserver.person import Held, HeldPerson
from tfserver.store.client import Client
from tfserver.store.people.held_rows import person_at

_ANY: Final = (0,)
"""A person tells by itself which slots are there."""
MOST_EVENTS: Final = 10_000


class Present:
    """What is looked at before each step of a plan, and what is said after some."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def at(
        self, sn: str, enrollid: int, slots: Iterable[int] = ()
    ) -> tuple[HeldPerson | None, dict[int, Held]]:
        """A person at a terminal, and its credentials there by slot; of these ``slots`` also what is on its
        way."""
        name = self._client.keys.holds(sn)
        (row,) = await self._client.read_script("holders", [name], [enrollid, *(slots or _ANY)])
        return person_at(row)

    async def tell(self, plan_id: str, sn: str, counts: dict[str, int]) -> None:
        """Let everybody who watches know how many steps of a plan are in which state at a terminal."""
        told = msgspec.json.encode({"id": plan_id, "sn": canonical_sn(sn), "counts": counts})
        bound = ("MAXLEN", "~", MOST_EVENTS)
        await self._client.write("XADD", self._client.keys.events, *bound, "*", "kind", "sync", "d", told)
