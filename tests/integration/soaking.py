"""Long work, and a process that is no larger after it: memory is looked at while everything goes on.

``python -m tests.integration.soaking --minutes 30`` is the long way; the suite has half a minute of it
(``test_soaking.py``). Terminals push, leave and come back, people order, read and watch, a receiver gets all.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import threading
import time
import unittest
import urllib.request
from typing import Any, Final

from tests.real.hooks import HookScene
from tests.real.process import resident_bytes
from tests.real.server import RealServer
from tests.real.store import wait_until

LOAD: Final = (
    "--terminals",
    "200",
    "--backlog",
    "0",
    "--rate",
    "100",
    "--seconds",
    "1000000",
    "--users",
    "3",
)
MIB: Final = 1 << 20
SAMPLES: Final = 20
"""Memory is compared between the beginning and the end of so many looks, each the least of a stretch."""
WARM_SHARE: Final = 0.25
"""Of the time belongs to warming up: caches and pools fill."""
MOST_GROWTH: Final = 6 * MIB
"""What a process may be larger by at the end: the allocator's own steps are of that size."""


class Soak(HookScene):
    """One server under everything, for ``seconds``."""

    archive_more = "stream_most: 2000, stream_hours: 1"
    seconds = 30.0

    def setUp(self) -> None:
        super().setUp()
        self.here = self.process("one")
        self.target = self.receiver()
        self.delivery = self.hook(self.here, self.target, batch=50)
        self.over = threading.Event()
        self.asked = 0

    def run_through(self) -> dict[str, Any]:
        """Work, look, compare; what was seen."""
        simulator = self.simulator(self.here, *LOAD)
        wait_until(lambda: simulator.acked().total() > 100, "punches are acknowledged")
        people = threading.Thread(target=self._be_people, daemon=True)
        people.start()
        self.over.wait(self.seconds * WARM_SHARE)
        looks = [self._least(self.seconds * (1 - WARM_SHARE) / SAMPLES) for _ in range(SAMPLES)]
        self.over.set()
        people.join(30)
        report = simulator.interrupt()
        self.assertEqual(report["complaints"], {})
        self.all_archived(self.here)
        self.assert_whole(simulator.acked(), self.here)
        self.settled(self.here, self.delivery, self.target)
        first, last = min(looks[:5]), min(looks[-5:])
        self.assertLess(last - first, MOST_GROWTH, f"it grew: {[look // 1024 for look in looks]} KiB")
        return {
            "minutes": round(self.seconds / 60, 1),
            "acked": report["acked"],
            "asked over HTTP": self.asked,
            "MiB at first": round(first / MIB, 1),
            "MiB at last": round(last / MIB, 1),
            "MiB": [round(look / MIB, 1) for look in looks],
        }

    def _least(self, seconds: float) -> int:
        """The least memory of a stretch: what is under way comes and goes."""
        found = []
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.over.wait(min(1.0, seconds / 3)):
            found.append(resident_bytes(self.here.pid))
        return min(found)

    def _be_people(self) -> None:
        """Order, read, look, and look away in the middle, until it is over."""
        numbers = itertools.cycle([row["sn"] for row in self.here.get("/terminals")[1]["terminals"]])
        paths = itertools.cycle(("/terminals", "/punches?limit=500", "/completeness", "/audit", "/metrics"))
        while not self.over.wait(0.05):
            sn = next(numbers)
            self.order(self.here, sn, "gettime", wait=2)
            self.here.get(next(paths))
            self.here.get("/nothing-there")
            self.client(self.here).shut()
            self._watch_a_little(self.here)
            self.asked += 4

    def _watch_a_little(self, server: RealServer) -> None:
        """Begin to watch, and leave."""
        request = urllib.request.Request(f"http://127.0.0.1:{server.http}/api/v1/stream")
        request.add_header("Authorization", f"Bearer {server.token}")
        with urllib.request.urlopen(request, timeout=10) as stream:
            stream.read(1)


def main() -> int:
    """The long way; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    given = parser.parse_args()

    class Long(Soak):
        """As long as was asked for."""

        seconds = given.minutes * 60
        timeout = given.minutes * 60 + 600

        def test_long(self) -> None:
            """No growth."""
            sys.stdout.write(json.dumps(self.run_through(), indent=2) + "\n")

    found = unittest.TextTestRunner().run(Long("test_long"))
    return 0 if found.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
