"""Who did what, to which terminal, and what came of it: a capped stream (design §2.2).

``tfserver/store/scripts/outbox`` writes the orders and the ends of orders into the same stream.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from tfserver import privacy
from tfserver.model import canonical_sn, rfc3339
from tfserver.store.client import Client

MOST_RECORDS: Final = 100_000
MOST_ARGS: Final = 4096
NEWEST: Final = "+"
_BEGINNINGS: Final = ("0", "0-0")
"""Nothing is before these, and Redis refuses to look."""


class AuditRecord(msgspec.Struct, frozen=True):
    """One thing that somebody did or tried to do. ``id`` is its place, ``at`` the store's time."""

    id: str
    at: str
    actor: str
    what: str
    sn: str
    outcome: str
    detail: dict[str, Any]


def ordered(order_id: str, actor: str, cmd: str, sn: str, shown: dict[str, Any]) -> bytes:
    """What is recorded of an order that is put, but for how it stands: its script adds that. Nothing takes it
    out again, so of a person there is the number, and no name or other text."""
    args = msgspec.json.encode(privacy.of_nobody(shown))
    detail = {
        "order": order_id,
        "args": msgspec.Raw(args) if len(args) <= MOST_ARGS else {"bytes": len(args)},
    }
    return msgspec.json.encode({"actor": actor, "what": cmd, "sn": sn, "detail": detail})


class Audit:
    """The records of all processes."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def write(self, actor: str, what: str, sn: str, outcome: str, detail: dict[str, Any]) -> None:
        """Add a record; the oldest go when there are too many."""
        told = {"actor": actor, "what": what, "sn": canonical_sn(sn), "outcome": outcome, "detail": detail}
        bound = ("MAXLEN", "~", MOST_RECORDS)
        await self._client.write("XADD", self._client.keys.audit, *bound, "*", "a", msgspec.json.encode(told))

    async def page(self, before: str, since_ms: int, limit: int) -> list[AuditRecord]:
        """Up to ``limit`` records that are older than the place ``before``, newest first, none before
        ``since_ms``. ``NEWEST`` is the place before which all are."""
        if before in _BEGINNINGS:
            return []
        end = before if before == NEWEST else f"({before}"
        found = await self._client.read("XREVRANGE", self._client.keys.audit, end, since_ms, "COUNT", limit)
        return [_record(place, dict(zip(entry[::2], entry[1::2], strict=True))) for place, entry in found]


def _record(place: str, fields: dict[str, str]) -> AuditRecord:
    told = msgspec.json.decode(fields["a"])
    at = rfc3339(datetime.fromtimestamp(int(place.partition("-")[0]) / 1000, UTC))
    actor, what, sn, outcome = (str(told.get(name) or "") for name in ("actor", "what", "sn", "outcome"))
    # a script's empty table may be read as a list
    return AuditRecord(place, at, actor, what, sn, outcome, told.get("detail") or {})
