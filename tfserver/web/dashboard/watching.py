"""``/live``: what changes on an open page, as server-sent events."""

from __future__ import annotations

from http import HTTPStatus

from tfserver.web.answer import Answer, Streamed
from tfserver.web.call import Call
from tfserver.web.dashboard.onlooker import Onlooker
from tfserver.web.dashboard.pages import screen_for
from tfserver.web.dashboard.topics import topics_of
from tfserver.web.problem import Problem
from tfserver.web.watcher import MEDIA


async def live(call: Call) -> Answer | Streamed:
    """``rows`` and ``punches`` bring rows as they look now; after ``hints`` the page loads itself anew if it
    shows such things, after ``missed`` in any case."""
    if call.opened is None:
        told = "this is for browsers that are signed in; programs use /api/v1/stream"
        raise Problem(HTTPStatus.FORBIDDEN, told)
    if call.is_head:
        return Answer(b"", media=MEDIA)
    topics, now = topics_of(call.query), call.desk.reactor.seconds
    page = Onlooker(call.request, call.opened, screen_for(call), topics, now)
    await call.desk.live.join(call.request, page, call.query["since"])
    return Streamed()
