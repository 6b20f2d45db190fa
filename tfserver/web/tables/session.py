"""What can be asked of one's own session."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from tfserver.web import shapes
from tfserver.web.api import session
from tfserver.web.body import JsonBody
from tfserver.web.route import API, CREATED, NOTHING, READER, Route, Scope, Shape, ok

_PLACE: Final = f"{API}/session"

SESSION: Final = (
    Route(
        method="POST",
        path=_PLACE,
        name="begin_session",
        summary="Sign in at a browser: a token, or name and password, for a cookie",
        role=None,
        scope=Scope.EVERYTHING,
        handler=session.begin,
        body=JsonBody(session.NewSession),
        answers={CREATED: Shape("signed in", shapes.Who, headers={"Set-Cookie": "opens the session"})},
        refusals=(
            HTTPStatus.UNAUTHORIZED,
            HTTPStatus.FORBIDDEN,
            HTTPStatus.UNPROCESSABLE_ENTITY,
            HTTPStatus.TOO_MANY_REQUESTS,
            HTTPStatus.SERVICE_UNAVAILABLE,
        ),
    ),
    Route(
        method="GET",
        path=_PLACE,
        name="get_session",
        summary="Who asks, and what that one may do",
        role=READER,
        scope=Scope.EVERYTHING,
        handler=session.look,
        answers=ok(shapes.Who),
    ),
    Route(
        method="PATCH",
        path=f"{_PLACE}/account",
        name="change_own_account",
        summary="Change the own password, or language",
        role=READER,
        scope=Scope.EVERYTHING,
        handler=session.change,
        body=JsonBody(session.OwnChange),
        answers=ok(shapes.Who, "changed"),
        refusals=(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT),
    ),
    Route(
        method="DELETE",
        path=f"{API}/sessions",
        name="end_sessions",
        summary="Sign out everywhere",
        role=READER,
        scope=Scope.EVERYTHING,
        handler=session.end_all,
        answers=NOTHING,
        refusals=(HTTPStatus.FORBIDDEN,),
    ),
    Route(
        method="DELETE",
        path=_PLACE,
        name="end_session",
        summary="Sign out",
        role=READER,
        scope=Scope.EVERYTHING,
        handler=session.end,
        answers=NOTHING,
        refusals=(HTTPStatus.FORBIDDEN,),
    ),
)
