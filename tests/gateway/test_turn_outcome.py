"""What plain messages of a turn are answered: true only for what is durable, and all of it in time."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock

from tests.gateway.stand_ins import SN, Dialled, Stand
from tests.gateway.test_turn import ODD_TIME, TIME, TurnCase, plain
from tfserver.config import Access, Fast, Settings
from tfserver.config import Terminals as TerminalSettings
from tfserver.errors import StoreUnavailable
from tfserver.gateway.service import Gateway
from tfserver.store.punches import QuarantineFull
from tfserver.store.shelf import Kept
from tfserver.wire.table import table


class DeadlineTests(TurnCase):
    """``result:true`` only for what is durable, and never for another message."""

    def expire(self, seconds: float = 1.9) -> None:
        """So much later somebody looks at all that is being answered."""
        self.stand.clock.rightNow += seconds
        self.fleet.expire()

    def test_late_outcome(self) -> None:
        """An outcome that comes after its deadline is never taken for the answer of the next message."""
        self.asks(0, 1)
        self.end_turn()
        self.expire()
        self.assertEqual(self.answers(0), [(1, False)])
        self.asks(0, 2)
        self.end_turn()
        old, new = self.storing
        old.callback(Kept(1, 0, 0))
        self.assertEqual(self.answers(0), [(1, False)])
        self.assertIn(self.all[0].link, self.all[0].link._turn.asking)
        new.errback(StoreUnavailable("away"))
        self.assertEqual(self.answers(0), [(1, False), (1, False)])

    def test_late_failure(self) -> None:
        """A late failure refuses nobody else either."""
        self.asks(0, 1)
        self.end_turn()
        self.expire()
        self.asks(0, 2)
        self.end_turn()
        self.storing[0].errback(QuarantineFull("full"))
        self.assertEqual(self.answers(0), [(1, False)])
        self.storing[1].callback(Kept(1, 0, 0))
        self.assertEqual(self.answers(0), [(1, False), (2, True)])
        self.assertEqual(self.stand.count("tfserver_quarantine_full_total"), 0)

    def test_same_words_again(self) -> None:
        """A terminal that sends the very same bytes again gets the answer of its second sending."""
        for _ in range(2):
            self.asks(0, 1)
            self.end_turn()
            if len(self.storing) == 1:
                self.expire()
        self.storing[0].callback(Kept(1, 0, 0))
        self.assertEqual(self.answers(0), [(1, False)])
        self.storing[1].callback(Kept(0, 1, 0))
        self.assertEqual(self.answers(0), [(1, False), (1, True)])

    def test_next_one_waits(self) -> None:
        """What waited behind the late one goes its own way, with the late outcome or without."""
        self.asks(0, 1)
        self.asks(0, 2)
        self.end_turn()
        self.expire()
        self.assertEqual((self.answers(0), len(self.storing)), ([(1, False)], 2))
        self.storing[0].callback(Kept(1, 0, 0))
        self.assertEqual(self.answers(0), [(1, False)])
        self.storing[1].callback(Kept(1, 0, 0))
        self.assertEqual(self.answers(0), [(1, False), (2, True)])

    def test_before_the_end_of_the_turn(self) -> None:
        """A turn that takes longer than the deadline: each has one answer, the odd ones too, and what waits
        behind them has its own."""
        for time in (TIME, ODD_TIME):
            self.all[0].wire.events.clear()
            self.storing.clear()
            self.asks(0, 1, time)
            self.asks(0, 2)
            self.asks(1, 9)
            self.expire()
            self.assertEqual((self.answers(0), self.answers(1)[-1]), ([(1, False)], (1, False)))
            self.end_turn()
            for storing in self.storing:
                if not storing.called:
                    storing.callback(Kept(1, 0, 0))
            self.assertEqual(self.answers(0), [(1, False), (2, True)])
            self.assertEqual(self.answers(1)[-1], (1, False))
            self.assertEqual(self.fleet.asking, set())

    def test_not_before(self) -> None:
        """Until its deadline a message is waited for."""
        self.asks(0, 1)
        self.end_turn()
        self.expire(1.89)
        self.assertEqual(self.answers(0), [])
        self.storing[0].callback(Kept(1, 0, 0))
        self.expire(5)
        self.assertEqual(self.answers(0), [(1, True)])

    def test_counted_once(self) -> None:
        """What was refused at its deadline is counted as refused, whatever the store says later."""
        self.asks(0, 1)
        self.end_turn()
        self.expire()
        self.storing[0].callback(Kept(1, 0, 0))
        self.assertEqual(self.stand.count('tfserver_requests_total{result="false",word="sendlog"}'), 1)
        self.assertEqual(self.stand.count('tfserver_requests_total{result="true",word="sendlog"}'), 0)
        self.assertEqual(self.stand.count('tfserver_answer_seconds_count{word="sendlog"}'), 1)
        self.assertEqual(self.stand.count('tfserver_punches_total{kind="new"}'), 0)
        self.assertEqual(self.stand.count("tfserver_store_failures_total"), 1)


class RefusalTests(TurnCase):
    """What the store could not keep."""

    def test_bytes_and_counts(self) -> None:
        """A store that is away or full makes the documented refusal, counted by its reason."""
        for failure in (StoreUnavailable("away"), QuarantineFull("full"), StoreUnavailable("away")):
            self.asks(0, 41)
            self.end_turn()
            self.storing[-1].errback(failure)
            payload = self.all[0].wire.events[-1]
            self.assertEqual(payload, b'{"ret":"sendlog","result":false,"reason":1}')
        self.assertEqual(self.stand.count("tfserver_store_failures_total"), 2)
        self.assertEqual(self.stand.count("tfserver_quarantine_full_total"), 1)
        self.assertEqual(self.stand.count('tfserver_requests_total{result="false",word="sendlog"}'), 3)
        self.assertEqual(self.stand.count('tfserver_punches_total{kind="new"}'), 0)

    def test_at_once(self) -> None:
        """A store that refuses before ``keep`` returns refuses each, and they may ask again at once."""
        self.stand.punches.given["append"] = StoreUnavailable("away")
        for round_ in (1, 2):
            for n in range(4):
                self.asks(n)
            self.end_turn()
            self.assertEqual([self.answers(n) for n in range(4)], [[(1, False)] * round_] * 4)
        self.assertEqual(self.fleet.asking, set())


class SwitchTests(TurnCase):
    """Who has a short way."""

    def table_of(self, **more: Any) -> Any:
        """The table of a gateway with these settings."""
        stand = Stand(Settings(**more))
        return Gateway(Clock(), stand.services)._table

    def test_settings(self) -> None:
        """It is on by default; ``fast.plain`` switches it off, and so does a door to decide about."""
        self.assertIsNotNone(self.table_of().plain)
        self.assertIsNone(self.table_of(fast=Fast(plain=False)).plain)
        for access in (Access.KNOWN, Access.DENY):
            self.assertIsNone(self.table_of(terminals=TerminalSettings(access=access)).plain)
        self.assertIsNotNone(table.plain, "the table of the house keeps it")

    def test_nothing_told_without(self) -> None:
        """Without a short way no word is told in the metrics that nobody said."""
        stand = Stand(Settings(fast=Fast(plain=False)))
        Gateway(Clock(), stand.services)
        self.assertNotIn(b"unknown", stand.services.metrics.exposition())

    def test_before_reg(self) -> None:
        """A terminal that is not admitted has none."""
        terminal = Dialled(self.stand, self.fleet)
        terminal.link.received(plain(SN, 0))
        self.assertIsNone(terminal.link.plain)
        self.assertFalse(terminal.last()["result"])
