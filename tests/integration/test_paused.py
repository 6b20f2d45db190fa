"""A process stands still for longer than its heartbeat lives, and wakes up: it can't hurt anybody."""

from __future__ import annotations

import signal
from typing import Any

from tests.real.client import RealClient, log
from tests.real.orders import OrderScene
from tests.real.placed import PlacedServer
from tests.real.scene import DAY
from tests.real.store import wait_until

POLICY = 1008
BURIED = 40.0
"""Seconds within which others say that the terminals of a process without a heartbeat are offline."""


class Paused(OrderScene):
    """Process ``one`` stands still; what it had is done by ``two``."""

    def setUp(self) -> None:
        super().setUp()
        self.went, self.stayed, self.carried = (self.terminal(sn) for sn in ("WENT", "STAYED", "CARRIED"))
        self.flying = self.put("CARRIED", "getusername", enrollid=7)
        self.carried.commanded("getusername")
        self.one.signal(signal.SIGSTOP)
        self.addCleanup(self.one.signal, signal.SIGCONT)

    def shown(self, sn: str, by: PlacedServer | None = None) -> tuple[bool, str | None]:
        """Whether a terminal is online, and where."""
        found: dict[str, Any] = (by or self.two).get(f"/terminals/{sn}")[1]
        return found["online"], found["owner"]

    def bury(self) -> None:
        """Wait until its terminals show offline; its heartbeat is ended early to save some seconds."""
        for key in self.redis.ask("KEYS tf:alive:one/*").split("\r\n")[2::2]:
            self.redis.ask(f"DEL {key}")
        wait_until(lambda: "STAYED" in self.gone(), "it is buried", BURIED)

    def gone(self) -> list[str]:
        """Whom webhooks were told to be down, in order."""
        news = self.redis.ask("XRANGE tf:news - +").split("\r\n")
        return [sn for line in news for sn in self.names() if f'"{sn}"' in line and '"down"' in line]

    def names(self) -> tuple[str, ...]:
        """The terminals of this test."""
        return ("WENT", "STAYED", "CARRIED")

    def wake(self) -> None:
        """It goes on, and all it had to do is done when it has carried out an order of a new terminal."""
        self.one.signal(signal.SIGCONT)
        for old in (self.went, self.stayed, self.carried):
            self.assertIn(old.closed(), (POLICY, None))
            old.shut()
        probe = self.terminal("PROBE", self.one)
        asked = self.meanwhile(self.order, self.one, "PROBE", "gettime")
        probe.obey("gettime", result=None, time=f"{DAY} 08:00:00")
        self.assertEqual(asked.result()[1]["state"], "done")
        wait_until(lambda: "tfserver_connections 1" in self.one.get("/metrics")[1], "the old ones are gone")
        wait_until(lambda: self.shown("PROBE") == (True, "one"), "it has a heartbeat again")

    def test_longer_than_its_heartbeat(self) -> None:
        """It takes no order, ends none twice, marks nobody offline that is elsewhere, and what it says of
        punches is true."""
        new = self.terminal("WENT", self.two)
        carried = self.terminal("CARRIED", self.two)
        carried.obey("getusername", record="Ines")
        ended = [self.end_of(self.flying, "done")]
        waiting = [self.put("STAYED", "adduser", enrollid=n, backupnum=0) for n in (1, 2)]
        meanwhile = self.put("WENT", "adduser", enrollid=3, backupnum=0)
        new.obey("adduser")
        ended.append(self.end_of(meanwhile, "done"))
        self.bury()
        self._say_on_old_connections()
        self.wake()
        self.assertEqual([self.shown(sn) for sn in ("WENT", "CARRIED")], [(True, "two")] * 2)
        self.assertEqual(self.shown("WENT", self.one), (True, "two"))
        self.assertEqual(sorted(self.gone()), ["STAYED"])
        self.assertEqual({self.look(order)["attempts"] for order in waiting}, {0})
        self.assertNotIn('cmd="adduser"', self.one.get("/metrics")[1], "it took an order that is not its own")
        self._assert_nothing_came(self.stayed, self.went, self.carried)
        stayed = self.terminal("STAYED", self.two)
        self.assertEqual([stayed.obey("adduser")["enrollid"] for _ in waiting], [1, 2])
        ended += [self.end_of(order, "done") for order in waiting]
        self.assert_one_end(ended)
        self.assertTrue(new.ask(cmd="sendlog", count=1, record=[log(9, f"{DAY} 09:00:00")])["result"])
        self._assert_true_answers()

    def _say_on_old_connections(self) -> None:
        """Punches, a reply and a farewell that wait in the sockets of the process until it wakes up."""
        for n, old in enumerate((self.went, self.stayed)):
            old.say(cmd="sendlog", count=1, logindex=n, record=[log(n + 1, f"{DAY} 08:00:00")])
        self.carried.reply("getusername", record="late")

    def _assert_nothing_came(self, *old: RealClient) -> None:
        """No command was said on these."""
        said = [message for each in old for message in each.passed if "cmd" in message]
        self.assertEqual(said, [])

    def _assert_true_answers(self) -> None:
        """What was acknowledged late is there, and nothing twice."""
        kept = [row["enrollid"] for row in self.two.punches()]
        self.assertEqual(len(kept), len(set(kept)))
        acked = {n + 1 for n, old in enumerate((self.went, self.stayed)) if _acked(old)}
        self.assertLessEqual(acked | {9}, set(kept))


def _acked(old: RealClient) -> bool:
    """Whether its punch was acknowledged before its connection ended."""
    return any(message.get("ret") == "sendlog" and message["result"] for message in old.passed)
