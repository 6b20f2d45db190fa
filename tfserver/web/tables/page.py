"""How a page is a row of the table of routes."""

from __future__ import annotations

from typing import Any, Final

from tfserver.store.principals import Role
from tfserver.web.call import Call
from tfserver.web.query import Parameter
from tfserver.web.route import OK, READER, Handler, Route, Scope, Shape

_HTML: Final = {OK: Shape("the page", str, ("text/html",))}


def _made_at(handler: Handler) -> Handler:
    """A page that says from where on it has to be told what happens."""

    async def made(call: Call) -> Any:
        """The page as its handler makes it, for who is signed in or not."""
        return await call.place.paced(_since(handler, call))

    return made


async def _since(handler: Handler, call: Call) -> Any:
    if call.who.id:
        call.since = await call.desk.live.place()
    return await handler(call)


def page(
    path: str,
    name: str,
    handler: Handler,
    query: tuple[Parameter, ...] = (),
    role: Role | None = READER,
    scope: Scope = Scope.ROWS,
    yields: bool = False,
) -> Route:
    """A row of the table for a page; ``yields``: it may take long, and gives way to punches."""
    return Route(
        method="GET",
        path=path,
        name=f"page_{name}",
        summary=f"The page {name.replace('_', ' ')}",
        role=role,
        scope=scope,
        handler=_made_at(handler),
        query=query,
        answers=_HTML,
        is_page=True,
        yields=yields,
    )
