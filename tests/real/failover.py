"""Tests on a store that fails over: terminals push all the while, and nobody helps."""

from __future__ import annotations

from tests.real.placed import PlacedServer
from tests.real.scene import Scene
from tests.real.sentinels import RealReplicas
from tests.real.simulator import RealSimulator
from tests.real.store import wait_until

SETTINGS = """
admission: {policy: open}
terminals: {timezone: UTC}
catchup: {after_seconds: 0.2, at_once: 50, enabled: ENABLED}
webhooks: {allow_private: true, seconds: 1}
archive: {url: "sqlite:///ARCHIVE"}
"""
LOAD = ("--terminals", "30", "--backlog", "5", "--rate", "60", "--timeout", "40")


class FailoverScene(Scene):
    """A replicated store and a process that uses it. ``more`` are options of the servers of the store."""

    more: tuple[str, ...] = ()
    settings = ""
    catches_up = True

    def setUp(self) -> None:
        self.replicas = RealReplicas(*self.more)
        self.addCleanup(self.replicas.remove)
        self.replicas.start()
        self.archive = self.file("archive.sqlite", "")
        self.one = self.process("one")

    def process(self, name: str) -> PlacedServer:
        """A running process of this name."""
        text = SETTINGS.replace("ARCHIVE", self.archive).replace("ENABLED", str(self.catches_up).lower())
        file = self.file("settings.yaml", text + self.settings)
        return self.server("-c", file, "--instance", name, store=self.replicas)  # type: ignore[arg-type]

    def metric(self, name: str, server: PlacedServer | None = None) -> float:
        """One of the figures of a process."""
        lines = (server or self.one).get("/metrics")[1].splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def busy(self, *options: str) -> RealSimulator:
        """Terminals that push, some hundred punches after they began."""
        simulator = self.simulator(self.one, *LOAD, *options)
        wait_until(lambda: len(simulator.acked()) > 200, "there is load")
        return simulator

    def forgetful(self, simulator: RealSimulator) -> None:
        """Kill the primary while its replicas lack what was acknowledged last."""
        self.replicas.cut_replicas()
        known = len(simulator.acked())
        wait_until(lambda: len(simulator.acked()) > known + 50, "more is acknowledged")
        self.replicas.primary.kill()

    def until_followed(self, simulator: RealSimulator) -> None:
        """Wait until the next generation acknowledges."""
        self.replicas.until_promoted()
        wait_until(lambda: self.metric("tfserver_store_generation") == 2, "the next generation is there")
        known = len(simulator.acked())
        wait_until(lambda: len(simulator.acked()) > known, "punches are acknowledged again")
