"""``/sign-in``: the only page for people whom nobody knows yet."""

from __future__ import annotations

from typing import Any

from tfserver.errors import StoreError
from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.dashboard.pages import show
from tfserver.web.dashboard.refused import MOST_PLACE
from tfserver.web.query import Query, text

PARAMETERS = (text("next", "where to go on once signed in", MOST_PLACE),)


async def sign_in(call: Call) -> Answer:
    """Name and password, or a token."""
    call.desk.gate.pace(call.visitor)
    query = Query(call.request.uri.partition(b"?")[2], PARAMETERS)
    is_safe = call.visitor.is_secure or call.visitor.is_here
    is_from_elsewhere = call.header("Sec-Fetch-Site") in ("cross-site", "same-site")
    context: dict[str, Any] = {"has_accounts": await _has_accounts(call)}
    context |= {"next": _place(query["next"]), "is_safe": is_safe, "is_from_elsewhere": is_from_elsewhere}
    return show(call, "sign_in.html", "", **context)


async def _has_accounts(call: Call) -> bool:
    """Whether anybody can sign in by name. While the store is away nobody can, and the page says so then."""
    try:
        return await call.sources.accounts.exist()
    except StoreError:
        return True


def _place(given: str) -> str:
    """A place of ours: never one that leads elsewhere, nor one whose braces scripts would fill in."""
    is_ours = given.startswith("/") and not given.startswith("//") and "\\" not in given
    if not is_ours or not given.isprintable():
        return "/"
    return given.replace("{", "%7B").replace("}", "%7D")
