"""What can be asked about enrolments at terminals."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from tfserver.store.people.enrolments import Enrolment
from tfserver.web.api import enrolments
from tfserver.web.body import JsonBody
from tfserver.web.route import ACCEPTED, API, OPERATOR, READER, Route, Scope, Shape, ok
from tfserver.web.tables.headers import KEY

_ALL: Final = f"{API}/enrolments"
_ONE: Final = f"{_ALL}/{{id}}"
ENROLMENTS: Final = (
    Route(
        method="POST",
        path=_ALL,
        name="begin_enrolment",
        summary="Let somebody enrol at a terminal; in the end the credential is in the directory",
        role=OPERATOR,
        scope=Scope.BODY,
        handler=enrolments.begin,
        body=JsonBody(enrolments.EnrolmentBody),
        headers=(KEY,),
        answers={
            ACCEPTED: Shape(
                "the enrolment as far as it is",
                Enrolment,
                headers={"Location": "where it can be seen how far it is"},
            )
        },
        refusals=(HTTPStatus.CONFLICT,),
    ),
    Route(
        method="GET",
        path=_ALL,
        name="list_enrolments",
        summary="Enrolments, newest first",
        role=READER,
        scope=Scope.ROWS,
        handler=enrolments.listing,
        query=enrolments.PARAMETERS,
        answers=ok(enrolments.EnrolmentPage),
    ),
    Route(
        method="GET",
        path=_ONE,
        name="get_enrolment",
        summary="How far an enrolment is, and in words why it ended",
        role=READER,
        scope=Scope.ROWS,
        handler=enrolments.one,
        answers=ok(Enrolment),
    ),
    Route(
        method="DELETE",
        path=_ONE,
        name="cancel_enrolment",
        summary="Stop an enrolment; what has come by then is kept",
        role=OPERATOR,
        scope=Scope.ROWS,
        handler=enrolments.cancel,
        answers=ok(Enrolment, "the enrolment, which is being stopped"),
        refusals=(HTTPStatus.CONFLICT,),
    ),
)
