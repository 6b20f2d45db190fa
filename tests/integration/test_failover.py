"""The store fails over under load, followed without help: nothing acknowledged is gone."""

from __future__ import annotations

import threading
from typing import Any

from tests.real.client import log
from tests.real.failover import FailoverScene
from tests.real.hooks import SETTLED
from tests.real.placed import PlacedServer
from tests.real.receiver import SECRET, RealReceiver
from tests.real.scene import DAY
from tests.real.simulator import faults, key_of
from tests.real.store import wait_until


class Consumer:
    """Reads the feed on and on from where it is, and never goes back."""

    def __init__(self, server: PlacedServer) -> None:
        self.punches: list[dict[str, Any]] = []
        self._server = server
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        cursor = "0"
        while not self._over.wait(0.02):
            status, page = self._server.get(f"/punches?after={cursor}&limit=500")
            if status == 200:
                self.punches += page["punches"]
                cursor = page["next"]

    def end(self) -> None:
        """Read no more."""
        self._over.set()
        self._thread.join(SETTLED)


class Replica(FailoverScene):
    """``store.acknowledge: replica``."""

    settings = "store: {acknowledge: replica}\n"

    def test_primary_killed(self) -> None:
        """kill -9 of the primary under load: nothing acknowledged is lost, nothing is there twice."""
        simulator = self.busy("--seconds", "6", "--wait-ack")
        self.replicas.primary.kill()
        self.until_followed(simulator)
        self.assert_all_well(simulator, self.one)
        self.assertIn("generation 2", self.one.said())

    def test_replicas_gone(self) -> None:
        """Without replicas nothing is acknowledged, and said why; reads go on. With one again it is."""
        client = self.client(self.one, "ALONE")
        record = {"cmd": "sendlog", "count": 1, "logindex": 0, "record": [log(1, f"{DAY} 08:00:00")]}
        self.assertTrue(client.ask(**record)["result"])
        for node in self.replicas.replicas:
            node.pause()
            self.addCleanup(node.go_on)
        later = {**record, "record": [log(2, f"{DAY} 08:00:01")]}
        self.assertFalse(client.ask(**later)["result"])
        status, why = self.one.get("/readyz")
        self.assertEqual((status, "replica" in why), (503, True), why)
        self.assertFalse(client.ask(**later)["result"], "what is known by now is not acknowledged either")
        self.assertEqual(self.one.get("/punches")[0], 200)
        for node in self.replicas.replicas:
            node.go_on()
        self.one.until_ready()
        self.assertTrue(client.ask(**later)["result"])
        self.assertEqual(len(self.one.punches()), 2)


class Local(FailoverScene):
    """``store.acknowledge: local``: what a failover loses comes back from the terminals."""

    def test_lost_comes_back(self) -> None:
        """Punches that only the dead primary had are fetched again; feed and webhook have all of them."""
        receiver = RealReceiver().up()
        self.addCleanup(receiver.down)
        hook = {"url": receiver.url, "secret": SECRET, "kinds": ["punch", "terminal"], "batch": 20}
        status, body = self.one.post("/webhooks", hook)
        self.assertEqual(status, 201, body)
        consumer = Consumer(self.one)
        self.addCleanup(consumer.end)
        simulator = self.busy()
        self.forgetful(simulator)
        self.until_followed(simulator)
        wait_until(lambda: self.metric('tfserver_catchup_total{what="fetched"}') > 0, "some are fetched", 90)
        acked = simulator.acked()
        for where, told in (
            ("the store has", self.one.punches),
            ("whoever reads along has", lambda: list(consumer.punches)),
            ("the webhook got", lambda: [punch for one in receiver.taken() for punch in one.punches]),
        ):
            wait_until(lambda told=told: not acked.keys() - set(map(key_of, told())), f"{where} all", 90)
        simulator.interrupt()
        self.assertEqual(faults(simulator.acked(), self.one.punches()), {})
        self.assertIn("failover", {event.get("event") for event in receiver.events()})


class Stopped(FailoverScene):
    """The old primary stands still, and wakes."""

    more = ("--min-replicas-to-write", "1", "--min-replicas-max-lag", "2")

    def test_wakes(self) -> None:
        """A primary that stood still while another was elected acknowledges nothing when it wakes."""
        simulator = self.busy("--seconds", "8", "--wait-ack")
        old = self.replicas.primary
        old.pause()
        self.addCleanup(old.go_on)
        self.until_followed(simulator)
        old.go_on()
        wait_until(
            lambda: old.ask("SET tf:awake 1").startswith(("-NOREPLICAS", "-READONLY")), "it takes nothing"
        )
        self.assert_all_well(simulator, self.one)
        wait_until(lambda: not old.is_primary(), "it follows the new one")
        self.assertEqual(self.metric("tfserver_store_generation"), 2)
