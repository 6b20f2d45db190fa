"""One terminal is full of logs, and all of them are read: records a second, and the memory for it."""

from __future__ import annotations

import argparse
import time
from typing import Final

import msgspec

from benchmarks import machine, messages
from benchmarks.company import Company, Found
from benchmarks.load import Punching
from benchmarks.obeying import A_PAGE, Logbook

PUSH_SECONDS: Final = 0.6
PATH: Final = f"/api/v1/terminals/{messages.serial_number(0)}/commands?wait=60"
KIB: Final = 1024


def measure(options: argparse.Namespace) -> Found:
    """The terminal pushes, is read, and is read again."""
    company = Company(options, 1, A_PAGE)
    punching = Punching(company.crowd)
    (terminal,) = company.crowd.terminals.values()
    pushed = punching.closed(1, options.warm_up, PUSH_SECONDS, company.window)
    push = len(punching.took) * A_PAGE / pushed["seconds"]
    book = Logbook(company.crowd, terminal, options.amount, time.time())
    before, resident = company.ledger.punches(), machine.resident_kib(options.server)
    machine.forget_peak(options.server)
    company.window.begin()
    took = _read(company, options.amount, 0)
    measured = company.window.end()
    peak, after = machine.peak_kib(options.server), machine.resident_kib(options.server)
    pages = book.given
    again = _read(company, 0, options.amount)
    kept = company.ledger.punches() - before
    company.crowd.wrong["logs missing in the feed, or there twice"] += abs(options.amount - kept)
    rate = options.amount / took
    more = {
        "rate": rate,
        "known": options.amount / again,
        "before": resident / KIB,
        "grown": (peak - resident) / KIB,
        "left": (after - resident) / KIB,
        "push": push,
        "by push": push / rate,
    }
    return company.found(measured, more, done=pages)


def _read(company: Company, new: int, known: int) -> float:
    """Order all logs over HTTP; seconds until the end of the order is told."""
    answers: list[tuple[int, bytes]] = []
    began = time.perf_counter()
    company.people.post(PATH, b'{"cmd":"getalllog"}', lambda status, body: answers.append((status, body)))
    company.until(lambda: bool(answers))
    seconds = time.perf_counter() - began
    status, body = answers[0] if answers else (0, b"")
    if status != 200 or _judged(body) != ("done", new + known, new, known):
        company.crowd.wrong[f"a reading was answered with {status} {body[:300]!r}"] += 1
    return seconds


def _judged(body: bytes) -> tuple[str, int, int, int]:
    """How an order ended, and how many records there were, were new and were known."""
    found = msgspec.json.decode(body)
    reply = found["reply"] or {}
    return found["state"], reply.get("records", 0), reply.get("new", 0), reply.get("known", 0)
