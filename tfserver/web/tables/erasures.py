"""What can be asked about forgetting people. People have no site: none of it is for tokens bound to sites."""

from __future__ import annotations

from typing import Final

from tfserver.store.people.erasures import Report
from tfserver.web.api import erasures
from tfserver.web.body import JsonBody
from tfserver.web.route import ACCEPTED, ADMIN, API, OPERATOR, Route, Scope, Shape, ok
from tfserver.web.tables.headers import KEY

_ERASURES: Final = f"{API}/erasures"
_WHERE: Final = {"Location": "where the report is"}
ERASURES: Final = (
    Route(
        method="POST",
        path=_ERASURES,
        name="erase_user",
        summary="Forget a person: here now, at each terminal as soon as it is reached, with proof",
        role=ADMIN,
        scope=Scope.ALL_SITES,
        handler=erasures.order,
        headers=(KEY,),
        body=JsonBody(erasures.ErasureBody),
        answers={ACCEPTED: Shape("the report, as far as it is", Report, headers=_WHERE)},
    ),
    Route(
        method="GET",
        path=_ERASURES,
        name="list_erasures",
        summary="Erasures, newest first, with how many places are in which state",
        role=OPERATOR,
        scope=Scope.ALL_SITES,
        handler=erasures.listing,
        query=erasures.PARAMETERS,
        answers=ok(erasures.ErasurePage),
    ),
    Route(
        method="GET",
        path=f"{_ERASURES}/due",
        name="list_due_erasures",
        summary="People whose validity has ended",
        role=OPERATOR,
        scope=Scope.ALL_SITES,
        handler=erasures.due,
        query=erasures.DUE_PARAMETERS,
        answers=ok(erasures.DuePage),
    ),
    Route(
        method="GET",
        path=f"{_ERASURES}/{{id}}",
        name="get_erasure",
        summary="The report of an erasure: each place, how far it is there, and what proves it",
        role=OPERATOR,
        scope=Scope.ALL_SITES,
        handler=erasures.one,
        answers=ok(Report),
    ),
)
