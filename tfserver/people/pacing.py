"""How fast a terminal does what plans order, learned from what it did last."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from tfserver.credentials import PHOTO
from tfserver.order import Order, OrderState
from tfserver.people.numbering import PHOTO_SECONDS, SECONDS
from tfserver.plan import Op

ORDERS: Final = 30
"""The newest of a terminal are looked at."""
LEAST_ORDERS: Final = 5
"""Fewer tell nothing: then it is taken to be like others."""
SLOWEST: Final = 20.0
FASTEST: Final = 0.05
_OPS: Final = {
    "deleteuser": Op.REMOVE,
    "getuserinfo": Op.CHECK,
    "setuserinfo": Op.CREDENTIAL,
    "setusername": Op.NAME,
    "setuserlock": Op.LOCK,
    "deleteuserlock": Op.UNLOCK,
}


def pace_of(orders: Iterable[Order]) -> float:
    """How many times as long as others a terminal took from the moment it was told until it said true; 1.0
    while too little is known. An order that was told several times says nothing: it waited for a silence."""
    found = [
        (_seconds(order.sent, order.finished), _usual(order))
        for order in orders
        if order.state is OrderState.DONE and order.attempts == 1 and order.cmd in _OPS
    ]
    taken = [(took, usual) for took, usual in found if took is not None]
    if len(taken) < LEAST_ORDERS:
        return 1.0
    pace = sum(took for took, _ in taken) / sum(usual for _, usual in taken)
    return min(SLOWEST, max(FASTEST, pace))


def _usual(order: Order) -> float:
    is_photo = order.cmd == "setuserinfo" and order.args.get("backupnum") == PHOTO
    return PHOTO_SECONDS if is_photo else SECONDS[_OPS[order.cmd]]


def _seconds(sent: str | None, finished: str | None) -> float | None:
    if sent is None or finished is None:
        return None
    return max(0.0, (datetime.fromisoformat(finished) - datetime.fromisoformat(sent)).total_seconds())
