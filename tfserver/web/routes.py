"""The table of routes: all that can be asked. Roles, site scope, OpenAPI and tests are read off it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from tfserver.commander import Backfill
from tfserver.model import Terminal
from tfserver.order import Order
from tfserver.store.tokens import Role
from tfserver.web import exchange, formats, shapes, watcher
from tfserver.web.api import audit, backfills, commands, pages, punches, stream, terminals, tokens
from tfserver.web.body import JsonBody
from tfserver.web.orders import OrderBody
from tfserver.web.route import Header, Route, Scope, Shape

API: Final = "/api/v1"
OK, CREATED, ACCEPTED = HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED
NOTHING: Final = {HTTPStatus.NO_CONTENT: Shape("done")}
READER, OPERATOR, ADMIN = Role.READER, Role.OPERATOR, Role.ADMIN
KEY: Final = Header(
    exchange.IDEMPOTENCY,
    "makes a repeat of the same request harmless for a day",
    exchange.KEY_PATTERN.pattern,
)
LAST_ID: Final = Header(stream.LAST_ID, "go on behind this id", stream.ID_PATTERN.pattern)
PLAIN: Final = ("text/plain",)


def ok(kind: Any, told: str = "found") -> dict[HTTPStatus, Shape]:
    """A row that answers 200 with an object."""
    return {OK: Shape(told, kind)}


PROCESS: Final = (
    Route(
        method="GET",
        path="/healthz",
        name="get_health",
        summary="Whether a balancer should send terminals here",
        role=None,
        scope=Scope.EVERYTHING,
        handler=pages.healthz,
        answers={
            OK: Shape("yes", str, PLAIN),
            HTTPStatus.SERVICE_UNAVAILABLE: Shape("it drains", str, PLAIN),
        },
    ),
    Route(
        method="GET",
        path="/readyz",
        name="get_readiness",
        summary="Whether a punch would be taken now",
        role=None,
        scope=Scope.EVERYTHING,
        handler=pages.readyz,
        answers={OK: Shape("yes", str, PLAIN), HTTPStatus.SERVICE_UNAVAILABLE: Shape("why not", str, PLAIN)},
    ),
    Route(
        method="GET",
        path="/metrics",
        name="get_metrics",
        summary="Counters for Prometheus",
        role=None,
        scope=Scope.EVERYTHING,
        handler=pages.metrics,
        answers={OK: Shape("all of them", str, PLAIN)},
    ),
    Route(
        method="GET",
        path=f"{API}/openapi.json",
        name="get_openapi",
        summary="This description",
        role=READER,
        scope=Scope.EVERYTHING,
        handler=pages.openapi,
        answers={
            OK: Shape("the document", dict, headers={"ETag": "changes with the document"}),
            HTTPStatus.NOT_MODIFIED: Shape("the one of If-None-Match", headers={"ETag": "as before"}),
        },
    ),
)

TERMINALS: Final = (
    Route(
        method="GET",
        path=f"{API}/terminals",
        name="list_terminals",
        summary="Terminals in the order of their serial numbers",
        role=READER,
        scope=Scope.ROWS,
        handler=terminals.listing,
        query=terminals.PARAMETERS,
        answers=ok(shapes.TerminalPage),
    ),
    Route(
        method="GET",
        path=f"{API}/terminals/{{sn}}",
        name="get_terminal",
        summary="One terminal",
        role=READER,
        scope=Scope.TERMINAL,
        handler=terminals.one,
        answers=ok(Terminal),
    ),
    Route(
        method="PATCH",
        path=f"{API}/terminals/{{sn}}",
        name="change_terminal",
        summary="Approve, deny, name or place a terminal",
        role=OPERATOR,
        scope=Scope.TERMINAL,
        handler=terminals.change,
        body=JsonBody(terminals.Change),
        answers=ok(Terminal, "the terminal as it is now"),
    ),
    Route(
        method="DELETE",
        path=f"{API}/terminals/{{sn}}",
        name="delete_terminal",
        summary="Forget a terminal; its punches stay",
        role=ADMIN,
        scope=Scope.TERMINAL,
        handler=terminals.forget,
        answers=NOTHING,
    ),
)

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

FEEDS: Final = (
    Route(
        method="GET",
        path=f"{API}/punches",
        name="list_punches",
        summary="Punches in order of arrival",
        role=READER,
        scope=Scope.ROWS,
        handler=punches.feed,
        query=punches.PARAMETERS,
        answers={
            OK: Shape(
                "a page; `next` goes on behind it",
                shapes.PunchPage,
                formats.MEDIA,
                {"Link": "the next page, for the formats that have no `next`"},
            )
        },
        refusals=(HTTPStatus.NOT_ACCEPTABLE, HTTPStatus.GONE),
    ),
    Route(
        method="GET",
        path=f"{API}/stream",
        name="stream",
        summary="Punches, terminals and orders as they happen (server-sent events)",
        role=READER,
        scope=Scope.ROWS,
        handler=stream.stream,
        query=stream.PARAMETERS,
        headers=(LAST_ID,),
        answers={OK: Shape("events without end", str, (watcher.MEDIA.partition(";")[0],))},
        refusals=(HTTPStatus.GONE, HTTPStatus.TOO_MANY_REQUESTS),
    ),
    Route(
        method="GET",
        path=f"{API}/quarantine",
        name="list_quarantine",
        summary="Records that could not be read, and devices under a pinned serial number",
        role=READER,
        scope=Scope.ALL_SITES,
        handler=punches.quarantine,
        query=punches.QUARANTINE_PARAMETERS,
        answers=ok(shapes.QuarantinePage),
    ),
    Route(
        method="DELETE",
        path=f"{API}/quarantine",
        name="clear_quarantine",
        summary="Forget records of the quarantine up to a place, to make room",
        role=OPERATOR,
        scope=Scope.ALL_SITES,
        handler=punches.clear_quarantine,
        query=punches.CLEARING_PARAMETERS,
        answers=ok(shapes.Forgotten, "how many there were"),
    ),
    Route(
        method="GET",
        path=f"{API}/audit",
        name="list_audit",
        summary="Who did what, newest first",
        role=ADMIN,
        scope=Scope.ROWS,
        handler=audit.listing,
        query=audit.PARAMETERS,
        answers=ok(shapes.AuditPage),
    ),
)

TOKENS: Final = (
    Route(
        method="GET",
        path=f"{API}/tokens",
        name="list_tokens",
        summary="Tokens that are accepted, without themselves",
        role=ADMIN,
        scope=Scope.ALL_SITES,
        handler=tokens.listing,
        answers=ok(shapes.TokenList),
    ),
    Route(
        method="POST",
        path=f"{API}/tokens",
        name="create_token",
        summary="Make a token; it is shown this once",
        role=ADMIN,
        scope=Scope.ALL_SITES,
        handler=tokens.issue,
        headers=(KEY,),
        body=JsonBody(tokens.NewToken),
        answers={CREATED: Shape("the token", shapes.IssuedToken)},
        refusals=(HTTPStatus.CONFLICT,),
    ),
    Route(
        method="DELETE",
        path=f"{API}/tokens/{{id}}",
        name="revoke_token",
        summary="Accept a token no longer",
        role=ADMIN,
        scope=Scope.ALL_SITES,
        handler=tokens.revoke,
        answers=NOTHING,
        refusals=(HTTPStatus.CONFLICT,),
    ),
)

ROUTES: Final = (*PROCESS, *TERMINALS, *ORDERS, *FEEDS, *TOKENS)
MOST_BODY_BYTES: Final = max(route.body.most_bytes for route in ROUTES if route.body is not None)
