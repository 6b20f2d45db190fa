"""Pages and exports give way to punches: as long as the process is pressed none begins, and those that go on
wait between two chunks."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from twisted.internet.task import deferLater

from tfserver.errors import StoreError
from tfserver.web.call import Call
from tfserver.web.desk import Desk
from tfserver.web.problem import Problem

WAIT_SECONDS: Final = 0.25
LONGEST_SECONDS: Final = 60.0
"""An export that had to wait for so long is cut off."""


def check_way(call: Call) -> None:
    """Problem 429 for what gives way, while there is something to give way to."""
    if call.route.yields and call.sources.pressure.yields(call.route.name):
        raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "punches go first, and need all there is now; try again")


async def give_way(desk: Desk) -> None:
    """Wait until the process is at ease; StoreError when that takes too long."""
    begun = desk.reactor.seconds()
    while desk.sources.pressure.is_high:
        if desk.reactor.seconds() - begun >= LONGEST_SECONDS:
            raise StoreError("punches went first for too long")
        await deferLater(desk.reactor, WAIT_SECONDS)
