"""``/terminals/{sn}/capacity``: how much room a terminal has, and who could leave it (docs/people.md)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from tfserver.people.room import Room, RoomBook
from tfserver.web.call import Call
from tfserver.web.problem import Problem
from tfserver.web.query import integer

MOST_REMOVABLE: Final = 1000
PARAMETERS: Final = (
    integer("unseen_days", "people who were not seen there for so many days could leave", 1, 3650, 90),
    integer("limit", "how many of those who could leave are told at most", 0, MOST_REMOVABLE, 100),
)


async def one(call: Call) -> Room:
    """The room on one terminal."""
    sources, query = call.sources, call.query
    sn = call.path["sn"]
    terminal = await sources.terminals.get(sn)
    if terminal is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"no terminal '{sn}' has ever registered here")
    book = RoomBook(sources.people.holdings, sources.people.directory)
    return await book.of(terminal, query["unseen_days"], query["limit"], sources.zone)
