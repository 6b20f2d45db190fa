"""Leases that are lost: who is closed, what is forgotten, and when all leases are compared."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.gateway.stand_ins import APPROVED, SN
from tests.gateway.test_fleet import OTHER, FleetCase
from tfserver.errors import StoreUnavailable
from tfserver.gateway import fleet as fleet_module
from tfserver.model import Registration
from tfserver.store.terminals import Lease, Losses


class LossCase(FleetCase):
    """A store that tells what it noted until that is dealt with, ``part`` at a time."""

    part = 100

    def setUp(self) -> None:
        """Nothing is noted, and the notes are whole."""
        super().setUp()
        self.noted: list[Lease] = []
        self.whole = True
        self.terminals.given.update(losses=self.losses, dealt_with=self.dealt_with)

    def losses(self) -> Losses:
        """As the store does it."""
        return Losses(self.noted[: self.part], len(self.noted) > self.part, self.whole, "mark-7")

    def dealt_with(self, leases: list[Lease]) -> None:
        """As the store does it."""
        self.noted = [lease for lease in self.noted if lease not in leases]

    def asked_in_order(self) -> list[str]:
        """What the store was asked about leases, in order."""
        about = ("losses", "dealt_with", "lost_leases", "compared")
        return [name for name, _ in self.terminals.calls if name in about]


class SweepTests(LossCase):
    """Without any wake-up."""

    def test_closed_by_the_sweep(self) -> None:
        """A connection whose lease is gone is closed by the sweep and the loss forgotten; others stay."""
        gone, kept = self.registered("c1"), self.registered("c2", OTHER)
        self.noted = [Lease(SN, "c1")]
        self.pass_time(10)
        self.assertEqual((gone.wire.closed(), kept.wire.closed()), ([1008], []))
        self.assertEqual(self.noted, [])
        self.assertEqual(self.terminals.asked("dealt_with"), [([Lease(SN, "c1")],)])

    def test_no_comparison(self) -> None:
        """While the notes are whole, the terminals' own entries are not read."""
        self.registered("c1")
        self.pass_time(60)
        self.assertEqual(self.terminals.asked("lost_leases"), [])
        self.assertEqual(len(self.terminals.asked("losses")), 6)

    def test_not_forgotten(self) -> None:
        """A loss that could not be forgotten is told again, and its connection is closed all the same."""
        gone = self.registered("c1")
        self.noted = [Lease(SN, "c1")]
        self.terminals.given["dealt_with"] = StoreUnavailable("away")
        self.pass_time(10)
        self.assertEqual((gone.wire.closed(), self.noted), ([1008], [Lease(SN, "c1")]))
        self.terminals.given["dealt_with"] = self.dealt_with
        self.pass_time(10)
        self.assertEqual(self.noted, [])

    def test_closed_before_it_is_forgotten(self) -> None:
        """A loss is forgotten only after its connection was closed."""
        gone = self.registered("c1")
        self.noted = [Lease(SN, "c1")]
        closed: list[list[int]] = []
        self.terminals.given["dealt_with"] = lambda leases: closed.append(gone.wire.closed())
        self.pass_time(10)
        self.assertEqual(closed, [[1008]])

    def test_older_connection(self) -> None:
        """The loss of a connection that is over closes nobody: its terminal came again here meanwhile."""
        self.registered("c1")
        newer = self.registered("c2")
        self.noted = [Lease(SN, "c1"), Lease(OTHER, "c9")]
        self.pass_time(10)
        self.assertEqual((newer.wire.closed(), self.noted), ([], []))

    def test_taken_over_before_its_answer(self) -> None:
        """A connection whose lease was taken over before its own reg was answered is closed too."""
        registering: Deferred[Registration] = Deferred()
        self.terminals.given["register"] = registering
        terminal = self.dialled("c1")
        terminal.reg()
        self.noted = [Lease(SN, "c1")]
        self.fleet.woken("channel", "lease")
        self.assertEqual((terminal.wire.closed(), self.noted), ([1008], []))
        registering.callback(APPROVED)
        self.assertEqual(self.fleet.by_sn, {})

    def test_many(self) -> None:
        """Losses that are told in parts are all dealt with in one sweep."""
        all_of_them = [self.registered(f"c{n}", f"T{n}") for n in range(5)]
        self.part = 2
        self.noted = [Lease(f"T{n}", f"c{n}") for n in range(5)]
        self.pass_time(10)
        self.assertEqual([terminal.wire.closed() for terminal in all_of_them], [[1008]] * 5)
        self.assertEqual(self.noted, [])

    def test_store_away(self) -> None:
        """A store that is away closes nobody, and the sweeps go on when it is back."""
        terminal = self.registered("c1")
        self.terminals.given.update(losses=StoreUnavailable("away"), beat=StoreUnavailable("away"))
        self.pass_time(20)
        self.assertEqual(terminal.wire.closed(), [])
        self.noted = [Lease(SN, "c1")]
        self.terminals.given.update(losses=self.losses, beat=None)
        self.pass_time(10)
        self.assertEqual(terminal.wire.closed(), [1008])

    def test_mistake_of_ours(self) -> None:
        """A mistake of ours in one sweep is logged and does not end the sweeps."""
        self.registered("c1")
        self.terminals.given["losses"] = lambda: ValueError("x")
        self.pass_time(20)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 2)


class NowAndThenTests(LossCase):
    """Also what nobody noted is found."""

    def test_compared_again(self) -> None:
        """After a while all are compared although the notes are whole."""
        self.patch(fleet_module, "COMPARE_SECONDS", 25.0)
        gone = self.registered("c1")
        self.terminals.given["lost_leases"] = [Lease(SN, "c1")]
        self.pass_time(20)
        self.assertEqual(gone.wire.closed(), [])
        self.pass_time(10)
        self.assertEqual(gone.wire.closed(), [1008])
        self.pass_time(20)
        self.assertEqual(self.asked_in_order().count("lost_leases"), 1)


class ComparisonTests(LossCase):
    """When the notes may not be whole."""

    def setUp(self) -> None:
        """The store was away."""
        super().setUp()
        self.whole = False

    def test_all_are_compared(self) -> None:
        """All leases are compared, what is lost is closed, and only then the notes count as whole."""
        gone, kept = self.registered("c1"), self.registered("c2", OTHER)
        self.terminals.given["lost_leases"] = lambda held: held[:1]
        self.pass_time(10)
        held = [Lease(SN, "c1"), Lease(OTHER, "c2")]
        self.assertEqual(self.terminals.asked("lost_leases"), [(held,)])
        self.assertEqual((gone.wire.closed(), kept.wire.closed()), ([1008], []))
        self.assertEqual(self.terminals.asked("compared"), [("mark-7",)])
        self.assertEqual(self.asked_in_order(), ["losses", "dealt_with", "lost_leases", "compared"])

    def test_comparison_that_failed(self) -> None:
        """A comparison that failed is made again by the next sweep."""
        terminal = self.registered("c1")
        self.terminals.given["lost_leases"] = StoreUnavailable("away")
        self.pass_time(10)
        self.assertEqual(self.terminals.asked("compared"), [])
        self.terminals.given["lost_leases"] = lambda held: held
        self.pass_time(10)
        self.assertEqual(terminal.wire.closed(), [1008])
        self.assertEqual(len(self.terminals.asked("compared")), 1)


class WakeTests(LossCase):
    """Wake-ups make it faster."""

    def test_at_once(self) -> None:
        """Told that a lease moved or a terminal was disapproved, the fleet closes what is lost at once."""
        for message in ("lease", f"admission {SN}"):
            terminal = self.registered("c1")
            self.noted = [Lease(SN, "c1")]
            self.fleet.woken("channel", message)
            self.assertEqual((terminal.wire.closed(), self.noted), ([1008], []), message)
            terminal.link.lost()

    def test_many_at_once(self) -> None:
        """However many wake-ups come while the fleet looks, it looks once more, not once for each."""
        looking: Deferred[Losses] = Deferred()
        terminal = self.registered("c1")
        self.terminals.given["losses"] = looking
        for _ in range(50):
            self.fleet.woken("channel", "lease")
        self.assertEqual(len(self.terminals.asked("losses")), 1)
        self.terminals.given["losses"] = self.losses
        self.noted = [Lease(SN, "c1")]
        looking.callback(Losses([], False, True, "mark-7"))
        self.assertEqual(len(self.terminals.asked("losses")), 2)
        self.assertEqual(terminal.wire.closed(), [1008])

    def test_again_after_a_failure(self) -> None:
        """A look that failed does not keep later wake-ups from being heard."""
        terminal = self.registered("c1")
        self.terminals.given["losses"] = StoreUnavailable("away")
        self.fleet.woken("channel", "lease")
        self.terminals.given["losses"] = self.losses
        self.noted = [Lease(SN, "c1")]
        self.fleet.woken("channel", "lease")
        self.assertEqual(terminal.wire.closed(), [1008])


class ReleaseTests(FleetCase):
    """Leases given back after many connections ended."""

    def all_gone(self, count: int) -> None:
        """So many terminals end while the store is away."""
        self.terminals.given["release"] = StoreUnavailable("away")
        for n in range(count):
            self.registered(f"c{n}", f"T{n}").link.lost()
        self.terminals.calls.clear()

    def test_together(self) -> None:
        """What is to be given back is asked in one turn, not one after the other."""
        self.all_gone(30)
        self.terminals.given["release"] = lambda *_: Deferred()
        self.pass_time(5)
        self.assertEqual(len(self.released()), 30)

    def test_bounded(self) -> None:
        """So many at once and no more; the rest follows when these are given back."""
        self.patch(fleet_module, "MOST_RELEASES", 10)
        self.all_gone(25)
        releasing: list[Deferred[bool]] = []

        def release(*_: str) -> Deferred[bool]:
            releasing.append(Deferred())
            return releasing[-1]

        self.terminals.given["release"] = release
        self.pass_time(5)
        for count in (10, 20, 25):
            self.assertEqual(len(releasing), count)
            for one in releasing[count - 10 if count < 25 else 20 :]:
                one.callback(True)
        self.terminals.calls.clear()
        self.pass_time(5)
        self.assertEqual(self.released(), [])

    def test_not_while_it_registers(self) -> None:
        """A lease is not given back while its connection is asking for it again."""
        terminal = self.registered("c1")
        self.terminals.given.update(register=StoreUnavailable("away"), release=StoreUnavailable("away"))
        terminal.reg()
        self.terminals.calls.clear()
        self.terminals.given.update(register=Deferred(), release=True)
        terminal.reg()
        self.fleet.expire = lambda: None  # type: ignore[method-assign]
        self.successResultOf(Deferred.fromCoroutine(self.fleet.beat()))
        self.assertEqual(self.released(), [])

    def test_asked_again_while_others_are_given_back(self) -> None:
        """Who asks again on its connection while others' leases are given back keeps what it is given."""
        self.patch(fleet_module, "MOST_RELEASES", 1)
        gone, stays = self.registered("c1", OTHER), self.registered("c2")
        self.terminals.given["release"] = StoreUnavailable("away")
        gone.link.lost()
        self.terminals.given["register"] = StoreUnavailable("away")
        stays.reg()
        releasing: Deferred[bool] = Deferred()
        registering: Deferred[Registration] = Deferred()
        self.terminals.given.update(release=releasing, register=registering)
        self.terminals.calls.clear()
        self.pass_time(5)
        self.assertEqual(self.released(), [(OTHER, "c1")])
        stays.reg()
        self.terminals.given["release"] = True
        releasing.callback(True)
        registering.callback(APPROVED)
        self.assertTrue(stays.last()["result"])
        self.assertNotIn((SN, "c2"), self.released())

    def test_two_names(self) -> None:
        """A connection that was two terminals gives back the leases of both."""
        terminal = self.registered("c1")
        self.terminals.given.update(register=StoreUnavailable("away"), release=StoreUnavailable("away"))
        terminal.reg()
        self.terminals.given.update(register=APPROVED, release=True)
        terminal.reg(OTHER)
        self.assertTrue(terminal.last()["result"])
        self.terminals.calls.clear()
        self.pass_time(6)
        terminal.link.lost()
        self.pass_time(6)
        self.assertIn((SN, "c1"), self.released())

    def test_name_that_was_refused(self) -> None:
        """A lease that may have been taken although its answer was a refusal is given back, too."""
        terminal = self.registered("c1")
        self.terminals.given["register"] = StoreUnavailable("away")
        terminal.reg()
        self.terminals.calls.clear()
        terminal.reg(OTHER)
        terminal.link.lost()
        self.assertIn((OTHER, "c1"), self.released())
