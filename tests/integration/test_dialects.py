"""Every dialect of the simulator gets on with the real server."""

from __future__ import annotations

import json

from tests.real.scene import OPEN, Scene
from tests.real.store import RealStore
from tfserver.simulator.samples import name_of

RUN = [
    "--terminals",
    "6",
    "--backlog",
    "30",
    "--rate",
    "20",
    "--enrol-rate",
    "5",
    "--seconds",
    "1",
    "--wait-ack",
]


class Dialects(Scene):
    """Nothing that the server says is against the protocol, and all that terminals tell is kept."""

    def _drill(self, dialect: str) -> RealStore:
        store = self.store()
        server = self.server(*OPEN, store=store)
        simulator = self.simulator(server, "--dialect", dialect, "--timeout", "15", *RUN)
        report = self.assert_all_well(simulator, server)
        self.assertGreater(report["users_acked"], 0)
        self.assertEqual(report["users_waiting"], 0)
        self.assertEqual(report["rejections"], {})
        online = server.get("/terminals?limit=10")[1]["terminals"]
        self.assertEqual(len(online), 6)
        return store

    def test_classic(self) -> None:
        """The classic dialect."""
        self._drill("classic")

    def test_documented(self) -> None:
        """The documented dialect."""
        self._drill("documented")

    def test_oldest(self) -> None:
        """The oldest dialect: no serial number in its logs, no ``logindex``, no identity."""
        self._drill("oldest")

    def test_mixed(self) -> None:
        """All together."""
        self._drill("mixed")

    def test_aiface_and_names(self) -> None:
        """The dialect that pushes all its people; names of every script are in the store as they were."""
        store = self._drill("aiface")
        for enrollid in range(1, 6):
            self.assertIn(
                json.dumps({"name": name_of(enrollid)}, ensure_ascii=False)[1:-1].replace(": ", ":"),
                store.ask(f"HGETALL tf:user:{enrollid}"),
            )
