"""What can be asked of the process itself."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from tfserver.web.api import pages
from tfserver.web.route import API, OK, READER, Route, Scope, Shape

PLAIN: Final = ("text/plain",)

PROCESS: Final = (
    Route(
        method="GET",
        path="/healthz",
        name="get_health",
        summary="Whether a balancer should send terminals here",
        role=None,
        scope=Scope.EVERYTHING,
        handler=pages.healthz,
        answers={
            OK: Shape("yes", str, PLAIN),
            HTTPStatus.SERVICE_UNAVAILABLE: Shape("it drains", str, PLAIN),
        },
    ),
    Route(
        method="GET",
        path="/readyz",
        name="get_readiness",
        summary="Whether a punch would be taken now",
        role=None,
        scope=Scope.EVERYTHING,
        handler=pages.readyz,
        answers={OK: Shape("yes", str, PLAIN), HTTPStatus.SERVICE_UNAVAILABLE: Shape("why not", str, PLAIN)},
    ),
    Route(
        method="GET",
        path="/metrics",
        name="get_metrics",
        summary="Counters for Prometheus",
        role=None,
        scope=Scope.EVERYTHING,
        handler=pages.metrics,
        answers={OK: Shape("all of them", str, PLAIN)},
        refusals=(HTTPStatus.TOO_MANY_REQUESTS,),
    ),
    Route(
        method="GET",
        path=f"{API}/openapi.json",
        name="get_openapi",
        summary="This description",
        role=READER,
        scope=Scope.EVERYTHING,
        handler=pages.openapi,
        answers={
            OK: Shape("the document", dict, headers={"ETag": "changes with the document"}),
            HTTPStatus.NOT_MODIFIED: Shape("the one of If-None-Match", headers={"ETag": "as before"}),
        },
    ),
)
