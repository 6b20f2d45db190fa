"""The store's time, known from answers that came anyway."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway.stand_ins import Face
from tfserver.errors import StoreUnavailable
from tfserver.store.storetime import KNOWN_SECONDS, StoreTime

STORE_MS = 1_775_000_000_000


class StoreTimeTests(SynchronousTestCase):
    """A store whose time is its own."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(7.25)
        self.client = Face(read=lambda _: self.now())
        face: Any = self.client
        self.time = StoreTime(face, self.clock.seconds)
        self.set_by_ms = 0

    def now_ms(self) -> int:
        """The store's time."""
        return STORE_MS + round((self.clock.seconds() - 7.25) * 1000) + self.set_by_ms

    def now(self) -> list[str]:
        """The same, as the store tells it."""
        return [str(self.now_ms() // 1000), str(self.now_ms() % 1000 * 1000)]

    def until(self, seconds: float = 5.0) -> int:
        """When these seconds are over."""
        return self.successResultOf(Deferred.fromCoroutine(self.time.until(seconds)))

    def reads(self) -> int:
        """How often the store was asked."""
        return len(self.client.calls)

    def test_asked(self) -> None:
        """Where nothing is known the store is asked."""
        self.assertEqual(self.until(), self.now_ms() + 5000)
        self.assertEqual(self.client.asked("read"), [("TIME",)])

    def test_known(self) -> None:
        """What an answer told counts for a while, and goes on meanwhile; then the store is asked again."""
        self.time.heard(self.now_ms())
        for _ in range(3):
            self.clock.advance(KNOWN_SECONDS / 4)
            self.assertEqual(self.until(), self.now_ms() + 5000)
        self.assertEqual(self.reads(), 0)
        self.clock.advance(KNOWN_SECONDS / 4)
        self.assertEqual(self.until(), self.now_ms() + 5000)
        self.assertEqual(self.reads(), 1)

    def test_asking_takes_long(self) -> None:
        """The seconds begin with the call: what asking took is no gift, on neither way."""
        answer: Deferred[list[str]] = Deferred()
        self.client.given["read"] = answer
        asking = Deferred.fromCoroutine(self.time.until(5.0))
        began_ms = self.now_ms()
        self.clock.advance(2)
        told = self.now()
        self.clock.advance(3)
        answer.callback(told)
        self.assertEqual(self.successResultOf(asking), began_ms + 5000 - 3000)

    def test_never_ahead(self) -> None:
        """An answer that took long makes no time later than that of a quick one."""
        self.time.heard(self.now_ms())
        self.time.heard(self.now_ms() - 400)
        self.assertEqual(self.until(), self.now_ms() + 5000)
        self.time.heard(self.now_ms() + 1)
        self.assertEqual(self.until(), self.now_ms() + 5001)

    def test_set_back(self) -> None:
        """A store whose clock is set back is believed when what was known counts no longer."""
        self.time.heard(self.now_ms())
        self.set_by_ms = -3_600_000
        for _ in range(3):
            self.clock.advance(KNOWN_SECONDS / 2)
            self.time.heard(self.now_ms())
        self.assertEqual(self.until(), self.now_ms() + 5000)

    def test_away(self) -> None:
        """A store that is away is told, and asked again."""
        self.client.given["read"] = StoreUnavailable("away")
        for reads in (1, 2):
            self.failureResultOf(Deferred.fromCoroutine(self.time.until(5.0)), StoreUnavailable)
            self.assertEqual(self.reads(), reads)
