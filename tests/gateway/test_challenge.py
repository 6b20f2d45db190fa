"""Links that keep another device out have to show that they live."""

from __future__ import annotations

from tests.gateway.stand_ins import SN
from tests.gateway.test_fleet import OTHER, FleetCase
from tfserver.model import Admission, Registration


class ChallengeTests(FleetCase):
    """A wake-up says that somebody else asks for a lease."""

    def challenged(self, sn: str = SN) -> None:
        """Somebody asks for the lease of a terminal."""
        self.fleet.woken("channel", f"held {sn}")

    def test_alive(self) -> None:
        """A terminal that answers the ping stays."""
        terminal = self.registered("c1")
        self.pass_time(1)
        self.challenged()
        self.assertEqual(terminal.wire.events[-1], "ping")
        self.pass_time(1)
        terminal.link.heard()
        self.pass_time(20)
        self.assertNotIn("abort", terminal.wire.events)

    def test_dead(self) -> None:
        """One that says nothing for five seconds is cut."""
        terminal = self.registered("c1")
        self.challenged()
        self.pass_time(4)
        self.assertNotIn("abort", terminal.wire.events)
        self.pass_time(1)
        self.assertEqual(terminal.wire.events[-1], "abort")

    def test_once(self) -> None:
        """Who asks again and again neither makes more pings nor gives it more time."""
        terminal = self.registered("c1")
        for _ in range(5):
            self.challenged()
            self.pass_time(1)
        self.assertEqual(terminal.wire.events.count("ping"), 1)
        self.assertIn("abort", terminal.wire.events)

    def test_again(self) -> None:
        """One that answered is asked anew the next time."""
        terminal = self.registered("c1")
        self.challenged()
        self.pass_time(1)
        terminal.link.heard()
        self.pass_time(1)
        self.challenged()
        self.assertEqual(terminal.wire.events.count("ping"), 2)

    def test_not_ours(self) -> None:
        """A terminal that is elsewhere, or whose connection is over, concerns nobody here."""
        terminal = self.registered("c1")
        self.challenged(OTHER)
        terminal.link.close(1008, "over")
        self.challenged()
        self.assertNotIn("ping", terminal.wire.events)

    def test_free(self) -> None:
        """When the number is free, whoever was refused is told to come again at once; no other is."""
        terminal = self.registered("c1", OTHER)
        self.terminals.given["register"] = Registration(Admission.QUARANTINED)
        twin = self.dialled("c2")
        twin.reg(SN)
        self.fleet.woken("channel", f"again {SN}")
        self.assertEqual((twin.wire.closed(), terminal.wire.closed()), ([1001], []))
