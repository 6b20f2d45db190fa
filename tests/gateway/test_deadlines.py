"""Every request has an answer in time, whatever the store does (design §3.5)."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from tests.gateway.stand_ins import APPROVED, SN, Dialled
from tests.gateway.test_fleet import OTHER, FleetCase
from tests.gateway.test_link import LinkCase
from tfserver.gateway.link import Link
from tfserver.model import Registration
from tfserver.store.shelf import Kept


class DeadlineTests(LinkCase):
    """One link, told what time it is."""

    def setUp(self) -> None:
        """A terminal that came when the clock showed something already."""
        super().setUp()
        self.stand.clock.advance(5)

    def pass_time(self, seconds: float) -> None:
        """Time passes, and then somebody looks."""
        self.stand.clock.advance(seconds)
        self.link.expire(self.stand.clock.seconds())

    def appending(self) -> Deferred[Kept]:
        """A punch is sent, and the store has not answered yet."""
        found: Deferred[Kept] = Deferred()
        self.stand.punches.given["append"] = found
        self.terminal.sendlog()
        return found

    def test_reg(self) -> None:
        """A reg is refused after 0.9 s."""
        self.stand.terminals.given["register"] = Deferred()
        self.terminal.reg()
        self.pass_time(0.89)
        self.assertEqual(self.wire.events, [])
        self.pass_time(0.02)
        answer = self.terminal.last()
        self.assertFalse(answer["result"])
        self.assertIn("try again", answer["reason"])
        self.assertEqual(self.terminal.watcher.told, ["refused"])

    def test_others(self) -> None:
        """Other requests are refused after 1.9 s."""
        self.registered()
        self.stand.punches.given["append"] = lambda *_: Deferred()
        self.stand.users.given["put"] = lambda *_: Deferred()
        for message in (
            {"cmd": "sendlog", "record": [{"enrollid": 1, "time": "2026-04-02 08:15:00"}]},
            {"cmd": "senduser", "enrollid": 1, "name": "A", "backupnum": 11, "record": 5},
        ):
            self.wire.events.clear()
            self.terminal.says(sn=SN, **message)
            self.pass_time(1.89)
            self.assertEqual(self.wire.events, [], message["cmd"])
            self.pass_time(0.02)
            self.assertFalse(self.terminal.last()["result"], message["cmd"])
        self.assertEqual(self.stand.count("tfserver_store_failures_total"), 2)

    def test_waiting_request_has_a_deadline_of_its_own(self) -> None:
        """The deadline of a request that waited begins when it is asked."""
        self.registered()
        self.stand.punches.given["append"] = lambda *_: Deferred()
        self.terminal.sendlog(logindex=1)
        self.terminal.sendlog(logindex=2)
        self.pass_time(1.91)
        self.assertEqual(len(self.wire.messages()), 1)
        self.pass_time(1.89)
        self.assertEqual(len(self.wire.messages()), 1)
        self.pass_time(0.02)
        self.assertEqual(len(self.wire.messages()), 2)

    def test_each_wait_counts(self) -> None:
        """The deadline is that of the request: a handler that waits again gets no more time."""
        self.registered()
        self.link.context.timeline = ()
        setting: Deferred[None] = Deferred()
        self.stand.terminals.given["set_clock"] = setting
        self.appending()
        self.pass_time(1.5)
        setting.callback(None)
        self.assertEqual(len(self.stand.punches.calls), 1)
        self.pass_time(0.3)
        self.assertEqual(self.wire.events, [])
        self.pass_time(0.2)
        self.assertFalse(self.terminal.last()["result"])

    def test_the_store_is_told(self) -> None:
        """What is waited for is cancelled, so that nothing of it is left with the store."""
        self.registered()
        cancelled: list[Any] = []
        self.stand.punches.given["append"] = Deferred(cancelled.append)
        self.terminal.sendlog()
        self.pass_time(2)
        self.assertEqual(cancelled, [self.stand.punches.given["append"]])
        self.assertFalse(self.terminal.last()["result"])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_late_success_changes_nothing(self) -> None:
        """What the store says after the deadline makes no second answer and no mistake."""
        self.registered()
        appending = self.appending()
        self.pass_time(2)
        appending.callback(Kept(1, 0, 0))
        self.assertEqual([message["result"] for message in self.wire.messages()], [False])
        self.assertEqual(self.stand.count('tfserver_punches_total{kind="new"}'), 0)
        self.assertEqual(self.stand.count('tfserver_requests_total{result="true",word="sendlog"}'), 0)

    def test_late_answer_to_another(self) -> None:
        """What the store says after the deadline answers none of the requests that came since."""
        self.registered()
        late = self.appending()
        self.pass_time(2)
        now = self.appending()
        late.callback(Kept(1, 0, 0))
        self.assertEqual(len(self.wire.messages()), 1)
        self.assertIn(self.link, self.link._turn.asking)
        now.callback(Kept(1, 0, 0))
        self.assertEqual([message["result"] for message in self.wire.messages()], [False, True])

    def test_late_admission(self) -> None:
        """A terminal that the store admits after the deadline stays refused until it asks again."""
        registering: Deferred[Registration] = Deferred()
        self.stand.terminals.given["register"] = registering
        self.terminal.reg()
        self.pass_time(1)
        registering.callback(APPROVED)
        self.assertFalse(self.link.is_registered)
        self.assertEqual(self.terminal.watcher.told, ["refused"])
        self.assertEqual([message["result"] for message in self.wire.messages()], [False])

    def test_answer_in_time(self) -> None:
        """An answer in time takes its deadline along."""
        self.registered()
        self.appending().callback(Kept(1, 0, 0))
        self.assertEqual(self.terminal.watcher.asking, set())
        self.pass_time(3)
        self.assertEqual([message["result"] for message in self.wire.messages()], [True])
        later = self.appending()
        self.pass_time(1.5)
        later.callback(Kept(1, 0, 0))
        self.assertEqual([message["result"] for message in self.wire.messages()], [True, True])


class SweepTests(FleetCase):
    """The fleet, which looks ten times a second."""

    def late(self, connection: str, sn: str) -> Dialled:
        """A terminal whose punch the store does not answer."""
        terminal = self.registered(connection, sn)
        terminal.wire.events.clear()
        self.stand.punches.given["append"] = lambda *_: Deferred()
        terminal.sendlog(sn=sn)
        return terminal

    def test_reg(self) -> None:
        """A reg is refused after 0.9 s and before a second is over, whenever it came."""
        self.terminals.given["register"] = lambda *_: Deferred()
        for n in range(10):
            terminal = self.dialled(f"c{n}")
            terminal.reg(f"ZX{n}")
            self.stand.clock.pump([0.01] * 89)
            self.assertEqual(terminal.wire.events, [])
            self.stand.clock.pump([0.01] * 12)
            self.assertFalse(terminal.last()["result"])
            self.stand.clock.advance(0.013)

    def test_others(self) -> None:
        """Other requests are refused after 1.9 s and before two seconds are over, each link's by itself."""
        first = self.late("c1", SN)
        self.stand.clock.pump([0.1] * 10)
        second = self.late("c2", OTHER)
        self.stand.clock.pump([0.1] * 8)
        self.assertEqual(first.wire.events, [])
        self.stand.clock.pump([0.1] * 2)
        self.assertFalse(first.last()["result"])
        self.assertEqual(second.wire.events, [])
        self.stand.clock.pump([0.1] * 10)
        self.assertFalse(second.last()["result"])
        self.assertEqual(self.fleet.asking, set())

    def test_after_the_connection(self) -> None:
        """What a lost connection asked is given up in its time as well."""
        terminal = self.late("c1", SN)
        terminal.link.lost()
        self.assertEqual(self.fleet.asking, {terminal.link})
        self.stand.clock.pump([0.1] * 20)
        self.assertEqual(self.fleet.asking, set())
        self.assertEqual(terminal.wire.events, [])

    def test_one_bad_link(self) -> None:
        """A mistake with one link's deadline is logged, and the others are kept now and later."""
        broken = self.late("c1", SN)
        expire = Link.expire
        self.patch(Link, "expire", lambda link, now: 1 / 0 if link is broken.link else expire(link, now))
        for n in range(2):
            terminal = self.late(f"c2{n}", OTHER)
            self.stand.clock.pump([0.1] * 20)
            self.assertFalse(terminal.last()["result"])
        self.assertGreater(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
