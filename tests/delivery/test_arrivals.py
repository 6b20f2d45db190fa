"""Waking those who wait: at once, everybody, and without asking more often than needed."""

from __future__ import annotations

from unittest import mock

from twisted.internet import task
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.delivery.delivering import DeliveringCase, reactor
from tests.store.connected import until
from tfserver.delivery.arrivals import AGAIN_SECONDS, PACE_SECONDS, Arrivals
from tfserver.errors import ScriptFailed, StoreUnavailable
from tfserver.store import deliveries


class Asked:
    """A store that answers when the test does."""

    def __init__(self) -> None:
        self.questions: list[dict[str, str]] = []
        self.answers: list[Deferred[set[str]]] = []

    async def arrived(self, places: dict[str, str]) -> set[str]:
        """Remember the question."""
        self.questions.append(dict(places))
        self.answers.append(Deferred())
        return await self.answers[-1]


class ArrivalTests(SynchronousTestCase):
    """Several who wait."""

    def setUp(self) -> None:
        self.clock = task.Clock()
        self.store = Asked()
        self.arrivals = Arrivals(self.clock, self.store)
        self.woken: list[str] = []

    def wait(self, name: str, **places: str) -> None:
        """Somebody waits."""
        self.arrivals.watch(lambda: self.woken.append(name), places)

    def test_at_once(self) -> None:
        """Who waits is woken in the moment something arrives, once."""
        self.wait("a", punches="5-0")
        self.assertEqual(self.store.questions, [{"punches": "5-0"}])
        self.store.answers[0].callback({"punches"})
        self.assertEqual(self.woken, ["a"])
        self.clock.advance(1)
        self.assertEqual(len(self.store.questions), 1)

    def test_concerned(self) -> None:
        """Who waits for something else than what arrived is left alone."""
        self.wait("a", news="1-0")
        self.wait("b", punches="7-0", news="1-0")
        self.store.answers[0].callback({"punches"})
        self.assertEqual(self.woken, ["b"])
        self.clock.advance(PACE_SECONDS)
        self.assertEqual(self.store.questions[-1], {"news": "1-0"})
        self.store.answers[-1].callback({"news"})
        self.assertEqual(self.woken, ["b", "a"])

    def test_together(self) -> None:
        """All who wait are woken by one answer, and asked for together the next time."""
        self.wait("a", punches="5-0", news="1-0")
        self.wait("b", punches="7-0")
        self.store.answers[0].callback({"punches"})
        self.assertEqual(self.woken, ["a", "b"])
        self.wait("c", punches="10-0")
        self.wait("d", punches="9-5", news="3-0")
        self.clock.advance(PACE_SECONDS)
        self.assertEqual(self.store.questions[1:], [{"punches": "9-5", "news": "3-0"}])

    def test_pace(self) -> None:
        """A stream that never rests is asked about at a pace."""
        self.wait("a", punches="5-0")
        self.store.answers[0].callback({"punches"})
        self.wait("a", punches="6-0")
        self.clock.advance(PACE_SECONDS / 2)
        self.assertEqual(len(self.store.questions), 1)
        self.clock.advance(PACE_SECONDS / 2)
        self.assertEqual(len(self.store.questions), 2)

    def test_nothing_came(self) -> None:
        """When nothing came the question is asked again, and nobody is woken."""
        self.wait("a", punches="5-0")
        self.store.answers[0].callback(set())
        self.clock.advance(PACE_SECONDS)
        self.assertEqual((self.woken, len(self.store.questions)), ([], 2))

    def test_behind_the_question(self) -> None:
        """Who comes with an earlier place than is asked about looks once more by himself."""
        self.wait("a", punches="5-0")
        self.wait("b", punches="4-0")
        self.clock.advance(PACE_SECONDS)
        self.assertEqual(self.woken, ["b"])

    def test_other_stream(self) -> None:
        """So does who waits for what is not asked about by a place; the next of that place just waits."""
        self.wait("a", punches="5-0")
        self.wait("b", news="4-0")
        self.wait("c", news="4-0")
        self.clock.advance(PACE_SECONDS)
        self.assertEqual(self.woken, ["b"])
        self.wait("b", news="4-0")
        self.clock.advance(PACE_SECONDS)
        self.assertEqual(self.woken, ["b"])
        self.store.answers[0].callback({"punches", "news"})
        self.assertEqual(self.woken, ["b", "a", "c", "b"])

    def test_forgotten(self) -> None:
        """Who waits no more is not woken, and without anybody nothing is asked."""

        def woken() -> None:
            self.woken.append("a")

        self.arrivals.watch(woken, {"punches": "5-0"})
        self.arrivals.forget(woken)
        self.store.answers[0].callback({"punches"})
        self.clock.advance(1)
        self.assertEqual((self.woken, len(self.store.questions)), ([], 1))

    def test_failures(self) -> None:
        """While the store is away, or refuses, it is asked again after a while."""
        self.wait("a", punches="5-0")
        for count, failure in enumerate((StoreUnavailable("away"), ScriptFailed("odd")), 1):
            self.store.answers[-1].errback(failure)
            self.clock.advance(AGAIN_SECONDS)
            self.clock.advance(PACE_SECONDS)
            self.assertEqual(len(self.store.questions), count + 1)
        self.assertEqual(len(self.flushLoggedErrors(ScriptFailed)), 1)
        self.store.answers[-1].callback({"punches"})
        self.assertEqual(self.woken, ["a"])

    def test_stop(self) -> None:
        """After the end nobody is woken, and nothing is left in the reactor."""
        self.wait("a", punches="5-0")
        self.arrivals.stop()
        self.assertEqual((self.woken, self.clock.getDelayedCalls()), ([], []))


class RealTests(DeliveringCase):
    """The question to a real store."""

    async def test_both_streams(self) -> None:
        """Punches are told as well as events, and only what is behind a place."""
        await self.begin()
        await self.punch(1)
        await self.event("up")
        place = (await self.feed.page("0-0", 1))[0][0]
        [(event, _)], _ = await self.deliveries("one").news("0-0", 1)
        arrivals = Arrivals(reactor, self.deliveries("one"))
        self.addCleanup(arrivals.stop)
        woken: list[str] = []
        arrivals.watch(lambda: woken.append("punch"), {"punches": place})
        await self.punch(2)
        await until(lambda: woken == ["punch"], "the punch was told")
        arrivals.watch(lambda: woken.append("event"), {"news": event})
        await self.event("down")
        await until(lambda: woken == ["punch", "event"], "the event was told")

    async def test_nothing_comes(self) -> None:
        """A question ends by itself, with nothing."""
        await self.begin()
        store = self.deliveries("one")

        async def ended() -> bool:
            try:
                self.assertFalse(await store.arrived({"punches": "0-0"}))
            except StoreUnavailable:
                return False
            return True

        with mock.patch.object(deliveries, "WAIT_SECONDS", 0.05):
            await until(ended, "the connection is there, and the question ended")

    async def test_store_away(self) -> None:
        """After the store was away what arrives is told again."""
        await self.begin()
        arrivals = Arrivals(reactor, self.deliveries("one"))
        self.addCleanup(arrivals.stop)
        woken: list[str] = []
        arrivals.watch(lambda: woken.append("a"), {"punches": "0-0"})
        self.store.kill()
        await until(lambda: not self.client.ready, "it is noticed")
        self.store.start()
        await self.back(self.client)
        await self.punch(1)
        await until(lambda: woken == ["a"], "it was told")
