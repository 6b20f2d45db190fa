"""What can be asked of orders and backfills."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from tfserver.commander import Backfill
from tfserver.order import Order
from tfserver.web import shapes
from tfserver.web.api import backfills, commands
from tfserver.web.body import JsonBody
from tfserver.web.orders import OrderBody
from tfserver.web.route import ACCEPTED, API, OK, OPERATOR, READER, Route, Scope, Shape, ok
from tfserver.web.tables.headers import KEY

ORDERS: Final = (
    Route(
        method="POST",
        path=f"{API}/terminals/{{sn}}/commands",
        name="order",
        summary="Order a terminal to do something",
        role=OPERATOR,
        scope=Scope.TERMINAL,
        handler=commands.order,
        query=commands.ORDER_PARAMETERS,
        headers=(KEY,),
        body=OrderBody(),
        answers={
            OK: Shape("it ended within the wait", Order),
            ACCEPTED: Shape("it has not ended yet", Order, headers={"Location": "where its end can be seen"}),
        },
        refusals=(HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS),
    ),
    Route(
        method="GET",
        path=f"{API}/terminals/{{sn}}/commands",
        name="list_orders",
        summary="Orders of a terminal, newest first",
        role=READER,
        scope=Scope.TERMINAL,
        handler=commands.listing,
        query=commands.LIST_PARAMETERS,
        answers=ok(shapes.OrderPage),
    ),
    Route(
        method="GET",
        path=f"{API}/commands/{{id}}",
        name="get_order",
        summary="One order",
        role=READER,
        scope=Scope.ORDER,
        handler=commands.one,
        answers=ok(Order),
    ),
    Route(
        method="DELETE",
        path=f"{API}/commands/{{id}}",
        name="cancel_order",
        summary="Take an order back while it is queued",
        role=OPERATOR,
        scope=Scope.ORDER,
        handler=commands.cancel,
        answers=ok(Order, "the order, cancelled"),
        refusals=(HTTPStatus.CONFLICT,),
    ),
    Route(
        method="GET",
        path=f"{API}/backfills",
        name="list_backfills",
        summary="Days that were fetched again, newest first",
        role=READER,
        scope=Scope.ROWS,
        handler=backfills.listing,
        query=backfills.PARAMETERS,
        answers=ok(shapes.BackfillPage),
    ),
    Route(
        method="POST",
        path=f"{API}/backfills",
        name="backfill",
        summary="Fetch days of a terminal again",
        role=OPERATOR,
        scope=Scope.BODY,
        handler=backfills.begin,
        headers=(KEY,),
        body=JsonBody(backfills.NewBackfill),
        answers={ACCEPTED: Shape("it was begun", Backfill)},
        refusals=(HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS),
    ),
)
