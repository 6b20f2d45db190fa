"""How orders stand, in plain words, and the exit status that goes with it."""

from __future__ import annotations

from typing import Any, Final

from tfserver.cli.outcome import DONE, NOT_ENDED, REFUSED
from tfserver.cli.output import Column, Row, clean, flat

OPEN: Final = ("queued", "sent")
_WORDS: Final = {
    "queued": "waits in the queue until {expires} at the latest",
    "sent": "was sent, and no answer has come yet; it ends at {expires} at the latest",
    "done": "done",
    "refused": "the terminal refused",
    "failed": "failed, and certainly did not happen",
    "unknown": "was sent, but what came of it is not known: look at the terminal before you order it again",
    "expired": "expired: its time was over before it could be carried out",
    "cancelled": "cancelled, and certainly did not happen",
}

COLUMNS: Final = (
    Column("id", lambda order: order["id"]),
    Column("command", lambda order: order["cmd"]),
    Column("state", lambda order: order["state"]),
    Column("created", lambda order: order["created"]),
    Column("finished", lambda order: order["finished"]),
    Column("by", lambda order: order["actor"]),
    Column("why", lambda order: why(order)),
)


def has_ended(order: Row) -> bool:
    """Whether nothing more will become of it."""
    return order["state"] not in OPEN


def status_of(order: Row) -> int:
    """The exit status for an order that stands so."""
    if not has_ended(order):
        return NOT_ENDED
    return DONE if order["state"] == "done" else REFUSED


def why(order: Row) -> str:
    """What speaks against it: words for people, then the terminal's own; empty when nothing does."""
    error: dict[str, Any] = order.get("error") or {}
    own = [f"{name} {clean(error[name])}" for name in ("reason", "msg") if error.get(name) is not None]
    said = clean(error.get("message"))
    return f"{said} ({', '.join(own)})" if said and own else said or ", ".join(own)


def told(order: Row) -> str:
    """One sentence on how an order stands, then what the terminal replied."""
    state = str(order["state"])
    words = _WORDS.get(state, state).format(expires=order.get("expires"))
    reason = why(order)
    lines = [f"{order['sn']}: {order['cmd']}: {words}" + (f": {reason}" if reason else "")]
    if not has_ended(order):
        lines.append(f"  see 'tfserver orders show {order['id']}', or cancel it while it is queued")
    lines += [f"  {name}: {clean(value)}" for name, value in flat(order.get("reply") or {}).items()]
    return "\n".join(lines)
