"""A live terminal: what the session decides is done, and nothing unsafe is ever acknowledged."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, TimeoutError
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway.stand_ins import APPROVED, SN, START, Dialled, Stand
from tfserver.config import Access, Settings, Terminals
from tfserver.errors import StoreError, StoreUnavailable
from tfserver.model import Admission, Registration
from tfserver.store.punches import QuarantineFull
from tfserver.store.shelf import Kept
from tfserver.wire.session import Close, Hold, Note, Resume, Send, State, Tell


class ScriptedSession:
    """A session that says what it was given to say."""

    state = State.REGISTERED
    claimed = SN

    def __init__(self, *tells: Tell) -> None:
        self.tells = list(tells)

    def take_plain(self, payload: bytes) -> None:
        """Nothing goes the short way."""

    def receive(self, payload: bytes, now: float) -> list[Tell]:
        """A frame came."""
        return self.tells

    def tick(self, now: float) -> list[Tell]:
        """Time passed."""
        return []

    def lost(self) -> None:
        """The connection is gone."""


class LinkCase(SynchronousTestCase):
    """A terminal on a link, over a store that agrees to everything."""

    is_plain = False

    def setUp(self) -> None:
        """A terminal that has registered."""
        self.stand = Stand()
        self.terminal = Dialled(self.stand, is_plain=self.is_plain)
        self.wire, self.link = self.terminal.wire, self.terminal.link

    def registered(self) -> None:
        """Register, and forget that it was said."""
        self.terminal.reg()
        self.assertTrue(self.link.is_registered)
        self.wire.events.clear()


class TellsTests(LinkCase):
    """What a session tells is done."""

    def test_in_order(self) -> None:
        """Tells are performed in the order in which they were told."""
        note = Note("stray reply", {"word": "x"})
        tells = (Send(b"one"), note, Hold(), Send(b"two"), Resume(), Send(b"three"), Close(1008, "why"))
        terminal = Dialled(self.stand, session=ScriptedSession(*tells))
        terminal.says(cmd="x")
        self.assertEqual(terminal.wire.events, [b"one", "pause", b"two", "resume", b"three", ("close", 1008)])

    def test_closes_once(self) -> None:
        """A link that is closing is not closed again, and takes nothing more."""
        self.registered()
        self.link.close(1008, "first")
        self.link.close(1001, "second")
        self.terminal.sendlog()
        self.link.tick()
        self.assertEqual(self.wire.events, [("close", 1008)])
        self.assertEqual(self.stand.punches.calls, [])

    def test_requests_in_order(self) -> None:
        """Answers go out in the order of the requests, also when the first takes long."""
        self.registered()
        first: Deferred[Kept] = Deferred()
        self.stand.punches.given["append"] = first
        self.terminal.sendlog(logindex=1)
        self.terminal.says(cmd="heartbeat", sn=SN)
        self.assertEqual(self.wire.messages(), [])
        self.assertIn(self.link, self.link._turn.asking)
        first.callback(Kept(1, 0, 0))
        self.assertEqual([message["ret"] for message in self.wire.messages()], ["sendlog", "heartbeat"])
        self.assertNotIn(self.link, self.link._turn.asking)

    def test_reading_stops_and_goes_on(self) -> None:
        """A terminal that asks faster than it is answered is not read from until it was answered."""
        self.registered()
        first: Deferred[Kept] = Deferred()
        self.stand.punches.given["append"] = first
        self.terminal.sendlog()
        for _ in range(16):
            self.terminal.says(cmd="heartbeat", sn=SN)
        self.assertEqual(self.wire.events, ["pause"])
        first.callback(Kept(1, 0, 0))
        self.assertEqual([event for event in self.wire.events if isinstance(event, str)], ["pause", "resume"])
        self.assertEqual(self.wire.events.index("resume"), 17, "it goes on when the last one is asked")
        self.assertEqual(len(self.wire.messages()), 17)

    def test_thousands_ahead(self) -> None:
        """Thousands of requests sent ahead of an answer are answered in order, not within each other."""
        self.registered()
        first: Deferred[Kept] = Deferred()
        self.stand.punches.given["append"] = first
        self.terminal.sendlog(logindex=1)
        for n in range(3000):
            self.terminal.says(cmd="checklive" if n % 3 else "heartbeat", sn=SN)
        self.assertEqual(self.wire.messages(), [])
        first.callback(Kept(1, 0, 0))
        words = ["checklive" if n % 3 else "heartbeat" for n in range(3000)]
        self.assertEqual([message["ret"] for message in self.wire.messages()], ["sendlog", *words])
        self.assertEqual({message["result"] for message in self.wire.messages()}, {True})
        self.assertNotIn(self.link, self.link._turn.asking)
        self.stand.punches.given["append"] = Kept(1, 0, 0)
        self.terminal.sendlog(logindex=2)
        self.assertEqual(self.terminal.last()["logindex"], 2)

    def test_two_reasons_not_to_read(self) -> None:
        """Reading goes on only when both the session and the socket allow it."""
        self.registered()
        first: Deferred[Kept] = Deferred()
        self.stand.punches.given["append"] = first
        self.terminal.sendlog()
        self.link.pauseProducing()
        for _ in range(16):
            self.terminal.says(cmd="heartbeat", sn=SN)
        first.callback(Kept(1, 0, 0))
        self.assertEqual([event for event in self.wire.events if isinstance(event, str)], ["pause"])
        self.link.resumeProducing()
        self.assertEqual([e for e in self.wire.events if isinstance(e, str)], ["pause", "resume"])

    def test_cloudtime(self) -> None:
        """Answers to reg and sendlog carry the terminal's local time at the moment of the answer."""
        self.terminal.reg()
        self.assertEqual(self.terminal.last()["cloudtime"], f"{START:%Y-%m-%d %H:%M:%S}")
        appending: Deferred[Kept] = Deferred()
        self.stand.punches.given["append"] = appending
        self.terminal.sendlog()
        self.stand.clock.advance(1)
        appending.callback(Kept(1, 0, 0))
        self.assertEqual(self.terminal.last()["cloudtime"], "2026-04-02 08:15:05")


class FailureTests(LinkCase):
    """A request that could not be kept is never acknowledged."""

    def assert_refused(self, word: str) -> None:
        """The last answer refuses, repeats no receipt, and the connection stays and works."""
        answer = self.terminal.last()
        self.assertEqual((answer["ret"], answer["result"]), (word, False))
        self.assertNotIn("logindex", answer)
        self.assertNotIn("cloudtime", answer)
        self.assertEqual(self.wire.closed(), [])
        self.stand.punches.given["append"] = Kept(1, 0, 0)
        self.terminal.sendlog()
        self.assertTrue(self.terminal.last()["result"])

    def test_store_failures(self) -> None:
        """A store that fails, is away, is late or is full makes the answer result:false."""
        self.registered()
        for failure in (
            StoreError("odd"),
            StoreUnavailable("away"),
            TimeoutError(1.5, "late"),
            QuarantineFull("full"),
        ):
            self.stand.punches.given["append"] = failure
            self.terminal.sendlog()
            self.assert_refused("sendlog")
        self.assertEqual(self.stand.count("tfserver_store_failures_total"), 3)
        self.assertEqual(self.stand.count("tfserver_quarantine_full_total"), 1)

    def test_mistake_of_ours(self) -> None:
        """A mistake of ours makes the answer result:false, and is logged."""
        self.registered()
        for mistake in (ValueError("x"), KeyError("x"), ZeroDivisionError(), AssertionError()):
            self.stand.punches.given["append"] = mistake
            self.terminal.sendlog()
            self.assert_refused("sendlog")
        self.assertEqual(len(self.flushLoggedErrors()), 4)

    def test_failures_after_a_wait(self) -> None:
        """What fails only after a handler waited is refused and counted just the same."""
        self.registered()
        for failure in (StoreError("odd"), StoreUnavailable("away"), QuarantineFull("full"), KeyError("x")):
            appending: Deferred[Kept] = Deferred()
            self.stand.punches.given["append"] = appending
            self.terminal.sendlog(logindex=3)
            self.assertIn(self.link, self.link._turn.asking)
            appending.errback(failure)
            self.assertNotIn(self.link, self.link._turn.asking)
            self.assert_refused("sendlog")
        self.assertEqual(self.stand.count("tfserver_store_failures_total"), 2)
        self.assertEqual(self.stand.count("tfserver_quarantine_full_total"), 1)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_mistake_after_a_wait(self) -> None:
        """A mistake of a handler after its wait is refused and logged, and what waited is answered."""
        self.registered()
        appending: Deferred[Any] = Deferred()
        self.stand.punches.given["append"] = appending
        self.terminal.sendlog()
        self.terminal.says(cmd="heartbeat", sn=SN)
        appending.callback("no Kept")
        answers = [(message["ret"], message["result"]) for message in self.wire.messages()]
        self.assertEqual(answers, [("sendlog", False), ("heartbeat", True)])
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)
        self.assertNotIn(self.link, self.link._turn.asking)

    def test_two_waits(self) -> None:
        """A handler may wait several times, and a failure it expects is its own to catch."""
        self.stand = Stand(Settings(terminals=Terminals(timezone="UTC", access=Access.KNOWN)))
        self.terminal = Dialled(self.stand)
        self.terminal.reg()
        for known, access in ((True, 1), (False, 0), (StoreUnavailable("away"), 0)):
            appending: Deferred[Kept] = Deferred()
            looking: Deferred[bool] = Deferred()
            self.stand.punches.given["append"] = appending
            self.stand.users.given["is_known"] = looking
            self.terminal.sendlog()
            appending.callback(Kept(1, 0, 0))
            self.assertIn(self.terminal.link, self.terminal.link._turn.asking)
            looking.errback(known) if isinstance(known, Exception) else looking.callback(known)
            self.assertEqual((self.terminal.last()["result"], self.terminal.last()["access"]), (True, access))

    def test_mistake_in_answering(self) -> None:
        """A mistake of ours in sending an answer after a wait is logged at once and ends the connection."""
        self.registered()
        appending: Deferred[Kept] = Deferred()
        self.stand.punches.given["append"] = appending
        self.terminal.sendlog()
        self.wire.sendMessage = lambda payload, isBinary=False: 1 / 0  # type: ignore[method-assign,assignment]
        appending.callback(Kept(1, 0, 0))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.wire.closed(), [1011])

    def test_users_too(self) -> None:
        """What holds for punches holds for users."""
        self.registered()
        self.stand.users.given["put"] = StoreUnavailable("away")
        self.terminal.says(cmd="senduser", sn=SN, enrollid=17, name="A", backupnum=11, record=123)
        self.assert_refused("senduser")

    def test_reg_says_why(self) -> None:
        """A reg that the store did not answer is refused with words for the terminal's screen."""
        self.stand.terminals.given["register"] = StoreUnavailable("away")
        self.terminal.reg()
        answer = self.terminal.last()
        self.assertEqual((answer["ret"], answer["result"]), ("reg", False))
        self.assertIn("try again", answer["reason"])
        self.assertEqual(self.wire.closed(), [])
        self.assertEqual(self.terminal.watcher.told, ["refused"])
        self.stand.terminals.given["register"] = APPROVED
        self.terminal.reg()
        self.assertTrue(self.terminal.last()["result"])

    def test_clock_that_can_not_be_kept(self) -> None:
        """A clock whose offset was not kept is not set: sendlog and heartbeat are refused."""
        self.registered()
        self.link.context.timeline = ()
        self.stand.terminals.given["set_clock"] = StoreUnavailable("away")
        for word in ("sendlog", "heartbeat", "checklive"):
            self.terminal.says(cmd=word, sn=SN, record=[], count=0)
            self.assertFalse(self.terminal.last()["result"], word)


class SilenceTests(LinkCase):
    """Signs of life."""

    def test_pinged_once(self) -> None:
        """A silent terminal is pinged once after ``ping_seconds``, and again after the next silence."""
        self.registered()
        self.stand.clock.advance(29)
        self.link.tick()
        self.assertEqual(self.wire.events, [])
        self.stand.clock.advance(1)
        self.link.tick()
        self.link.tick()
        self.assertEqual(self.wire.events, ["ping"])
        self.link.heard()
        self.stand.clock.advance(30)
        self.link.tick()
        self.assertEqual(self.wire.events, ["ping", "ping"])

    def test_cut_off(self) -> None:
        """A terminal that stays silent for ``silence_seconds`` after the ping is cut off."""
        self.registered()
        self.stand.clock.advance(30)
        self.link.tick()
        self.stand.clock.advance(59)
        self.link.tick()
        self.assertEqual(self.wire.events, ["ping"])
        self.stand.clock.advance(1)
        self.link.tick()
        self.assertEqual(self.wire.events[-1], "abort")

    def test_every_frame_counts(self) -> None:
        """Pings, pongs and messages of a terminal are all signs of life."""
        self.registered()
        for sign in (self.link.heard, lambda: self.terminal.says(cmd="heartbeat", sn=SN)):
            for _ in range(5):
                self.stand.clock.advance(25)
                sign()
                self.link.tick()
        self.assertNotIn("ping", self.wire.events)

    def test_no_reg(self) -> None:
        """A connection without a reg is closed in time."""
        self.stand.clock.advance(60)
        self.link.heard()
        self.link.tick()
        self.assertEqual(self.wire.closed(), [1008])


class LostTests(LinkCase):
    """Connections that end at a bad moment."""

    def test_while_asking(self) -> None:
        """A connection that ends while punches are being kept does not stop them, and gets no answer."""
        self.registered()
        appending: Deferred[Kept] = Deferred()
        self.stand.punches.given["append"] = appending
        self.terminal.sendlog()
        self.link.lost()
        appending.callback(Kept(1, 0, 0))
        self.assertEqual(self.wire.events, [])
        self.assertEqual(self.terminal.watcher.told, ["registered", "forget"])

    def test_while_registering(self) -> None:
        """A terminal that was admitted after its connection had ended is forgotten at once."""
        registering: Deferred[Registration] = Deferred()
        self.stand.terminals.given["register"] = registering
        self.terminal.reg()
        self.link.lost()
        registering.callback(APPROVED)
        self.assertEqual(self.wire.events, [])
        self.assertEqual(self.terminal.watcher.told, ["forget", "forget"])

    def test_not_admitted(self) -> None:
        """A terminal that waits for approval is told so, keeps its connection, and is not registered."""
        self.stand.terminals.given["register"] = Registration(Admission.PENDING)
        self.terminal.reg()
        self.assertEqual(self.terminal.last()["reason"], "Waiting for approval")
        self.assertFalse(self.link.is_registered)
        self.assertEqual(self.terminal.watcher.told, ["refused"])
        self.terminal.sendlog()
        self.assertFalse(self.terminal.last()["result"])
        self.assertEqual(self.stand.punches.calls, [])


class CountingTests(LinkCase):
    """Metrics."""

    def test_requests(self) -> None:
        """Requests are counted by word and answer, and their time is measured."""
        self.registered()
        self.terminal.sendlog()
        self.stand.punches.given["append"] = StoreUnavailable("away")
        self.terminal.sendlog()
        self.assertEqual(self.stand.count('tfserver_requests_total{result="true",word="reg"}'), 1)
        self.assertEqual(self.stand.count('tfserver_requests_total{result="true",word="sendlog"}'), 1)
        self.assertEqual(self.stand.count('tfserver_requests_total{result="false",word="sendlog"}'), 1)
        self.assertEqual(self.stand.count('tfserver_answer_seconds_count{word="sendlog"}'), 2)

    def test_punches(self) -> None:
        """Punches are counted by what became of them, only when they are acknowledged."""
        self.registered()
        self.stand.punches.given["append"] = Kept(3, 2, 1)
        self.terminal.sendlog()
        self.stand.punches.given["append"] = StoreUnavailable("away")
        self.terminal.sendlog()
        for kind, count in (("new", 3), ("known", 2), ("repeat", 1), ("bad", 0)):
            self.assertEqual(self.stand.count(f'tfserver_punches_total{{kind="{kind}"}}'), count)

    def test_notes(self) -> None:
        """Every oddity is counted, by a name of ours and never by a word of the terminal's."""
        self.registered()
        for word in ("nosuchword", "another", "another"):
            self.terminal.says(cmd=word, sn=SN)
        self.assertEqual(self.stand.count('tfserver_notes_total{what="unknown word"}'), 3)
        self.assertNotIn(b"nosuchword", self.stand.services.metrics.exposition())

    def test_no_serial_numbers(self) -> None:
        """No serial number stands in the metrics."""
        self.registered()
        self.terminal.sendlog()
        self.terminal.says(cmd="sendlog", sn="SOMEONEELSE")
        self.assertNotIn(SN.encode(), self.stand.services.metrics.exposition())
        self.assertNotIn(b"SOMEONEELSE", self.stand.services.metrics.exposition())
