"""What can be asked of plans, and of how terminals differ from what they are to have."""

from __future__ import annotations

from typing import Final

from tfserver.web.api import sync
from tfserver.web.body import JsonBody
from tfserver.web.route import ACCEPTED, API, CREATED, OPERATOR, READER, Route, Scope, Shape, ok

_PLANS: Final = f"{API}/sync/plans"
_WHERE: Final = {"Location": "where the plan can be seen"}
SYNC: Final = (
    Route(
        method="POST",
        path=f"{API}/sync/plan",
        name="plan_sync",
        summary="Plan what terminals are to be told, and how long that takes; nothing is changed",
        role=OPERATOR,
        scope=Scope.ALL_SITES,
        handler=sync.plan,
        body=JsonBody(sync.NewPlan),
        answers={
            CREATED: Shape("the plan", sync.ShownPlan, headers=_WHERE),
            ACCEPTED: Shape("terminals are read first", sync.ShownPlan, headers=_WHERE),
        },
    ),
    Route(
        method="GET",
        path=_PLANS,
        name="list_plans",
        summary="Plans, newest first",
        role=READER,
        scope=Scope.ALL_SITES,
        handler=sync.listing,
        query=sync.PAGE,
        answers=ok(sync.PlanPage),
    ),
    Route(
        method="GET",
        path=f"{_PLANS}/{{id}}",
        name="get_plan",
        summary="One plan, terminal by terminal, and how far it is",
        role=READER,
        scope=Scope.ALL_SITES,
        handler=sync.one,
        query=sync.PAGE,
        answers=ok(sync.ShownPlan),
    ),
    Route(
        method="GET",
        path=f"{_PLANS}/{{id}}/terminals/{{sn}}",
        name="get_plan_steps",
        summary="What a plan does at one terminal, what it can't do and why, and what came of each step",
        role=READER,
        scope=Scope.ALL_SITES,
        handler=sync.steps,
        query=sync.AFTER,
        answers=ok(sync.StepPage),
    ),
    Route(
        method="GET",
        path=f"{API}/terminals/{{sn}}/differences",
        name="get_differences",
        summary="Person by person, how a terminal differs from what it is to have, and what is proven",
        role=READER,
        scope=Scope.TERMINAL,
        handler=sync.differences,
        query=sync.AFTER,
        answers=ok(sync.DifferencePage),
    ),
)
