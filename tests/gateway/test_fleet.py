"""The terminals of a process: leases, heartbeats, wake-ups, and the end."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway.stand_ins import APPROVED, SN, START, Dialled, Stand
from tfserver.errors import StoreUnavailable
from tfserver.gateway.fleet import MOST_RELEASES, Fleet
from tfserver.gateway.link import Link
from tfserver.model import Admission, Decided, Registration

OTHER = "ZXDM26010043"


class FleetCase(SynchronousTestCase):
    """A fleet on a clock, over a store that agrees to everything."""

    def setUp(self) -> None:
        """A fleet that has started."""
        self.stand = Stand()
        self.fleet = Fleet(self.stand.clock, self.stand.services, self.stand.clock.seconds)
        self.successResultOf(Deferred.fromCoroutine(self.fleet.start()))
        self.terminals = self.stand.terminals

    def dialled(self, connection: str) -> Dialled:
        """A connection that has said nothing yet."""
        terminal = Dialled(self.stand, self.fleet, connection)
        self.fleet.add(terminal.link)
        return terminal

    def registered(self, connection: str, sn: str = SN) -> Dialled:
        """A connection whose terminal was admitted."""
        terminal = self.dialled(connection)
        terminal.reg(sn)
        self.assertTrue(terminal.last()["result"])
        return terminal

    def pass_time(self, seconds: int) -> None:
        """Time passes, second by second."""
        self.stand.clock.pump([1] * seconds)

    def released(self) -> list[tuple[Any, ...]]:
        """Which leases were given back: serial number and connection."""
        return self.terminals.asked("release")


class NewestWinsTests(FleetCase):
    """The newest admitted connection of a terminal wins (design §1, promise 3)."""

    def test_older_is_closed(self) -> None:
        """A newer connection closes the older one and stays itself."""
        old, new = self.registered("c1"), self.registered("c2")
        self.assertEqual(old.wire.closed(), [1008])
        self.assertEqual(new.wire.closed(), [])
        self.assertIs(self.fleet.by_sn[SN], new.link)
        self.assertEqual(self.stand.count("tfserver_terminals"), 1)

    def test_spelling(self) -> None:
        """A serial number in other letters is the same terminal."""
        old = self.registered("c1")
        self.registered("c2", SN.lower())
        self.assertEqual(old.wire.closed(), [1008])
        self.assertEqual(list(self.fleet.by_sn), [SN])

    def test_same_connection_again(self) -> None:
        """A terminal that registers again on its connection is not closed (protocol §1.2)."""
        terminal = self.registered("c1")
        for _ in range(3):
            terminal.reg()
        self.assertEqual(terminal.wire.closed(), [])
        self.assertEqual(self.released(), [])

    def test_refused_newcomer(self) -> None:
        """A connection that was not admitted takes nothing away from the one that was."""
        old = self.registered("c1")
        for answer in (Registration(Admission.QUARANTINED), StoreUnavailable("away")):
            self.terminals.given["register"] = answer
            self.dialled("c2").reg()
        self.assertEqual(old.wire.closed(), [])
        self.assertIs(self.fleet.by_sn[SN], old.link)

    def test_late_close_of_the_old(self) -> None:
        """The end of the old connection, however late, does not remove the new one."""
        old, new = self.registered("c1"), self.registered("c2")
        self.pass_time(20)
        old.link.lost()
        self.assertIs(self.fleet.by_sn[SN], new.link)
        self.assertEqual(self.fleet.links, {new.link})
        self.assertEqual(self.released(), [(SN, "c1")])
        self.assertEqual(self.stand.count("tfserver_terminals"), 1)

    def test_late_admission_of_the_dead(self) -> None:
        """A connection admitted after its end leaves nothing behind and closes nobody."""
        living = self.registered("c1", OTHER)
        registering: Deferred[Registration] = Deferred()
        self.terminals.given["register"] = registering
        dead = self.dialled("c2")
        dead.reg()
        dead.link.lost()
        registering.callback(APPROVED)
        self.assertEqual(list(self.fleet.by_sn), [OTHER])
        self.assertEqual(living.wire.closed(), [])
        self.assertIn((SN, "c2"), self.released())


class LeaseTests(FleetCase):
    """Leases given back and lost."""

    def test_given_back_by_connection(self) -> None:
        """A lease is given back with the connection id it belongs to."""
        self.registered("c1").link.lost()
        self.assertEqual(self.released(), [(SN, "c1")])
        self.assertEqual(self.fleet.by_sn, {})
        self.assertEqual(self.stand.count("tfserver_terminals"), 0)

    def test_given_back_by_refusal(self) -> None:
        """A terminal that is refused on the connection on which it was admitted loses its lease."""
        terminal = self.registered("c1")
        self.terminals.given["register"] = Registration(Admission.DENIED)
        terminal.reg()
        self.assertEqual(self.fleet.by_sn, {})
        self.assertEqual(self.released(), [(SN, "c1")])

    def test_unknown_connections_release_nothing(self) -> None:
        """A connection that never registered has nothing to give back."""
        self.dialled("c1").link.lost()
        self.pass_time(6)
        self.assertEqual(self.released(), [])
        self.assertEqual(self.fleet.links, set())

    def test_tried_again(self) -> None:
        """A lease that could not be given back is given back with the next heartbeat that works."""
        terminal = self.registered("c1")
        self.terminals.given["release"] = StoreUnavailable("away")
        terminal.link.lost()
        self.pass_time(5)
        self.assertEqual(len(self.released()), 2)
        self.terminals.given["release"] = True
        self.pass_time(10)
        self.assertEqual(self.released(), [(SN, "c1")] * 3)

    def test_many_at_once(self) -> None:
        """When thousands come and go at once, leases are given back a little later: reg goes first."""
        waiting = [MOST_RELEASES]
        self.stand.services.pressure.registering = lambda: (waiting[0], 0.0)
        self.registered("c1").link.lost()
        self.assertEqual(self.released(), [])
        self.pass_time(5)
        self.assertEqual(self.released(), [(SN, "c1")])
        waiting[0] = 0
        self.registered("c2").link.lost()
        self.assertEqual(self.released(), [(SN, "c1"), (SN, "c2")])

    def test_registered_again_meanwhile(self) -> None:
        """A lease taken again on the same connection is not given back by an older, failed try."""
        terminal = self.registered("c1")
        self.terminals.given["register"] = StoreUnavailable("away")
        self.terminals.given["release"] = StoreUnavailable("away")
        terminal.reg()
        self.terminals.given.update(register=APPROVED, release=True)
        terminal.reg()
        self.assertTrue(terminal.last()["result"])
        tried = len(self.released())
        self.pass_time(10)
        self.assertEqual(len(self.released()), tried, "the lease of a live connection was given away")

    def test_reg_that_came_too_late(self) -> None:
        """A reg that ran into its deadline may hold the lease all the same: it is given back."""
        self.terminals.given["register"] = Deferred()
        terminal = self.dialled("c1")
        terminal.reg()
        self.pass_time(1)
        self.assertFalse(terminal.last()["result"])
        terminal.link.lost()
        self.assertIn((SN, "c1"), self.released())


class BeatTests(FleetCase):
    """Heartbeats of the process."""

    def test_announced_first(self) -> None:
        """The process announces itself before it takes terminals."""
        self.assertEqual(self.terminals.asked("beat"), [({},)])

    def test_lives(self) -> None:
        """The process says every five seconds that it lives."""
        before = len(self.terminals.asked("beat"))
        self.pass_time(4)
        self.assertEqual(len(self.terminals.asked("beat")), before)
        self.pass_time(1)
        self.assertEqual(self.terminals.asked("beat")[before:], [({},)])

    def told(self) -> list[dict[str, int]]:
        """Whom the process told it heard."""
        return [heard for (heard,) in self.terminals.asked("beat") if heard]

    def test_tells_news_only(self) -> None:
        """Every ten seconds it tells when each terminal was last heard (UTC, ms), and only what is new."""
        self.pass_time(2)
        terminal = self.registered("c1")
        self.registered("c2", OTHER)
        self.pass_time(7)
        self.assertEqual(self.told(), [])
        self.pass_time(1)
        heard = round(START.timestamp() * 1000) + 2000
        self.assertEqual(self.told(), [{SN: heard, OTHER: heard}])
        self.pass_time(3)
        terminal.link.heard()
        self.pass_time(7)
        self.assertEqual(self.told()[1:], [{SN: heard + 11_000}])
        self.pass_time(10)
        self.assertEqual(len(self.told()), 2)

    def test_told_again(self) -> None:
        """What could not be told is told the next time."""
        self.terminals.given["beat"] = StoreUnavailable("away")
        self.registered("c1")
        self.pass_time(10)
        tried = len(self.told())
        self.terminals.given["beat"] = None
        self.pass_time(10)
        self.assertEqual([list(heard) for heard in self.told()[tried:]], [[SN]])

    def test_heard_while_it_is_told(self) -> None:
        """What is heard while the store is being told is told the next time."""
        telling: Deferred[None] = Deferred()
        terminal = self.registered("c1")
        self.pass_time(9)
        self.terminals.given["beat"] = telling
        self.pass_time(1)
        terminal.link.heard()
        self.terminals.given["beat"] = None
        telling.callback(None)
        self.pass_time(10)
        self.assertEqual([list(heard) for heard in self.told()], [[SN], [SN]])

    def test_told_at_the_end(self) -> None:
        """A process that stops tells whom it heard before it retires."""
        self.registered("c1")
        self.successResultOf(Deferred.fromCoroutine(self.fleet.stop()))
        self.assertEqual([list(heard) for heard in self.told()], [[SN]])
        self.assertEqual([name for name, _ in self.terminals.calls][-2:], ["beat", "retire"])

    def test_stop(self) -> None:
        """At the end the process retires, and nothing goes on."""
        self.successResultOf(Deferred.fromCoroutine(self.fleet.stop()))
        self.assertEqual(len(self.terminals.asked("retire")), 1)
        self.assertEqual(self.stand.clock.getDelayedCalls(), [])

    def test_stop_without_a_store(self) -> None:
        """A store that is away does not keep the process from stopping."""
        self.terminals.given["retire"] = StoreUnavailable("away")
        self.successResultOf(Deferred.fromCoroutine(self.fleet.stop()))


class WakeTests(FleetCase):
    """What another process did."""

    def woken(self, message: str) -> None:
        """A wake-up arrives."""
        self.fleet.woken("channel", message)

    def test_a_lie(self) -> None:
        """A wake-up is only a hint: a connection that still holds its lease stays."""
        terminal = self.registered("c1")
        self.woken("lease")
        self.woken(f"admission {SN}")
        self.assertEqual(terminal.wire.closed(), [])

    def test_strangers(self) -> None:
        """Wake-ups for terminals of others, and ones nobody understands, do nothing."""
        self.registered("c1")
        for message in (f"admission {OTHER}", f"change {OTHER}", f"dance {SN}", "", f"{SN}"):
            self.woken(message)
        self.assertEqual(self.terminals.asked("losses"), [])
        self.assertEqual(self.terminals.asked("decided"), [])

    def test_admission(self) -> None:
        """A terminal somebody decided about is told to come again; others that wait are not."""
        self.terminals.given["register"] = Registration(Admission.PENDING)
        decided, other, silent = self.dialled("c1"), self.dialled("c2"), self.dialled("c3")
        decided.reg(SN.lower())
        other.reg(OTHER)
        self.woken(f"admission {SN}")
        self.assertEqual(decided.wire.closed(), [1001])
        self.assertEqual(other.wire.closed() + silent.wire.closed(), [])

    def test_change(self) -> None:
        """A changed zone holds from the next answer on."""
        terminal = self.registered("c1")
        self.terminals.given["decided"] = Decided("north", "Asia/Tokyo")
        self.woken(f"change {SN}")
        terminal.says(cmd="heartbeat", sn=SN)
        self.assertEqual(terminal.last()["cloudtime"], "2026-04-02 17:15:04")
        self.assertEqual(terminal.link.context.registration.site, "north")

    def test_change_without_a_store(self) -> None:
        """A change that can't be read now breaks nothing."""
        terminal = self.registered("c1")
        self.terminals.given["decided"] = StoreUnavailable("away")
        self.woken(f"change {SN}")
        self.assertEqual(terminal.wire.closed(), [])


class SweepTests(FleetCase):
    """The sweep over all links, second by second."""

    def test_no_reg(self) -> None:
        """A connection without a reg is closed after ``reg_seconds``, a registered one is not."""
        silent, spoken = self.dialled("c1"), self.registered("c2")
        for _ in range(60):
            self.pass_time(1)
            silent.link.heard()
            spoken.link.heard()
        self.assertEqual(silent.wire.closed(), [1008])
        self.assertEqual(spoken.wire.closed(), [])

    def test_silent_terminals(self) -> None:
        """Silent terminals are pinged and then cut off; one that answers stays."""
        dead, alive = self.registered("c1"), self.registered("c2", OTHER)
        self.pass_time(30)
        self.assertEqual((dead.wire.events[-1], alive.wire.events[-1]), ("ping", "ping"))
        alive.link.heard()
        self.pass_time(60)
        self.assertIn("abort", dead.wire.events)
        self.assertNotIn("abort", alive.wire.events)

    def test_one_bad_link(self) -> None:
        """A link whose sweep fails does not end the sweep of the others."""
        broken, silent = self.dialled("c1"), self.dialled("c2")
        tick = Link.tick
        self.patch(Link, "tick", lambda link: 1 / 0 if link is broken.link else tick(link))
        for _ in range(61):
            self.pass_time(1)
            broken.link.heard()
            silent.link.heard()
        self.flushLoggedErrors(ZeroDivisionError)
        self.assertEqual(silent.wire.closed(), [1008])
