"""Punches go on to a receiver of webhooks: by tfserver, or by a sender of one's own beside it."""

from __future__ import annotations

import argparse
import subprocess
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from benchmarks import machine
from benchmarks.bodies import uid_of
from benchmarks.company import PATIENCE, Company, Found
from benchmarks.load import Punching, milliseconds
from benchmarks.offering import Offer, offer_until
from benchmarks.place import PEERS
from benchmarks.receiving import SECRET, Receiver

A_REQUEST: Final = 100
TERMINALS: Final = 300
OFFERED: Final = 2000.0
"""Punches a second beside a delivery."""


def told(company: Company, method: Callable[..., None], *request: Any) -> Any:
    """Ask the HTTP side, and wait for a good answer."""
    answers: list[tuple[int, bytes]] = []
    method(*request, lambda status, body: answers.append((status, body)))
    company.until(lambda: bool(answers))
    status, body = answers[0]
    if not 200 <= status < 300:
        company.crowd.wrong[f"{request[0]} was answered with {status} {body[:300]!r}"] += 1
        return {}
    return msgspec.json.decode(body)


class Subscribed:
    """A receiver that one of both delivers to, in requests of at most so many punches."""

    def __init__(self, company: Company, batch: int) -> None:
        self.receiver = Receiver(company.crowd)
        self._company = company
        self._process: subprocess.Popen[bytes] | None = None
        options = company.options
        if options.way == "peer":
            command = [options.python, str(PEERS / "webhook_peer.py"), options.socket, self.receiver.url]
            self._process = subprocess.Popen([*command, SECRET, str(batch)], stdout=subprocess.PIPE)
            # it stands for a part of the server
            machine.share_core(self._process.pid, options.server)
            assert self._process.stdout is not None
            if self._process.stdout.readline() != b"ready\n":
                raise RuntimeError("the peer that delivers did not start")
            company.window.watch("other", self._process.pid)
        else:
            wanted = {"url": self.receiver.url, "kinds": ["punch"], "secret": SECRET, "batch": batch}
            told(company, company.people.post, "/api/v1/webhooks", msgspec.json.encode(wanted))

    def end(self) -> None:
        """Let the peer go."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def _backlog(company: Company, hook: Subscribed, number: int, amount: int) -> None:
    """Let so many punches wait behind one request that is not answered yet."""
    receiver = hook.receiver
    receiver.holds = True
    company.ledger.add_punches(number, 1)
    company.until(lambda: bool(receiver.held))
    company.ledger.add_punches(number + 1, amount)
    receiver.begin({uid_of(each).encode() for each in range(number + 1, number + 1 + amount)})


def _drained(company: Company, receiver: Receiver) -> float:
    """Seconds until a backlog is received."""
    began = time.perf_counter()
    receiver.release()
    company.until(lambda: not receiver.missing)
    return time.perf_counter() - began


def deliver(options: argparse.Namespace) -> Found:
    """Punches alone; a backlog alone; punches that are delivered as they come; a backlog beside punches."""
    company = Company(options, TERMINALS)
    crowd, window = company.crowd, company.window
    punching = Punching(crowd)
    punching.offered(OFFERED, options.warm_up, options.seconds, window)
    calm = milliseconds(punching.took)
    hook = Subscribed(company, A_REQUEST)
    try:
        _backlog(company, hook, 0, options.amount)
        window.begin()
        alone = _drained(company, hook.receiver)
        measured = window.end()
        sizes = options.amount / max(1, hook.receiver.requests)
        punching.offered(OFFERED, options.warm_up, options.seconds, window)
        following = milliseconds(punching.took)
        _backlog(company, hook, options.amount + 1, options.amount)
        beside, busy = _beside(company, punching, hook.receiver)
        doubles = hook.receiver.doubles
    finally:
        hook.end()
    crowd.wrong["punches delivered twice, though nothing failed"] += doubles
    more = {
        "rate": options.amount / alone,
        "sizes": sizes,
        "beside": options.amount / beside,
        "calm": calm["p99"],
        "following": following["p99"],
        "busy": busy["p99"],
        "followed": following["p99"] / calm["p99"],
        "grown": busy["p99"] / calm["p99"],
    }
    return company.found(measured, more, done=options.amount, latency=busy, late=milliseconds(punching.late))


def _beside(company: Company, punching: Punching, receiver: Receiver) -> tuple[float, dict[str, float]]:
    """Seconds until a backlog is received while others push, and how long their answers took."""
    offer = Offer(OFFERED, punching.due)
    punching.begin()
    began = time.perf_counter()
    receiver.release()
    offer_until(company.crowd, [offer], lambda now: not receiver.missing or now > began + PATIENCE)
    took = time.perf_counter() - began
    punching.end()
    return took, milliseconds(punching.took)


def arrive(options: argparse.Namespace) -> Found:
    """A punch now and then: from the terminal's frame until the receiver has it."""
    company = Company(options, options.terminals)
    crowd = company.crowd
    punching = Punching(crowd)
    hook = Subscribed(company, 1)
    sent: list[float] = []

    def due(since: float) -> bool:
        """Push, and remember when."""
        if not punching.due(since):
            return False
        sent.append(since)
        return True

    try:
        # a webhook is taken up within a second, and learns only then to wait for what comes
        begins = time.perf_counter() + 2 * options.warm_up
        offer_until(crowd, [Offer(options.rate, due)], lambda now: now >= begins)
        company.until(lambda: len(hook.receiver.uids) >= len(sent))
        sent.clear()
        hook.receiver.begin(set())
        company.window.begin()
        ends = punching.begin() + options.seconds
        offer_until(crowd, [Offer(options.rate, due)], lambda now: now >= ends)
        measured = company.window.end()
        punching.end()
        company.until(lambda: len(hook.receiver.uids) >= len(sent))
    finally:
        hook.end()
    # in order, so the n-th that was sent is the n-th that came
    took = [came - since for since, came in zip(sent, hook.receiver.uids.values(), strict=False)]
    crowd.wrong["punches that never came"] += len(sent) - len(took)
    found, ack = milliseconds(took), milliseconds(punching.took)
    more = {
        "p50": found["p50"],
        "p99": found["p99"],
        "ack": ack["p50"],
        "by ack": found["p50"] / ack["p50"],
    }
    return company.found(measured, more, done=len(took), latency=found, late=milliseconds(punching.late))
