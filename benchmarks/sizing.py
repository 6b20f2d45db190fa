"""What a punch, a terminal and a connection cost, for ``docs/sizing.md``: ``python -m benchmarks.sizing``.

Bytes and calls are counted and nothing is timed, so that other work on the machine does not show.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from tests.real.balancer import Balancer, Kind
from tests.real.client import RealClient, log
from tests.real.placed import PlacedServer
from tests.real.process import resident_bytes
from tests.real.simulator import RealSimulator
from tests.real.store import RealStore, wait_until

BATCH: Final = 50
PEOPLE: Final = 100
PATIENCE: Final = 300.0


def tell(line: str) -> None:
    """One line of the report, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Place:
    """A store, a server, and what they hold and do."""

    def __init__(self) -> None:
        self.folder = tempfile.mkdtemp(prefix="tfz-")
        self.store = RealStore().start()
        options = ("--admission", "open", "--data-dir", self.folder)
        self.server = PlacedServer(*options, store=self.store).start()

    def remove(self) -> None:
        """End it all."""
        self.server.remove()
        self.store.remove()
        shutil.rmtree(self.folder)

    def info(self, name: str) -> int:
        """One number of the store's INFO."""
        found = re.search(rf"\b{name}:(\d+)", self.store.ask("INFO"))
        return int(found[1]) if found else 0

    def calls(self) -> Counter[str]:
        """How often each command was called, also inside scripts."""
        text = self.store.ask("INFO commandstats")
        return Counter({name: int(n) for name, n in re.findall(r"cmdstat_(\S+?):calls=(\d+)", text)})

    def keys(self) -> Counter[str]:
        """Bytes of the store's keys by the first word behind the prefix."""
        found: Counter[str] = Counter()
        for key in re.findall(r"tf:\S+", self.store.ask("KEYS tf:*")):
            size = re.search(r":(\d+)", self.store.ask(f"MEMORY USAGE {key} SAMPLES 0"))
            found[key.split(":")[1]] += int(size[1]) if size else 0
        return found

    def sizes(self) -> Counter[str]:
        """Bytes: of the store's memory, of what it wrote, and of the archive."""
        written = sum(path.stat().st_size for path in Path(self.store.folder, "appendonlydir").iterdir())
        file = Path(self.folder, "archive.sqlite")
        with contextlib.closing(sqlite3.connect(file)) as archive:
            archive.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        used = self.info("used_memory")
        kept = file.stat().st_size
        return Counter({"memory of the store": used, "append-only file": written, "archive": kept})

    def shows(self, metric: str) -> bool:
        """Whether there is such a line among the metrics."""
        return f"{metric}\n" in str(self.server.get("/metrics")[1])


def push(place: Place, terminals: int, days: int, a_day: int, batch: int) -> None:
    """Each terminal pushes so many punches of each of the last days, so many in a message."""
    first = date.today() - timedelta(days)
    for number in range(terminals):
        client = RealClient(place.server.port)
        client.register(f"SIZE{number:08}")
        for day in range(days):
            records = [
                log(
                    1 + n % PEOPLE,
                    f"{first + timedelta(day)} {6 + n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}",
                )
                for n in range(a_day)
            ]
            for at in range(0, a_day, batch):
                some = records[at : at + batch]
                assert client.ask(cmd="sendlog", count=len(some), logindex=0, record=some)["result"]
        client.shut()


def punches(terminals: int, days: int, a_day: int, batch: int) -> None:
    """What a punch costs in memory, on disk, and in calls."""
    place = Place()
    try:
        push(place, terminals, 1, 1, 1)
        settled = partial(place.shows, "tfserver_archive_lag_punches 0.0")
        wait_until(settled, "the first are archived", PATIENCE)
        keys, sizes, calls = place.keys(), place.sizes(), place.calls()
        push(place, terminals, days, a_day, batch)
        wait_until(settled, "all are archived", PATIENCE)
        more = place.calls() - calls
        number = terminals * days * a_day
        tell(f"{number} punches of {terminals} terminals, {a_day} a day, {batch} a message; each:")
        for name, size in (place.sizes() - sizes).items():
            tell(f"  {name}: {size / number:.0f} bytes")
        for name, size in (place.keys() - keys).most_common(4):
            tell(f"  of the memory, tf:{name}: {size / number:.0f} bytes")
        tell(f"  calls: {more.total() / number:.2f}; {dict(more.most_common(6))}")
    finally:
        place.remove()


def idle(kind: Kind, number: int) -> None:
    """What terminals that only ping cost the balancer, the process and the store."""
    place = Place()
    balancer = Balancer(kind, [(place.server.port, place.server.http)]).start()
    url = f"ws://127.0.0.1:{balancer.terminals_port}/pub/chat"
    simulator = RealSimulator(url, "--terminals", str(number), "--rate", "0", "--seconds", "100000")

    def sizes() -> Counter[str]:
        found = {f"memory of {kind}": sum(map(resident_bytes, balancer.pids()))}
        found |= {"memory of the process": resident_bytes(place.server.pid)}
        return Counter({**found, "memory of the store": place.info("used_memory")})

    try:
        before, calls = sizes(), place.calls()
        tell("with nobody: " + ", ".join(f"{name} {size} bytes" for name, size in before.items()))
        simulator.start()
        wait_until(lambda: place.shows(f"tfserver_connections {number}.0"), "all are there", PATIENCE)
        tell(f"{number} terminals that only ping, behind {kind}; each:")
        for name, size in (sizes() - before).items():
            tell(f"  {name}: {size / number:.0f} bytes")
        for what in ("to connect", "in the first minute", "in the second minute"):
            more, calls = place.calls() - calls, place.calls()
            del more["info"]  # our own
            tell(f"  calls {what}: {more.total() / number:.2f}; {dict(more.most_common(6))}")
            until = place.info("uptime_in_seconds") + 60
            wait_until(lambda end=until: place.info("uptime_in_seconds") >= end, "a minute", PATIENCE)
    finally:
        simulator.remove()
        balancer.remove()
        place.remove()


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--terminals", type=int, default=50)
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--a-day", type=int, default=400)
    parser.add_argument("--idle", type=int, default=3000)
    given = parser.parse_args()
    punches(given.terminals, given.days, given.a_day, BATCH)
    punches(given.terminals, 1, given.a_day, 1)
    idle("haproxy", given.idle)
    idle("nginx", given.idle)


if __name__ == "__main__":
    main()
