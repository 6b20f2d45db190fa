"""Plain messages of one reactor turn: served together, each terminal answered in order and in time."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred

from tests.gateway.test_fleet import FleetCase
from tfserver.commands import logs
from tfserver.errors import StoreUnavailable
from tfserver.gateway.link import Link
from tfserver.gateway.turn import Turn
from tfserver.store.shelf import Frame, Kept
from tfserver.wire import session
from tfserver.wire.table import Asked, table

TIME = "2026-04-02 08:15:00"
ODD_TIME = "2000-01-01 00:00:00"


def plain(sn: str, logindex: int, time: str = TIME) -> bytes:
    """A punch as the documents have it; with another time it goes the common way after all."""
    record = {"enrollid": 17, "time": time, "mode": 0, "inout": 0, "event": 0}
    message = {"cmd": "sendlog", "sn": sn, "count": 1, "logindex": logindex, "record": [record]}
    return json.dumps(message, separators=(",", ":")).encode()


class TurnCase(FleetCase):
    """A fleet whose links share one turn, as those of a gateway do."""

    def setUp(self) -> None:
        """Several terminals that have registered, and a store that has not answered yet."""
        super().setUp()
        clock, metrics = self.stand.clock, self.stand.services.metrics
        self.turn = Turn(clock, table.plain, metrics, self.fleet.asking)
        self.all = [self.registered(f"c{n}", f"ZX{n}") for n in range(4)]
        for terminal in self.all:
            terminal.link._turn = self.turn
            terminal.wire.events.clear()
        self.storing: list[Deferred[Kept]] = []
        self.stand.punches.given["append"] = self.store

    def store(self, *_: Any) -> Deferred[Kept]:
        """The store takes its time."""
        self.storing.append(Deferred())
        return self.storing[-1]

    def asks(self, n: int, logindex: int = 0, time: str = TIME) -> None:
        """Terminal ``n`` pushes a punch; the turn goes on."""
        self.all[n].link.received(plain(f"ZX{n}", logindex, time))

    def end_turn(self) -> None:
        """The turn of the reactor is over."""
        self.stand.clock.advance(0)

    def answers(self, n: int) -> list[tuple[Any, bool]]:
        """What terminal ``n`` was answered: receipt or reason, and result."""
        return [
            (message.get("logindex", message.get("reason")), message["result"])
            for message in self.all[n].wire.messages()
        ]

    def serving(self) -> Any:
        """A look at what is served at once."""
        served: list[list[str]] = []

        def serve(asked: Sequence[Asked]) -> list[Asked]:
            served.append([asker.context.sn for _, asker, _ in asked])
            return logs.keep_plain(asked)

        assert table.plain is not None
        self.turn._row = table.plain._replace(serve=serve)
        return served


class TogetherTests(TurnCase):
    """What comes in one turn."""

    def test_one_call(self) -> None:
        """All of a turn are served in one call at its end, in the order they came; none before."""
        served = self.serving()
        for n in (2, 0, 3):
            self.asks(n, n)
        self.assertEqual((served, self.storing), ([], []))
        self.end_turn()
        self.assertEqual(served, [["ZX2", "ZX0", "ZX3"]])
        self.asks(1)
        self.end_turn()
        self.end_turn()
        self.assertEqual(served, [["ZX2", "ZX0", "ZX3"], ["ZX1"]])
        for storing in self.storing:
            storing.callback(Kept(1, 0, 0))
        self.assertEqual([self.answers(n) for n in range(4)], [[(n, True)] for n in (0, 0, 2, 3)])
        self.assertEqual(self.fleet.asking, set())

    def test_each_its_own_outcome(self) -> None:
        """Answers come as the store gives them, in any order, to whom they belong."""
        for n in range(4):
            self.asks(n, 10 + n)
        self.end_turn()
        self.storing[2].callback(Kept(1, 0, 0))
        self.storing[0].errback(StoreUnavailable("away"))
        self.storing[3].callback(Kept(0, 1, 0))
        told = [self.answers(n) for n in range(4)]
        self.assertEqual(told, [[(1, False)], [], [(12, True)], [(13, True)]])
        self.assertEqual(self.fleet.asking, {self.all[1].link})

    def test_odd_among_them(self) -> None:
        """One that is not ordinary goes the common way in its order; the others are not disturbed."""
        for n in range(4):
            self.asks(n, n, ODD_TIME if n in (1, 2) else TIME)
        self.end_turn()
        kept = [sn for sn, _, _, _ in self.stand.punches.asked("append")]
        self.assertEqual(kept, ["ZX0", "ZX3", "ZX1", "ZX2"])
        self.assertEqual([terminal.link.plain is None for terminal in self.all], [False, True, True, False])
        self.assertEqual(self.fleet.asking, {terminal.link for terminal in self.all})
        for storing in self.storing:
            storing.callback(Kept(1, 0, 0))
        self.assertEqual([self.answers(n) for n in range(4)], [[(n, True)] for n in range(4)])

    def test_mistake_with_an_odd_one(self) -> None:
        """A mistake of ours with one that goes the common way closes that one; the others are served."""
        for n in range(3):
            self.asks(n, n, ODD_TIME)
        broken, perform = self.all[1].link, Link._perform
        self.patch(Link, "_perform", lambda link, tells: 1 / 0 if link is broken else perform(link, tells))
        self.end_turn()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        for storing in self.storing:
            storing.callback(Kept(1, 0, 0))
        self.assertEqual([self.answers(n) for n in range(3)], [[(0, True)], [], [(2, True)]])
        self.assertEqual([terminal.wire.closed() for terminal in self.all], [[], [1011], [], []])


class WaitingTests(TurnCase):
    """Requests of one terminal that come while one is under way."""

    def test_in_order(self) -> None:
        """What comes in the same turn or before the answer waits, and is answered in order."""
        self.asks(0, 1)
        self.asks(0, 2)
        self.end_turn()
        self.asks(0, 3)
        self.all[0].says(cmd="heartbeat", sn="ZX0")
        self.asks(0, 4)
        self.end_turn()
        for n in range(4):
            self.assertEqual(len(self.storing), n + 1)
            self.storing[n].callback(Kept(1, 0, 0))
        words = [(message["ret"], message.get("logindex")) for message in self.all[0].wire.messages()]
        expected = [("sendlog", 1), ("sendlog", 2), ("sendlog", 3), ("heartbeat", None), ("sendlog", 4)]
        self.assertEqual(words, expected)
        self.assertNotIn(self.all[0].link, self.all[0].link._turn.asking)

    def test_behind_an_odd_one(self) -> None:
        """What came behind one that is not ordinary, even in the same turn, waits for it and is answered."""
        self.asks(0, 1, ODD_TIME)
        self.asks(0, 2)
        self.all[0].says(cmd="heartbeat", sn="ZX0")
        self.end_turn()
        for n in range(2):
            self.assertEqual(len(self.storing), n + 1)
            self.storing[n].callback(Kept(1, 0, 0))
        words = [(message["ret"], message.get("logindex")) for message in self.all[0].wire.messages()]
        self.assertEqual(words, [("sendlog", 1), ("sendlog", 2), ("heartbeat", None)])
        self.assertNotIn(self.all[0].link, self.all[0].link._turn.asking)

    def test_flood(self) -> None:
        """A terminal that sends too much ahead is not read from until it was answered, odd or not."""
        for time in (TIME, ODD_TIME):
            self.all[0].wire.events.clear()
            self.storing.clear()
            for n in range(17):
                self.asks(0, n, time)
            self.end_turn()
            self.assertEqual(self.all[0].wire.events, ["pause"])
            for n in range(17):
                self.storing[n].callback(Kept(1, 0, 0))
            events = self.all[0].wire.events
            self.assertEqual([event for event in events if isinstance(event, str)], ["pause", "resume"])
            self.assertEqual(self.answers(0), [(n, True) for n in range(17)])

    def test_after_an_answer(self) -> None:
        """After its answer the next message of a terminal goes the short way again."""
        for n in range(3):
            self.asks(0, n)
            self.assertIsNotNone(self.all[0].link.plain)
            self.end_turn()
            self.storing[n].callback(Kept(1, 0, 0))
        self.assertEqual(self.answers(0), [(0, True), (1, True), (2, True)])

    def test_many_records(self) -> None:
        """What a turn makes ready is bounded: the store is asked for room before it goes on."""
        self.patch(logs, "MOST_GATHERED", 2)
        kept: list[int] = []
        keep_turn = self.stand.punches.keep_turn
        self.patch(
            self.stand.punches, "keep_turn", lambda frames: (kept.append(len(frames)), keep_turn(frames))
        )
        for n in range(4):
            self.asks(n, n)
        self.end_turn()
        self.assertEqual(kept, [2, 2])
        for storing in self.storing:
            storing.callback(Kept(1, 0, 0))
        self.assertEqual([self.answers(n) for n in range(4)], [[(n, True)] for n in range(4)])

    def test_long_message(self) -> None:
        """A long message is not kept waiting beside all others of its turn: it goes the common way."""
        served = self.serving()
        message = json.loads(plain("ZX0", 5))
        message["record"] *= session.MOST_PLAIN // 60
        self.all[0].link.received(json.dumps(message, separators=(",", ":")).encode())
        self.end_turn()
        self.assertEqual(served, [])
        self.storing[0].callback(Kept(1, 0, 0))
        self.assertEqual(self.answers(0), [(5, True)])


class MistakeTests(TurnCase):
    """What goes wrong on our side."""

    def assert_all_answered(self, *terminals: int) -> None:
        """By their deadline these terminals were refused; they are served as ever afterwards."""
        self.stand.clock.pump([0.1] * 20)
        for n in terminals:
            self.assertEqual([result for _, result in self.answers(n)], [False], n)
            self.asks(n, 7)
        self.assertEqual(self.fleet.asking, {self.all[n].link for n in terminals})
        self.storing.clear()
        self.end_turn()
        for storing in self.storing:
            storing.callback(Kept(1, 0, 0))
        for n in terminals:
            self.assertEqual(self.answers(n)[1:], [(7, True)], n)

    def end_turn(self) -> None:
        """The turn of the reactor is over; what it raises the reactor would log."""
        with contextlib.suppress(ZeroDivisionError):
            super().end_turn()
        super().end_turn()

    def patch(self, thing: Any, name: str, value: Any) -> None:
        """Something of ours goes wrong until ``undo``."""
        self.patched = super().patch(thing, name, value)

    def undo(self) -> None:
        """It goes right again; what was logged of it is forgotten."""
        self.patched.restore()
        self.flushLoggedErrors(ZeroDivisionError)

    def test_in_serving(self) -> None:
        """If all of a turn can't be served, each of its terminals is refused in time, and served later."""
        for n in range(3):
            self.asks(n, n)
        self.patch(logs, "_ingest", lambda *_: 1 / 0)
        self.end_turn()
        self.undo()
        self.assert_all_answered(0, 1, 2)

    def test_in_reading_one(self) -> None:
        """If one can't be read, it is refused and the others of its turn are served."""
        ingest = logs._ingest

        def ingest_some(logs: Any, whens: Any, logindex: Any, terminal: Any, *more: Any) -> Any:
            return 1 / 0 if terminal.sn == "ZX1" else ingest(logs, whens, logindex, terminal, *more)

        for n in range(3):
            self.asks(n, n)
        self.patch(logs, "_ingest", ingest_some)
        self.end_turn()
        self.undo()
        for storing in self.storing:
            storing.callback(Kept(1, 0, 0))
        self.stand.clock.pump([0.1] * 20)
        self.assertEqual([self.answers(n) for n in range(3)], [[(0, True)], [(1, False)], [(2, True)]])
        self.assertEqual(self.fleet.asking, set())

    def test_in_one_receipt(self) -> None:
        """If one receipt can't be written, it is refused and the others of the call have theirs."""
        taken: list[Frame] = []
        self.patch(self.stand.punches, "keep_turn", taken.extend)
        for n in range(3):
            self.asks(n, n)
        self.end_turn()
        self.all[1].link.context.timeline = ()
        taken[0].told([(frame.asker, Kept(1, 0, 0)) for frame in taken])
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)
        self.assertEqual([self.answers(n) for n in range(3)], [[(0, True)], [(1, False)], [(2, True)]])

    def test_in_keeping(self) -> None:
        """If the store's side fails, no terminal of that turn stays without an answer."""
        for n in range(3):
            self.asks(n, n)
        self.stand.punches.given["append"] = lambda *_: 1 / 0
        self.end_turn()
        self.flushLoggedErrors(ZeroDivisionError)
        self.stand.punches.given["append"] = self.store
        self.assert_all_answered(0, 1, 2)

    def assert_one_broken(self) -> None:
        """Of three terminals in a turn the one that can't be sent to is closed, the others are answered."""
        self.all[1].wire.sendMessage = lambda payload, isBinary=False: 1 / 0  # type: ignore
        for n in range(3):
            self.asks(n, n)
        self.end_turn()
        for storing in self.storing:
            storing.callback(Kept(1, 0, 0))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual([self.answers(n) for n in (0, 2)], [[(0, True)], [(2, True)]])
        self.assertEqual([terminal.wire.closed() for terminal in self.all], [[], [1011], [], []])
        self.assertEqual(self.stand.count('tfserver_punches_total{kind="new"}'), 3)

    def test_in_sending(self) -> None:
        """A mistake in sending one answer is that terminal's alone."""
        self.assert_one_broken()

    def test_in_sending_at_once(self) -> None:
        """So it is if the store's word for the whole turn comes at once."""
        self.stand.punches.given["append"] = Kept(1, 0, 0)
        self.assert_one_broken()


class EndTests(TurnCase):
    """Connections that end at a bad moment."""

    def test_lost_before_the_end(self) -> None:
        """A link lost between asking and the end of the turn is told nothing; its punch is kept."""
        self.asks(0)
        self.asks(1, 5)
        self.all[0].link.lost()
        self.end_turn()
        self.assertEqual(len(self.storing), 2)
        for storing in self.storing:
            storing.callback(Kept(1, 0, 0))
        self.assertEqual((self.all[0].wire.events, self.answers(1)), ([], [(5, True)]))
        self.assertEqual(self.fleet.asking, set())

    def test_lost_and_odd(self) -> None:
        """A link lost before its odd message went the common way asks nothing any more."""
        for n, end in enumerate((self.all[0].link.lost, lambda: self.all[1].link.close(1001, "bye"))):
            self.asks(n, n, ODD_TIME)
            self.asks(n, n + 10)
            end()
            self.end_turn()
            self.assertEqual(self.storing, [])
            self.assertEqual(self.answers(n), [])
            self.assertNotIn(self.all[n].link, self.all[n].link._turn.asking)
            self.assertEqual(self.fleet.asking, set())

    def test_closed_before_the_end(self) -> None:
        """A link that we closed meanwhile is acknowledged nothing, though its punch is kept."""
        self.asks(0)
        self.all[0].link.close(1008, "a newer connection of this terminal took over")
        self.end_turn()
        self.storing[0].callback(Kept(1, 0, 0))
        self.assertEqual(self.all[0].wire.events, [("close", 1008)])
        self.assertNotIn(self.all[0].link, self.all[0].link._turn.asking)

    def test_lost_while_kept(self) -> None:
        """A link lost while its punch is being kept is told nothing, and given up in its time."""
        self.asks(0)
        self.end_turn()
        self.all[0].link.lost()
        self.assertEqual(self.fleet.asking, {self.all[0].link})
        self.stand.clock.pump([0.1] * 20)
        self.assertEqual((self.fleet.asking, self.all[0].wire.events), (set(), []))
        self.storing[0].callback(Kept(1, 0, 0))
        self.assertEqual(self.all[0].wire.events, [])
