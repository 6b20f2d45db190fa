"""Carrying out plans over HTTP."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from tfserver.web.api import applying
from tfserver.web.body import JsonBody
from tfserver.web.route import ACCEPTED, API, OPERATOR, Route, Scope, Shape

APPLYING: Final = (
    Route(
        method="POST",
        path=f"{API}/sync/apply",
        name="apply_plan",
        summary="Carry a plan out in the background, at the pace of the terminals",
        role=OPERATOR,
        scope=Scope.ALL_SITES,
        handler=applying.begin,
        body=JsonBody(applying.ApplyBody),
        answers={
            ACCEPTED: Shape(
                "it is being carried out",
                applying.RunningPlan,
                headers={"Location": "where the plan can be seen"},
            )
        },
        refusals=(HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND),
    ),
    Route(
        method="DELETE",
        path=f"{API}/sync/plans/{{id}}",
        name="stop_plan",
        summary="Stop carrying a plan out; what terminals have of it stays",
        role=OPERATOR,
        scope=Scope.ALL_SITES,
        handler=applying.stop,
        answers={ACCEPTED: Shape("nothing more of it is put", applying.RunningPlan)},
        refusals=(HTTPStatus.CONFLICT,),
    ),
)
