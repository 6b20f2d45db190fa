"""Very many terminals come back at once, and every punch that was acknowledged is there, once.

``python -m tests.integration.storming --terminals 20000`` is the long way; the suite runs a short one
(``test_storming.py``). Some of the terminals, the talkers, keep their connections and push all the time.
First all connections of the others are torn at once, then the servers are killed and started again. Servers
share a store; each has as many terminals as it may have open files.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import unittest
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from tests.real.placed import PlacedServer
from tests.real.scene import Scene
from tests.real.server import ROOT, RealServer
from tests.real.simulator import Key, faults, key_of, whole_lines
from tests.real.store import wait_until
from tfserver.gateway.pacing import MOST_UNFINISHED
from tfserver.openfiles import OTHERS

SETTINGS: Final = "admission: {policy: open}\ncatchup: {enabled: false}\n"
A_SWARM: Final = 10_000
"""Terminals in one process of theirs."""
SECONDS: Final = 180.0
"""Within which everybody has to be back."""
Told = dict[str, Any]


class Swarm:
    """A process with very many terminals."""

    def __init__(self, ports: list[int], first: int, terminals: int, talkers: int, seed: int) -> None:
        self.acks = os.path.join(tempfile.mkdtemp(prefix="tfw-"), "acks")
        options = {
            "ports": ",".join(map(str, ports)),
            "first": first,
            "terminals": terminals,
            "talkers": talkers,
            "seed": seed + first,
            "day": datetime.now(UTC).date() - timedelta(days=1),
            "acks": self.acks,
        }
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.real.swarm",
                *(f"--{name}={value}" for name, value in options.items()),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def say(self, word: str) -> None:
        """Tell it what to do."""
        assert self._process.stdin is not None
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()

    def hear(self) -> Told:
        """The next line that it tells."""
        assert self._process.stdout is not None
        found: Told = json.loads(self._process.stdout.readline())
        return found

    def remove(self) -> None:
        """Let it go."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
        Path(self.acks).unlink(missing_ok=True)
        Path(self.acks).parent.rmdir()


class Storming(Scene):
    """So many terminals, all at once."""

    terminals = 20_000
    talkers = 200
    seed = 1
    settings = SETTINGS

    def setUp(self) -> None:
        self.patch(RealServer, "settings", self.settings)
        self.redis = self.store()
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        count = -(-self.terminals // (files - MOST_UNFINISHED - OTHERS))
        self.servers = [self.server(store=self.redis) for _ in range(count)]
        self.swarms = self._swarms()
        self.told: dict[str, Told] = {}

    def _swarms(self) -> list[Swarm]:
        ports = [server.port for server in self.servers]
        count = -(-self.terminals // A_SWARM)
        made = []
        for place in range(count):
            first = place * A_SWARM
            size = min(A_SWARM, self.terminals - first)
            made.append(Swarm(ports, first, size, self.talkers // count, self.seed))
            self.addCleanup(made[-1].remove)
        return made

    def say(self, word: str) -> None:
        """Tell all swarms at once."""
        for swarm in self.swarms:
            swarm.say(word)

    def hear(self, word: str = "tell") -> Told:
        """How it stands with all of them: numbers added up, the longest time of any."""
        self.say(word)
        told = [swarm.hear() for swarm in self.swarms]
        seen: Counter[str] = sum((Counter(one["seen"]) for one in told), Counter())
        added = {name: sum(one[name] for one in told) for name in ("registered", "waiting", "talked")}
        longest = {name: max(one[name] for one in told) for name in ("p50_ms", "p99_ms", "most_ms")}
        return {**added, **longest, "seen": dict(seen)}

    def storm(self, name: str, began: float) -> None:
        """Wait until all are back and have handed over what they had; note how that went."""
        back: list[float] = []
        told: Told = {}

        def is_over() -> bool:
            told.update(self.hear())
            if told["registered"] >= self.terminals and not back:
                back.append(time.monotonic() - began)
            return bool(back) and told["waiting"] <= self.talkers

        wait_until(is_over, f"{name}: all are back: {told}", SECONDS)
        told["back_seconds"], told["over_seconds"] = round(back[0], 1), round(time.monotonic() - began, 1)
        told["memory_mb"] = [peak_bytes(server.pid) >> 20 for server in self.servers]
        told["pauses"] = [counted(server, "tfserver_accept_pauses_total") for server in self.servers]
        self.told[name] = told

    def run_through(self) -> None:
        """All of it; AssertionError when anything is lost or doubled, or somebody stays away."""
        began = time.monotonic()
        self.say("begin")
        self.storm("first", began)
        self.say("forget")
        began = time.monotonic()
        self.say("reset")
        self.storm("reset", began)
        self.say("forget")
        began = time.monotonic()
        for server in self.servers:
            server.kill()
        for starting in [self.meanwhile(server.start) for server in self.servers]:
            starting.result()
        self.storm("killed", began)
        self.told["end"] = self.hear("end")
        self.assertEqual(self.told["end"]["waiting"], 0)
        self.check()

    def _feed(self) -> list[Told]:
        """All punches; twenty thousand terminals have just gone, so it may take more than one try."""
        found: list[Told] = []

        def is_read() -> bool:
            try:
                found[:] = self.servers[0].punches()
            except AssertionError:
                return False
            return True

        wait_until(is_read, "the feed is read", SECONDS)
        return found

    def check(self) -> None:
        """Compare what was acknowledged with what is there."""
        acked: Counter[Key] = Counter()
        for swarm in self.swarms:
            acked.update(key_of(line) for line in whole_lines(swarm.acks))
        feed = self._feed()
        wrong = faults(acked, feed)
        self.told["punches"] = {"acked": len(acked), "kept": len(feed), "lost": 0, "doubled": 0, **wrong}
        self.assertEqual(wrong, {})
        self.assertEqual(len(feed), len(acked))


def peak_bytes(pid: int) -> int:
    """The most memory a process ever held."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def counted(server: PlacedServer, name: str) -> float:
    """The sum of all lines of one metric."""
    lines = str(server.get("/metrics")[1]).splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def main() -> int:
    """Run so many of one seed, and tell how it went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--terminals", type=int, default=Storming.terminals)
    parser.add_argument("--talkers", type=int, default=Storming.talkers)
    parser.add_argument("--seed", type=int, default=Storming.seed)
    options = parser.parse_args()
    Storming.terminals, Storming.talkers, Storming.seed = options.terminals, options.talkers, options.seed
    case = Storming("run_through")
    result = unittest.TextTestRunner(verbosity=2).run(case)
    for name, told in getattr(case, "told", {}).items():
        sys.stdout.write(f"{name} {json.dumps(told)}\n")
    return not result.wasSuccessful()


if __name__ == "__main__":
    sys.exit(main())
