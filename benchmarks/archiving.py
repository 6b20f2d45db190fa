"""Punches on their way into SQL, out of it as a file, and a person's month among many."""

from __future__ import annotations

import argparse
import http.client
import random
import subprocess
import time
from datetime import UTC, datetime, timedelta
from typing import Final

from benchmarks import bodies, heap, machine
from benchmarks.company import Company, Found
from benchmarks.delivering import told
from benchmarks.load import Punching, milliseconds
from benchmarks.place import PEERS

FORMS: Final = {"csv": "text/csv", "ndjson": "application/x-ndjson"}
PEER_SECONDS: Final = 280.0
MONTH: Final = timedelta(days=30)
ASKED: Final = 50
"""People whose month is looked at."""
A_PAGE: Final = 1000
KIB: Final = 1024
_READ_BYTES: Final = 1 << 20


def archive(options: argparse.Namespace) -> Found:
    """Everything into the archive, by us and by a plain loop, and out of it again."""
    company = Company(options, 1)
    before = company.ledger.punches()
    company.window.begin()
    began = time.perf_counter()
    company.ledger.add_punches(0, options.amount)
    newest = company.ledger.newest_punch()
    company.until(lambda: company.ledger.archived() == newest)
    took = time.perf_counter() - began
    measured = company.window.end()
    company.crowd.wrong["not in the stream"] += before + options.amount - company.ledger.punches()
    peer = _by_the_peer(options)
    more = {"rate": options.amount / took, "peer": peer, "by peer": options.amount / took / peer}
    for form in FORMS:
        more |= _export(company, form)
    return company.found(measured, more, done=options.amount)


def _by_the_peer(options: argparse.Namespace) -> float:
    """Rows a second of the peer, on the server's core, from the same stream into a table of its own."""
    command = [options.python, str(PEERS / "archive_peer.py"), options.socket, options.beside]
    process = subprocess.Popen([*command, str(options.amount)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    machine.share_core(process.pid, options.server)
    said, _ = process.communicate(b"go\n", timeout=PEER_SECONDS)
    return float(said)


def _export(company: Company, form: str) -> dict[str, float]:
    """All punches as a file: rows a second, and how much memory the server took for it."""
    options = company.options
    resident = machine.resident_kib(options.server)
    machine.forget_peak(options.server)
    connection = http.client.HTTPConnection("127.0.0.1", options.people, timeout=PEER_SECONDS)
    began = time.perf_counter()
    connection.request(
        "GET",
        "/api/v1/punches",
        headers={"Authorization": f"Bearer {options.token}", "Accept": FORMS[form]},
    )
    answer = connection.getresponse()
    lines = 0
    while data := answer.read(_READ_BYTES):
        lines += data.count(b"\n")
    seconds = time.perf_counter() - began
    connection.close()
    wanted = options.amount + (form == "csv")
    company.crowd.wrong[f"rows missing in {form}, or there twice"] += abs(lines - wanted)
    grown = (machine.peak_kib(options.server) - resident) / KIB
    return {form: options.amount / seconds, f"{form} grown": grown}


def month(options: argparse.Namespace) -> Found:
    """The month of one person after another, somewhere in the time of many punches."""
    company = Company(options, 1)
    punching = Punching(company.crowd)
    punching.closed(1, options.warm_up / 2, options.seconds / 4, company.window)
    ack = milliseconds(punching.took)["p50"]
    heap.fill(options.archive, options.amount)
    company.ledger.trimmed(heap.last_ms(options.amount))
    took, rows = [], 0
    chance = random.Random(7)
    days = max(1, int(options.amount / heap.A_DAY) - MONTH.days)
    company.window.begin()
    for _ in range(ASKED):
        person = chance.randrange(1, bodies.PEOPLE + 1)
        since = datetime.fromtimestamp(bodies.FIRST, UTC) + timedelta(days=chance.randrange(days))
        began = time.perf_counter()
        found = _month(company, person, since)
        took.append(time.perf_counter() - began)
        wanted = heap.punches_of(person, since.timestamp(), (since + MONTH).timestamp(), options.amount)
        company.crowd.wrong["punches of a month that are missing, or there twice"] += abs(found - wanted)
        rows += found
    measured = company.window.end()
    latency = milliseconds(took)
    more = {"p50": latency["p50"], "p99": latency["p99"], "rows": rows / ASKED, "ack": ack}
    more["by ack"] = latency["p50"] / ack
    return company.found(measured, more, done=ASKED, latency=latency)


def _month(company: Company, person: int, since: datetime) -> int:
    """How many punches a person has in the 30 days; all pages are asked for."""
    span = f"since={since:%Y-%m-%dT%H:%M:%SZ}&until={since + MONTH:%Y-%m-%dT%H:%M:%SZ}"
    rows, after = 0, "0"
    while True:
        path = f"/api/v1/punches?enrollid={person}&{span}&limit={A_PAGE}&after={after}"
        found = told(company, company.people.get, path)
        if not found:
            return rows
        rows += len(found["punches"])
        if found["next"] == after:
            return rows
        after = found["next"]
