"""Lists read page by page: when the next page is asked for, what is kept, and how it ends."""

from __future__ import annotations

import gc
from typing import Any

from twisted.internet.defer import Deferred

from tests.gateway.carrying import CarryingCase, GetAllRings, GetNewRings, GetRings
from tests.gateway.stand_ins import SN
from tfserver.commands.context import Context
from tfserver.errors import StoreUnavailable
from tfserver.gateway import reading as reading_module
from tfserver.gateway.courier import PROGRESS_SECONDS
from tfserver.order import OrderEvent
from tfserver.wire.message import Command, RawReply
from tfserver.wire.table import vocabulary

AWAY = StoreUnavailable("away")
Kept = list[tuple[str, list[Any]]]


class ReadingCase(CarryingCase):
    """A terminal with a list, and somebody who keeps its pages."""

    def setUp(self) -> None:
        super().setUp()
        self.kept: Kept = []
        self.keeping: list[Deferred[None]] = []
        """Given to the next pages, one each; pages without one are kept at once."""
        for kind in (GetAllRings, GetNewRings):
            vocabulary.keeps(kind)(self._keep)

    async def _keep(self, command: Command[Any], reply: RawReply, terminal: Context) -> dict[str, Any]:
        records = reply.fields["record"]
        self.kept.append((terminal.sn, records))
        if self.keeping:
            await self.keeping.pop(0)
        return {"records": len(records), "new": 1}

    def page(self, *records: int, cmd: str = "getallrings", **fields: Any) -> None:
        """The terminal gives a page."""
        self.answers(cmd, record=[{"n": n} for n in records], **fields)

    def asked(self) -> list[tuple[str, bool | None]]:
        """The commands, and whether they began a list."""
        return [(message["cmd"], message.get("stn")) for message in self.said()]

    def records(self) -> list[int]:
        """All that was kept, in order."""
        return [record["n"] for _, records in self.kept for record in records]


class WholeTests(ReadingCase):
    """Readings that end well."""

    def test_pages(self) -> None:
        """The first question begins the list, the others go on; what became of the pages is added up."""
        self.carry("getallrings")
        self.page(1, 2)
        self.page(3)
        self.page()
        self.assertEqual(
            self.asked(), [("getallrings", True), ("getallrings", False), ("getallrings", False)]
        )
        told = {"complete": True, "pages": 2, "records": 3, "new": 2}
        self.assertEqual(self.outcome(), (OrderEvent.SAID_TRUE, told, None))
        self.assertEqual(self.records(), [1, 2, 3])

    def test_next_order(self) -> None:
        """The next order comes after the list."""
        self.put("getallrings")
        self.carry()
        self.page()
        self.assertEqual(self.words(), ["getallrings", "ring"])

    def test_listed(self) -> None:
        """Where nobody keeps the pages the whole list is told to whom asked for it."""
        self.carry("getrings")
        self.page(1, cmd="getrings", count=0)
        self.page(2, cmd="getrings", count=0)
        self.page(cmd="getrings")
        told = {"complete": True, "pages": 2, "rings": [{"n": 1}, {"n": 2}]}
        self.assertEqual(self.outcome(), (OrderEvent.SAID_TRUE, told, None))

    def test_listed_is_bounded(self) -> None:
        """Too long a list is cut, and says that it is not all."""
        self.patch(reading_module, "MOST_LISTED", 3)
        self.carry("getrings")
        self.page(1, 2, cmd="getrings")
        self.page(3, 4, cmd="getrings")
        self.page(cmd="getrings")
        reply = self.outcome().reply
        assert reply is not None
        self.assertEqual(([ring["n"] for ring in reply["rings"]], reply["complete"]), ([1, 2, 3], False))

    def test_nothing_there(self) -> None:
        """An empty list is a list."""
        self.carry("getallrings")
        self.answers("getallrings", result=False, msg="can not find logs")
        self.assertEqual(self.outcome(), (OrderEvent.SAID_TRUE, {"complete": True, "pages": 0}, None))

    def test_one_object(self) -> None:
        """One object where a list is due is kept as a list of one (protocol §2.1)."""
        self.carry("getallrings")
        self.answers("getallrings", record={"n": 1})
        self.assertEqual(self.kept, [(SN, [{"n": 1}])])

    def test_fields(self) -> None:
        """The fields of the command go with each page, what else a page says to whom keeps it."""
        found: list[dict[str, Any]] = []

        async def keep(command: GetRings, reply: RawReply, terminal: Context) -> dict[str, Any]:
            """Keep it."""
            found.append(reply.fields)
            return {}

        vocabulary.keeps(GetRings)(keep)
        self.carry("getrings")
        self.page(1, cmd="getrings", count=5, sn="X")
        self.assertEqual(found, [{"record": [{"n": 1}], "count": 5, "sn": "X"}])


class KeptTests(ReadingCase):
    """When the next page is asked for."""

    def test_read_ahead_by_one(self) -> None:
        """Where reading changes nothing the next page is asked for while one is kept, and made ready when it
        comes; not more.
        """
        self.keeping = [Deferred(), Deferred()]
        first, second = self.keeping
        self.carry("getallrings")
        self.page(1)
        self.assertEqual(len(self.said()), 2)
        self.page(2)
        self.assertEqual((len(self.said()), self.records()), (2, [1, 2]))
        second.callback(None)
        self.assertEqual(len(self.said()), 2)
        first.callback(None)
        self.assertEqual((len(self.said()), self.records()), (3, [1, 2]))

    def test_never_more_than_two(self) -> None:
        """However slow the store is, no more than two pages wait for it, and all are kept in order."""
        keeping = self.keeping = [Deferred() for _ in range(5)]
        waiting = list(keeping)
        self.carry("getallrings")
        for n in range(5):
            self.page(n)
            self.assertEqual(self.records(), list(range(n + 1)))
            if n:
                self.assertEqual(len(self.said()), n + 1)
                waiting.pop(0).callback(None)
            self.assertEqual(len(self.said()), n + 2)
        self.page()
        self.assertEqual(self.box.ended, [])
        waiting.pop(0).callback(None)
        self.assertEqual(self.outcome().reply, {"complete": True, "pages": 5, "records": 5, "new": 5})

    def test_kept_before_the_next(self) -> None:
        """What can be read only once is kept before the next page is asked for."""
        self.keeping = [Deferred()]
        first = self.keeping[0]
        self.carry("getnewrings")
        self.page(1, cmd="getnewrings")
        self.pass_time(5)
        self.assertEqual(len(self.said()), 1)
        first.callback(None)
        self.assertEqual(len(self.said()), 2)

    def test_end_waits_for_the_last_page(self) -> None:
        """The end is not told before the last page is kept."""
        for cmd in ("getallrings", "getnewrings"):
            self.keeping = [Deferred(), Deferred()]
            first, second = self.keeping
            self.carry(cmd)
            self.page(1, cmd=cmd)
            if cmd == "getnewrings":
                first.callback(None)
            self.page(2, cmd=cmd, count=2)
            if cmd == "getallrings":
                first.callback(None)
            before = len(self.box.ended)
            second.callback(None)
            self.assertEqual(len(self.box.ended), before + 1)

    def test_doubt_first(self) -> None:
        """Before the pointer of the terminal moves it is kept that records may be missing."""
        self.carry("getallrings")
        self.page()
        self.assertEqual(self.stand.terminals.asked("mark_dirty"), [])
        self.stand.terminals.given["mark_dirty"] = AWAY
        self.carry("getnewrings")
        self.assertEqual((self.words(), self.events()[-1]), (["getallrings"], OrderEvent.PUT_BACK))

    def test_not_kept(self) -> None:
        """A page that could not be kept: the list is not done, and what came after it is not kept either."""
        for cmd in ("getallrings", "getnewrings"):
            self.kept.clear()
            failed: Deferred[None] = Deferred()
            self.keeping = [failed]
            self.carry(cmd)
            self.page(1, cmd=cmd)
            failed.errback(AWAY)
            if cmd == "getallrings":
                self.page(2, cmd=cmd)
            self.assertEqual((self.records(), self.box.ended), ([1], []))
            self.assertFalse(self.courier.is_working)
        self.courier.wake()
        self.assertEqual(self.box.calls[-1], "take")

    def test_not_kept_while_the_next_is_made_ready(self) -> None:
        """A page that is lost after the next one came ends the list; what becomes of that one is nobody's
        mistake.
        """
        self.keeping = [Deferred(), Deferred()]
        first, second = self.keeping
        self.carry("getallrings")
        self.page(1)
        self.page(2)
        first.errback(StoreUnavailable("away"))
        self.assertEqual((len(self.said()), self.box.ended), (2, []))
        self.assertFalse(self.courier.is_working)
        second.errback(StoreUnavailable("away"))
        del first, second
        gc.collect()
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_next_not_kept(self) -> None:
        """A page that is lost before the one ahead of it is kept counts like any other."""
        self.keeping = [Deferred(), Deferred()]
        first, second = self.keeping
        self.carry("getallrings")
        self.page(1)
        self.page(2)
        second.errback(StoreUnavailable("away"))
        self.assertTrue(self.courier.is_working)
        first.callback(None)
        self.page(3)
        self.assertEqual((self.records(), self.box.ended), ([1, 2], []))
        self.assertFalse(self.courier.is_working)

    def test_silent_while_a_page_is_kept(self) -> None:
        """A list that ends by silence is told when its last page is kept."""
        self.keeping = [Deferred()]
        [last] = self.keeping
        self.carry("getallrings")
        self.page(1)
        self.pass_time(20.1)
        self.assertEqual((self.box.ended, self.courier.is_working), ([], True))
        last.callback(None)
        told = {"complete": False, "pages": 1, "records": 1, "new": 1}
        self.assertEqual(self.outcome().reply, told)

    def test_silent_and_not_kept(self) -> None:
        """A list that ends by silence, and whose last page is lost, was not read."""
        self.keeping = [Deferred()]
        [last] = self.keeping
        self.carry("getallrings")
        self.page(1)
        self.pass_time(20.1)
        last.errback(AWAY)
        self.assertEqual((self.box.ended, self.courier.is_working), ([], False))

    def test_last_not_kept(self) -> None:
        """The last page counts like any other."""
        for failing in (0, 1):
            self.keeping = [Deferred(), Deferred()]
            both = list(self.keeping)
            self.carry("getallrings")
            self.page(1, **{"from": 0}, count=2)
            self.page(2, **{"from": 1}, count=2)
            both[failing].errback(StoreUnavailable("away"))
            both[1 - failing].callback(None)
            self.assertEqual((self.box.ended, self.courier.is_working), ([], False))

    def test_last_not_kept_before_an_empty_page(self) -> None:
        """So does the last page that has something."""
        failed: Deferred[None] = Deferred()
        self.keeping = [failed]
        self.carry("getallrings")
        self.page(1)
        self.page()
        failed.errback(AWAY)
        self.assertEqual((self.box.ended, self.courier.is_working), ([], False))

    def test_mistake_in_keeping(self) -> None:
        """A mistake of whom it is given to is logged; the order is not done and the terminal goes on."""
        failed: Deferred[None] = Deferred()
        self.keeping = [failed]
        self.carry("getallrings")
        self.page(1)
        failed.errback(ValueError("ours"))
        self.page()
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertEqual((self.box.ended, self.courier.is_working), ([], False))


class EndTests(ReadingCase):
    """Readings that end otherwise."""

    def test_refused(self) -> None:
        """A terminal that gives no page at all refuses."""
        self.carry("getallrings")
        self.answers("getallrings", result=False, reason=1, msg="can not find this command")
        self.assertIs(self.outcome().event, OrderEvent.SAID_FALSE)
        self.assertEqual(self.outcome().error.msg, "can not find this command")  # type: ignore[union-attr]

    def test_unreadable(self) -> None:
        """A first page that says neither is told as that."""
        self.carry("getallrings")
        self.answers("getallrings", result="perhaps")
        self.assertIs(self.outcome().event, OrderEvent.UNREADABLE)

    def test_silent_at_first(self) -> None:
        """No first page: not learned."""
        self.carry("getallrings")
        self.pass_time(20.1)
        self.assertIs(self.outcome().event, OrderEvent.NOT_LEARNED)

    def test_silent_later(self) -> None:
        """No answer to a later page ends the list; it may not be all (protocol §6.3)."""
        self.carry("getallrings")
        self.page(1)
        self.pass_time(20.1)
        told = {"complete": False, "pages": 1, "records": 1, "new": 1}
        self.assertEqual(self.outcome(), (OrderEvent.SAID_TRUE, told, None))

    def test_lost(self) -> None:
        """A connection that is lost in the middle: not learned, however much came."""
        self.carry("getallrings")
        self.page(1)
        self.link.lost()
        self.assertIs(self.outcome().event, OrderEvent.NOT_LEARNED)

    def test_never_begun(self) -> None:
        """A list that was not asked for goes back, or came too late."""
        self.box.meanwhile = lambda: self.paused(2.0)
        self.carry("getallrings", left=2.0)
        self.box.meanwhile = lambda: self.link.close(1001, "going")
        self.carry("getallrings")
        self.assertEqual((self.said(), self.events()), ([], [OrderEvent.TOO_LATE, OrderEvent.PUT_BACK]))

    def test_held_in_the_middle(self) -> None:
        """A list that is cut short because the process ends was not done; it is not told as never sent."""
        self.carry("getallrings", left=2.0)
        self.pass_time(3)
        self.page(1)
        self.post.hold()
        self.page(2)
        self.assertIs(self.outcome().event, OrderEvent.NOT_LEARNED)
        self.assertEqual(self.records(), [1, 2])

    def test_goes_on_beyond_its_seconds(self) -> None:
        """Only the first page has to be asked for in time."""
        self.carry("getallrings", left=2.0)
        self.pass_time(3)
        self.page(1)
        self.pass_time(3)
        self.page()
        self.assertIs(self.outcome().event, OrderEvent.SAID_TRUE)

    def test_odd(self) -> None:
        """What is odd about a page is counted, and the list does not count as whole."""
        self.carry("getallrings")
        self.page(1)
        self.page(1)
        self.assertEqual(self.outcome().reply, {"complete": False, "pages": 1, "records": 1, "new": 1})
        self.assertEqual(self.stand.count('tfserver_notes_total{what="repeated page"}'), 1)


class ProgressTests(ReadingCase):
    """How far it is."""

    def test_told_in_between(self) -> None:
        """It is told every few seconds, with what is kept so far."""
        self.carry("getallrings")
        for n in range(4):
            self.pass_time(PROGRESS_SECONDS / 2 + 0.1)
            self.page(n)
        self.assertEqual([told["pages"] for told in self.box.told], [2, 4])
        self.assertEqual(self.box.told[0], {"complete": True, "pages": 2, "records": 2, "new": 2})

    def test_ended_meanwhile(self) -> None:
        """When the order was ended meanwhile no more pages are asked for."""
        self.box.goes_on = False
        self.carry("getallrings")
        self.pass_time(PROGRESS_SECONDS + 0.1)
        self.page(1)
        self.assertEqual(len(self.said()), 1)
        self.assertIs(self.outcome().event, OrderEvent.NOT_LEARNED)
