"""What can be asked of the room on terminals."""

from __future__ import annotations

from typing import Final

from tfserver.people.room import Room
from tfserver.web.api import capacity
from tfserver.web.route import API, READER, Route, Scope, ok

CAPACITY: Final = (
    Route(
        method="GET",
        path=f"{API}/terminals/{{sn}}/capacity",
        name="get_capacity",
        summary="How much room a terminal has for people, when it will be full, and who could leave it",
        role=READER,
        scope=Scope.TERMINAL,
        handler=capacity.one,
        query=capacity.PARAMETERS,
        answers=ok(Room),
        yields=True,
    ),
)
