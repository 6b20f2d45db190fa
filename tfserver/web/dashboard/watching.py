"""``/live``: what changes on an open page, as server-sent events."""

from __future__ import annotations

from http import HTTPStatus

from tfserver.model import canonical_sn
from tfserver.web.answer import Answer, Streamed
from tfserver.web.call import Call
from tfserver.web.dashboard.onlooker import Onlooker
from tfserver.web.dashboard.pages import screen_for
from tfserver.web.dashboard.topics import Topics, topics_of
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
    topics, now = await _reached(call, topics_of(call.query)), call.desk.reactor.seconds
    page = Onlooker(call.request, call.opened, screen_for(call), topics, now)
    await call.desk.live.join(call.request, page, call.query["since"])
    return Streamed()


async def _reached(call: Call, topics: Topics) -> Topics:
    """What is about terminals that somebody may see: of others they do not even learn that something
    happened. Problem 404 where nothing is left."""
    asked = topics.of | topics.rows
    if not call.who.sites or not asked:
        return topics
    found = await call.sources.terminals.these_briefs(sorted(asked))
    seen = {canonical_sn(each.sn) for each in found if call.sees(each.site)}
    if topics.of and not topics.of & seen:
        raise Problem(HTTPStatus.NOT_FOUND, "no such terminal has ever registered here")
    return topics._replace(of=topics.of & seen, rows=topics.rows & seen)
