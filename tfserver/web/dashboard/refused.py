"""Errors for people: as pages, what happened in a sentence and where to go on, and for scripts of pages."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.cookies import CSRF
from tfserver.web.dashboard.languages import SOURCE, Language, mark
from tfserver.web.dashboard.phrases import worded
from tfserver.web.dashboard.screens import Screen, at
from tfserver.web.dashboard.viewer import Viewer, viewer_of
from tfserver.web.problem import MEDIA, Problem, bad_fields
from tfserver.web.request import PeopleRequest
from tfserver.web.route import API

SIGN_IN: Final = "/sign-in"
LANGUAGE: Final = "Content-Language"
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
    viewer = _viewer(request, call)
    told = in_language(problem, viewer.language)
    context = {"here": "", "title": _TITLES.get(problem.status, _OTHER), "problem": told}
    answer = Screen(viewer, at(now)).page("refused.html", context, problem.status)
    return answer._replace(headers={**answer.headers, **problem.headers})


def body_of(problem: Problem, request: PeopleRequest, call: Call | None) -> Answer:
    """An error as programs read it; for a script of our pages in the language of who looks at them."""
    if request.getHeader(CSRF.encode()) is not None:
        problem = in_language(problem, _viewer(request, call).language)
    return Answer(problem.body(), problem.status, problem.headers, MEDIA)


def in_language(problem: Problem, shown: Language) -> Problem:
    """The same error in a language as far as it has words for it; ``Content-Language`` says which ones there
    are (RFC 9110 §8.5)."""
    texts = [message for _, message in problem.errors] or [problem.detail]
    found = [worded(shown, text) for text in texts]
    put = [text if words is None else words for text, words in zip(texts, found, strict=True)]
    codes = {SOURCE if words is None else shown.code for words in found}
    headers = {**problem.headers, LANGUAGE: ", ".join(sorted(codes))}
    if not problem.errors:
        return Problem(problem.status, put[0], None, headers)
    fields = [field for field, _ in problem.errors]
    told = bad_fields(list(zip(fields, put, strict=True)))
    return Problem(problem.status, told.detail, told.errors, headers)


def _viewer(request: PeopleRequest, call: Call | None) -> Viewer:
    is_known = call is not None and bool(call.who.id)
    who, cookie = (call.who, call.cookie) if call is not None and is_known else (None, "")
    return viewer_of(request, who, cookie)


def _coming_from(request: PeopleRequest) -> str:
    place = request.uri.decode("ascii", "replace")
    return f"?next={quote(place, safe='/')}" if place != "/" and len(place) <= MOST_PLACE else ""
