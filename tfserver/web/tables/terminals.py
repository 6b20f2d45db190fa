"""What can be asked of terminals."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from tfserver.model import Terminal
from tfserver.web import shapes
from tfserver.web.api import frames, terminals
from tfserver.web.body import JsonBody
from tfserver.web.route import ADMIN, API, CREATED, NOTHING, OPERATOR, READER, Route, Scope, Shape, ok

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
        method="GET",
        path=f"{API}/terminals/{{sn}}/frames",
        name="get_frames",
        summary="The last messages of a terminal, both ways, without what is private",
        role=OPERATOR,
        scope=Scope.TERMINAL,
        handler=frames.listing,
        answers=ok(shapes.FramePage),
    ),
    Route(
        method="GET",
        path=f"{API}/handshakes",
        name="list_handshakes",
        summary="Connections to the terminals' port that never became a WebSocket",
        role=OPERATOR,
        scope=Scope.ALL_SITES,
        handler=frames.handshakes,
        answers=ok(shapes.HandshakePage),
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
        refusals=(HTTPStatus.CONFLICT,),
        moves_people=True,
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
    Route(
        method="POST",
        path=f"{API}/terminals/{{sn}}/path",
        name="issue_path",
        summary="Give a terminal a secret path; it is shown this once",
        role=OPERATOR,
        scope=Scope.TERMINAL,
        handler=terminals.issue_path,
        answers={CREATED: Shape("the path that it has to connect by from now on", shapes.SecretPath)},
    ),
    Route(
        method="DELETE",
        path=f"{API}/terminals/{{sn}}/path",
        name="drop_path",
        summary="Let a terminal connect by any path",
        role=OPERATOR,
        scope=Scope.TERMINAL,
        handler=terminals.drop_path,
        answers=NOTHING,
    ),
)
