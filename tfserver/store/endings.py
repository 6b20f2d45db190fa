"""What the wake-up of an ended order tells of its end, so that who waits need not look.

``tfserver/store/scripts/outbox`` says it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from tfserver.model import rfc3339
from tfserver.order import Order, OrderError, OrderState

WORD: Final = "ended "


class _Ending(msgspec.Struct, frozen=True):
    state: OrderState
    finished: int
    attempts: int
    sent: int | None = None
    reply: dict[str, Any] | None = None
    error: OrderError | None = None


def read_ending(message: str) -> tuple[str, str]:
    """The id of the order that a wake-up names, and what it tells of the end; nothing when that was long."""
    order_id, _, told = message.removeprefix(WORD).partition(" ")
    return order_id, told


def ended_as(made: Order, told: str) -> Order | None:
    """The order that was ``made``, as it has ended by what was told; None when one has to look."""
    try:
        ending = msgspec.json.decode(told, type=_Ending)
    except (msgspec.MsgspecError, UnicodeError):
        return None
    return msgspec.structs.replace(
        made,
        state=ending.state,
        reply=ending.reply,
        error=ending.error,
        sent=None if ending.sent is None else _time(ending.sent),
        finished=_time(ending.finished),
        attempts=ending.attempts,
    )


def _time(ms: int) -> str:
    return rfc3339(datetime.fromtimestamp(ms / 1000, UTC))
