"""``/session``: signing in at a browser. The token is sent once; what the browser keeps is a cookie."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

import msgspec
from msgspec import Meta

from tfserver.model import rfc3339
from tfserver.store.principals import Principal
from tfserver.store.sessions import Opened
from tfserver.web import cookies
from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.problem import Problem
from tfserver.web.shapes import Who


class NewSession(msgspec.Struct, forbid_unknown_fields=True):
    """Who signs in."""

    token: Annotated[str, Meta(min_length=1, max_length=200)]


async def begin(call: Call) -> Answer:
    """Sign in."""
    wanted: NewSession = call.body
    visitor = call.visitor
    cookies.check_ours(call.request, visitor)
    if not (visitor.is_secure or visitor.is_here):
        told = "browsers sign in over https, or on this machine: anybody on the way could read the cookie"
        raise Problem(HTTPStatus.FORBIDDEN, told)
    call.who = await call.desk.gate.sign_in(visitor, wanted.token)
    made = await call.sources.sessions.begin(wanted.token)
    if made is None:
        raise Problem(HTTPStatus.UNAUTHORIZED, "this token is not accepted")
    secret, opened = made
    await call.note("done", {"address": visitor.address})
    seconds = math.ceil(opened.until_ms / 1000 - call.desk.reactor.seconds())
    cookie = {"Set-Cookie": cookies.set_cookie(secret, max(1, seconds), visitor)}
    return Answer(_shown(call.who, opened, secret), HTTPStatus.CREATED, cookie)


async def look(call: Call) -> Who:
    """Who asks, and what that one may do."""
    return _shown(call.who, call.opened, call.cookie)


async def end(call: Call) -> Answer:
    """Sign out. Whoever sends a token has nothing to sign out of."""
    if call.opened is not None:
        await call.sources.sessions.end(call.opened)
    await call.note("done", {"address": call.visitor.address})
    gone = {"Set-Cookie": cookies.set_cookie("", 0, call.visitor)}
    return Answer(None, HTTPStatus.NO_CONTENT, gone)


def _shown(who: Principal, opened: Opened | None, secret: str) -> Who:
    until = None if opened is None else rfc3339(datetime.fromtimestamp(opened.until_ms / 1000, UTC))
    csrf = cookies.csrf_of(secret) if opened is not None else None
    return Who(who.id, who.name, who.role, [*who.sites], who.templates, until, csrf)
