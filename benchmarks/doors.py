"""People open doors over HTTP at one server, while the terminals are connected to another."""

from __future__ import annotations

import argparse
import functools
import itertools
import time
from typing import Final

import msgspec

from benchmarks import messages
from benchmarks.company import Company, Found
from benchmarks.load import Punching, milliseconds
from benchmarks.obeying import Opening
from benchmarks.offering import Offer, offer_until

WAIT: Final = 5
ORDER: Final = b'{"cmd":"opendoor","doornum":1}'


class Doors:
    """One door after another; latencies in seconds, without what the terminal itself takes."""

    def __init__(self, company: Company, takes: float) -> None:
        self.took: list[float] = []
        self.late: list[float] = []
        """How long after it was due an order was sent."""
        self.under_way = 0
        self._company = company
        self._takes = takes
        self._paths = itertools.cycle(
            f"/api/v1/terminals/{messages.serial_number(place)}/commands?wait={WAIT}"
            for place in range(company.options.terminals)
        )

    def due(self, since: float) -> bool:
        """Order the next door to be opened."""
        self.under_way += 1
        self.late.append(time.perf_counter() - since)
        self._company.people.post(next(self._paths), ORDER, functools.partial(self._told, since))
        return True

    def begin(self) -> None:
        """Count from now on; what is under way counts too."""
        self.took, self.late = [], []

    def _told(self, since: float, status: int, body: bytes) -> None:
        self.under_way -= 1
        if status == 200 and msgspec.json.decode(body)["state"] == "done":
            self.took.append(time.perf_counter() - since - self._takes)
        else:
            self._company.crowd.wrong[f"an order for a door was answered with {status}"] += 1


def measure(options: argparse.Namespace) -> Found:
    """Punches, then doors, at the same rate."""
    company = Company(options, options.terminals)
    punching = Punching(company.crowd)
    punching.offered(options.rate, options.warm_up / 2, options.seconds / 2, company.window)
    ack = milliseconds(punching.took)["p50"]
    opening, doors = Opening(company.crowd, options.takes), Doors(company, options.takes)
    offer = Offer(options.rate, doors.due)

    def turned(now: float) -> float:
        """The present, when doors that moved until now have said so."""
        opening.turn(now)
        return now

    begins = time.perf_counter() + options.warm_up
    offer_until(company.crowd, [offer], lambda now: turned(now) >= begins)
    doors.begin()
    company.window.begin()
    offer_until(company.crowd, [offer], lambda now: turned(now) >= begins + options.seconds)
    measured = company.window.end()
    done, offered = len(doors.took), len(doors.late)
    company.until(lambda: turned(time.perf_counter()) > 0 and not doors.under_way)
    company.crowd.wrong["no way to learn of the end"] += doors.under_way
    took = milliseconds(doors.took)
    more = {
        "p50": took["p50"],
        "p99": took["p99"],
        "offered": offered / measured["seconds"],
        "achieved": done / measured["seconds"],
        "ack": ack,
        "by ack": took["p50"] / ack,
    }
    return company.found(measured, more, done=done, latency=took, late=milliseconds(doors.late))
