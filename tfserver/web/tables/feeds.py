"""What can be asked of all that came in and was done: punches, quarantine, audit."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from tfserver.web import formats, shapes, watcher
from tfserver.web.api import audit, clock_report, punches, stream
from tfserver.web.route import ADMIN, API, OK, OPERATOR, READER, Header, Route, Scope, Shape, ok

LAST_ID: Final = Header(stream.LAST_ID, "go on behind this id", stream.ID_PATTERN.pattern)

FEEDS: Final = (
    Route(
        method="GET",
        path=f"{API}/punches",
        name="list_punches",
        summary="Punches in order of arrival",
        role=READER,
        scope=Scope.ROWS,
        handler=punches.feed,
        query=punches.PARAMETERS,
        answers={
            OK: Shape(
                "a page; `next` goes on behind it. CSV and NDJSON without `limit`: all there is",
                shapes.PunchPage,
                formats.MEDIA,
                {"Link": "the next page, for the formats that have no `next`"},
            )
        },
        refusals=(HTTPStatus.NOT_ACCEPTABLE, HTTPStatus.GONE, HTTPStatus.TOO_MANY_REQUESTS),
        yields=True,
    ),
    Route(
        method="GET",
        path=f"{API}/clock-report",
        name="clock_report",
        summary="Punches taken while a clock was wrong or unknown, and by which terminals",
        role=READER,
        scope=Scope.ROWS,
        handler=clock_report.report,
        query=clock_report.PARAMETERS,
        answers={
            OK: Shape(
                "a page; `next` goes on behind it",
                shapes.ClockReport,
                clock_report.MEDIA,
                {"Link": "the next page, for CSV, which has no `next`"},
            )
        },
        refusals=(HTTPStatus.NOT_ACCEPTABLE, HTTPStatus.GONE),
        yields=True,
    ),
    Route(
        method="GET",
        path=f"{API}/stream",
        name="stream",
        summary="Punches, terminals and orders as they happen (server-sent events)",
        role=READER,
        scope=Scope.ROWS,
        handler=stream.stream,
        query=stream.PARAMETERS,
        headers=(LAST_ID,),
        answers={OK: Shape("events without end", str, (watcher.MEDIA.partition(";")[0],))},
        refusals=(HTTPStatus.GONE, HTTPStatus.TOO_MANY_REQUESTS),
        yields=True,
    ),
    Route(
        method="GET",
        path=f"{API}/quarantine",
        name="list_quarantine",
        summary="Records that could not be read, and devices under a pinned serial number",
        role=READER,
        scope=Scope.ALL_SITES,
        handler=punches.quarantine,
        query=punches.QUARANTINE_PARAMETERS,
        answers=ok(shapes.QuarantinePage),
    ),
    Route(
        method="DELETE",
        path=f"{API}/quarantine",
        name="clear_quarantine",
        summary="Forget records of the quarantine up to a place, to make room",
        role=OPERATOR,
        scope=Scope.ALL_SITES,
        handler=punches.clear_quarantine,
        query=punches.CLEARING_PARAMETERS,
        answers=ok(shapes.Forgotten, "how many there were"),
    ),
    Route(
        method="GET",
        path=f"{API}/audit",
        name="list_audit",
        summary="Who did what, newest first",
        role=ADMIN,
        scope=Scope.ROWS,
        handler=audit.listing,
        query=audit.PARAMETERS,
        answers=ok(shapes.AuditPage),
    ),
)
