"""Orders across a failover of the store: what must not be said twice ends unknown, the rest goes on."""

from __future__ import annotations

from typing import Any

from tests.real.failover import FailoverScene
from tests.real.store import wait_until

WORDS = "the store failed over"


class Orders(FailoverScene):
    """Orders that the next primary knows, and may know too little of."""

    catches_up = False

    def put(self, sn: str, cmd: str) -> str:
        """Order something for a terminal that is not there; its id, once all replicas know it."""
        status, body = self.order(self.one, sn, cmd, wait=0)
        self.assertEqual(status, 202, body)
        name = f"EXISTS tf:order:{body['id']}"
        for node in self.replicas.replicas:
            wait_until(lambda node=node: node.ask(name) == ":1\r\n", "the replicas know the order")
        return str(body["id"])

    def fail_over(self) -> None:
        """Kill the primary, and wait until its successor takes orders."""
        self.replicas.primary.kill()
        self.replicas.until_promoted()
        wait_until(lambda: self.metric("tfserver_store_generation") == 2, "the next generation is there")
        self.one.until_ready()

    def assert_unknown(self, order_id: str) -> None:
        """It ended so, and says why."""
        found = self.ended(self.one, order_id)
        self.assertEqual(found["state"], "unknown", found)
        self.assertIn(WORDS, found["error"]["message"])

    def said(self, sn: str) -> list[Any]:
        """The commands that a terminal gets when it comes; it obeys each."""
        client = self.client(self.one, sn)
        client.obey("gettime", time="2026-04-02 08:00:00")
        return [message.get("cmd") for message in client.passed]

    def test_waiting(self) -> None:
        """What waited and is for once ends unknown and is not said; what is harmless is."""
        self.client(self.one, "AWAY").shut()
        wait_until(lambda: not self.one.get("/terminals/AWAY")[1]["online"], "it shows offline")
        once, harmless = self.put("AWAY", "reboot"), self.put("AWAY", "gettime")
        self.fail_over()
        self.assert_unknown(once)
        self.assertEqual(self.said("AWAY"), [])
        self.assertEqual(self.ended(self.one, harmless)["state"], "done")

    def test_done_and_forgotten(self) -> None:
        """What was done, and of which the next primary only knows that it waited, is not done again."""
        self.client(self.one, "TWICE").shut()
        wait_until(lambda: not self.one.get("/terminals/TWICE")[1]["online"], "it shows offline")
        once = self.put("TWICE", "reboot")
        self.replicas.cut_replicas()
        client = self.client(self.one, "TWICE")
        client.obey("reboot")
        self.assertEqual(self.ended(self.one, once)["state"], "done")
        client.shut()
        self.fail_over()
        self.assert_unknown(once)
        harmless = self.put_at_once("TWICE", "gettime")
        self.assertEqual(self.said("TWICE"), [])
        self.assertEqual(self.ended(self.one, harmless)["state"], "done")

    def put_at_once(self, sn: str, cmd: str) -> str:
        """Order something, whoever knows it."""
        status, body = self.order(self.one, sn, cmd, wait=0)
        self.assertEqual(status, 202, body)
        return str(body["id"])

    def test_in_hand(self) -> None:
        """What a terminal is doing meanwhile is said once, and its end is the true one or unknown."""
        client = self.client(self.one, "HAND")
        order_id = self.put("HAND", "reboot")
        client.commanded("reboot")
        self.fail_over()
        client.reply("reboot")
        found = self.ended(self.one, order_id)
        self.assertIn(found["state"], ("done", "unknown"), found)
        harmless = self.put_at_once("HAND", "gettime")
        client.obey("gettime", time="2026-04-02 08:00:00")
        self.assertEqual(self.ended(self.one, harmless)["state"], "done")
        self.assertNotIn("reboot", [message.get("cmd") for message in client.passed])
