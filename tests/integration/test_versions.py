"""The previous release and this one on one store, as during an upgrade (docs/upgrading.md)."""

from __future__ import annotations

import signal
from collections import Counter
from typing import Any

from tests.real.archived import archive_faults
from tests.real.client import RealClient
from tests.real.hooks import SETTINGS, HookScene
from tests.real.placed import PlacedServer
from tests.real.release import PreviousServer, forget
from tests.real.simulator import key_of
from tests.real.store import wait_until
from tfserver.store.fitness import OLDEST_READER, SCHEMA

POLICY, GOING_AWAY = 1008, 1001
LOAD = ("--terminals", "40", "--backlog", "4", "--rate", "80", "--seconds", "6", "--wait-ack")


class Versions(HookScene):
    """One process of each."""

    def setUp(self) -> None:
        super().setUp()
        starting = self.meanwhile(self.previous, "old"), self.meanwhile(self.process, "new")
        self.old, self.new = (each.result() for each in starting)

    @classmethod
    def tearDownClass(cls) -> None:
        """The previous release is not needed any more."""
        forget()

    def previous(self, name: str) -> PlacedServer:
        """A running process of the previous release."""
        text = SETTINGS.format(archive=self.archive, archive_more=self.archive_more)
        options = ("-c", self.file("settings.yaml", text), "--instance", name)
        server = PreviousServer(*options, store=self.redis)
        self.addCleanup(server.remove)
        return server.start()

    def both(self) -> tuple[tuple[PlacedServer, PlacedServer], ...]:
        """Each of them and the other one."""
        return (self.old, self.new), (self.new, self.old)

    def carried_out(self, terminal: RealClient, by: PlacedServer, sn: str) -> dict[str, Any]:
        """Order something at a process, let the terminal obey, and return the order as it ended."""
        asked = self.meanwhile(self.order, by, sn, "getusername", enrollid=7)
        terminal.obey("getusername", record="Ines")
        status, body = asked.result()
        self.assertEqual((status, body["state"], body["reply"]), (200, "done", {"name": "Ines"}), body)
        found: dict[str, Any] = body
        return found


class Terminals(Versions):
    """Terminals and orders go to and fro."""

    def test_moves(self) -> None:
        """A terminal that comes to the other one is taken over, and its old connection closed."""
        client = self.client(self.old, "MOVES")
        for server, name in ((self.new, "new"), (self.old, "old"), (self.new, "new")):
            newer = self.client(server, "MOVES")
            self.assertEqual(client.closed(), POLICY)
            for each in (self.old, self.new):
                found = each.get("/terminals/MOVES")[1]
                self.assertEqual((found["online"], found["owner"]), (True, name))
            self.push(newer, 2)
            client = newer
        self.assertEqual(len(self.old.punches()), 6)
        self.assertEqual(self.old.punches(), self.new.punches())
        self._are_two_versions("MOVES")

    def _are_two_versions(self, sn: str) -> None:
        """Only one of them knows of twins, and the schema is one that the older one knows."""
        self.assertNotIn("twins", self.old.get(f"/terminals/{sn}")[1])
        self.assertIn("twins", self.new.get(f"/terminals/{sn}")[1])
        schema, reader = self.redis.ask("HMGET tf:meta schema reader").split("\r\n")[2:5:2]
        self.assertEqual((int(schema), int(reader)), (SCHEMA, OLDEST_READER))

    def test_orders(self) -> None:
        """What one is asked for the other carries out; both show the same afterwards. Each obeys what the
        other decided of a device in quarantine."""
        for turn, (at, by) in enumerate(self.both()):
            terminal = self.client(at, f"T{turn}")
            order = self.carried_out(terminal, by, f"T{turn}")
            path = f"/commands/{order['id']}"
            self.assertEqual(self.old.get(path), self.new.get(path))
            self._refused(f"Q{turn}", at, by)

    def _refused(self, sn: str, at: PlacedServer, by: PlacedServer) -> None:
        pinned, stranger = self.client(at, sn), self.client(at)
        self.assertFalse(stranger.ask(cmd="reg", sn=sn, devinfo={}, cpusn="another")["result"])
        self.assertEqual(by.patch(f"/terminals/{sn}", {"admission": "denied"})[0], 200)
        self.assertEqual((pinned.closed(), stranger.closed()), (POLICY, GOING_AWAY))

    def test_stop_with_orders(self) -> None:
        """What waits at one when it stops is done by the other."""
        for turn, (at, by) in enumerate(self.both()):
            sn = f"S{turn}"
            terminal = self.client(at, sn)
            flying = self.meanwhile(self.order, by, sn, "getusername", enrollid=7)
            terminal.commanded("getusername")
            queued = self.order(by, sn, "adduser", wait=0, enrollid=8, backupnum=0)[1]["id"]
            at.stop_later()
            wait_until(lambda at=at: at.get("/healthz")[0] == 503, "it drains")
            terminal.reply("getusername", record="Ines")
            self.assertEqual(terminal.closed(), GOING_AWAY)
            self.assertEqual(flying.result()[1]["state"], "done")
            self.assertIn(at.wait(), (0, -signal.SIGTERM), at.said())
            self.assertEqual(self.client(by, sn).obey("adduser")["enrollid"], 8)
            self.assertEqual(self.ended(by, queued)["state"], "done")
            at.start()


class Delivery(Versions):
    """Punches go on to where they belong."""

    def test_delivered_and_archived(self) -> None:
        """Whoever archives and delivers, the other goes on where that one stopped; nothing is missing or
        there twice; and webhooks made at one are delivered by the other."""
        receivers = [self.receiver(), self.receiver()]
        hooks = [self.hook(self.old, receivers[0]), self.hook(self.new, receivers[1])]
        for at, by in self.both():
            terminal = self.client(at, "FEED")
            self.push(terminal, 30)
            self.kill(at)
            self.push(self.client(by, "FEED"), 30)
            for hook, receiver in zip(hooks, receivers, strict=True):
                self.settled(by, hook, receiver)
            self.all_archived(by)
            at.start()
            self.assertEqual(self.old.punches(), self.new.punches())
        feed = self.new.punches()
        self.assertEqual(len(feed), self.pushed)
        self.assertEqual(archive_faults(Counter(map(key_of, feed)), feed, self.archive), {})


class Upgrade(Versions):
    """The whole way there, and back."""

    def test_there_and_back(self) -> None:
        """Under load the old one is ended and replaced by this one, and that by the old one again: no
        acknowledged punch is lost or doubled."""
        first = self.simulator(self.old, *LOAD, "--sn-prefix", "OLD")
        second = self.simulator(self.new, *LOAD, "--sn-prefix", "NEW")
        wait_until(lambda: len(first.acked()) > 100 and len(second.acked()) > 100, "there is load")
        self.old.root, self.new.root = self.new.root, self.old.root
        for server in (self.old, self.new):
            server.stop_later()
            self.assertIn(server.wait(), (0, -signal.SIGTERM), server.said())
            server.start()
        self.client(self.old, "ONE")
        self.assertIn("twins", self.old.get("/terminals/ONE")[1])
        self.assertNotIn("twins", self.new.get("/terminals/ONE")[1])
        self.assert_all_well(first, self.new)
        self.assert_all_well(second, self.old)
        self.assertEqual(self.old.punches(), self.new.punches())
