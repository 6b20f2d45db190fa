"""``/terminals/{sn}/frames`` and ``/handshakes``: what the flight recorders of all processes remember."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from tfserver.web.call import Call
from tfserver.web.problem import Problem
from tfserver.web.shapes import FramePage, HandshakePage, RecordedFrame, RefusedHandshake


async def listing(call: Call) -> FramePage:
    """The last messages of a terminal; Problem 404 when neither it nor any message of it is known."""
    sn = call.path["sn"]
    found = await call.sources.inquiries.ask("frames", sn)
    if not found.rows and await call.sources.terminals.get(sn) is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"no terminal '{sn}' has ever registered here")
    rows = msgspec.convert(found.rows, list[RecordedFrame])
    return FramePage(sorted(rows, key=lambda row: row.at), found.is_whole)


async def handshakes(call: Call) -> HandshakePage:
    """Connections that never became a WebSocket, the latest first."""
    found = await call.sources.inquiries.ask("handshakes")
    rows = msgspec.convert(found.rows, list[RefusedHandshake])
    return HandshakePage(sorted(rows, key=lambda row: row.last, reverse=True), found.is_whole)
