"""A large directory over HTTP: how long people take to come in from a file, and a page of them to be listed
or found: ``python benchmarks/listing.py``. One connection asks one thing after another.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

# Run as a program only its own folder is looked in.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import machine
from tests.real.placed import PlacedServer
from tests.real.store import RealStore, wait_until

SETTINGS = "admission: {policy: open}\nhttp: {requests_per_second: 100000}\n"
LONG = 3600.0
LETTERS = "abcdefghijklmnop"


class Bench:
    """A server, its store, and the people of a file."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.random = random.Random(1)
        self.store = RealStore().start()
        self.server = PlacedServer("--instance", "bench", store=self.store)
        self.server.settings = SETTINGS
        self.server.start()
        self.names = ["".join(self.random.choices(LETTERS, k=9)).title() for _ in range(options.people)]
        self.connection = http.client.HTTPConnection("127.0.0.1", self.server.http)

    def stop(self) -> None:
        """Everything ends."""
        self.connection.close()
        self.server.remove()
        self.store.remove()

    def imported(self) -> dict[str, float]:
        """How long the import took, and the CPU of the server."""
        rows = (f"{n},{name},P-{n},{n + 1000}\n" for n, name in enumerate(self.names, 1))
        data = ("enrollid,name,external_id,card\n" + "".join(rows)).encode()
        began, before = time.perf_counter(), self.cpu()
        status, made = self.server.ask("POST", "/imports", data, content_type="text/csv")
        assert status == 202, made
        path = f"/imports/{made['id']}"
        wait_until(lambda: self.server.get(path)[1]["state"] == "done", "all are in", LONG)
        found = self.server.get(path)[1]
        assert found["made"] == self.options.people, found
        return {"s": round(time.perf_counter() - began, 1), "CPU s": round(self.cpu() - before, 1)}

    def pages(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """What is asked, and how the path of one such request comes about."""
        yield "list, 100", lambda: f"/users?limit=100&cursor={self._number()}"
        yield "list, 1000", lambda: f"/users?limit=1000&cursor={self._number()}"
        yield "name begins so, 100", lambda: f"/users?limit=100&prefix={self.random.choice(LETTERS)}"
        yield "whole name", lambda: f"/users?prefix={quote(self.random.choice(self.names))}"
        yield "external id", lambda: f"/users?external_id=P-{self._number()}"
        yield "enrollid", lambda: f"/users/{self._number()}"

    def asked(self, path_of: Callable[[], str]) -> dict[str, float]:
        """How long such requests take, and the CPU of the server for each (ms)."""
        waits, before = [], self.cpu()
        for _ in range(self.options.requests):
            path = path_of()
            began = time.perf_counter()
            self.connection.request("GET", f"/api/v1{path}", headers=self._headers())
            answer = self.connection.getresponse()
            body = answer.read()
            waits.append(1000 * (time.perf_counter() - began))
            assert answer.status == 200 and json.loads(body), (path, answer.status)
        cpu = 1000 * (self.cpu() - before) / len(waits)
        found = statistics.quantiles(waits, n=100)
        return {"p50": round(found[49], 1), "p99": round(found[98], 1), "CPU": round(cpu, 1)}

    def cpu(self) -> float:
        """CPU seconds of the server."""
        return machine.cpu_seconds(self.server.pid)

    def _number(self) -> int:
        return self.random.randrange(1, self.options.people)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.server.token}"}


def main() -> int:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--most", type=float, default=50.0, help="ms that a page may take (p99)")
    options = parser.parse_args()
    bench = Bench(options)
    try:
        found: dict[str, Any] = {"people": options.people, "import": bench.imported()}
        pages = {what: bench.asked(path_of) for what, path_of in bench.pages()}
    finally:
        bench.stop()
    sys.stdout.write(json.dumps({**found, "ms": pages}, indent=2) + "\n")
    return 0 if all(one["p99"] <= options.most for one in pages.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
