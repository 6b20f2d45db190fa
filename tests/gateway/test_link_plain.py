"""A terminal that writes exactly as the documents have it is served like any other, by the short way."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway import test_deadlines, test_link
from tests.gateway.stand_ins import SN, Dialled, Stand
from tfserver.model import Decided
from tfserver.store.shelf import Kept


class PlainTellsTests(test_link.TellsTests):
    """What a session tells is done."""

    is_plain = True

    def test_short_way(self) -> None:
        """These tests try what they say: the message goes the short way and is asked of no handler."""
        self.registered()
        self.stand.punches.given["append"] = lambda *_: Deferred()
        self.terminal.sendlog()
        self.assertIsNotNone(self.link.plain)
        self.assertIsNone(self.link._request)
        self.assertIn(self.link, self.link._turn.asking)


class PlainFailureTests(test_link.FailureTests):
    """A request that could not be kept is never acknowledged."""

    is_plain = True

    def test_mistake_after_a_wait(self) -> None:
        """A mistake of ours in taking the store's word is logged; at its deadline the punch is refused, and
        what waited is answered."""
        self.registered()
        appending: Deferred[Any] = Deferred()
        self.stand.punches.given["append"] = appending
        self.terminal.sendlog()
        self.terminal.says(cmd="heartbeat", sn=SN)
        appending.callback("no Kept")
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)
        self.stand.clock.advance(1.9)
        self.link.expire(self.stand.clock.seconds())
        answers = [(message["ret"], message["result"]) for message in self.wire.messages()]
        self.assertEqual(answers, [("sendlog", False), ("heartbeat", True)])
        self.assertNotIn(self.link, self.link._turn.asking)


class PlainLostTests(test_link.LostTests):
    """Connections that end at a bad moment."""

    is_plain = True

    def test_held(self) -> None:
        """A connection that is lost while it is not read from is not read from again after the answer."""
        self.registered()
        appending: Deferred[Kept] = Deferred()
        self.stand.punches.given["append"] = appending
        for _ in range(17):
            self.terminal.sendlog()
        self.assertEqual(self.wire.events, ["pause"])
        self.link.lost()
        appending.callback(Kept(1, 0, 0))
        self.assertEqual(self.wire.events, ["pause"])
        self.assertEqual(self.terminal.watcher.asking, set())


class PlainCountingTests(test_link.CountingTests):
    """Metrics."""

    is_plain = True


class PlainDeadlineTests(test_deadlines.DeadlineTests):
    """One link, told what time it is."""

    is_plain = True

    def test_the_store_is_told(self) -> None:
        """What goes the short way is not taken back from the store, but it has its answer in time."""
        self.registered()
        late = self.appending()
        self.pass_time(1.9)
        self.assertFalse(self.terminal.last()["result"])
        self.assertNotIn(self.link, self.link._turn.asking)
        self.assertEqual(self.terminal.watcher.asking, set())
        self.assertFalse(late.called)


class PlainSweepTests(test_deadlines.SweepTests):
    """The fleet, which looks ten times a second."""

    def dialled(self, connection: str) -> Dialled:
        """A connection of a terminal that writes exactly as the documents have it."""
        terminal = Dialled(self.stand, self.fleet, connection, is_plain=True)
        self.fleet.add(terminal.link)
        return terminal


class CloudtimeTests(SynchronousTestCase):
    """The clock is set to what the timeline says, whatever people decide meanwhile."""

    def zone_changes(self, is_plain: bool) -> None:
        """The zone is changed while the store writes; the next punch is read by the clock as it was set."""
        stand = Stand()
        terminal = Dialled(stand, is_plain=is_plain)
        terminal.reg()
        keeping: Deferred[Kept] = Deferred()
        stand.punches.given["append"] = keeping
        terminal.sendlog()
        terminal.link.context.settle(Decided("", "Asia/Shanghai", ""))
        keeping.callback(Kept(1, 0, 0))
        self.assertEqual(terminal.last()["cloudtime"], "2026-04-02 08:15:04")
        stand.punches.given["append"] = Kept(1, 0, 0)
        stand.clock.advance(60)
        record = {"enrollid": 5, "time": "2026-04-02 08:16:04", "mode": 0, "inout": 0, "event": 0}
        terminal.sendlog(record=[record])
        punch = json.loads(stand.punches.asked("append")[-1][2][0].body)
        self.assertEqual((punch["utc"], punch["clock"]), ("2026-04-02T08:16:04.000Z", "ok"))
        self.assertEqual(terminal.last()["cloudtime"], "2026-04-02 16:16:04")

    def test_common_way(self) -> None:
        """Through handler and codec."""
        self.zone_changes(is_plain=False)

    def test_short_way(self) -> None:
        """Without them."""
        self.zone_changes(is_plain=True)
