"""SIGTERM with many terminals: they go one after another and are served until then."""

from __future__ import annotations

import selectors
import signal

from tests.real.client import Lost, RealClient, log
from tests.real.orders import OrderScene
from tests.real.scene import DAY, OPEN, Scene
from tests.real.store import wait_until

GOING_AWAY = 1001
MANY = 200
"""As many take two seconds: at least 100 go in a second."""


class Draining(Scene):
    """One process with many terminals."""

    def test_spread(self) -> None:
        """While the first are gone others are still served; each is told to go, and nothing is lost."""
        server = self.server(*OPEN, store=self.store())
        clients = [self.quiet(server, f"T{n}") for n in range(MANY)]
        server.stop_later()
        self.until_first_frame(clients)
        acked = [n for n, client in enumerate(clients) if self.is_served(client, n)]
        self.assertGreater(len(acked), 0)
        self.assertIn(server.wait(), (0, -signal.SIGTERM))
        self.assertIn(f"{MANY} connections are let go over 2.0 s", server.said())
        server.start()
        kept = {row["enrollid"] for row in server.punches()}
        self.assertLessEqual({n + 1 for n in acked}, kept)

    def until_first_frame(self, clients: list[RealClient]) -> None:
        """Wait until one of them is told something, which is to go."""
        with selectors.DefaultSelector() as selector:
            for client in clients:
                selector.register(client.socket, selectors.EVENT_READ)
            self.assertTrue(selector.select(20))

    def is_served(self, client: RealClient, n: int) -> bool:
        """Push a punch; True when it is acknowledged, False when the terminal was told to go before."""
        try:
            return bool(client.ask(cmd="sendlog", count=1, record=[log(n + 1, f"{DAY} 08:00:00")])["result"])
        except Lost as lost:
            self.assertIn(lost.code, (GOING_AWAY, None))
            return False


class Insisting(OrderScene):
    """A stop that waits, and somebody who does not."""

    more = "limits: {drain_seconds: 600, spread_seconds: 600}\n"

    def test_twice(self) -> None:
        """The second SIGTERM ends it at once: what is in flight is ``unknown``, and that is told."""
        mute = self.terminal("MUTE")
        lost = self.put("MUTE", "adduser", enrollid=7, backupnum=0)
        mute.commanded("adduser")
        waits = self.put("MUTE", "getusername", enrollid=7)
        self.one.signal(signal.SIGTERM)
        wait_until(lambda: self.one.get("/healthz")[0] == 503, "it drains")
        self.assertEqual(self.look(lost)["state"], "sent")
        self.assertTrue(mute.ask(cmd="heartbeat")["result"])
        self.one.signal(signal.SIGTERM)
        self.assertEqual(mute.closed(), GOING_AWAY)
        self.assertIn(self.one.wait(), (0, -signal.SIGTERM))
        self.end_of(lost, "unknown")
        self.assertEqual(self.look(waits)["state"], "queued")
        self.assertNotIn("Traceback", self.one.said())

    def test_served_while_an_order_is_in_flight(self) -> None:
        """Whoever has an order in flight is waited for, and its punches are acknowledged meanwhile; SIGINT
        works as SIGTERM."""
        slow, idle = self.terminal("SLOW"), self.terminal("IDLE")
        order_id = self.put("SLOW", "getusername", enrollid=7)
        slow.commanded("getusername")
        self.one.signal(signal.SIGINT)
        self.assertEqual(idle.closed(), GOING_AWAY)
        for n in range(100):
            self.assertTrue(slow.ask(cmd="sendlog", count=1, record=[log(n, f"{DAY} 08:00:00")])["result"])
        late = self.put("SLOW", "getusername", enrollid=8)
        slow.reply("getusername", record="Ines")
        self.assertEqual(slow.closed(), GOING_AWAY)
        self.assertEqual(self.end_of(order_id, "done")["reply"], {"name": "Ines"})
        self.assertEqual(self.look(late)["state"], "queued")
        self.assertEqual(slow.passed, [])
        self.one.wait()
