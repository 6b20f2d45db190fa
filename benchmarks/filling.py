"""Every terminal gets its credentials, while others push: orders a second, and what it costs the punches."""

from __future__ import annotations

import argparse
import functools
import itertools
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from benchmarks import machine, messages
from benchmarks.company import CONNECTIONS, LOOK_SECONDS, PATIENCE, Company, Found
from benchmarks.load import Punching, milliseconds
from benchmarks.obeying import Enrolling, credential
from benchmarks.offering import Offer, offer_until

PUNCHING: Final = 300
"""Terminals that push while the others obey."""
INFLIGHT: Final = 100
Waiting = Iterator[tuple[bytes, str]]
"""Bodies and paths of the requests that one person still has to make."""
ASKER: Final = Path(__file__).with_name("asker.py")


class Elsewhere:
    """A process of its own puts the orders, as another tfserver does (asker.py)."""

    def __init__(self, company: Company) -> None:
        self.is_done = False
        self.seconds = 0.0
        self._company = company
        options = company.options
        given = {"store": options.socket, "terminals": options.terminals, "each": options.amount}
        command = [sys.executable, str(ASKER), *(f"--{name}={value}" for name, value in given.items())]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin is not None and self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        # it stands for a server
        machine.share_core(self._process.pid, options.server)
        if self._stdout.readline() != b"ready\n":
            raise RuntimeError("the process that puts the orders did not start")
        company.window.watch("other", self._process.pid)

    def begin(self) -> None:
        """Put them, from now on."""
        self._company.crowd.watch(self._stdout.fileno(), self._told)
        self._stdin.write(b"go\n")
        self._stdin.flush()

    def end(self) -> None:
        """Let the process go."""
        self._process.communicate(timeout=PATIENCE)

    def _told(self) -> None:
        said = os.read(self._stdout.fileno(), 1000).decode().split()
        self._company.crowd.unwatch(self._stdout.fileno())
        self.is_done = True
        if said[:1] == ["put"]:
            self.seconds = float(said[1])
        else:
            self._company.crowd.wrong["the process that puts the orders failed"] += 1


class Desk:
    """People put the orders over HTTP, each of them one after another, without waiting for their ends."""

    def __init__(self, company: Company) -> None:
        self.is_done = False
        self.seconds = 0.0
        self._company = company
        self._began = 0.0
        terminals, each = company.options.terminals, company.options.amount
        self._left = terminals * each
        self._paths = [
            f"/api/v1/terminals/{messages.serial_number(place)}/commands" for place in range(terminals)
        ]
        self._bodies = [
            msgspec.json.encode({"cmd": "setuserinfo", **credential(number)}) for number in range(each)
        ]

    def begin(self) -> None:
        """Put them, from now on."""
        self._began = time.perf_counter()
        for first in range(CONNECTIONS):
            # they have terminals of their own, so that each gets everything in this order
            self._next(itertools.product(self._bodies, self._paths[first::CONNECTIONS]))

    def end(self) -> None:
        """Nothing is left to end."""

    def _next(self, waiting: Waiting) -> None:
        found = next(waiting, None)
        if found is not None:
            body, path = found
            self._company.people.post(path, body, functools.partial(self._told, waiting))

    def _told(self, waiting: Waiting, status: int, body: bytes) -> None:
        if status != 202:
            self._company.crowd.wrong[f"an order was answered with {status}"] += 1
        self._left -= 1
        if not self._left:
            self.is_done = True
            self.seconds = time.perf_counter() - self._began
        self._next(waiting)


class _Over:
    """Whether all orders are put and have their ends, looked at now and then."""

    def __init__(self, company: Company, putting: Elsewhere | Desk) -> None:
        self._company = company
        self._putting = putting
        self._look_at = 0.0
        self._limit = time.perf_counter() + PATIENCE

    def is_over(self, now: float) -> bool:
        """Whether it is, or will not be any more."""
        if now > self._limit:
            self._company.crowd.wrong["not over in time"] += 1
            return True
        if not self._putting.is_done or now < self._look_at:
            return False
        self._look_at = now + LOOK_SECONDS
        return self._company.ledger.open_orders() == 0


def measure(options: argparse.Namespace) -> Found:
    """As many punches as can be, then some a second, then the orders beside these."""
    company = Company(options, options.terminals + PUNCHING)
    crowd, window = company.crowd, company.window
    enrolling = Enrolling(crowd, options.amount)
    crowd.ready = deque(terminal for terminal in crowd.ready if terminal.place >= options.terminals)
    putting: Elsewhere | Desk = Desk(company) if options.way == "http" else Elsewhere(company)
    punching = Punching(crowd)
    full = punching.closed(INFLIGHT, options.warm_up, options.seconds / 2, window)
    acks = len(punching.took) / full["seconds"]
    punching.offered(options.rate, options.warm_up, options.seconds, window)
    calm = milliseconds(punching.took)["p99"]
    offer = Offer(options.rate, punching.due)
    window.begin()
    punching.begin()
    putting.begin()
    offer_until(crowd, [offer], _Over(company, putting).is_over)
    measured = window.end()
    punching.end()
    putting.end()
    wanted = options.terminals * options.amount
    finished = company.ledger.orders(range(options.terminals))
    crowd.wrong["orders not done"] += wanted - finished.states["done"]
    crowd.wrong["credentials not on their terminal"] += wanted - enrolling.taken.total()
    busy, rate = milliseconds(punching.took), wanted / finished.seconds
    more = {
        "rate": rate,
        "put": wanted / putting.seconds,
        "calm": calm,
        "busy": busy["p99"],
        "grown": busy["p99"] / calm,
        "punches": len(punching.took) / measured["seconds"],
        "acks": acks,
        "by ack": acks / rate,
    }
    return company.found(measured, more, done=wanted, latency=busy, late=milliseconds(punching.late))
