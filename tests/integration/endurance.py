"""Everything breaks, again and again, and at the end everything is where it belongs.

``python -m tests.integration.endurance --faults 1000 --seed 3`` is the long way; the suite runs the first few
of one seed (``test_endurance.py``). Two processes share a store and an archive in PostgreSQL; terminals
push to both; three receivers behave badly. What is killed, and when, follows from the seed.
"""

from __future__ import annotations

import argparse
import random
import sys
import unittest
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.real.archived import archive_faults
from tests.real.hooks import SETTLED, HookScene
from tests.real.placed import PlacedServer
from tests.real.postgres import RealPostgres
from tests.real.receiver import (
    Mood,
    RealReceiver,
    answering,
    closes,
    dies_in_mid_body,
    half_an_answer,
    silent,
    well,
)
from tests.real.simulator import RealSimulator, faults
from tests.real.store import wait_until

LOAD = ("--terminals", "20", "--backlog", "5", "--rate", "60", "--wait-ack", "--seconds", "1000000")
BAD: tuple[Mood, ...] = (
    answering(500),
    answering(429, retry_after="1"),
    answering(503),
    closes,
    half_an_answer,
    dies_in_mid_body,
    silent,
)
BATCHES = (1, 20, 100)
A_FAULT = (10, 60)
"""So many punches are acknowledged between two faults."""


class Endurance(HookScene):
    """So many faults under load, by ``seed``."""

    archive_more = "seconds: 5, stream_most: 200, stream_hours: 1"
    most = 7
    seed = 72

    def setUp(self) -> None:
        super().setUp()
        self.database: RealPostgres = self.postgres()
        self.chance = random.Random(self.seed)
        both = [self.meanwhile(self.process, name) for name in ("one", "two")]
        self.servers: list[PlacedServer] = [server.result() for server in both]
        self.receivers: list[RealReceiver] = [self.receiver() for _ in BATCHES]
        self.hooks = [
            self.hook(self.servers[0], receiver, batch=batch)
            for receiver, batch in zip(self.receivers, BATCHES, strict=True)
        ]
        self.done: Counter[str] = Counter()

    def run_through(self) -> None:
        """Push, break, wait for the end, compare everything."""
        simulators = [
            self.simulator(server, *LOAD, "--sn-prefix", prefix)
            for server, prefix in zip(self.servers, ("ONE", "TWO"), strict=True)
        ]
        for _ in range(self.most):
            self._let_pass(simulators)
            fault = self.chance.choice(self.faults())
            self.done[fault.__name__] += 1
            fault()
        for receiver in self.receivers:
            receiver.become(well)
        acked: Counter[Any] = Counter()
        for simulator in simulators:
            self.assertEqual(simulator.interrupt()["complaints"], {})
            acked += simulator.acked()
        self.assert_everything(acked)

    def assert_everything(self, acked: Counter[Any]) -> None:
        """Feed, archive and every receiver have all that terminals were told, and nothing else."""
        one = self.servers[0]
        one.until_ready()
        self.all_archived(one)
        feed = one.punches()
        self.assertEqual(faults(acked, feed), {})
        self.assertEqual(archive_faults(acked, feed, self.archive), {})
        self.assertEqual(self.servers[1].punches(), feed)
        for hook, receiver in zip(self.hooks, self.receivers, strict=True):
            self.settled(one, hook, receiver)
            self.assertEqual(self.health(one, hook)["dead"], 0)

    def faults(self) -> list[Callable[[], None]]:
        """All that can go wrong."""
        process = [self.kill_a_server, self.restart_a_server]
        store = [self.kill_the_store, self.restart_the_database, self.kill_the_database]
        return [*process, *store, *[self.annoy] * 4, self.refuse_connections]

    def kill_a_server(self) -> None:
        """kill -9."""
        server = self.chance.choice(self.servers)
        self.kill(server)
        server.start()

    def restart_a_server(self) -> None:
        """As for a new version."""
        server = self.chance.choice(self.servers)
        server.stop()
        server.start()

    def kill_the_store(self) -> None:
        """kill -9."""
        self.redis.kill()
        self.redis.start()

    def restart_the_database(self) -> None:
        """As its administrator does."""
        self.database.restart()

    def kill_the_database(self) -> None:
        """kill -9 of all its processes."""
        self.database.kill()
        self.database.start()

    def annoy(self) -> None:
        """A receiver answers badly for some requests."""
        moods = self.chance.choices(BAD, k=self.chance.randint(1, 3))
        self.chance.choice(self.receivers).become(well, *moods)

    def refuse_connections(self) -> None:
        """A receiver goes away, and comes back when more has come."""
        receiver = self.chance.choice(self.receivers)
        receiver.down()
        self.push(self.client(self.servers[0], "AWAY"), 5)
        receiver.up()

    def _let_pass(self, simulators: list[RealSimulator]) -> None:
        """Wait for some more punches."""
        wanted = self._acked(simulators) + self.chance.randint(*A_FAULT)
        wait_until(lambda: self._acked(simulators) >= wanted, "punches are acknowledged", SETTLED)

    def _acked(self, simulators: list[RealSimulator]) -> int:
        return sum(simulator.acked().total() for simulator in simulators)


def main() -> int:
    """The long way; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--faults", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = parser.parse_args()

    class Long(Endurance):
        """As long as was asked for."""

        most, seed = given.faults, given.seed

        def test_long(self) -> None:
            """Everything breaks for long."""
            self.run_through()
            sys.stdout.write(f"seed {self.seed}: {dict(self.done)}\n")

    sys.stdout.write(f"seed {given.seed}, {given.faults} faults\n")
    found = unittest.TextTestRunner().run(Long("test_long"))
    return 0 if found.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
