"""The direct way to a socket's events does what Twisted's own does, and asks for so many at once."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet import epollreactor, tcp
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.error import ConnectionDone, ConnectionFdescWentAway, ConnectionLost
from twisted.internet.interfaces import IHalfCloseableDescriptor
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.python import log as twisted_log
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from tfserver.gateway import dispatch

_log: Any = epollreactor


class Descriptor:
    """One end of a pair of sockets: notes in ``told`` what a reactor does with it."""

    def __init__(self, does: Callable[[], Any]) -> None:
        self.near, self.far = socket.socketpair()
        self.told: list[Any] = []
        self.does = does
        self.tells_fileno: Callable[[], int] = self.near.fileno

    def fileno(self) -> int:
        """Its number."""
        return self.tells_fileno()

    def logPrefix(self) -> str:
        """Its name."""
        return "descriptor"

    def doRead(self) -> Any:
        """There is something to read."""
        self.told.append("read")
        return self.does()

    def doWrite(self) -> Any:
        """There is room to write."""
        self.told.append("write")
        return self.does()

    def connectionLost(self, reason: Failure) -> None:
        """It is over."""
        self.told.append(("lost", reason.type))

    def close(self) -> None:
        """Let go."""
        self.near.close()
        self.far.close()


class Own(Descriptor, tcp.Connection):
    """One end of a connection that we made."""


@implementer(IHalfCloseableDescriptor)
class HalfCloseable(Descriptor):
    """One that can tell that only reading is over."""

    def readConnectionLost(self, reason: Failure) -> None:
        """Reading is over."""
        self.told.append(("read lost", reason.type))

    def writeConnectionLost(self, reason: Failure) -> None:
        """Writing is over."""
        self.told.append(("write lost", reason.type))


class TornDescriptor(Descriptor):
    """One whose end goes wrong."""

    def connectionLost(self, reason: Failure) -> None:
        """It is over, and something goes wrong."""
        super().connectionLost(reason)
        raise KeyError


def raises(wrong: type[BaseException]) -> Callable[[], Any]:
    """Something that raises."""

    def act() -> Any:
        raise wrong

    return act


class DispatchCase(SynchronousTestCase):
    """A reactor of our own, with the short cut and without."""

    def setUp(self) -> None:
        """Whatever is done to Twisted is undone."""
        self.addCleanup(setattr, epollreactor, "log", twisted_log)

    @contextlib.contextmanager
    def reactor(self, wanted: bool) -> Iterator[Any]:
        """A reactor that nobody else uses."""
        reactor: Any = EPollReactor()
        poller, wakers = reactor._poller, list(reactor._internalReaders)
        try:
            self.assertIs(dispatch.quiet_dispatch(reactor, wanted), wanted)
            yield reactor
        finally:
            for waker in wakers:
                waker.connectionLost(None)
            poller.close()

    def outcome(
        self,
        wanted: bool,
        does: Callable[[], Any] = lambda: None,
        happens: Callable[[Descriptor], Any] = lambda one: one.far.send(b"x"),
        kind: type[Descriptor] = Descriptor,
        writes: bool = False,
    ) -> Any:
        """What is told and logged of one event, and whether it is read from and written to afterwards."""
        with self.reactor(wanted) as reactor:
            one = kind(does)
            reactor.addReader(one)
            if writes:
                reactor.addWriter(one)
            happens(one)
            reactor.doPoll(0)
            errors = [failure.type for failure in self.flushLoggedErrors()]
            rest = one in reactor.getReaders(), one in reactor.getWriters()
            one.close()
        return one.told, errors, rest

    def assert_same(self, *told: Any, **given: Any) -> Any:
        """Both ways lead to the same, and what is told is this."""
        found = self.outcome(True, **given)
        self.assertEqual(found, self.outcome(False, **given))
        self.assertEqual(found[0], list(told))
        return found


class EventTests(DispatchCase):
    """What becomes of an event."""

    def test_read(self) -> None:
        """What can be read is read, and nothing else happens."""
        _, errors, rest = self.assert_same("read")
        self.assertEqual((errors, rest), ([], (True, False)))

    def test_exception(self) -> None:
        """An exception in reading is logged, and the connection is dropped for it."""
        for wrong in (ZeroDivisionError, SystemExit, GeneratorExit):
            _, errors, rest = self.assert_same("read", ("lost", wrong), does=raises(wrong))
            self.assertEqual((errors, rest), ([wrong], (False, False)))

    def test_end(self) -> None:
        """The end of a connection is told as such, a loss as a loss; both are read from no more."""
        for why, kind in ((CONNECTION_DONE, ConnectionDone), (CONNECTION_LOST, ConnectionLost)):
            _, errors, rest = self.assert_same("read", ("lost", kind), does=lambda why=why: why)
            self.assertEqual((errors, rest), ([], (False, False)))

    def test_half_of_the_end(self) -> None:
        """A descriptor that can be closed by half is told so, and is still written to."""
        given: Any = {"kind": HalfCloseable, "does": lambda: CONNECTION_DONE}
        _, errors, rest = self.assert_same("read", ("read lost", ConnectionDone), **given)
        self.assertEqual((errors, rest), ([], (False, False)))
        self.assert_same("read", ("lost", ConnectionLost), kind=HalfCloseable, does=lambda: CONNECTION_LOST)

    def test_mistake_at_the_end(self) -> None:
        """An exception in what follows of the end is logged, and the reactor goes on."""
        given: Any = {"kind": TornDescriptor, "does": lambda: CONNECTION_DONE}
        _, errors, _ = self.assert_same("read", ("lost", ConnectionDone), **given)
        self.assertEqual(errors, [KeyError])
        _, errors, _ = self.assert_same(
            "read", ("lost", ValueError), kind=TornDescriptor, does=raises(ValueError)
        )
        self.assertEqual(errors, [ValueError, KeyError])

    def test_other_events(self) -> None:
        """Room to write, alone or together with something to read, goes Twisted's way."""
        self.assert_same("write", happens=lambda one: None, writes=True)
        self.assert_same("read", "write", writes=True)
        self.assert_same(
            "read", ("lost", ConnectionDone), writes=True, does=lambda: CONNECTION_DONE, kind=Descriptor
        )

    def test_hang_up(self) -> None:
        """The far end is gone, with something left to read or without."""
        self.assert_same("read", happens=lambda one: one.far.close())

        def says_and_goes(one: Descriptor) -> None:
            one.far.send(b"x")
            one.far.close()

        self.assert_same("read", happens=says_and_goes)

    def test_no_number(self) -> None:
        """A descriptor that has lost its number is dropped unread; so is one whose number can't be told."""

        def loses_it(one: Descriptor) -> None:
            one.far.send(b"x")
            one.tells_fileno = lambda: -1

        _, _, rest = self.assert_same(("lost", ConnectionFdescWentAway), happens=loses_it)
        self.assertEqual(rest, (False, False))

        def fails_once(one: Descriptor) -> None:
            one.far.send(b"x")
            numbers = iter((raises(OSError),))
            one.tells_fileno = lambda: next(numbers, one.near.fileno)()

        _, errors, rest = self.assert_same(("lost", OSError), happens=fails_once)
        self.assertEqual((errors, rest), ([OSError], (False, False)))


class Asked:
    """Stands for an epoll object: notes for how many events it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, int]] = []

    def poll(self, timeout: float, most: int) -> list[Any]:
        """Nothing happened."""
        self.asked.append((timeout, most))
        return []

    register = modify = unregister = close = fileno = poll


class PollerTests(DispatchCase):
    """For how many events is asked."""

    def test_bound(self) -> None:
        """At most 512 are asked for, however many connections there are; fewer if there are fewer."""
        with self.reactor(True) as reactor:
            stand_in = Asked()
            reactor._poller = dispatch._Poller(stand_in, {})
            for connections in (1, 511, 512, 513, 30_000):
                reactor._selectables = dict.fromkeys(range(connections))
                reactor.doPoll(0.5)
            reactor.doPoll(None)
        sizes = [1, 511, 512, 512, 512]
        self.assertEqual(stand_in.asked, [*((0.5, most) for most in sizes), (-1, 512)])

    def test_all_come(self) -> None:
        """What is left over when there are more comes with the next calls, and nothing twice."""
        self.patch(dispatch, "MOST_EVENTS", 3)
        with self.reactor(True) as reactor:
            many = [Descriptor(lambda: CONNECTION_DONE) for _ in range(8)]
            for one in many:
                reactor.addReader(one)
                one.far.send(b"x")
            counts = []
            for _ in range(4):
                reactor.doPoll(0)
                counts.append(sum(len(one.told) // 2 for one in many))
            for one in many:
                one.close()
        self.assertEqual(counts, [3, 6, 8, 8])

    def test_own_connections_first(self) -> None:
        """What comes on a connection that we made is dealt with in each round, however many others wait."""
        self.patch(dispatch, "MOST_EVENTS", 3)
        with self.reactor(True) as reactor:
            order: list[Any] = []
            many = [Descriptor(lambda: order.append("terminal")) for _ in range(8)]
            store, later = Own(lambda: order.append("store")), Own(lambda: order.append("later"))
            for one in (*many, store, later):
                reactor.addReader(one)
                one.far.send(b"x")
            reactor.doPoll(0)
            self.assertEqual(order[:2], ["store", "later"])
            reactor.removeReader(later)
            reactor.doPoll(0)
            self.assertEqual(order.count("store"), 2)
            self.assertEqual(order.count("later"), 1)
            for one in (*many, store, later):
                one.close()

    def test_own_connection_that_was_there(self) -> None:
        """A connection that we made before is one of ours too."""
        self.patch(dispatch, "MOST_EVENTS", 1)
        with self.reactor(False) as reactor:
            store, other = Own(lambda: order.append("store")), Descriptor(lambda: order.append("terminal"))
            order: list[Any] = []
            for one in (other, store):
                reactor.addReader(one)
                one.far.send(b"x")
            dispatch.quiet_dispatch(reactor, True)
            reactor.doPoll(0)
            for one in (other, store):
                one.close()
        self.assertIn("store", order)

    def test_not_at_ease(self) -> None:
        """As long as all that happened comes at once, nobody has to be looked for."""
        with self.reactor(True) as reactor:
            store = Own(lambda: None)
            reactor.addReader(store)
            store.far.send(b"x")
            reactor.doPoll(0)
            self.assertEqual(store.told, ["read"])
            self.assertEqual(reactor._poller._own, set())
            store.close()

    def test_many_new(self) -> None:
        """Those that nobody has looked at yet do not add up without end."""
        self.patch(dispatch, "MOST_NEW", 4)
        with self.reactor(True) as reactor:
            for _ in range(20):
                one = Descriptor(lambda: None)
                reactor.addReader(one)
                reactor.removeReader(one)
                one.close()
            self.assertLess(len(reactor._poller._new), 4)

    def test_the_rest_of_it(self) -> None:
        """Readers and writers come and go, and one that is closed is forgotten."""
        with self.reactor(True) as reactor:
            one = Descriptor(lambda: None)
            reactor.addReader(one)
            reactor.addWriter(one)
            reactor.doPoll(0)
            reactor.removeWriter(one)
            reactor.doPoll(0)
            reactor.removeReader(one)
            reactor.doPoll(0)
            one.close()
        self.assertEqual(one.told, ["write"])


class SwitchTests(DispatchCase):
    """On and off."""

    def test_off(self) -> None:
        """Switched off, the reactor and Twisted's log are as they were."""
        with self.reactor(False) as reactor:
            self.assertNotIsInstance(reactor._poller, dispatch._Poller)
            self.assertIs(_log.log, twisted_log)

    def test_twice(self) -> None:
        """Switched on twice it is on once."""
        with self.reactor(True) as reactor:
            poller = reactor._poller
            self.assertIsInstance(poller, dispatch._Poller)
            self.assertTrue(dispatch.quiet_dispatch(reactor, True))
            self.assertIs(reactor._poller, poller)

    def test_off_again(self) -> None:
        """Switched off again, Twisted's log comes back."""
        with self.reactor(True) as reactor:
            self.assertIsNot(_log.log, twisted_log)
            self.assertFalse(dispatch.quiet_dispatch(reactor, False))
            self.assertIs(_log.log, twisted_log)

    def test_other_reactors(self) -> None:
        """Another kind of reactor is not touched."""
        self.assertFalse(dispatch.quiet_dispatch(object(), True))
        self.assertIs(_log.log, twisted_log)

    def test_other_things_of_the_log(self) -> None:
        """All else of Twisted's log is there as ever."""
        with self.reactor(True):
            self.assertIs(_log.log.msg, twisted_log.msg)
            self.assertIs(_log.log.err, twisted_log.err)
