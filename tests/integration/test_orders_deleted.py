"""A terminal that is deleted while it carries out an order."""

from __future__ import annotations

from typing import Any

from tests.real.orders import OrderScene

POLICY = 1008
ENTRY = "tf:terminal:GONE"


class Deleted(OrderScene):
    """The connection is closed, the order ends, and nothing of either stays behind."""

    def in_flight(self, cmd: str, **fields: Any) -> str:
        """The order of a terminal that was told this, deleted before it answered, and is cut off by now."""
        terminal = self.terminal("GONE")
        order_id = self.put("GONE", cmd, **fields)
        terminal.commanded(cmd)
        self.assertEqual(self.two.delete("/terminals/GONE")[0], 204)
        self.assertEqual(terminal.closed(), POLICY)
        return order_id

    def test_once(self) -> None:
        """Nobody learned what came of it, also where a lost connection would be its success."""
        for cmd in ("enabledevice", "reboot"):
            order = self.end_of(self.in_flight(cmd), "unknown")
            self.assertEqual(order["attempts"], 1)
            self.assertEqual(self.redis.ask(f"EXISTS {ENTRY}"), ":0\r\n")
            self.assertEqual(self.two.get("/terminals/GONE")[0], 404)

    def test_ordinary(self) -> None:
        """It is not said again to a terminal that comes anew under this number."""
        order = self.end_of(self.in_flight("getusername", enrollid=7), "unknown")
        terminal = self.terminal("GONE")
        after = self.put("GONE", "gettime")
        terminal.obey("gettime", time="2026-04-02 08:00:00")
        self.end_of(after, "done")
        self.assertEqual((terminal.passed, self.look(order["id"])), ([], order))
