"""The way of a request: its route, who asks, what is asked, the handler, the answer. Rules are kept here."""

from __future__ import annotations

import re
import time
from http import HTTPStatus
from typing import Any, Final

import msgspec
from twisted.internet.defer import Deferred, TimeoutError
from twisted.logger import Logger

from tfserver.errors import StoreError, StoreUnavailable
from tfserver.web import auth, body
from tfserver.web.answer import Answer, Gradual, Streamed
from tfserver.web.call import Call
from tfserver.web.cors import Cors
from tfserver.web.dashboard.refused import body_of, is_for_people, page_of
from tfserver.web.desk import Desk
from tfserver.web.gate import Admitted
from tfserver.web.line import TURN_SECONDS
from tfserver.web.problem import Problem, bad_input
from tfserver.web.query import Query
from tfserver.web.reach import check_reach
from tfserver.web.refusals import problem_of
from tfserver.web.request import PeopleRequest
from tfserver.web.route import Route
from tfserver.web.router import Router
from tfserver.web.yielding import check_way

SECONDS: Final = 10.0
"""Within which everything is answered that does not wait for a terminal."""
WAIT_SECONDS: Final = 5.0
"""What an answer may take beyond the wait that was asked for."""
ADMIT_SECONDS: Final = 2.0
"""Who asks how the store is has not to wait as long as that takes to be given up."""
IDEMPOTENCY: Final = "Idempotency-Key"
KEY_PATTERN: Final = re.compile(r"[!-~]{1,255}")


class Exchange:
    """One request and its answer."""

    _log = Logger()

    def __init__(self, request: PeopleRequest, router: Router, desk: Desk, cors: Cors) -> None:
        self._request = request
        self._router = router
        self._desk = desk
        self._cors = cors
        self._call: Call | None = None
        self._is_gone = False
        self._is_late = False

    def begin(self) -> None:
        """Answer, soon or later."""
        self._request.notifyFinish().addErrback(self._left)
        self._deadline = self._desk.reactor.callLater(SECONDS, self._too_late)
        self._work = Deferred.fromCoroutine(self._serve())
        self._work.addErrback(lambda failed: self._log.failure("an answer could not be written", failed))

    def _left(self, _: object) -> None:
        """Who asked has gone: reading ends, a change that was begun does not."""
        self._is_gone = True
        if self._call is not None and self._call.route.changes:
            self._call.leave()
        else:
            self._work.cancel()

    def _too_late(self) -> None:
        self._is_late = True
        self._work.cancel()

    async def _serve(self) -> None:
        try:
            answer = await self._made(await self._answered())
        except Exception as failed:
            answer = await self._made(self._refusal(self._problem(failed)))
        if self._deadline.active():
            self._deadline.cancel()
        if isinstance(answer, Answer) and not self._is_gone:
            self._write(answer)

    async def _answered(self) -> Answer | Streamed:
        request = self._request
        for name, value in self._cors.headers(request).items():
            request.setHeader(name, value)
        _check_host(request)
        found = self._router.find(request.path)
        method = request.method.decode("latin-1")
        if method == "OPTIONS":
            allowed = found.allowed()
            headers = {"Allow": allowed, **self._cors.preflight(request, allowed)}
            return Answer(None, HTTPStatus.NO_CONTENT, headers)
        call = self._call = Call(request, found.route(method), found.values, self._desk)
        if call.route.role is None and not call.route.changes:
            return _whole(await call.route.handler(call))
        with self._desk.requests:
            if call.route.role is not None:
                call.who, call.opened, call.cookie = await self._admitted(call.route)
            return await self._noted(call)

    async def _admitted(self, route: Route) -> Admitted:
        gate, request = self._desk.gate, self._request
        if not route.without_store:
            return await gate.admit(request, route.changes)
        looking = Deferred.fromCoroutine(gate.admit(request, route.changes))
        try:
            return await looking.addTimeout(ADMIT_SECONDS, self._desk.reactor)
        except (StoreError, TimeoutError) as away:
            lately = gate.seen_lately(request)
            if lately is None:
                raise StoreUnavailable(str(away) or "no answer in time") from away
            return lately

    async def _noted(self, call: Call) -> Answer | Streamed:
        """The answer to somebody known. The audit gets every change, and every refused one; what only looks
        and is in the audit is noted by its handler, before anything leaves."""
        try:
            answer = _whole(await self._handled(call))
        except Exception as failed:
            problem = self._problem(failed)
            if call.route.is_noted:
                await call.note_refusal(problem)
            raise problem from failed
        if call.route.changes and not call.is_noted:
            await call.note("done")
        if call.route.changes and "sn" in call.path:
            self._desk.roll.note([call.path["sn"]])
        if call.route.moves_people:
            await call.sources.people.continuous.touch()
        return answer

    async def _handled(self, call: Call) -> Any:
        route, request = call.route, call.request
        if route.role is not None:
            auth.check_role(call.who, route)
        call.query = Query(request.uri.partition(b"?")[2], route.query)
        if any(header.name == IDEMPOTENCY for header in route.headers):
            call.key = _key(call)
        if route.body is not None:
            data = request.content.read() if request.content else b""
            body.check_media(call.header("Content-Type"), body.media_of(route.body))
            body.check_size(data, route.body.most_bytes)
            call.body = body.reader_of(route.body, call.header("Content-Type")).read(data)
        wait = call.query.get("wait")
        if wait:
            self._deadline.reset(wait + WAIT_SECONDS)
        check_way(call)
        await check_reach(call)
        return await route.handler(call)

    async def _made(self, answer: Answer | Streamed) -> Answer | Streamed:
        """The answer with a body that is whole, made in turns no longer than TURN_SECONDS."""
        if isinstance(answer, Streamed) or not isinstance(answer.body, Gradual):
            return answer
        found: list[str] = []
        place = self._desk.line.place() if self._call is None else self._call.place
        await place.turn()
        ends = time.perf_counter() + TURN_SECONDS
        for part in answer.body.parts:
            found.append(part)
            if time.perf_counter() >= ends:
                await place.turn()
                ends = time.perf_counter() + TURN_SECONDS
        return answer._replace(body="".join(found).encode())

    def _refusal(self, problem: Problem) -> Answer:
        """An error as who asks can read it: a person at a browser, or a program."""
        if is_for_people(self._request, self._call):
            return page_of(problem, self._request, self._call, self._desk.reactor.seconds())
        return body_of(problem, self._request, self._call)

    def _problem(self, failed: Exception) -> Problem:
        if self._is_late:
            told = "no answer in time; whether a change happened is not known"
            return Problem(HTTPStatus.SERVICE_UNAVAILABLE, told)
        problem = problem_of(failed)
        if problem is None and self._is_gone:
            return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "who asked has gone")
        if problem is None:
            self._log.failure("our own mistake in {path}", path=self._request.shown_path)
            problem = Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "see the server's log")
        return problem

    def _write(self, answer: Answer) -> None:
        request = self._request
        has_body = answer.body is not None
        data = answer.body if isinstance(answer.body, bytes) else msgspec.json.encode(answer.body)
        # Twisted does not know the names of all
        request.setResponseCode(answer.status, HTTPStatus(answer.status).phrase.encode())
        request.setHeader("Cache-Control", "no-store")
        for name, value in answer.headers.items():
            request.setHeader(name, value)
        if has_body:
            request.setHeader("Content-Type", answer.media)
            request.setHeader("Content-Length", str(len(data)))
            request.write(data)
        request.finish()


def _whole(found: Any) -> Answer | Streamed:
    return found if isinstance(found, Answer | Streamed) else Answer(found)


def _check_host(request: PeopleRequest) -> None:
    """Problem 400 for a request that does not say whom it asks, or says it twice (RFC 9112 §3.2)."""
    hosts = request.requestHeaders.getRawHeaders(b"Host", [])
    if len(hosts) > 1 or (not hosts and request.clientproto == b"HTTP/1.1"):
        raise Problem(HTTPStatus.BAD_REQUEST, "send the header Host, once")


def _key(call: Call) -> str:
    """The idempotency key, which is each token's and each account's own."""
    given = call.header(IDEMPOTENCY)
    if given == "" and call.request.getHeader(IDEMPOTENCY.encode()) is None:
        return ""
    if not KEY_PATTERN.fullmatch(given):
        raise bad_input(IDEMPOTENCY, "expected 1 to 255 visible ASCII characters")
    return f"{call.who.id}:{given}"
