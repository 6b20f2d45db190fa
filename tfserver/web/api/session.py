"""``/session``: signing in at a browser, with a token or by name and password. Either is sent once; what the
browser keeps is a cookie."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tfserver.model import rfc3339
from tfserver.store.accounts import Account
from tfserver.store.principals import Principal
from tfserver.store.sessions import Opened
from tfserver.web import cookies
from tfserver.web.answer import Answer
from tfserver.web.api.accounts import Language, Password
from tfserver.web.call import Call
from tfserver.web.problem import Problem, bad_input
from tfserver.web.shapes import Who


class NewSession(msgspec.Struct, forbid_unknown_fields=True):
    """Who signs in: a token, or name and password of an account."""

    token: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    name: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    password: Password | UnsetType = UNSET


class OwnChange(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody may change of the own account; with another password the old one has to come along."""

    language: Language | UnsetType | None = UNSET
    password: Password | UnsetType = UNSET
    old_password: Password | UnsetType = UNSET


async def begin(call: Call) -> Answer:
    """Sign in."""
    wanted: NewSession = call.body
    visitor = call.visitor
    cookies.check_ours(call.request, visitor)
    if not (visitor.is_secure or visitor.is_here):
        told = "browsers sign in over https, or on this machine: anybody on the way could read the cookie"
        raise Problem(HTTPStatus.FORBIDDEN, told)
    secret, opened = await _opened(call, wanted)
    call.who = opened.who
    call.sources.metrics.sign_ins[opened.who.kind.value] += 1
    await call.note("done", {"address": visitor.address})
    seconds = math.ceil(opened.until_ms / 1000 - call.desk.reactor.seconds())
    cookie = {"Set-Cookie": cookies.set_cookie(secret, max(1, seconds), visitor)}
    return Answer(_shown(opened.who, opened, secret), HTTPStatus.CREATED, cookie)


async def look(call: Call) -> Who:
    """Who asks, and what that one may do."""
    return _shown(call.who, call.opened, call.cookie)


async def change(call: Call) -> Who:
    """Change the own password, or language."""
    wanted: OwnChange = call.body
    account = call.who
    if not isinstance(account, Account):
        told = "a token has neither password nor language: sign in with name and password"
        raise Problem(HTTPStatus.CONFLICT, told)
    noted: dict[str, Any] = {}
    if wanted.password is not UNSET:
        await _renew_password(call, account, wanted.password, wanted.old_password)
        noted["password"] = "another"
    if wanted.language is not UNSET:
        noted["language"] = wanted.language or ""
        account = await call.sources.accounts.change(account.name, {"language": noted["language"]})
    await call.note("done", noted)
    return _shown(account, call.opened, call.cookie)


async def end(call: Call) -> Answer:
    """Sign out. Whoever sends a token has nothing to sign out of."""
    if call.opened is not None:
        await call.sources.sessions.end(call.opened)
    return await _gone(call)


async def end_all(call: Call) -> Answer:
    """Sign out everywhere: of all sessions of this account, or of this token."""
    await call.sources.sessions.end_all(call.who)
    return await _gone(call)


async def _opened(call: Call, wanted: NewSession) -> tuple[str, Opened]:
    """A new session of who signs in; Problem 401 or 429."""
    token, name, password = wanted.token, wanted.name, wanted.password
    gate, sessions = call.desk.gate, call.sources.sessions
    if token is not UNSET and name is UNSET and password is UNSET:
        call.who = await gate.sign_in(call.visitor, token)
        made, told = await sessions.begin(token), "this token is not accepted"
    elif token is UNSET and name is not UNSET and password is not UNSET:
        proven = await gate.prove(call.visitor, name, password)
        made = None if proven is None else await sessions.enter(proven)
        told = "this name and password are not accepted"
    else:
        raise bad_input("token", "expected either token, or name and password")
    if made is None:
        raise Problem(HTTPStatus.UNAUTHORIZED, told)
    return made


async def _renew_password(call: Call, account: Account, password: str, old: str | UnsetType) -> None:
    if old is UNSET:
        raise bad_input("old_password", "expected the password that counts until now")
    proven = await call.desk.gate.prove(call.visitor, account.name, old)
    if proven is None:
        raise Problem(HTTPStatus.FORBIDDEN, "this is not your password until now")
    await call.sources.accounts.renew_password(proven, password, call.session)


async def _gone(call: Call) -> Answer:
    await call.note("done", {"address": call.visitor.address})
    gone = {"Set-Cookie": cookies.set_cookie("", 0, call.visitor)}
    return Answer(None, HTTPStatus.NO_CONTENT, gone)


def _shown(who: Principal, opened: Opened | None, secret: str) -> Who:
    until = None if opened is None else rfc3339(datetime.fromtimestamp(opened.until_ms / 1000, UTC))
    csrf = cookies.csrf_of(secret) if opened is not None else None
    language = who.language or None if isinstance(who, Account) else None
    told = (who.kind, who.id, who.name, who.role, [*who.sites], who.templates, language)
    return Who(*told, until, csrf)
