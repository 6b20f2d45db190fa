"""Messages that are long because of pictures: they are refused unread while punches need all there is."""

from __future__ import annotations

from typing import Final

from tfserver.commands.context import Services
from tfserver.config import Images
from tfserver.wire.session import Session, Tell

HEAVY_BYTES: Final = 64 * 1024
"""Pictures are that long, and user records with them; batches of punches are not."""
_ALL_BUT: Final = frozenset({"reg"})
_ALL_BUT_PUNCHES: Final = _ALL_BUT | {"sendlog"}


def put_off(payload: bytes, session: Session, services: Services) -> list[Tell] | None:
    """Refuse it if it is heavy and can't be afforded now; None: receive it. A punch is kept without its
    picture, and then never heavy; where pictures are kept too it has to wait for them."""
    if len(payload) <= HEAVY_BYTES or not services.pressure.is_high:
        return None
    is_dropped = services.settings.punches.images is Images.DROP
    told = session.put_off(payload, _ALL_BUT_PUNCHES if is_dropped else _ALL_BUT)
    services.metrics.yielded["heavy message"] += told is not None
    return told
