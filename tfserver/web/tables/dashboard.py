"""The pages of the dashboard, and what they load."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from tfserver.store.principals import Role
from tfserver.web import watcher
from tfserver.web.dashboard import assets, fleet, loaded, sign_in, topics, watching
from tfserver.web.query import Parameter
from tfserver.web.route import OK, READER, Handler, Route, Scope, Shape

_HTML: Final = {OK: Shape("the page", str, ("text/html",))}


def page(
    path: str,
    name: str,
    handler: Handler,
    query: tuple[Parameter, ...] = (),
    role: Role | None = READER,
    scope: Scope = Scope.ROWS,
) -> Route:
    """A row of the table for a page."""
    return Route(
        method="GET",
        path=path,
        name=f"page_{name}",
        summary=f"The page {name.replace('_', ' ')}",
        role=role,
        scope=scope,
        handler=handler,
        query=query,
        answers=_HTML,
        is_page=True,
    )


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
)
PAGES: Final = (
    *_LOADED,
    page("/sign-in", "sign_in", sign_in.sign_in, sign_in.PARAMETERS, None, Scope.EVERYTHING),
    page("/", "fleet", fleet.fleet, fleet.PARAMETERS),
)
