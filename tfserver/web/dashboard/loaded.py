"""``/assets``: what pages load."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from werkzeug.http import parse_accept_header

from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.dashboard.assets import MEDIA, assets
from tfserver.web.problem import Problem

_FOR_EVER: Final = "public, max-age=31536000, immutable"


async def asset(call: Call) -> Answer:
    """One of the files. Under the name of another version it is this one's, and not kept: during an upgrade
    a page of one process may load from another."""
    kept, name = assets(), call.path["asset"]
    if name not in kept.plain:
        raise Problem(HTTPStatus.NOT_FOUND, "there is no such file")
    is_current = call.path["version"] == kept.version
    headers = {"Cache-Control": _FOR_EVER if is_current else "no-store", "Vary": "Accept-Encoding"}
    data = kept.plain[name]
    if parse_accept_header(call.header("Accept-Encoding")).quality("gzip") > 0 and name in kept.packed:
        headers["Content-Encoding"], data = "gzip", kept.packed[name]
    return Answer(data, headers=headers, media=MEDIA[name.rpartition(".")[2]])
