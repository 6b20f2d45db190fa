"""Who may talk: approval, denial, the allow list, open doors, and devices that claim another's number."""

from __future__ import annotations

from typing import Any

from tests.real.client import Lost, RealClient, frame, log
from tests.real.placed import PlacedServer
from tests.real.scene import DAY, OPEN, Scene
from tests.real.store import wait_until


class Approval(Scene):
    """The default: unknown terminals wait."""

    def setUp(self) -> None:
        self.server_here = self.server(store=self.store())

    def state(self, sn: str) -> Any:
        """What people see of a terminal."""
        return self.server_here.get(f"/terminals/{sn}")[1]

    def decide(self, sn: str, admission: str) -> None:
        """What people do."""
        self.assertEqual(self.server_here.patch(f"/terminals/{sn}", {"admission": admission})[0], 200)

    def refused(self, sn: str) -> RealClient:
        """A connection whose ``reg`` was refused with words for the screen."""
        client = self.client(self.server_here)
        answer = client.register(sn, modelname="tfs30", usersize=3000, useduser=12)
        self.assertFalse(answer["result"])
        self.assertIsInstance(answer["reason"], str)
        return client

    def test_pending(self) -> None:
        """An unknown terminal is shown as pending with what it told, and nothing of it is acknowledged."""
        client = self.refused("NEW-1")
        shown = self.state("NEW-1")
        self.assertEqual((shown["admission"], shown["online"]), ("pending", False))
        self.assertEqual(shown["devinfo"]["modelname"], "tfs30")
        self.assertEqual(shown["capacity"]["user"], {"size": 3000, "used": 12, "free": 2988})
        for message in (
            {"cmd": "sendlog", "record": [log(1, f"{DAY} 08:00:00")]},
            {"cmd": "senduser", "enrollid": 1},
        ):
            self.assertFalse(client.ask(**message)["result"])
        self.assertEqual(self.server_here.punches(), [])
        pending = self.server_here.get("/terminals?state=pending")[1]["terminals"]
        self.assertEqual([row["sn"] for row in pending], ["NEW-1"])

    def test_approval_lets_it_in(self) -> None:
        """Approval closes the waiting connection, so that the terminal comes in by itself."""
        simulator = self.simulator(
            self.server_here, "--terminals", "2", "--backlog", "5", "--rate", "0", "--wait-ack"
        )
        wait_until(lambda: len(self._pending()) == 2, "both wait")
        self.assertFalse(simulator.acked())
        for sn in self._pending():
            self.decide(sn, "approved")
        report = self.assert_all_well(simulator, self.server_here)
        self.assertEqual(report["acked"], 10)

    def _pending(self) -> list[str]:
        return [row["sn"] for row in self.server_here.get("/terminals?state=pending")[1]["terminals"]]

    def test_waiting_connection_is_told_to_come_again(self) -> None:
        """The connection that waits for a decision is closed with 1001 when it falls."""
        client = self.refused("NEW-2")
        self.decide("NEW-2", "approved")
        self.assertEqual(client.closed(), 1001)

    def test_denial(self) -> None:
        """Denial closes the connection, and the terminal is refused when it comes again."""
        self.refused("NEW-3").shut()
        self.decide("NEW-3", "approved")
        client = self.client(self.server_here, "NEW-3")
        self.decide("NEW-3", "denied")
        self.assertEqual(client.closed(), 1008)
        self.refused("NEW-3")
        self.assertEqual(self.state("NEW-3")["admission"], "denied")
        wait_until(lambda: not self.state("NEW-3")["online"], "it shows offline")

    def test_other_device_under_a_pinned_number(self) -> None:
        """A device that claims the number of another is quarantined, and never disturbs the other."""
        self.refused("OURS").shut()
        self.decide("OURS", "approved")
        ours = self.client(self.server_here, "OURS")
        other = self.client(self.server_here)
        self.assertFalse(other.ask(cmd="reg", sn="ours", cpusn="other", devinfo={})["result"])
        self.assertFalse(other.ask(cmd="sendlog", record=[log(1, f"{DAY} 08:00:00")])["result"])
        self.assertTrue(ours.ask(cmd="sendlog", record=[log(2, f"{DAY} 08:00:00")])["result"])
        self.assertTrue(self.state("OURS")["online"])
        self.assertEqual([row["enrollid"] for row in self.server_here.punches()], [2])
        shown = self.server_here.get("/terminals?state=quarantined")[1]["terminals"]
        self.assertEqual([(row["sn"], row["admission"]) for row in shown], [("OURS", "quarantined")])
        claimants = self.server_here.get("/quarantine")[1]["claimants"]
        self.assertEqual([row["cpusn"] for row in claimants], ["other"])

    def test_bad_serial_numbers(self) -> None:
        """A serial number that is none is refused with words and leaves nothing behind."""
        for sn in ("", "   ", "x" * 33, "a/b", "a b", "ü", "../../x", "*", 7, None, ["a"], "A\n"):
            client = self.client(self.server_here)
            answer = client.ask(cmd="reg", sn=sn, devinfo={})
            if sn not in (7, "A\n"):  # a number is text that lacks its quotes; outer white space is trimmed
                self.assertIn("serial number", str(answer["reason"]), repr(sn))
            client.shut()
        self.assertLessEqual(
            {row["sn"] for row in self.server_here.get("/terminals")[1]["terminals"]}, {"7", "A"}
        )


class Policies(Scene):
    """Other policies, and bounds."""

    def server_with(self, text: str) -> PlacedServer:
        """A server with that much configuration."""
        return self.server("-c", self.file("tfserver.yaml", text), store=self.store())

    def answer(self, server: PlacedServer, sn: str) -> bool:
        """The answer to a ``reg``."""
        client = self.client(server)
        found = client.register(sn)["result"]
        client.shut()
        return bool(found)

    def test_open(self) -> None:
        """With open doors an unknown terminal is in at once."""
        server = self.server(*OPEN, store=self.store())
        self.assertTrue(self.answer(server, "ANY"))
        self.assertEqual(server.get("/terminals/ANY")[1]["admission"], "approved")

    def test_allow_list(self) -> None:
        """Only listed serial numbers are let in, in any case; the others are not remembered."""
        server = self.server_with("admission: {policy: allowlist, allowlist: [zx1]}\n")
        self.assertTrue(self.answer(server, "ZX1"))
        self.assertFalse(self.answer(server, "ZX2"))
        self.assertEqual([row["sn"] for row in server.get("/terminals")[1]["terminals"]], ["ZX1"])

    def test_full_list_of_pending(self) -> None:
        """Terminals beyond the bound of pending are refused and not remembered, until one was decided on."""
        server = self.server_with("admission: {most_pending: 2}\n")
        for sn in ("P1", "P2", "P3"):
            self.assertFalse(self.answer(server, sn))
        self.assertEqual([row["sn"] for row in server.get("/terminals")[1]["terminals"]], ["P1", "P2"])
        server.patch("/terminals/P1", {"admission": "denied"})
        self.assertFalse(self.answer(server, "P3"))
        self.assertEqual(server.get("/terminals/P3")[0], 200)

    def test_refused_and_silent_connections_end(self) -> None:
        """A connection without a ``reg``, and one that was refused, are closed after their time."""
        server = self.server_with("limits: {reg_seconds: 1, refused_seconds: 1}\n")
        silent, refused = self.client(server), self.client(server)
        self.assertFalse(refused.register("P1")["result"])
        self.assertEqual(silent.closed(), 1008)
        self.assertEqual(refused.closed(), 1008)

    def test_bound_of_connections(self) -> None:
        """A connection beyond the bound is refused at its handshake; the others live on."""
        server = self.server_with("limits: {connections: 2}\nadmission: {policy: open}\n")
        first, second = self.client(server, "C1"), self.client(server, "C2")
        with self.assertRaises(AssertionError) as refused:
            server.client()
        self.assertIn("503", str(refused.exception))
        second.shut()
        wait_until(lambda: self._comes_in(server), "there is room again")
        self.assertTrue(first.ask(cmd="sendlog", record=[log(1, f"{DAY} 08:00:00")])["result"])

    def _comes_in(self, server: PlacedServer) -> bool:
        try:
            server.client().shut()
        except (AssertionError, Lost):
            return False
        return True

    def test_rubbish_ends_a_connection(self) -> None:
        """Twenty unreadable frames in a row end a connection; nineteen do not."""
        server = self.server(*OPEN, store=self.store())
        client = self.client(server, "RUB")
        for _ in range(19):
            client.write(frame(b'{"no": "sense"}'))
        self.assertTrue(client.ask(cmd="heartbeat")["result"])
        for _ in range(20):
            client.write(frame(b"neither this nor that"))
        self.assertEqual(client.closed(), 1008)
