"""How a page is a row of the table of routes."""

from __future__ import annotations

from typing import Final

from tfserver.store.principals import Role
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
