"""Orders: what people want terminals to do, and what became of it (design §2.2, §2.4)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from twisted.internet.defer import CancelledError

from tfserver.commander import Wanted
from tfserver.errors import StoreError
from tfserver.order import ENDS, Danger, Order
from tfserver.store.principals import Role
from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.paging import page_at
from tfserver.web.problem import Problem
from tfserver.web.query import CURSOR, LIMIT, integer
from tfserver.web.shapes import OrderPage
from tfserver.wire.table import vocabulary

MOST_WAIT: Final = 60
ORDER_PARAMETERS: Final = (
    integer("wait", "how many seconds to wait for the end of the order", 0, MOST_WAIT, 0),
)
_AGAIN: Final = "asking again with the same Idempotency-Key is safe, it is made once"
_WITH_A_KEY: Final = "with an Idempotency-Key it would be safe to ask again"
LIST_PARAMETERS: Final = (LIMIT, CURSOR)


async def order(call: Call) -> Answer:
    """Make an order, and wait for its end if that is wanted."""
    if vocabulary.find(call.body.cmd) is not None:
        call.subject = call.body.cmd
    wait = call.query["wait"]
    if not wait:
        made = await _made(call)
        return Answer(made, HTTPStatus.ACCEPTED, _place(made))
    with call.desk.waits:
        made = await _made(call)
        if made.state not in ENDS:
            made = await _awaited(call, made, wait)
    return Answer(made) if made.state in ENDS else Answer(made, HTTPStatus.ACCEPTED, _place(made))


async def _made(call: Call) -> Order:
    asked = call.body
    wanted = Wanted(
        sn=call.path["sn"],
        cmd=asked.cmd,
        fields=asked.fields,
        actor=call.actor,
        is_admin=call.who.role is Role.ADMIN,
        ttl=asked.ttl,
        confirm=asked.confirm,
        key=call.key,
        waits=bool(call.query["wait"]),
        noted=True,
    )
    try:
        made = await call.sources.commander.order(wanted)
    except StoreError as failed:
        raise _not_sure(call, failed) from failed
    call.is_noted = True
    return made


def _not_sure(call: Call, failed: StoreError) -> Problem:
    """It may be kept all the same when the store goes on. Whether a door is still to be opened then only a
    person decides."""
    command, told = vocabulary.find(call.body.cmd), f"the store: {failed}"
    if command is not None and command.danger is not Danger.DOOR:
        told += "; whether the order was made is not known: " + (_AGAIN if call.key else _WITH_A_KEY)
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, told)


async def _awaited(call: Call, made: Order, seconds: int) -> Order:
    try:
        return await call.while_there(call.sources.commander.ended(made.id, seconds))
    except (StoreError, CancelledError):
        # it was made, and nobody must think otherwise
        return made


def _place(made: Order) -> dict[str, str]:
    return {"Location": f"/api/v1/commands/{made.id}"}


async def listing(call: Call) -> OrderPage:
    """The orders of a terminal, newest first."""
    query, sn = call.query, call.path["sn"]
    listed = call.sources.commander.listing(sn, query["limit"], query["cursor"])
    found, following = await page_at(query["cursor"], listed)
    if not found and await call.sources.terminals.get(sn) is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"no terminal '{sn}' has ever registered here")
    return OrderPage(found, following)


async def one(call: Call) -> Order:
    """One order; Problem 404."""
    found = await call.sources.commander.get(call.path["id"])
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"there is no order {call.path['id']}")
    return found


async def cancel(call: Call) -> Order:
    """Take an order back while it is queued."""
    found = await call.sources.commander.cancel(call.path["id"], call.actor)
    await call.note(found.state.value, {"order": found.id, "cmd": found.cmd}, found.sn)
    return found
