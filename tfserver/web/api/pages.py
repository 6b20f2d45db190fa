"""What is about the process itself: health, metrics, and the description of this API."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from tfserver.web.answer import TEXT, Answer
from tfserver.web.call import Call

METRICS: Final = "text/plain; version=0.0.4; charset=utf-8"


async def healthz(call: Call) -> Answer:
    """Whether a balancer should send terminals here."""
    if call.sources.draining():
        return Answer(b"draining\n", HTTPStatus.SERVICE_UNAVAILABLE, media=TEXT)
    return Answer(b"ok\n", media=TEXT)


async def readyz(call: Call) -> Answer:
    """Whether a punch would be taken now."""
    why = "draining" if call.sources.draining() else call.sources.unready()
    status = HTTPStatus.OK if why is None else HTTPStatus.SERVICE_UNAVAILABLE
    return Answer((why or "ready").encode() + b"\n", status, media=TEXT)


async def metrics(call: Call) -> Answer:
    """Prometheus text."""
    call.desk.gate.pace(call.visitor)
    sources = call.sources
    sources.metrics.store_ready = sources.unready() is None
    return Answer(sources.metrics.exposition(), media=METRICS)


async def openapi(call: Call) -> Answer:
    """The OpenAPI document, or that it is the one somebody has already."""
    text, tag = call.desk.document.text()
    known = [part.strip().removeprefix("W/") for part in call.header("If-None-Match").split(",")]
    if tag in known or "*" in known:
        return Answer(None, HTTPStatus.NOT_MODIFIED, {"ETag": tag})
    return Answer(text, headers={"ETag": tag, "Cache-Control": "private, no-cache"})
