"""Errors as pages: what happened in a sentence, and where to go on."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.dashboard.languages import mark
from tfserver.web.dashboard.screens import Screen, at
from tfserver.web.dashboard.viewer import viewer_of
from tfserver.web.problem import Problem
from tfserver.web.request import PeopleRequest
from tfserver.web.route import API

SIGN_IN: Final = "/sign-in"
MOST_PLACE: Final = 1000
"""A longer address is not gone back to."""
_TITLES: Final = {
    HTTPStatus.FORBIDDEN: mark("This is not for you"),
    HTTPStatus.NOT_FOUND: mark("There is nothing here"),
    HTTPStatus.GONE: mark("This is no longer kept"),
    HTTPStatus.UNPROCESSABLE_ENTITY: mark("This can't be shown as asked"),
    HTTPStatus.TOO_MANY_REQUESTS: mark("Too much at once"),
    HTTPStatus.SERVICE_UNAVAILABLE: mark("Not just now"),
}
_OTHER: Final = mark("Something went wrong")


def is_for_people(request: PeopleRequest, call: Call | None) -> bool:
    """Whether an error goes to somebody at a browser: from a page, or from a path where there is nothing."""
    if call is not None:
        return call.route.is_page
    accepts = request.getHeader(b"Accept") or b""
    return b"text/html" in accepts and not request.path.startswith(API.encode())


def page_of(problem: Problem, request: PeopleRequest, call: Call | None, now: float) -> Answer:
    """The page that tells of an error; for somebody who is not signed in, the way to where they can."""
    if problem.status is HTTPStatus.UNAUTHORIZED:
        headers = {**problem.headers, "Location": f"{SIGN_IN}{_coming_from(request)}"}
        headers.pop("WWW-Authenticate")
        return Answer(b"", HTTPStatus.SEE_OTHER, headers)
    is_known = call is not None and bool(call.who.id)
    who, cookie = (call.who, call.cookie) if call is not None and is_known else (None, "")
    screen = Screen(viewer_of(request, who, cookie), at(now))
    context = {"here": "", "title": _TITLES.get(problem.status, _OTHER), "problem": problem}
    answer = screen.page("refused.html", context, problem.status)
    return answer._replace(headers={**answer.headers, **problem.headers})


def _coming_from(request: PeopleRequest) -> str:
    place = request.uri.decode("ascii", "replace")
    return f"?next={quote(place, safe='/')}" if place != "/" and len(place) <= MOST_PLACE else ""
