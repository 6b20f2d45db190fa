"""Who asks, and whether they may just now: tokens, sessions, passwords, and how often somebody asks.

Tokens and cookies are looked up by their SHA-256, so how long that takes tells nothing about them.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, NamedTuple, TypeVar

from tfserver.config import Web
from tfserver.metrics import Metrics
from tfserver.store.accounts import MOST_ACCOUNTS, Accounts, Proven, folded
from tfserver.store.principals import Principal
from tfserver.store.sessions import Opened, Sessions
from tfserver.store.tokens import MOST_TOKENS, Token, Tokens, digest_of
from tfserver.web import cookies
from tfserver.web.auth import bearer_of
from tfserver.web.lockout import MOST_ADDRESSES, Lockout, of_names
from tfserver.web.problem import Problem
from tfserver.web.rates import Rates
from tfserver.web.request import PeopleRequest
from tfserver.web.visitors import Visitor

T = TypeVar("T")
_LOCKED: Final = "too many wrong tokens or passwords came from your address; right ones have to wait as well"
_NAME_LOCKED: Final = "too many wrong passwords came for this name; the right one has to wait as well"
_HOW: Final = "send 'Authorization: Bearer <token>'"


class Admitted(NamedTuple):
    """Who asks; by a browser that is signed in, its session and what opens that."""

    who: Principal
    opened: Opened | None = None
    cookie: str = ""


class Gate:
    """One for each process."""

    def __init__(
        self,
        clock: Any,
        tokens: Tokens,
        sessions: Sessions,
        accounts: Accounts,
        settings: Web,
        metrics: Metrics,
    ) -> None:
        self._clock = clock
        self._tokens = tokens
        self._sessions = sessions
        self._accounts = accounts
        self._metrics = metrics
        self._lockout = Lockout(clock, settings.wrong_tokens)
        self._names = of_names(clock, settings.wrong_tokens)
        self._rates = Rates(clock, settings.requests_per_second, 2 * (MOST_TOKENS + MOST_ACCOUNTS))
        self._strangers = Rates(clock, settings.requests_per_second, MOST_ADDRESSES)

    async def admit(self, request: PeopleRequest, is_change: bool) -> Admitted:
        """Who makes a request; Problem 401, 403 or 429."""
        bearer = bearer_of(request)
        if bearer is not None:
            return Admitted(await self.sign_in(request.visitor, bearer))
        admitted = await self._by_cookie(request, is_change)
        self._pace(self._rates, admitted.who.id)
        return admitted

    def seen_lately(self, request: PeopleRequest) -> Admitted | None:
        """Who was signed in at this browser when the store could last be asked, or None."""
        visitor = request.visitor
        cookie = cookies.cookie_of(request, visitor)
        if not cookie or not cookies.is_for_us(request, visitor):
            return None
        opened = self._sessions.used_lately(cookie, self._clock.seconds() * 1000)
        return None if opened is None else Admitted(opened.who, opened, cookie)

    def pace(self, visitor: Visitor) -> None:
        """Problem 429 when somebody without a token asks too often."""
        if visitor.household:
            self._pace(self._strangers, visitor.household)

    async def sign_in(self, visitor: Visitor, secret: str) -> Token:
        """What a token allows; Problem 401 or 429."""
        found = await self._known(visitor, secret, self._tokens.find)
        if found is None:
            raise Problem(HTTPStatus.UNAUTHORIZED, "this token is not accepted")
        self._pace(self._rates, found.id)
        return found

    async def prove(self, visitor: Visitor, name: str, password: str) -> Proven | None:
        """The account of a name when this is its password, else None; Problem 429 where too many were wrong.

        An address that is locked out waits also with a right password: its hash is nothing to remember."""
        household, name = visitor.household, folded(name)
        self._check_wait(self._lockout.wait(household, ""), _LOCKED)
        self._check_wait(self._names.wait(name, household), _NAME_LOCKED)
        proven = await self._accounts.check(name, password)
        if proven is None:
            self._metrics.http_refused["wrong password"] += 1
            self._lockout.wrong(household)
            self._names.wrong(name)
            return None
        if household:
            # of addresses without bounds anybody may have any
            self._names.right(name, household)
        self._pace(self._rates, proven.account.id)
        return proven

    async def _by_cookie(self, request: PeopleRequest, is_change: bool) -> Admitted:
        visitor = request.visitor
        cookie = cookies.cookie_of(request, visitor)
        if not cookie:
            raise Problem(HTTPStatus.UNAUTHORIZED, _HOW)
        if is_change:
            cookies.check_ours(request, visitor)
        elif not cookies.is_for_us(request, visitor):
            raise Problem(HTTPStatus.UNAUTHORIZED, "the cookie counts for pages of this site only")
        opened: Opened | None = await self._known(visitor, cookie, self._sessions.find)
        if opened is None:
            # so that the browser does not send it again and again
            gone = {"Set-Cookie": cookies.set_cookie("", 0, visitor)}
            raise Problem(HTTPStatus.UNAUTHORIZED, "signed out, or for too long idle", headers=gone)
        if is_change:
            cookies.check_csrf(request, cookie)
        return Admitted(opened.who, opened, cookie)

    async def _known(
        self, visitor: Visitor, secret: str, find: Callable[[str], Awaitable[T | None]]
    ) -> T | None:
        """What a secret opens, None for a wrong one; Problem 429 for an address with too many of those."""
        household, digest = visitor.household, digest_of(secret)
        self._check_wait(self._lockout.wait(household, digest), _LOCKED)
        found = await find(secret)
        if found is not None:
            self._lockout.right(household, digest)
            return found
        self._metrics.http_refused["wrong token"] += 1
        if self._lockout.was_right(household, digest):
            # no guess but one that is over: it may be asked about as often as others may ask
            self._pace(self._strangers, household)
        else:
            self._lockout.wrong(household)
        return None

    def _check_wait(self, wait: float, told: str) -> None:
        if wait:
            self._metrics.http_refused["locked out"] += 1
            raise _later(wait, told)

    def _pace(self, rates: Rates, key: str) -> None:
        wait = rates.take(key)
        if wait:
            self._metrics.http_refused["too many requests"] += 1
            raise _later(wait, "too many requests a second (http.requests_per_second)")


def _later(seconds: float, told: str) -> Problem:
    wait = {"Retry-After": str(math.ceil(seconds))}
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, told, headers=wait)
