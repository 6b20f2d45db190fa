"""What a connection remembers of its terminal, and when it looks anew."""

from __future__ import annotations

from datetime import timedelta

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.commands.kept import NOW, SN, Desk
from tfserver.model import Admission, ClockEntry, Decided, Registration


class ClockTests(SynchronousTestCase):
    """Whether a ``cloudtime`` now would say anything new."""

    def kept(self, desk: Desk) -> bool:
        """Whether it would say only what is known."""
        return desk.context.clock_is_kept(desk.context.services.present.read())

    def test_zone_changes(self) -> None:
        """When the offset of the zone changes the clock has to be kept anew, in that very minute."""
        desk = Desk(terminals__timezone="Europe/Lisbon").admit()
        desk.now = NOW.replace(month=3, day=29, hour=0, minute=59, second=59)
        self.assertTrue(self.kept(desk))
        desk.now += timedelta(seconds=1)
        self.assertFalse(self.kept(desk))
        desk.now -= timedelta(seconds=1)
        self.assertTrue(self.kept(desk), "the server's clock was put back")

    def test_decided_meanwhile(self) -> None:
        """Another zone, registration or timeline counts at once, not from the next minute on."""
        desk = Desk().admit()
        self.assertTrue(self.kept(desk))
        desk.context.settle(Decided("north", "Asia/Tokyo", ""))
        self.assertFalse(self.kept(desk))
        self.successResultOf(Deferred.fromCoroutine(desk.context.keep_clock(desk.now)))
        self.assertTrue(self.kept(desk))
        desk.context.timeline = (ClockEntry(0, 0),)
        self.assertFalse(self.kept(desk))
        desk.context.registration = Registration(Admission.APPROVED, timezone="UTC")
        self.assertTrue(self.kept(desk))

    def test_nothing_known(self) -> None:
        """Without a timeline it is never kept."""
        desk = Desk().admit()
        desk.context.timeline = ()
        self.assertFalse(self.kept(desk))
        self.assertIsNone(desk.context.stretch)

    def test_guessed(self) -> None:
        """An offset the terminal brought along is a guess until somebody confirms a zone."""
        desk = Desk().admit(ClockEntry(0, 3600), echo=3600)
        self.assertTrue(desk.context.guessed)
        desk.context.settle(Decided("", "Africa/Lagos", ""))
        self.assertFalse(desk.context.guessed)
        self.assertFalse(Desk().admit().context.guessed)


class ShelfTests(SynchronousTestCase):
    """Where its punches go."""

    def test_once(self) -> None:
        """The shelf of a terminal is made once, and anew for another number."""
        desk = Desk().admit()
        shelf = desk.context.shelf
        self.assertIs(desk.context.shelf, shelf)
        self.assertEqual(shelf.sn, SN)
        desk.context.sn = "other1"
        self.assertEqual((desk.context.shelf.sn, desk.context.sn), ("OTHER1", "other1"))

    def test_room(self) -> None:
        """A context has slots and no dictionary: there are as many as terminals."""
        self.assertFalse(hasattr(Desk().context, "__dict__"))
