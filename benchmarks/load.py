"""The load: simulated terminals against one server on loopback. Prints one line of JSON.

``python benchmarks/load.py --port P --mode closed|storm|idle|offered --server PID [--store PID] …``

closed   ``inflight`` terminals always have a ``sendlog`` under way: what the server can do
storm    all connect and register: connections a second
idle     all stay connected and ping every ``period`` seconds: memory, and CPU of the server
offered  ``sendlog`` come at random moments, ``rate`` a second in the mean, whatever the server does; latency
         counts from the moment it was due, so a late sender makes no server look fast

Each reply is checked. Linux only, loopback only, bounded in terminals and time.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any, Final

# Run as a program only its own folder is looked in.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import machine
from benchmarks.crowd import READY, Crowd, Terminal
from benchmarks.offering import Offer, offer_until

MOST_TERMINALS: Final = 50_000
MOST_SECONDS: Final = 600.0
SETTLE_SECONDS: Final = 2.0
GRACE_SECONDS: Final = 3.0
OPEN_SECONDS: Final = 180.0


class Window:
    """The measured time: what everybody's CPU did in it."""

    def __init__(self, pids: dict[str, int]) -> None:
        self._pids = {name: pid for name, pid in pids.items() if pid}
        self._before: dict[str, float] = {}
        self._began = 0.0

    def watch(self, name: str, pid: int) -> None:
        """One more process belongs to us."""
        self._pids[name] = pid

    def begin(self) -> None:
        """From now on."""
        self._before = self._used()
        self._began = time.perf_counter()

    def end(self) -> dict[str, Any]:
        """Length in seconds, and the share of a core (1.0) each process and all others used."""
        seconds = time.perf_counter() - self._began
        used = {name: cpu - self._before[name] for name, cpu in self._used().items()}
        others = used.pop("machine") - sum(used.values())
        shares = {name: cpu / seconds for name, cpu in used.items()}
        return {"seconds": seconds, "cpu": {**shares, "others": max(0.0, others / seconds)}}

    def _used(self) -> dict[str, float]:
        used = {name: machine.cpu_seconds(pid) for name, pid in self._pids.items()}
        return {**used, "load": time.process_time(), "machine": machine.busy_seconds()}


class Punching:
    """Terminals that send records, each again as soon as it is its turn; latencies in seconds."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.took: list[float] = []
        self.late: list[float] = []
        """How long after it was due a request went out (offered)."""
        self.measures_from = float("inf")
        self.measures_until = float("inf")
        crowd.answered = self.answered
        self._goes_on = False

    def answered(self, terminal: Terminal) -> None:
        """Note the latency, and let the terminal that waits longest go on."""
        now = time.perf_counter()
        if self.measures_from <= terminal.since < self.measures_until:
            self.took.append(now - terminal.since)
        self.crowd.ready.append(terminal)
        if self._goes_on:
            self._next(now)

    def closed(self, inflight: int, warm_up: float, seconds: float, window: Window) -> dict[str, Any]:
        """Keep ``inflight`` requests under way."""
        self._goes_on = True
        for _ in range(inflight):
            self._next(time.perf_counter())
        self._until(time.perf_counter() + warm_up)
        window.begin()
        began = self.measures_from = time.perf_counter()
        self._until(began + seconds)
        measured = window.end()
        self.measures_until = 0.0
        self._goes_on = False
        self._let_end()
        return measured

    def offered(self, rate: float, warm_up: float, seconds: float, window: Window) -> dict[str, Any]:
        """Send ``rate`` requests a second in the mean, at random moments."""
        offer = Offer(rate, self.due)
        begins = time.perf_counter() + warm_up
        offer_until(self.crowd, [offer], lambda now: now >= begins)
        window.begin()
        ends = self.begin() + seconds
        offer_until(self.crowd, [offer], lambda now: now >= ends)
        measured = window.end()
        if offer.due < (now := time.perf_counter()) - 1.0:
            self.crowd.wrong["no terminal was free"] += round((now - offer.due) * rate)
        self.end()
        return measured

    def begin(self) -> float:
        """Measure what is due from now on; the present."""
        self.took, self.late = [], []
        self.measures_from, self.measures_until = time.perf_counter(), float("inf")
        return self.measures_from

    def end(self) -> None:
        """Measure no more than what is under way, and wait for that."""
        self.measures_until = time.perf_counter()
        self._let_end()

    def due(self, since: float) -> bool:
        """Let the next terminal send, on account of that moment; False when none is free."""
        if not self.crowd.ready:
            return False
        now = time.perf_counter()
        if now >= self.measures_from:
            self.late.append(now - since)
        self._next(since)
        return True

    def _next(self, since: float) -> None:
        ready = self.crowd.ready
        while ready:
            terminal = ready.popleft()
            if terminal.state == READY:
                self.crowd.punch(terminal, since)
                return

    def _until(self, moment: float) -> None:
        while (left := moment - time.perf_counter()) > 0:
            self.crowd.turn(left)

    def _let_end(self) -> None:
        limit = time.perf_counter() + GRACE_SECONDS
        while (left := self.crowd.busy()) and time.perf_counter() < limit:
            self.crowd.turn(0.01)
        self.crowd.wrong["never answered"] += left


def idle(crowd: Crowd, period: float, warm_up: float, seconds: float, window: Window) -> dict[str, Any]:
    """All ping every ``period`` seconds, spread evenly."""
    terminals = list(crowd.terminals.values())
    gap = period / max(1, len(terminals))
    due = time.perf_counter()
    begin, end = due + warm_up, due + warm_up + seconds
    pings, is_measuring = 0, False
    while (now := time.perf_counter()) < end:
        if not is_measuring and now >= begin:
            window.begin()
            is_measuring = True
        while due <= now:
            crowd.ping(terminals[pings % len(terminals)])
            pings += 1
            due += gap
        # Pings in groups of a few milliseconds: it is the server that is measured, not our sleep.
        crowd.turn(max(due - now, 0.005))
    measured = window.end()
    limit = time.perf_counter() + GRACE_SECONDS
    while crowd.pongs < pings and time.perf_counter() < limit:
        crowd.turn(0.01)
    crowd.wrong["unanswered pings"] += pings - crowd.pongs
    return {**measured, "pings": pings}


def settle(crowd: Crowd) -> None:
    """Stay connected for a moment: who is dropped now was not really connected."""
    limit = time.perf_counter() + SETTLE_SECONDS
    while (left := limit - time.perf_counter()) > 0:
        crowd.turn(left)


def milliseconds(took: list[float]) -> dict[str, float]:
    """Percentiles of latencies given in seconds."""
    ordered = sorted(took)
    if not ordered:
        return {}
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    found = {name: ordered[min(len(ordered) - 1, int(len(ordered) * at))] for name, at in shares.items()}
    return {name: round(value * 1000, 3) for name, value in {**found, "max": ordered[-1]}.items()}


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Do what the options say; everything that came of it."""
    crowd = Crowd(options.port, options.first, options.records)
    window = Window({"server": options.server, "store": options.store})
    before = machine.resident_kib(options.server)
    window.begin()
    opening = crowd.open(options.terminals, options.burst, OPEN_SECONDS)
    opened = window.end()
    gc.collect()
    gc.freeze()
    gc.disable()
    if options.mode in ("storm", "idle"):
        settle(crowd)
    found: dict[str, Any] = {
        "terminals": crowd.registered,
        "opening": opening,
        "memory_kib": (machine.resident_kib(options.server) - before) / max(1, crowd.registered),
    }
    if options.mode == "storm":
        found |= opened | {"done": crowd.registered}
    elif options.mode == "idle":
        found |= idle(crowd, options.period, options.warm_up, options.seconds, window)
    else:
        punching = Punching(crowd)
        if options.mode == "closed":
            found |= punching.closed(options.inflight, options.warm_up, options.seconds, window)
        else:
            found |= punching.offered(options.rate, options.warm_up, options.seconds, window)
        found |= {"done": len(punching.took), "latency": milliseconds(punching.took)}
        found |= {"late": milliseconds(punching.late)}
    found["acknowledged"] = crowd.acknowledged * options.records
    found["wrong"] = {what: count for what, count in crowd.wrong.items() if count}
    crowd.close()
    return found


def options(arguments: list[str]) -> argparse.Namespace:
    """The command line, read and bounded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mode", choices=("closed", "storm", "idle", "offered"), default="closed")
    parser.add_argument("--port", type=int, required=True, help="of the server on 127.0.0.1")
    parser.add_argument(
        "--server", type=int, required=True, help="its process id, to read its CPU and memory"
    )
    parser.add_argument("--store", type=int, default=0, help="process id of its store")
    parser.add_argument("--terminals", type=int, default=64)
    parser.add_argument("--first", type=int, default=0, help="number of the first terminal")
    parser.add_argument("--burst", type=int, default=256, help="terminals that connect at once")
    parser.add_argument("--inflight", type=int, default=64, help="requests under way (closed)")
    parser.add_argument("--records", type=int, default=1, help="records in each sendlog")
    parser.add_argument("--rate", type=float, default=2000.0, help="sendlog a second (offered)")
    parser.add_argument("--period", type=float, default=3.0, help="seconds between two pings (idle)")
    parser.add_argument("--warm-up", type=float, default=1.0, help="seconds before the measured time")
    parser.add_argument("--seconds", type=float, default=5.0, help="measured time")
    found = parser.parse_args(arguments)
    if not 0 < found.terminals <= MOST_TERMINALS or not 0 < found.seconds <= MOST_SECONDS:
        parser.error(f"at most {MOST_TERMINALS} terminals and {MOST_SECONDS:.0f} seconds")
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if found.terminals + 50 > machine.raise_files(found.terminals + 50):
        parser.error(f"{found.terminals} terminals need more open files than {limit}")
    return found


if __name__ == "__main__":
    json.dump(measure(options(sys.argv[1:])), sys.stdout)
    sys.stdout.write("\n")
