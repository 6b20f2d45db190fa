"""``tfserver doctor SN`` on a running server: the sentence at the top, for terminals with one trouble."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.cli.called import call
from tests.real.client import QUIET, RealClient, log
from tests.real.placed import PlacedServer
from tests.real.scene import OPEN, Scene
from tests.real.store import wait_until


class DoctorTests(Scene):
    """One server; terminals come as they are."""

    def setUp(self) -> None:
        self.shared = self.store()
        self.here = self.server(*OPEN, store=self.shared)

    def cause(self, sn: str, server: PlacedServer | None = None) -> dict[str, Any]:
        """The first finding."""
        asked = server or self.here
        words = ("doctor", sn, "--json", "--terminals-url", f"ws://127.0.0.1:{asked.port}")
        url = f"http://127.0.0.1:{asked.http}"
        done = call(*words, TFSERVER_URL=url, TFSERVER_TOKEN=asked.token)
        self.assertEqual(done.err, "")
        found: dict[str, Any] = done.json["findings"][0]
        self.assertEqual(found["about"], "cause", done.out)
        return found

    def assert_cause(self, sn: str, words: str, state: str) -> None:
        """The sentence says this, as soon as everybody knows it."""
        wait_until(lambda: words in self.cause(sn)["said"], f"doctor says '{words}'")
        self.assertEqual(self.cause(sn)["state"], state)

    def puncher(self, sn: str, **devinfo: Any) -> RealClient:
        """A terminal that answers what it is asked."""
        client = self.client(self.here)
        client.habits.update(QUIET)
        self.assertTrue(client.register(sn, **devinfo)["result"])
        return client

    def test_waits(self) -> None:
        """It waits for approval, whichever process is asked."""
        closed = self.server(store=self.shared)
        waiting = closed.client()
        self.addCleanup(waiting.shut)
        self.assertFalse(waiting.register("WAITS")["result"])
        for server in (self.here, closed):
            found = self.cause("WAITS", server)
            self.assertEqual(found["said"], "it registers and is refused: it waits for approval")
            self.assertEqual((found["state"], found["advice"]), ("wrong", "tfserver terminals approve WAITS"))

    def test_well_and_not(self) -> None:
        """Its punches come; then the store stops, and its next batch is refused."""
        now = datetime.now().isoformat(" ", "seconds")
        terminal = self.puncher("GOOD", time=now)
        self.assertTrue(terminal.ask(cmd="sendlog", record=[log(7, now)])["result"])
        self.assert_cause("GOOD", "1 record of it were acknowledged", "ok")
        self.shared.pause()
        try:
            self.assertFalse(terminal.ask(cmd="sendlog", record=[log(8, now)])["result"])
        finally:
            self.shared.go_on()
        self.here.until_ready()
        self.assert_cause("GOOD", "1 of the last 2 batches were refused", "wrong")

    def test_clock(self) -> None:
        """Its clock is three hours behind, and it does not take the time it is told."""
        self.puncher("LATE").shut()
        self.here.patch("/terminals/LATE", {"timezone": "UTC"})
        early = (datetime.now(UTC) - timedelta(hours=3)).strftime("%Y-%m-%d %H:%M:%S")
        terminal = self.puncher("LATE", time=early)
        self.assertTrue(terminal.ask(cmd="sendlog", record=[log(7, early)])["result"])
        self.assert_cause("LATE", "3 h behind", "attention")

    def test_quarantined(self) -> None:
        """All its records are unreadable."""
        terminal = self.puncher("ODD")
        self.assertTrue(terminal.ask(cmd="sendlog", record=[{"enrollid": [], "time": 1}])["result"])
        self.assert_cause("ODD", "1 of its records are in the quarantine", "wrong")

    def test_leaves(self) -> None:
        """It comes and goes."""
        for _ in range(2):
            self.puncher("HASTY").shut()
        self.assert_cause("HASTY", "leaves again after 0 s, 2 times in a row", "wrong")

    def test_handshake(self) -> None:
        """It never came; somebody tries by TLS."""
        with socket.create_connection(("127.0.0.1", self.here.port)) as peer:
            peer.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc")
        self.assert_cause("NEVER", "it speaks TLS", "wrong")

    def test_hoards(self) -> None:
        """A simulated terminal that never pushes, and has nothing: only signs of life come of it."""
        options = ("--terminals", "1", "--sn-prefix", "HOARD", "--mood", "hoards", "--rate", "0")
        simulator = self.simulator(self.here, *options, "--users", "0", "--seconds", "60")
        wait_until(lambda: self.here.get("/terminals")[1]["terminals"], "it is there")
        self.assert_cause("HOARD00000001", "is real-time upload off", "attention")
        simulator.interrupt()
