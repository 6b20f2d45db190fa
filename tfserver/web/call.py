"""One request as a handler sees it, after everything that its route asks for was checked."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, Final, TypeVar

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tfserver.errors import StoreError
from tfserver.store.principals import Principal, Role
from tfserver.store.sessions import Opened
from tfserver.store.tokens import Token
from tfserver.web import auth
from tfserver.web.desk import Desk
from tfserver.web.problem import Problem
from tfserver.web.query import Query
from tfserver.web.request import PeopleRequest
from tfserver.web.route import Route

MOST_DETAIL: Final = 4096
_NOTED_REFUSALS: Final = (403, 409, 422)

T = TypeVar("T")


class Call:
    """``path`` holds what stood in the path, ``key`` the idempotency key, scoped by who asks, or nothing."""

    _log = Logger()

    def __init__(self, request: PeopleRequest, route: Route, path: dict[str, str], desk: Desk) -> None:
        self.request = request
        self.route = route
        self.path = path
        self.desk = desk
        self.sources = desk.sources
        self.visitor = request.visitor
        self.place = desk.line.place()
        """Where it stands in the line of pages, if it is one."""
        self.who: Principal = Token("", Role.READER, 0)
        self.opened: Opened | None = None
        """The session, for a browser that is signed in; ``cookie`` is what opens it."""
        self.cookie = ""
        self.query = Query(b"", ())
        self.body: Any = None
        self.key = ""
        self.since = ""
        """Where the feeds ended when a page was begun: what happens afterwards it has to be told."""
        self.is_gone = False
        self.is_noted = False
        self.subject = route.name
        """What the audit calls it: the operation, or the word of a command."""
        self._waiting: Deferred[Any] | None = None

    @property
    def actor(self) -> str:
        """Who asks, as the audit and orders name it."""
        return auth.actor(self.who)

    @property
    def session(self) -> str:
        """The hash of the session that it came by, empty without one."""
        return "" if self.opened is None else self.opened.digest

    @property
    def is_head(self) -> bool:
        """Whether only the head of the answer is wanted."""
        return bool(self.request.method == b"HEAD")

    def header(self, name: str) -> str:
        """A header of the request, empty without one."""
        found: bytes | None = self.request.getHeader(name.encode())
        return (found or b"").decode("latin-1")

    def sees(self, site: str) -> bool:
        """Whether what is at this site may be shown to who asks."""
        return auth.reaches(self.who.sites, site)

    def sees_only(self, sites: Sequence[str]) -> bool:
        """Whether what is for these sites (none: for all) shows nothing that may not be shown to who asks."""
        return not self.who.sites or (bool(sites) and all(map(self.sees, sites)))

    async def while_there(self, waiting: Coroutine[Any, Any, T]) -> T:
        """Wait for something as long as who asks waits for us."""
        self._waiting = Deferred.fromCoroutine(waiting)
        if self.is_gone:
            self._waiting.cancel()
        found: T = await self._waiting
        return found

    def leave(self) -> None:
        """Who asked has gone: what was begun goes on, but nobody waits."""
        self.is_gone = True
        if self._waiting is not None:
            self._waiting.cancel()

    async def note(self, outcome: str, detail: dict[str, Any] | None = None, sn: str = "") -> None:
        """Tell the audit what came of this call. The change stands, whether that can be written or not."""
        self.is_noted = True
        told = detail or {}
        if len(msgspec.json.encode(told)) > MOST_DETAIL:
            told = {"bytes": len(msgspec.json.encode(told))}
        sn = sn or self.path.get("sn", "")
        try:
            await self.sources.audit.write(self.actor, self.subject, sn, outcome, told)
        except StoreError as failed:
            self._log.error(
                "the audit could not be written ({failed}): {actor} {subject} {sn} {outcome}",
                failed=str(failed),
                actor=self.actor,
                subject=self.subject,
                sn=sn,
                outcome=outcome,
            )

    async def note_refusal(self, problem: Problem) -> None:
        """Tell the audit that this was refused, or that its outcome is not known."""
        if self.is_noted or not (problem.status in _NOTED_REFUSALS or problem.status >= 500):
            return
        if not self.who.id:
            # nobody known: the log has it, and anybody could fill the audit
            return
        if not self.desk.refusals.take(self.actor):
            return
        # no value of the request: a password in a wrong field is still a password
        fields = {"fields": [field for field, _ in problem.errors][:20]} if problem.errors else {}
        word = "refused" if problem.status < 500 else "unknown"
        await self.note(f"{word}: {problem.detail[:200]}", fields)
