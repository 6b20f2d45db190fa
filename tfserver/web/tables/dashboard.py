"""The pages of the dashboard, and what they load."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from tfserver.web import watcher
from tfserver.web.dashboard import assets, fleet, loaded, sign_in, topics, watching
from tfserver.web.route import OK, READER, Route, Scope, Shape
from tfserver.web.tables.page import page
from tfserver.web.tables.pages_bringing import BRINGING
from tfserver.web.tables.pages_people import PEOPLE
from tfserver.web.tables.pages_placing import PLACING
from tfserver.web.tables.pages_punches import PUNCHES
from tfserver.web.tables.pages_system import SYSTEM
from tfserver.web.tables.pages_terminal import TERMINAL

_LOADED: Final = (
    Route(
        method="GET",
        path=f"{assets.PLACE}/{{version}}/{{asset}}",
        name="get_asset",
        summary="A file that pages load",
        role=None,
        scope=Scope.EVERYTHING,
        handler=loaded.asset,
        answers={OK: Shape("the file", str, ("text/css", "text/javascript", "image/svg+xml"))},
    ),
    Route(
        method="GET",
        path="/live",
        name="get_live",
        summary="What changes on an open page, as server-sent events",
        role=READER,
        scope=Scope.ROWS,
        handler=watching.live,
        query=topics.PARAMETERS,
        answers={OK: Shape("events without end", str, (watcher.MEDIA,))},
        refusals=(HTTPStatus.FORBIDDEN,),
    ),
    Route(
        method="GET",
        path="/fleet/numbers",
        name="get_numbers",
        summary="The serial numbers of all terminals that fit, on whatever page of the fleet",
        role=READER,
        scope=Scope.ROWS,
        handler=fleet.numbers,
        query=fleet.PARAMETERS,
        answers={OK: Shape("serial numbers", fleet.Numbers)},
    ),
)
PAGES: Final = (
    *_LOADED,
    page("/sign-in", "sign_in", sign_in.sign_in, sign_in.PARAMETERS, None, Scope.EVERYTHING),
    page("/", "fleet", fleet.fleet, fleet.PARAMETERS),
    *TERMINAL,
    *PUNCHES,
    *PEOPLE,
    *PLACING,
    *BRINGING,
    *SYSTEM,
)
