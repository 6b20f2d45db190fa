"""The steps of a plan as commands, and what the ends of their orders mean. Plain values."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable
from itertools import groupby
from typing import Any, Final, NamedTuple

import msgspec

from tfserver.credentials import ALL_FINGERPRINTS, PHOTO, WHOLE_USER
from tfserver.order import Order, OrderState
from tfserver.person import Person
from tfserver.plan import ENDED, ItemState, ItemView, Op

ACCEPTED: Final = "accepted, not read back yet"
REPLACED: Final = "accepted in place of another, not read back yet"
ALONE: Final = "refused together with others: once more alone"
NOT_KEPT: Final = "said true and did not keep it"
NO_ANSWER: Final = "no answer came"
PACKETS: Final = frozenset({Op.NAME, Op.LOCK})
"""Steps of which several go out in one command."""
WHOLE: Final = (WHOLE_USER, ALL_FINGERPRINTS, PHOTO)
"""What ``deleteuser`` is told at the first, second and third attempt to remove a person (protocol §3.1)."""


class Step(NamedTuple):
    """What goes out in one command."""

    views: tuple[ItemView, ...]

    @property
    def op(self) -> Op:
        """What is done."""
        return self.views[0].item.op

    @property
    def people(self) -> frozenset[int]:
        """To whom."""
        return frozenset(view.item.enrollid for view in self.views)

    @property
    def is_alone(self) -> bool:
        """Whether nothing else may be done to them meanwhile: only credentials don't mind each other."""
        return self.op is not Op.CREDENTIAL


def steps(views: Iterable[ItemView]) -> list[Step]:
    """Steps that are not over and were not accepted yet, in their order."""
    open_views = [view for view in views if view.state not in ENDED and not is_accepted(view)]
    return [Step(tuple(group)) for _, group in groupby(open_views, _together)]


def is_accepted(view: ItemView) -> bool:
    """Whether the terminal said true, and it is not proven."""
    return view.state is ItemState.ORDERED and view.told in (ACCEPTED, REPLACED)


def _together(view: ItemView) -> tuple[Any, ...]:
    item = view.item
    if item.op not in PACKETS or view.told == ALONE or not item.order:
        return ("", item.n)
    return (item.op, item.order, view.state, view.order_id)


def removal(view: ItemView, attempt: int) -> dict[str, Any]:
    """The fields of ``deleteuser``."""
    item = view.item
    whole = WHOLE[(attempt - 1) % len(WHOLE)]
    return {
        "enrollid": item.enrollid,
        "backupnum": whole if item.op is Op.REMOVE or item.backupnum is None else item.backupnum,
    }


def names(people: Iterable[Person]) -> dict[str, Any]:
    """The fields of ``setusername``."""
    return {"record": [{"enrollid": person.enrollid, "name": person.name} for person in people]}


def locks(views: Iterable[ItemView]) -> dict[str, Any]:
    """The fields of ``setuserlock``."""
    return {"record": [view.item.lock.fields(view.item.enrollid) for view in views if view.item.lock]}


def credential(view: ItemView, person: Person, record: str) -> dict[str, Any]:
    """The fields of ``setuserinfo``."""
    return {
        "enrollid": view.item.enrollid,
        "name": person.name,
        "backupnum": view.item.backupnum,
        "admin": person.admin,
        "record": record,
    }


def slot(view: ItemView) -> dict[str, Any]:
    """The fields of ``getuserinfo``."""
    return {"enrollid": view.item.enrollid, "backupnum": view.item.backupnum}


def key(plan_id: str, sn: str, view: ItemView, cmd: str, fields: dict[str, Any]) -> str:
    """The idempotency key of an order. Put again after a kill it is the same order; put again because of how
    the one before ended (that stands in the step by then) it is another."""
    shown = {name: value for name, value in fields.items() if name != "record" or cmd != "setuserinfo"}
    text = msgspec.json.encode([cmd, shown, view.item.version], order="sorted")
    return f"sync {plan_id} {sn} {view.item.n} {view.order_id} {hashlib.sha256(text).hexdigest()[:24]}"


_COMMANDS: Final = {
    "setuserinfo": (Op.CREDENTIAL, Op.CHECK),
    "getuserinfo": (Op.CHECK,),
    "deleteuser": (Op.REMOVE, Op.REMOVE_CREDENTIAL),
    "deleteuserlock": (Op.UNLOCK,),
    "setusername": (Op.NAME,),
    "setuserlock": (Op.LOCK,),
}


def is_of(order: Order, view: ItemView) -> bool:
    """Whether an order of a plan was put for this step of it."""
    item, args = view.item, order.args
    if item.op not in _COMMANDS.get(order.cmd, ()):
        return False
    if item.op in PACKETS:
        return any(row.get("enrollid") == item.enrollid for row in args.get("record", ()))
    is_its = args.get("enrollid") == item.enrollid
    is_whole = item.op is Op.REMOVE or item.op is Op.UNLOCK
    return is_its and (is_whole or args.get("backupnum") == item.backupnum)


class End(enum.Enum):
    """What came of an order."""

    ACCEPTED = "the terminal said true"
    REFUSED = "it will not, or nobody asked it"
    AGAIN = "to be tried again"
    UNSENT = "it was not sent, and may be put again as if nothing had been"
    STOPPED = "somebody took it back"
    FAILED = "it can't be done"


class Outcome(NamedTuple):
    """What came of an order, in words too. ``is_silent``: the terminal did not answer."""

    end: End
    words: str = ""
    order_id: str = ""
    is_silent: bool = False


def outcome(order: Order, actor: str) -> Outcome:
    """What an end means to whoever put the order under this name."""
    words = order.error.message if order.error else ""
    if order.state is OrderState.DONE:
        return Outcome(End.ACCEPTED, "", order.id)
    if order.state is OrderState.REFUSED:
        end = End.AGAIN if _is_busy(order) else End.REFUSED
        return Outcome(end, _in_words(order), order.id)
    if order.state is OrderState.FAILED:
        return Outcome(End.FAILED, words or "it could not be sent", order.id)
    if order.state is OrderState.CANCELLED and words.endswith(actor):
        return Outcome(End.UNSENT, "taken back before it was said", order.id)
    if order.state is OrderState.CANCELLED:
        return Outcome(End.STOPPED, words or "taken back", order.id)
    if order.state is OrderState.EXPIRED:
        return Outcome(End.UNSENT, "it waited until its time was over", order.id)
    return Outcome(End.AGAIN, words or NO_ANSWER, order.id, is_silent=True)


def _is_busy(order: Order) -> bool:
    """A terminal in whose menu somebody is refuses everything for a while (protocol §2.1)."""
    return bool(order.error) and "busy" in str(order.error and order.error.msg).lower()


def _in_words(order: Order) -> str:
    error = order.error
    if error is None:
        return "the terminal refused it"
    more = [f"reason {error.reason}"] if error.reason is not None else []
    more += [str(error.msg)] if error.msg else []
    return f"{error.message} ({', '.join(more)})" if more else error.message
