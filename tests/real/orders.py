"""Tests of orders on two real processes that share a store and order nothing by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from tests.real.client import RealClient
from tests.real.placed import PlacedServer
from tests.real.scene import Scene
from tests.real.store import RealStore, wait_until

LEFT_ALONE = "admission: {policy: open}\ncatchup: {enabled: false}\n"
"""Settings of servers that take every terminal and ask none of their own accord."""


class OrderScene(Scene):
    """Terminals are at process ``one``, people ask process ``two``. ``more`` are settings of both."""

    more = ""

    def setUp(self) -> None:
        self.redis: RealStore = self.store()
        both = [self.meanwhile(self.process, name) for name in ("one", "two")]
        self.one, self.two = (process.result() for process in both)

    def process(self, name: str) -> PlacedServer:
        """A running process of this name."""
        settings = self.file("settings.yaml", LEFT_ALONE + self.more)
        return self.server("-c", settings, "--instance", name, store=self.redis)

    def terminal(self, sn: str, server: PlacedServer | None = None) -> RealClient:
        """A registered terminal, at process ``one`` unless told otherwise."""
        return self.client(server or self.one, sn)

    def put(self, sn: str, cmd: str, **fields: Any) -> str:
        """Order something at process ``two`` without waiting; the id of the order."""
        status, body = self.order(self.two, sn, cmd, wait=0, **fields)
        self.assertEqual(status, 202, body)
        return str(body["id"])

    def look(self, order_id: str) -> dict[str, Any]:
        """An order as process ``two`` shows it."""
        status, body = self.two.get(f"/commands/{order_id}")
        self.assertEqual(status, 200, body)
        found: dict[str, Any] = body
        return found

    def end_of(self, order_id: str, state: str) -> dict[str, Any]:
        """An order that has ended, in this state."""
        found = self.ended(self.two, order_id)
        self.assertEqual(found["state"], state, found)
        return found

    def until(self, order_id: str, state: str) -> None:
        """Wait until an order stands there."""
        wait_until(lambda: self.look(order_id)["state"] == state, f"the order {order_id} is {state}")

    def bring_forward(self, order_id: str) -> None:
        """Let the seconds be over after which every process ends a sent order: a test has not so many."""
        self.assertEqual(self.redis.ask(f"ZADD tf:deadlines XX CH 1 {order_id}"), ":1\r\n")

    def listed(self, sn: str) -> list[str]:
        """The ids of all orders of a terminal, the newest first."""
        status, body = self.two.get(f"/terminals/{quote(sn, safe='')}/commands?limit=1000")
        self.assertEqual(status, 200, body)
        return [order["id"] for order in body["commands"]]

    def assert_one_end(self, orders: Iterable[dict[str, Any]]) -> None:
        """Orders that had ended look the same now as then, and the audit has just that end of each.

        What was answered to its asker stands there too, with its ``args``.
        """
        status, body = self.two.get("/audit?limit=1000")
        self.assertEqual(status, 200, body)
        for order in orders:
            self.assertEqual(self.look(order["id"]), order)
            told = [row["outcome"] for row in body["audit"] if row["detail"] == {"order": order["id"]}]
            self.assertEqual(told, [order["state"]], order)
