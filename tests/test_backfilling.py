"""Days of a terminal fetched again: which are allowed, what becomes of them, and what people are told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from twisted.internet import reactor
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.store.ordered import SN, OutboxCase
from tfserver import commands
from tfserver.backfilling import MOST_DAYS, Backfilling
from tfserver.commander import (
    BadOrder,
    Commander,
    KeyReused,
    NotNow,
    QueueFull,
    Refused,
    UnknownTerminal,
)
from tfserver.config import Settings
from tfserver.config import Terminals as TerminalSettings
from tfserver.metrics import Metrics
from tfserver.order import LIVES, Danger
from tfserver.store.backfills import Backfills
from tfserver.store.people.holdings import Holdings

assert commands.__path__
TODAY = date(2026, 4, 2)
FIRST, LAST = date(2026, 3, 1), date(2026, 3, 3)
ACTOR = "token 1a2b3c4d (office)"


class RangeTests(SynchronousTestCase):
    """Which ranges are allowed. It is 2026-04-02 20:15 UTC."""

    def setUp(self) -> None:
        """A server in Tokyo, where it is the third already."""
        clock = Clock()
        clock.rightNow = datetime(2026, 4, 2, 20, 15, tzinfo=UTC).timestamp()
        settings = Settings(terminals=TerminalSettings(timezone="Asia/Tokyo"))
        stores: Any = (None, None)
        self.backfilling = Backfilling(clock, *stores, settings)

    def fields(self, first: date, last: date, timezone: str = "UTC") -> list[str]:
        """Which fields are wrong."""
        return [field for field, _ in self.backfilling.problems(first, last, timezone)]

    def test_allowed(self) -> None:
        """One day, today, and a whole leap year are allowed."""
        self.assertEqual(self.fields(TODAY, TODAY), [])
        self.assertEqual(self.fields(TODAY - timedelta(days=MOST_DAYS - 1), TODAY), [])

    def test_too_many(self) -> None:
        """More than a year at once is not."""
        self.assertEqual(self.fields(TODAY - timedelta(days=MOST_DAYS), TODAY), ["to"])

    def test_order(self) -> None:
        """The last day is not before the first."""
        self.assertEqual(self.fields(LAST, FIRST), ["to"])

    def test_future(self) -> None:
        """No day that has not begun at the terminal: in its own zone, else in the usual one."""
        tomorrow = TODAY + timedelta(days=1)
        self.assertEqual(self.fields(TODAY, tomorrow), ["to"])
        self.assertEqual(self.fields(tomorrow, tomorrow), ["from", "to"])
        self.assertEqual(self.fields(TODAY, tomorrow, "Pacific/Auckland"), [])
        self.assertEqual(self.fields(TODAY, tomorrow, ""), [])
        self.assertEqual(self.fields(TODAY, TODAY, "Pacific/Honolulu"), [])


class CommanderCase(OutboxCase):
    """A commander on a real store."""

    async def commander(self, **orders: Any) -> Commander:
        """It, and an admitted terminal."""
        outbox = await self.begin(**orders)
        settings = Settings()
        backfilling = Backfilling(reactor, outbox, Backfills(self.client), settings)
        holdings = Holdings(self.client)
        return Commander(reactor, outbox, self.registry, settings, backfilling, Metrics(), holdings)

    async def refusal(self, asking: Any, kind: type[Refused]) -> Refused:
        """How it was refused; nothing is made by that."""
        before = len(await self.client.read("KEYS", "tf:*"))
        try:
            await asking
        except kind as refused:
            self.assertEqual(len(await self.client.read("KEYS", "tf:*")), before)
            return refused
        raise AssertionError(f"not {kind.__name__}")


class BackfillTests(CommanderCase):
    """What people ask."""

    async def test_a_day_an_order(self) -> None:
        """Each day is one ordinary order that anybody can look at, and that may wait for long."""
        commander = await self.commander()
        made = await commander.backfill("zxab1", FIRST, LAST, ACTOR, "")
        self.assertEqual((made.days, made.done, made.state, made.actor), (3, 0, "open", ACTOR))
        orders = [await self.order(order_id) for order_id in made.orders]
        self.assertEqual({(order.sn, order.cmd, order.actor) for order in orders}, {(SN, "getalllog", ACTOR)})
        days = ["2026-03-01", "2026-03-02", "2026-03-03"]
        self.assertEqual([order.args for order in orders], [{"from": day, "to": day} for day in days])
        waits = [_instant(order.expires) - _instant(order.created) for order in orders]
        self.assertEqual({wait.total_seconds() for wait in waits}, {LIVES[Danger.ORDINARY].most})
        self.assertEqual(await commander.backfills("ZXAB1", 10, ""), ([made], None))

    async def test_bad_range(self) -> None:
        """A wrong range is refused with the field that is wrong."""
        commander = await self.commander()
        refused = await self.refusal(commander.backfill(SN, LAST, FIRST, ACTOR, ""), BadOrder)
        self.assertEqual([field for field, _ in refused.problems], ["to"])
        self.assertIn("to:", str(refused))

    async def test_unknown_terminal(self) -> None:
        """For a terminal that never came it is refused as any order."""
        commander = await self.commander()
        await self.refusal(commander.backfill("NOBODY", FIRST, LAST, ACTOR, ""), UnknownTerminal)

    async def test_not_approved(self) -> None:
        """For one that is not approved too."""
        commander = await self.commander()
        await self.client.write("HSET", f"tf:terminal:{SN}", "admission", "denied")
        await self.refusal(commander.backfill(SN, FIRST, LAST, ACTOR, ""), NotNow)

    async def test_no_room(self) -> None:
        """Without room for all days none is put."""
        commander = await self.commander(most_open=2)
        await self.refusal(commander.backfill(SN, FIRST, LAST, ACTOR, ""), QueueFull)

    async def test_key(self) -> None:
        """The same range under the same key is the same backfill, another range is refused."""
        commander = await self.commander()
        made = await commander.backfill(SN, FIRST, LAST, ACTOR, "k")
        self.assertEqual(await commander.backfill(SN.lower(), FIRST, LAST, ACTOR, "k"), made)
        await self.refusal(commander.backfill(SN, FIRST, FIRST, ACTOR, "k"), KeyReused)
        self.assertNotEqual((await commander.backfill(SN, FIRST, LAST, ACTOR, "")).id, made.id)

    async def test_cursor(self) -> None:
        """A cursor that nobody gave is refused."""
        commander = await self.commander()
        for cursor in ("abc", "-1", "1.5", "٣", "9" * 30, "("):
            refused = await self.refusal(commander.backfills("", 10, cursor), BadOrder)
            self.assertEqual(refused.problems[0][0], "cursor")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
