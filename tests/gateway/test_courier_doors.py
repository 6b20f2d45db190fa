"""A door never opens late (design §2.4, docs/orders.md)."""

from __future__ import annotations

from tests.gateway.carrying import CarryingCase, RingGate
from tfserver.gateway.courier import FRESH_SECONDS
from tfserver.order import OrderEvent


class DoorCase(CarryingCase):
    """A terminal with a door."""

    def silent_for(self, seconds: float) -> None:
        """Nothing came from the terminal for so long."""
        self.clock.advance(seconds)

    def assert_not_written(self, event: OrderEvent) -> None:
        """The door was not written, and this was told of it."""
        self.assertEqual((self.said(), self.events()), ([], [event]))


class LateTests(DoorCase):
    """The clock is looked at at the very write."""

    def test_at_once(self) -> None:
        """A door of a terminal that is there is written at once, past everything that may hold it up."""
        self.carry("ringgate", 5.0)
        self.assertEqual(self.words(), ["ringgate"])
        self.assertEqual(len(self.wire.at_once), 1)
        self.assertNotIn("ping", self.wire.events)
        self.answers("ringgate")
        self.assertEqual(self.events(), [OrderEvent.SAID_TRUE])

    def test_only_doors(self) -> None:
        """Other commands are written with the rest of the turn."""
        self.carry()
        self.assertEqual((self.words(), self.wire.at_once), (["ring"], []))

    def test_stopped_while_it_was_taken(self) -> None:
        """A process that was stopped while the store answered counts from the moment it asked."""
        self.box.meanwhile = lambda: self.paused(5.0)
        self.carry("ringgate", 5.0)
        self.assert_not_written(OrderEvent.TOO_LATE)

    def test_stopped_before_the_write(self) -> None:
        """A process that was stopped between its look at the terminal and the write does not write."""
        self.patch(RingGate, "said", self._stops)
        self.carry("ringgate", 5.0)
        self.assert_not_written(OrderEvent.TOO_LATE)

    def _stops(self, cloudtime: str) -> dict[str, int]:
        self.paused(5.0)
        return {}

    def test_a_moment_left(self) -> None:
        """With a moment left it is written."""
        self.box.meanwhile = lambda: self.paused(4.9)
        self.carry("ringgate", 5.0)
        self.assertEqual(self.words(), ["ringgate"])

    def test_stopped_for_long(self) -> None:
        """Also a terminal that would have to be pinged first gets nothing late."""
        self.box.meanwhile = lambda: self.paused(3600.0)
        self.carry("ringgate", 5.0)
        self.pass_time(0.1)
        self.link.heard()
        self.pass_time(1)
        self.assert_not_written(OrderEvent.TOO_LATE)


class ThereTests(DoorCase):
    """Only a terminal that is there gets it."""

    def test_heard(self) -> None:
        """One that was heard lately is not pinged, one that was not is."""
        for seconds, events in ((FRESH_SECONDS, 1), (FRESH_SECONDS + 0.1, 0)):
            self.wire.events.clear()
            self.link.heard()
            self.silent_for(seconds)
            self.carry("ringgate", 5.0)
            self.assertEqual(len(self.said()), events)
            self.assertEqual("ping" in self.wire.events, not events)
            self.link.heard()
            self.pass_time(0.1)
            self.answers("ringgate")
        self.assertEqual(self.events(), [OrderEvent.SAID_TRUE] * 2)

    def test_pinged_first(self) -> None:
        """It is written only after a sign of life that came after the ping."""
        self.silent_for(60)
        self.carry("ringgate", 5.0)
        self.pass_time(3)
        self.assertEqual((self.said(), self.wire.events.count("ping")), ([], 1))
        self.link.heard()
        self.pass_time(0.1)
        self.assertEqual(self.words(), ["ringgate"])

    def test_no_sign_of_life(self) -> None:
        """Without one it is never written; it ends with its seconds, and the connection is left alone."""
        self.silent_for(60)
        self.carry("ringgate", 5.0)
        self.pass_time(4.9)
        self.assertEqual(self.box.ended, [])
        self.pass_time(0.2)
        self.assert_not_written(OrderEvent.TOO_LATE)
        self.link.heard()
        self.pass_time(5)
        self.assertEqual((self.said(), self.link.closing), ([], False))

    def test_sign_of_life_at_the_end(self) -> None:
        """A sign of life that comes when its seconds are over is too late."""
        self.silent_for(60)
        self.carry("ringgate", 5.0)
        self.pass_time(4)
        self.paused(1)
        self.link.heard()
        self.pass_time(0.1)
        self.assert_not_written(OrderEvent.TOO_LATE)

    def test_unsent_bytes(self) -> None:
        """While something said before waits to be written it waits; its seconds go on."""
        self.wire.dataBuffer = b"a photo"
        self.carry("ringgate", 5.0)
        self.pass_time(3)
        self.assertEqual(self.said(), [])
        self.wire.dataBuffer = b""
        self.pass_time(0.1)
        self.assertEqual(self.words(), ["ringgate"])

    def test_unsent_bytes_for_long(self) -> None:
        """A terminal that takes nothing gets no door."""
        self.wire.dataBuffer = b"a photo"
        self.carry("ringgate", 5.0)
        self.pass_time(5.1)
        self.assert_not_written(OrderEvent.TOO_LATE)

    def test_link_goes_away(self) -> None:
        """A link that goes away before it was written gives it back: a newer one may have time."""
        self.silent_for(60)
        self.carry("ringgate", 5.0)
        self.pass_time(1)
        self.link.lost()
        self.pass_time(0.1)
        self.assert_not_written(OrderEvent.PUT_BACK)

    def test_link_closes_with_the_sign_of_life(self) -> None:
        """A link that is being closed is not there, whatever still comes from it."""
        self.silent_for(60)
        self.carry("ringgate", 5.0)
        self.link.close(1008, "a newer connection")
        self.link.heard()
        self.pass_time(0.1)
        self.assert_not_written(OrderEvent.PUT_BACK)


class UnansweredTests(DoorCase):
    """After its end nothing of it may arrive."""

    def test_cut(self) -> None:
        """Without an answer by its end the connection is cut, and nobody knows what came of it."""
        self.carry("ringgate", 3.0)
        self.pass_time(2.9)
        self.assertNotIn("abort", self.wire.events)
        self.pass_time(0.2)
        self.assertEqual(self.wire.events[-1], "abort")
        self.assertEqual(self.events(), [OrderEvent.NOT_LEARNED])

    def test_own_time(self) -> None:
        """A door that may wait longer than its reply may take is given up with the reply."""
        self.carry("ringgate", 30.0)
        self.pass_time(20.1)
        self.assertEqual((self.wire.events[-1], self.events()), ("abort", [OrderEvent.NOT_LEARNED]))

    def test_nothing_after_the_cut(self) -> None:
        """Nothing is taken or written on a connection that was cut."""
        self.carry("ringgate", 3.0)
        self.put()
        self.pass_time(3.1)
        self.assertEqual((self.words(), self.box.calls), (["ringgate"], ["take", "finish"]))

    def test_not_all_taken(self) -> None:
        """What the kernel does not take at once is cut off: it would be said whenever there is room."""
        self.wire.takes_all = False
        self.carry("ringgate", 5.0)
        self.assertEqual(self.wire.events[-1], "abort")
        self.link.lost()
        self.assertEqual(self.events(), [OrderEvent.NOT_LEARNED])

    def test_refused(self) -> None:
        """A refusal is an answer: nothing is cut."""
        self.carry("ringgate", 5.0)
        self.answers("ringgate", result=False, reason=1)
        self.pass_time(10)
        self.assertNotIn("abort", self.wire.events)
        self.assertEqual(self.events(), [OrderEvent.SAID_FALSE])
