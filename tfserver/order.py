"""An order: one command on its way to one terminal, from the asker to its one end (design §2.2, §2.4)."""

from __future__ import annotations

import enum
from typing import Any, Final, NamedTuple

import msgspec


class Danger(enum.StrEnum):
    """What can go wrong with a command that comes late, twice, or to the wrong terminal (design §2.4)."""

    ORDINARY = "ordinary"
    ONCE = "once"
    DOOR = "door"
    DESTRUCTIVE = "destructive"


class OrderState(enum.StrEnum):
    """Where an order stands; all but the first two are ends."""

    QUEUED = "queued"
    SENT = "sent"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class OrderEvent(enum.StrEnum):
    """What moves an order on."""

    TAKEN = "taken by the owner of the terminal"
    SAID_TRUE = "the terminal said true"
    SAID_FALSE = "the terminal said false"
    NOT_SENT = "certainly not sent, for good"
    PUT_BACK = "certainly not sent, or harmless to try again"
    NOT_LEARNED = "sent, and no answer came"
    UNREADABLE = "it answered what can't be read"
    TOO_LATE = "its seconds are over"
    CANCEL = "somebody took it back"


ORDER_TRANSITIONS: Final[dict[tuple[OrderState, OrderEvent], OrderState]] = {
    (OrderState.QUEUED, OrderEvent.TAKEN): OrderState.SENT,
    (OrderState.QUEUED, OrderEvent.TOO_LATE): OrderState.EXPIRED,
    (OrderState.QUEUED, OrderEvent.NOT_LEARNED): OrderState.UNKNOWN,
    (OrderState.QUEUED, OrderEvent.CANCEL): OrderState.CANCELLED,
    (OrderState.SENT, OrderEvent.SAID_TRUE): OrderState.DONE,
    (OrderState.SENT, OrderEvent.SAID_FALSE): OrderState.REFUSED,
    (OrderState.SENT, OrderEvent.NOT_SENT): OrderState.FAILED,
    (OrderState.SENT, OrderEvent.PUT_BACK): OrderState.QUEUED,
    (OrderState.SENT, OrderEvent.NOT_LEARNED): OrderState.UNKNOWN,
    (OrderState.SENT, OrderEvent.UNREADABLE): OrderState.UNKNOWN,
    (OrderState.SENT, OrderEvent.TOO_LATE): OrderState.EXPIRED,
}
"""The whole life of an order; what is not here does not happen.

One that was sent, not answered and put back is never ``failed`` or ``expired`` afterwards: nobody learned
what came of it.
"""

ENDS: Final = frozenset(OrderState) - {OrderState.QUEUED, OrderState.SENT}


class Life(NamedTuple):
    """How long an order of a class may wait, in seconds."""

    default: int
    least: int
    most: int


LIVES: Final = {
    Danger.DOOR: Life(5, 1, 30),
    Danger.ONCE: Life(300, 1, 3600),
    Danger.DESTRUCTIVE: Life(300, 1, 3600),
    Danger.ORDINARY: Life(86_400, 1, 7 * 86_400),
}


class OrderError(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why an order did not succeed: words for people, and the terminal's own ``reason`` and ``msg``."""

    message: str
    reason: str | int | None = None
    msg: str | None = None


class Order(msgspec.Struct, frozen=True):
    """An order as people see it: the command object of the HTTP API. Instants are RFC 3339.

    No value of ``record``, ``image`` or ``password`` stands in it, only how many bytes there were.
    """

    id: str
    sn: str
    cmd: str
    args: dict[str, Any]
    state: OrderState
    reply: dict[str, Any] | None
    error: OrderError | None
    actor: str
    created: str
    sent: str | None
    finished: str | None
    expires: str
    attempts: int
