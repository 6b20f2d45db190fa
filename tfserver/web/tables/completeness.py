"""What can be asked of completeness."""

from __future__ import annotations

from typing import Final

from tfserver.web import shapes
from tfserver.web.api import completeness
from tfserver.web.route import API, OPERATOR, READER, Route, Scope, ok

COMPLETENESS: Final = (
    Route(
        method="GET",
        path=f"{API}/completeness",
        name="get_completeness",
        summary="Until when everything is here, whether a day is complete, and why not further",
        role=READER,
        scope=Scope.ROWS,
        handler=completeness.listing,
        query=completeness.PARAMETERS,
        answers=ok(shapes.CompletenessPage),
    ),
    Route(
        method="DELETE",
        path=f"{API}/completeness/{{sn}}/gaps",
        name="acknowledge_gaps",
        summary="Acknowledge gaps up to a moment: they are not shown any more, and days with them count",
        role=OPERATOR,
        scope=Scope.TERMINAL,
        handler=completeness.acknowledge,
        query=completeness.GAP_PARAMETERS,
        answers=ok(shapes.TerminalCompleteness, "the terminal as it is now"),
    ),
)
