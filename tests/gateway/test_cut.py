"""Commands that end the connection: a terminal that ends it has obeyed, one that we cut off perhaps not."""

from __future__ import annotations

from tests.gateway.answering import SILENT, Answering
from tests.gateway.ordered import OrderedCase
from tests.gateway.stand_ins import SN
from tfserver.errors import StoreUnavailable
from tfserver.model import Admission, Registration
from tfserver.order import OrderEvent
from tfserver.store.terminals import Lease, Losses

ENDING = ("reboot", "initsys")


class CutTests(OrderedCase):
    """What is told of an order whose connection is over before the terminal answered."""

    def told(self, cmd: str, connection: str) -> Answering:
        """A terminal that was told to do this, and has not answered."""
        terminal = self.terminal(connection=connection, reboot=SILENT, initsys=SILENT)
        self.order(cmd)
        self.assertEqual((terminal.words(), self.ended), ([cmd], []))
        return terminal

    def end_of(self, terminal: Answering) -> OrderEvent:
        """What became of its order when the connection is over."""
        terminal.link.lost()
        [outcome] = self.ended
        self.ended.clear()
        self.all.remove(terminal)
        return outcome.event

    def test_dropped_by_the_terminal(self) -> None:
        """A terminal that drops the connection has obeyed."""
        for n, cmd in enumerate(ENDING):
            terminal = self.told(cmd, f"c{n}")
            self.assertIs(self.end_of(terminal), OrderEvent.SAID_TRUE)

    def test_replaced(self) -> None:
        """One whose connection we close for a newer one may not have."""
        for n, cmd in enumerate(ENDING):
            terminal = self.told(cmd, f"c{n}")
            newer = self.terminal(connection=f"newer {n}")
            self.assertEqual(terminal.wire.closed(), [1008])
            self.assertIs(self.end_of(terminal), OrderEvent.NOT_LEARNED)
            newer.link.lost()
            self.all.remove(newer)

    def test_lease_gone(self) -> None:
        """Nor one that was denied or deleted, or went to another process."""
        terminal = self.told("reboot", "c1")
        self.terminals.given["losses"] = Losses([Lease(SN, "c1")], False, True, "mark")
        self.fleet.woken("channel", f"admission {SN}")
        self.assertEqual(terminal.wire.closed(), [1008])
        self.assertIs(self.end_of(terminal), OrderEvent.NOT_LEARNED)

    def test_refused_meanwhile(self) -> None:
        """Nor one that is sent away to register again."""
        for n, answer in enumerate((Registration(Admission.DENIED), StoreUnavailable("away"))):
            terminal = self.told("reboot", f"c{n}")
            was, self.terminals.given["register"] = self.terminals.given["register"], answer
            terminal.register()
            self.fleet.woken("channel", f"admission {SN}")
            self.assertEqual(terminal.wire.closed(), [1001])
            self.assertIs(self.end_of(terminal), OrderEvent.NOT_LEARNED)
            self.terminals.given["register"] = was

    def test_silent(self) -> None:
        """Nor one that we give up because nothing was heard of it for too long."""
        terminal = self.told("reboot", "c1")
        terminal.link.heard_at -= 1000
        self.fleet.tick()
        self.assertIn("abort", terminal.wire.events)
        self.assertIs(self.end_of(terminal), OrderEvent.NOT_LEARNED)

    def test_unreadable(self) -> None:
        """Nor one that says nothing readable for too long, or that meets a mistake of ours."""
        terminal = self.told("reboot", "c1")
        for _ in range(20):
            terminal.link.received(b"{")
        self.assertEqual(terminal.wire.closed(), [1008])
        self.assertIs(self.end_of(terminal), OrderEvent.NOT_LEARNED)
        terminal = self.told("reboot", "c2")
        terminal.link.close(1011, "internal error")
        self.assertIs(self.end_of(terminal), OrderEvent.NOT_LEARNED)

    def test_end_of_the_process(self) -> None:
        """Nor one whose server goes away."""
        terminal = self.told("reboot", "c1")
        self.fleet.post.hold()
        self.assertIs(self.end_of(terminal), OrderEvent.NOT_LEARNED)

    def test_pinged(self) -> None:
        """A sweep that only pings says nothing of who ends it."""
        terminal = self.told("reboot", "c1")
        self.stand.clock.rightNow += 31
        self.fleet.tick()
        self.assertIn("ping", terminal.wire.events)
        self.assertIs(self.end_of(terminal), OrderEvent.SAID_TRUE)

    def test_answered(self) -> None:
        """One that answered has obeyed, whoever ends the connection then."""
        terminal = self.told("reboot", "c1")
        terminal.says(ret="reboot", result=True)
        self.fleet.woken("channel", "lease")
        self.assertIs(self.end_of(terminal), OrderEvent.SAID_TRUE)
