"""Everybody that a round of orders needs: terminals, people at the HTTP side, the store, and the clock."""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable
from typing import Any, Final

from benchmarks import machine
from benchmarks.asking import People
from benchmarks.crowd import Crowd
from benchmarks.ledger import Ledger
from benchmarks.load import OPEN_SECONDS, Window

BURST: Final = 256
CONNECTIONS: Final = 64
"""Of people: far more than have something under way when all is well."""
LOOK_SECONDS: Final = 0.02
PATIENCE: Final = 120.0

Found = dict[str, Any]


class Company:
    """Terminals that are connected to one server, and people at the HTTP side of it or of another."""

    def __init__(self, options: argparse.Namespace, terminals: int, records: int = 1) -> None:
        self.options = options
        machine.raise_files(terminals + CONNECTIONS + machine.SPARE_FILES)
        self.crowd = Crowd(options.port, 0, records)
        self.ledger = Ledger(options.socket)
        self.people = People(self.crowd, options.people, options.token, CONNECTIONS)
        self.window = Window({"server": options.server, "other": options.other, "store": options.store})
        self.crowd.open(terminals, BURST, OPEN_SECONDS)
        gc.collect()
        gc.freeze()
        gc.disable()

    def until(self, is_over: Callable[[], bool]) -> None:
        """Let everybody talk until it is over, but not for ever."""
        limit = time.perf_counter() + PATIENCE
        while not is_over():
            self.crowd.turn(LOOK_SECONDS)
            if time.perf_counter() > limit:
                self.crowd.wrong["not over in time"] += 1
                return

    def found(self, measured: Found, more: dict[str, float], **rest: Any) -> Found:
        """Everything that came of it."""
        wrong = {what: count for what, count in self.crowd.wrong.items() if count}
        return {**measured, "more": more, "terminals": self.crowd.registered, "wrong": wrong, **rest}
