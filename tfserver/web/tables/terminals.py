"""What can be asked of terminals."""

from __future__ import annotations

from typing import Final

from tfserver.model import Terminal
from tfserver.web import shapes
from tfserver.web.api import terminals
from tfserver.web.body import JsonBody
from tfserver.web.route import ADMIN, API, NOTHING, OPERATOR, READER, Route, Scope, ok

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
