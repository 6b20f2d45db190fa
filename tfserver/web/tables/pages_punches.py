"""The pages of punches."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from tfserver.web.dashboard.punches import day, doubts, search, wall
from tfserver.web.route import OK, READER, Route, Scope, Shape
from tfserver.web.tables.page import page

PUNCHES: Final = (
    page("/punches", "punches", wall.wall, wall.PARAMETERS),
    page(search.PLACE, "search", search.search, search.PARAMETERS, yields=True),
    page("/punches/people/{enrollid}", "person_days", search.person, search.MONTH, yields=True),
    page(day.PLACE, "day", day.a_day, day.PARAMETERS, yields=True),
    page(doubts.CLOCKS, "clocks", doubts.clocks, doubts.CLOCKS_PARAMETERS, yields=True),
    page(doubts.QUARANTINE, "quarantine", doubts.quarantine, doubts.RECORDS, READER, Scope.ALL_SITES),
    Route(
        method="GET",
        path="/punches/punches.csv",
        name="get_punches_file",
        summary="The punches that somebody looks for, for spreadsheets",
        role=READER,
        scope=Scope.ROWS,
        handler=search.export,
        query=search.PARAMETERS,
        answers={OK: Shape("a file", str, ("text/csv",))},
        refusals=(HTTPStatus.TOO_MANY_REQUESTS,),
        yields=True,
    ),
)
